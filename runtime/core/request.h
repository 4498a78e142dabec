/*
 * A request: one command that gets an answer, from its issue to its end. It ends exactly once:
 * by its answer, by the end of its operation (which may overtake the answer: matched by operation
 * id first, clientContext second), by the state it aims at, or with its leg.
 *
 * Play and record share the leg's media lane: one submitted at a time, the rest queue here, in
 * order, because the service can only cancel all it has.
 *
 * Requests belong to the call. They are freed at the end of a turn once they have ended, no fiber
 * waits for them and no Lua object names them.
 */
#ifndef IVORY_CORE_REQUEST_H
#define IVORY_CORE_REQUEST_H

#include "core/event.h"
#include "core/fiber.h"

enum request_completes { REQUEST_ANSWER, REQUEST_OPERATION, REQUEST_STATE };
enum request_goal { GOAL_NONE, GOAL_ESTABLISHED, GOAL_TRANSFERRED, GOAL_ENDED };

struct request_spec {
    const char *method; /* static; NULL = an HTTP request of the flow */
    enum request_completes completes;
    enum request_goal goal;
    bool media;       /* goes through the lane      */
    bool own_context; /* add a clientContext if none */
    bool preempt;     /* media: cancel what runs, go to the head of the queue */
    bool outlives;    /* goes on when its leg has ended */
    bool lingers;     /* its end may be told after the end of its leg: it waits for that a little */
    bool store;       /* without method: asks the flows' store, not HTTP */
    const void *about; /* the bindings' own */
};

struct request {
    struct list link;      /* call->requests      */
    struct list lane_link; /* leg->queue          */
    struct call *call;
    struct leg *leg;
    struct request_spec spec;
    uint32_t seq; /* 0 until submitted   */
    char fiber[FIBER_PATH_MAX];
    char where[WHERE_MAX];
    cJSON *ids, *args; /* until submitted     */
    char *context;
    char op_id[ID_MAX];
    bool answered, done, failed, cancelled;
    int status;
    cJSON *body;   /* of the answer; an operation's later notifications are merged in */
    char code[64]; /* failed: why         */
    int subcode;
    char *message;
    struct timer bound; /* when nothing more is heard */
    uint32_t stop;      /* the command that tells the service to stop it; 0 = none */
    struct named named; /* by Lua objects */
};

/* Make a request on `leg` and submit or queue it. `ids` and `args` are taken over in any case.
 * `f` NULL = the machine itself asks. ERR_NOMEM; ERR_LIMIT: the flow has limits.requests HTTP
 * requests pending, or as many methods as fibers could wait for (limits.fibers). */
int request_new(struct request **out, struct leg *leg, const struct request_spec *spec,
                struct fiber *f, const char *where, cJSON *ids, cJSON *args);
void request_free(struct request *r);
void requests_sweep(struct call *call);

/* Nobody waits for it any more. Play and record are cancelled at the service (and end within a
 * bound), an HTTP request is forgotten, the rest goes on unheard. True: it is still to end. */
bool request_cancel(struct request *r);

/* Events. */
int request_answered(struct call *call, const struct event *ev);
int request_operation(struct leg *leg, const struct event *ev);

/* The leg's state moved: end what aimed at it. */
void requests_state(struct leg *leg);
/* The leg is over: end everything on it. */
void requests_leg_ended(struct leg *leg);

/* End `r`; what its body says decides in the bindings whether that was a success. */
void request_finish(struct request *r);
/* End `r` as failed. */
void request_fail(struct request *r, const char *code, int status, int subcode,
                  const char *message);

#endif
