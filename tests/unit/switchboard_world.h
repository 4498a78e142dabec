/*
 * A switchboard with a bot and phones around it, in virtual time: notifications are taken with 202,
 * prompts named ".../<ms>.wav" last that long, everything that happens is kept as text.
 */
#ifndef IVORY_TESTS_SWITCHBOARD_WORLD_H
#define IVORY_TESTS_SWITCHBOARD_WORLD_H

#include "base/buf.h"
#include "exchange/switchboard.h"

struct world {
    struct switchboard *s;
    int64_t now;
    struct buf said;      /* "key=value" lines of all actions, since world_forget */
    struct buf told;      /* bodies of notifications, one a line                  */
    cJSON *answer;        /* body of the last answer, or NULL                     */
    char location[512];   /* Location of the last answer                          */
    char retry_after[32]; /* Retry-After of the last answer                       */
    char call[ID_MAX];    /* id of the last call that a notification or create named */
    char ring[ID_MAX];    /* line of the last SWITCH_RING                         */
    int bot;              /* status with which notifications are answered; 0 = not reached */
    bool deaf;            /* notifications are left unanswered                    */
    char held[8][16];
    int notifications;
    int fetches;
};

#define WORLD_CALL  "/v1.0/communications/calls/%"
#define WORLD_BETA  "/beta/communications/calls/%"
#define WORLD_CALLS "/v1.0/communications/calls"
#define WORLD_SERVICE                                                                              \
    "\"mediaConfig\":{\"@odata.type\":\"#microsoft.graph.serviceHostedMediaConfig\"}"
/* A prompt of so many ms, and one with a resource id. */
#define WORLD_PROMPT(ms)                                                                           \
    "{\"@odata.type\":\"#microsoft.graph.mediaPrompt\",\"mediaInfo\":{\"uri\":"                    \
    "\"http://127.0.0.1/" #ms ".wav\"}}"
#define WORLD_RESOURCE(name, id)                                                                   \
    "{\"@odata.type\":\"#microsoft.graph.mediaPrompt\",\"mediaInfo\":{\"uri\":"                    \
    "\"http://127.0.0.1/" name "\",\"resourceId\":\"" id "\"}}"
/* A party, as a target. */
#define WORLD_PHONE(number) "{\"identity\":{\"phone\":{\"id\":\"" number "\"}}}"
#define WORLD_USER(id)      "{\"identity\":{\"user\":{\"id\":\"" id "\"}}}"

#define WORLD_START INT64_C(1800000000000)

int world_open(struct world *w, const struct switchboard_faults *faults);
void world_close(struct world *w);
void world_drain(struct world *w);
/* Let `ms` pass, with all that happens meanwhile. */
void world_pass(struct world *w, int64_t ms);
void world_forget(struct world *w);

/* A request with a bearer token; "%" in `path` stands for the last call's id. Returns the status,
 * 0 when memory failed. */
int world_request(struct world *w, const char *verb, const char *path, const char *body);
int world_request_as(struct world *w, const char *token, const char *verb, const char *path,
                     const char *body);

/* A call from a phone, answered and established. Its line. */
void world_call(struct world *w, char line[ID_MAX]);
/* The bot joins a meeting. */
void world_join(struct world *w, const char *meeting, const char *options);

/* POST create to `targets` (JSON objects in a list); the status. */
int world_create(struct world *w, const char *version, const char *targets, const char *more);

/* How often `part` occurs in `text`. */
int world_count(const char *text, const char *part);
const char *world_said(const struct world *w);
const char *world_told(const struct world *w);

#endif
