/*
 * The engine: core and wire joined, still without I/O. Commands of the core go to the wire, events
 * of the wire and due timers go to the core, until nothing is left to do; what remains are HTTP
 * requests, webhook answers and log lines for a driver. `serve` drives it with sockets, `ivory
 * test` with the exchange's machine.
 */
#ifndef IVORY_HOST_ENGINE_H
#define IVORY_HOST_ENGINE_H

#include "core/core.h"
#include "graph/wire.h"

struct engine;
struct values;

enum engine_action_kind { ENGINE_SEND, ENGINE_ABORT, ENGINE_ANSWER, ENGINE_PARCEL, ENGINE_LOG };

struct engine_action {
    enum engine_action_kind kind;
    uint64_t id;
    int64_t deadline;
    struct http_message message;
    const char *level;
    char key[KEY_MAX]; /* LOG: the call it is about, may be empty; */
    char flow[64];     /* its flow,                                */
    char bundle[16];   /* and the beginning of its bundle's id     */
    char *text;
    struct wire_parcel *parcel; /* PARCEL: part of webhook `id`, for the engine of that shard */
};

/* The journal, as the engine sees it: what is about to be handled and what was issued is written
 * down, in order. `event` and `command` return a position, which is safe once committed() has
 * reached it; 0: nothing was written. Answers to webhooks, and commands that must not be carried
 * out twice, wait for what led to them (gate.h); everything else goes on. */
struct engine_record {
    uint64_t (*event)(void *arg, const struct event *ev);
    uint64_t (*command)(void *arg, const struct command *c);
    /* A value of the flows' store (`text` NULL: it is removed), in one with the answer event. */
    uint64_t (*value)(void *arg, const struct event *answer, const char *name, const char *text);
    /* The committed value; ERR_NOTFOUND. */
    int (*get_value)(void *arg, const char *name, void **p, size_t *n, struct error *e);
    uint64_t (*committed)(void *arg);
    int (*health)(void *arg); /* not 0: no new calls now */
    void *arg;
};

struct engine_config {
    struct core_config core;
    struct wire_config wire;
    /* Called with every event before its turn and with every command after it, in order: traces. */
    void (*event)(void *arg, const struct event *ev);
    void (*command)(void *arg, const struct command *c);
    void *trace_arg;
    const struct engine_record *record; /* NULL: no journal, nothing waits; outlives the engine */
    struct values *values; /* shared with other engines; NULL: its own. Outlives the engine */
    /* Optional: the flow of an incoming call, whatever the routes say; NULL: as the routes say. */
    const char *(*route)(void *arg, const struct event *start);
    void *route_arg;
    /* Optional, with `trace_arg`: after each turn; the id of the bundle a new call gets (NULL: the
     * one in use); whether an incoming call is turned away as busy. */
    void (*turned)(void *arg);
    const char *(*choose)(void *arg, const struct event *start);
    bool (*busy)(void *arg, const struct event *start);
};

int engine_new(struct engine **out, const struct engine_config *cfg, struct error *e);
void engine_free(struct engine *en);
struct core *engine_core(struct engine *en);
struct wire *engine_wire(struct engine *en);

/* What comes in; each runs turns until all is quiet, or leaves the rest to the next tick when there
 * is very much of it. ERR_NOMEM: what came in may be lost (answer a webhook with 503), but what it
 * led to is kept and gone on with at the next tick. */
int engine_webhook(struct engine *en, uint64_t id, const char *path_key, const char *authorization,
                   const char *body, size_t n, int64_t now);
/* A part of a webhook that another engine received; taken over. */
int engine_parcel(struct engine *en, uint64_t id, struct wire_parcel *p, int64_t now);
int engine_response(struct engine *en, uint64_t id, const struct http_message *m, int64_t now);
/* `create` is moved. */
int engine_dial(struct engine *en, const char *flow, cJSON *create, int64_t now, char key[KEY_MAX]);
/* Something from outside the service, for the flow's machine: "hangup" ends the call. ERR_NOTFOUND:
 * no such call. */
int engine_signal(struct engine *en, const char *key, const char *name, int64_t now);
int engine_tick(struct engine *en, int64_t now);
/* The journal has committed something: what waited for it goes out. */
int engine_committed(struct engine *en, int64_t now);
int64_t engine_next_deadline(const struct engine *en);

bool engine_next(struct engine *en, struct engine_action *out);
void engine_action_fini(struct engine_action *a);

/* Whether a second sending of `c` would act twice. */
bool engine_must_not_repeat(const struct command *c);

#endif
