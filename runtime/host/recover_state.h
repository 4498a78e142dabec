/*
 * The inside of recovery, shared by recover.c, recover_order.c, recover_replay.c and
 * recover_doubt.c.
 */
#ifndef IVORY_HOST_RECOVER_STATE_H
#define IVORY_HOST_RECOVER_STATE_H

#include "base/heap.h"
#include "host/difference.h"
#include "host/engine_state.h"
#include "host/recover.h"

enum {
    RECOVERY_LATER_MS = 1000,
    RECOVERY_GONE_MS = 3000,
    RECOVERY_AT_ONCE = 32,
    RECOVERY_FAILURES = 2, /* so many of its own, and a call is not tried again */
    LEGS_MAX = 1000
};

/* A leg as the journal tells of it, and what the service said when it was asked now. */
struct past_leg {
    bool told;    /* the journal names it                      */
    bool deleted; /* and its end                               */
    char id[ID_MAX], spelled[ID_MAX];
    bool asked, answered;
    int status; /* of the answer; 0: none */
    cJSON *resource;
};

/* A call under recovery. */
struct patient {
    struct list link; /* in recovery->lists */
    char key[KEY_MAX], tenant[ID_MAX];
    bool suspect;      /* the process ended while it was taken up, among others or alone */
    int failed;        /* how often it did while it was alone                            */
    bool alone;        /* it is being taken up, and no other                             */
    bool unreadable;   /* its beginning is                                               */
    uint64_t position; /* NOTED: in the journal, of the note             */
    int64_t until;     /* NOTED: not waited for longer. GONE: its reason is awaited so long */
    bool begun, incoming, fallback;
    bool stray;    /* it is in no journal                       */
    bool rejoined; /* another call is in its meeting in its place */
    unsigned legs_asked;
    struct list last; /* letters: what we found out ourselves about its end */
    struct past_leg *legs;
    int nlegs;
    struct event start;
    struct command_list issued; /* methods and requests that were recorded            */
    struct command_list extra;  /* commands beyond the end of the journal */
};

/* A command of which it is not known what became. */
struct doubt {
    struct heap_entry at;
    struct list link;
    struct command command;
    bool running; /* it was answered; its operation's end was perhaps missed */
    bool asked;
    int64_t until; /* create: looked for so long */
    char op_id[ID_MAX];
    char state[32]; /* of its leg, as the service said; "" = not known, "gone" */
};

enum question_kind { ASK_LEG, ASK_OPERATIONS, ASK_OPERATION, ASK_EVIDENCE, ASK_NOTHING };

struct question {
    enum question_kind kind;
    struct patient *patient; /* ASK_LEG */
    struct doubt *doubt;     /* the others */
    int leg;
};

/* Where a patient is; each list in the order in which its patients leave it. */
enum recovery_list {
    RECOVERY_WAITING,
    RECOVERY_SUSPECT, /* a process ended while it was taken up: later, and alone             */
    RECOVERY_NOTED,   /* the journal is told that it is taken up, so that a crash counts     */
    RECOVERY_ASKED,   /* the service is                                                      */
    RECOVERY_LATER,   /* there was no memory for it                                          */
    RECOVERY_GONE,    /* the service does not have it any more, but may still tell why       */
    RECOVERY_LISTS
};

struct recovery {
    struct recovery_config cfg;
    struct engine *engine;
    struct list lists[RECOVERY_LISTS];
    size_t left, noted, active;
    struct list doubts;
    struct heap timers;   /* of doubts */
    struct map fresh;     /* calls that went on just now → when, for recovery_takes */
    struct map claimed;   /* calls in whose place others were begun */
    struct map questions; /* seq → struct question */
    uint32_t next_seq;
    int64_t began;
    size_t total, fallbacks;
    uint64_t position; /* in the journal, of the last success                                  */
    int64_t say_until; /* all are done: said when that is committed, or then; 0: nothing to say */
    struct difference *difference; /* where past_replay says how a call went another way; or NULL */
    bool running;                  /* patients are being moved */
    bool only;                     /* there was one call in the journal                    */
    int64_t blocked;               /* until then another engine has the floor; 0: not so   */
    struct recovery_floor *floor, own; /* `own`: when the configuration has none        */
    bool rebuilds;                     /* engine_rebuild: calls that are there are built anew */
};

