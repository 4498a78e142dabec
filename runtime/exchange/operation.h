/*
 * Operations of a call (reference §2.6): what an asynchronous method answers with and a `deleted`
 * notification ends. A leg owns its operations; ended ones stay readable until the call ends, the
 * oldest give way when there are 1,000.
 */
#ifndef IVORY_EXCHANGE_OPERATION_H
#define IVORY_EXCHANGE_OPERATION_H

#include "exchange/board.h"

#include <cjson/cJSON.h>

struct leg;
struct clip;

enum operation_status { OPERATION_RUNNING, OPERATION_COMPLETED, OPERATION_FAILED };

struct prompt {
    char *uri, *resource;
};

/* What recordResponse listens with. */
struct take {
    int64_t initial_ms, silence_ms, longest_ms;
    bool beep;
    char stop[17]; /* keys that end it                        */
    int64_t began; /* when listening began                    */
    bool listening;
    int64_t speech_end; /* of what was heard so far; 0 = nothing   */
    int16_t *samples;   /* from `began` on, 16 kHz                 */
    size_t n, cap;
};

struct operation {
    struct list link;   /* in leg.operations              */
    struct list queued; /* in leg.media.queue, play and record only */
    struct leg *leg;
    char id[BOARD_GUID];
    const char *type; /* "playPromptOperation", of the method table */
    enum operation_status status;
    char *context;
    char *extra; /* more members of its JSON, each with a comma before; NULL: none */
    int code, subcode;
    char *message; /* of resultInfo; NULL: there is none */
    bool early;    /* its end goes before its answer (a fault) */
    struct board_timer timer;
    /* playPrompt, recordResponse */
    struct prompt *prompts;
    size_t nprompts, at;
    bool loop;
    struct take *take; /* recordResponse */
    /* sendDtmfTones */
    char *keys;
    int64_t gap_ms;
    /* invite */
    unsigned invited, joined;
};

/* A new running operation; clientContext from `args` (may be NULL). NULL: memory is out. */
struct operation *operation_new(struct switchboard *s, struct leg *leg, const char *type,
                                const cJSON *args);
struct operation *operation_find(const struct leg *leg, const char *id);

/* Add a member to its JSON: `value` is JSON. */
void operation_extra(struct switchboard *s, struct operation *op, const char *name,
                     const char *value);

/* End it and notify. `message` NULL: no resultInfo. */
void operation_end(struct switchboard *s, struct operation *op, enum operation_status status,
                   int code, int subcode, const char *message, int64_t now);

/* It is done as it is answered: no notification. */
void operation_done(struct operation *op);

/* Complete it soon (or now, when it is early), for operations that are done as they begin. */
void operation_complete_soon(struct switchboard *s, struct operation *op, int64_t now);

void operation_text(struct buf *b, const struct operation *op);
void operation_free(struct switchboard *s, struct operation *op);

#endif