/* --- recover_evidence.c */
enum verdict { VERDICT_OPEN, VERDICT_DONE, VERDICT_NOT_DONE };
struct evidence {
    const char *method;
    bool operation;  /* its operation may be in the list of operations      */
    const char *ask; /* else this method's answer tells; NULL: nothing does */
    /* `body`: what the answer would have said, for VERDICT_DONE; to be freed. */
    enum verdict (*judge)(const struct command *c, const cJSON *answer, cJSON **body);
};
/* NULL: there is none. */
const struct evidence *evidence_of(const struct command *c);
/* The operation of `c` in the answer to listOperations, or NULL. */
const cJSON *evidence_operation(const struct command *c, const cJSON *answer);

/* --- recover.c */
/* NULL: no memory. */
struct recovery *recovery_new(struct engine *en, const struct recovery_config *cfg);
void patient_free(struct patient *p);
/* Take `p` up: build it, or give its flow up; ask the service about its legs. ERR_NOMEM: nothing
 * was begun, later perhaps. */
int patient_begin(struct recovery *r, struct patient *p, int64_t now);
/* It goes on, with its flow or without. Frees it, but for ERR_NOMEM: later perhaps. */
int patient_finish(struct recovery *r, struct patient *p, int64_t now);
void recovery_open_letter(struct recovery *r, struct letter *l, int64_t now);

/* --- recover_fallback.c */
/* The fallback takes `p` over. ERR_NOMEM: it does not. */
int patient_without_flow(struct recovery *r, struct patient *p, int64_t now);

/* --- recover_order.c */
/* What the journal says of earlier recoveries of a call. */
void patient_read_attempts(struct patient *p, int attempts);
/* No call is being taken up any more; those that were are freed. */
void recovery_leave(struct recovery *r);
/* `p`, of which the journal told, waits for its turn. */
void recovery_enter(struct recovery *r, struct patient *p);

/* --- recover_replay.c */
/* Read what the journal has of `p` into it (start, legs), without the core. ERR_INVALID, ERR_IO;
 * `*lost`: entries are missing or the flow was given up before. */
int past_read(struct recovery *r, struct patient *p, bool *lost, struct error *e);
/* Build the call in the core. ERR_CONFLICT: it does not repeat what it did; `e` names both places.
 * Anything else: it cannot be built. */
int past_replay(struct recovery *r, struct patient *p, struct error *e);

/* --- recover_doubt.c */
/* What became of the commands of `p`, which goes on now? */
void doubts_begin(struct recovery *r, struct patient *p, int64_t now);
void doubts_tick(struct recovery *r, int64_t now);
void doubt_answered(struct recovery *r, struct question *q, const struct event *ev, int64_t now);
void doubt_free(struct recovery *r, struct doubt *d);

/* --- recover_rejoin.c */
/* `p` was listed: it may have been begun in place of another. ERR_NOMEM. */
int recovery_claims(struct recovery *r, const struct event *start);
/* The service does not have `p` any more. When it was in a meeting, and its flow wants to be there
 * again, begin a call that is. */
void recovery_rejoin(struct recovery *r, struct patient *p, int64_t now);

/* --- recover.c */
/* Give the call of `ev` (consumed) an event of ours. */
void recovery_give(struct recovery *r, struct event *ev, int64_t now);
/* A signal, with the key `as` of another call, which may be NULL. */
void recovery_signal(struct recovery *r, const struct patient *p, const char *name, const char *as,
                     int64_t now);
/* Ask the service: method `m` about that leg (args and ids NULL or {"operation":id}). */
int recovery_ask(struct recovery *r, const struct question *q, const char *key, const char *method,
                 cJSON *ids, int64_t now);
void recovery_log(struct recovery *r, const char *level, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
