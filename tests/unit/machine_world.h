/*
 * A machine with small flows in a temporary folder, fed with events written as JSON, and, when
 * wanted, a service that answers every command at once the way the documentation says.
 */
#ifndef IVORY_TESTS_UNIT_MACHINE_WORLD_H
#define IVORY_TESTS_UNIT_MACHINE_WORLD_H

#include "base/buf.h"
#include "core/core.h"

#define WORLD_KEY "0123456789abcdef0123456789abcdef"

/* Events. */
#define ANSWERED(seq) "{\"kind\":\"answer\",\"seq\":" #seq ",\"status\":202}"
#define STATE(s)      "{\"kind\":\"call\",\"change\":\"updated\",\"data\":{\"state\":\"" s "\"}}"
#define ESTABLISHED                                                                                \
    "{\"kind\":\"call\",\"change\":\"updated\",\"data\":{\"state\":\"established\","               \
    "\"mediaState\":"                                                                              \
    "{\"audio\":\"active\"}}}"
#define DELETED                                                                                    \
    "{\"kind\":\"call\",\"change\":\"deleted\",\"data\":{\"resultInfo\":{\"code\":200,"            \
    "\"subcode\":5001}}}"
#define TONE(n, s) "{\"kind\":\"tone\",\"data\":{\"tone\":\"tone" #n "\",\"sequenceId\":" #s "}}"
#define RUNNING(seq, op)                                                                           \
    "{\"kind\":\"answer\",\"seq\":" #seq ",\"status\":200,\"id\":\"" op "\",\"data\":{\"status\":" \
    "\"running\"}}"
#define OP_END(op, more)                                                                           \
    "{\"kind\":\"operation\",\"change\":\"deleted\",\"id\":\"" op "\",\"data\":{\"status\":"       \
    "\"completed\"" more "}}"

struct flow_world {
    char folder[64];
    struct bundle *bundle;
    struct core *core;
    int64_t now;
    struct command_list out; /* of the last event       */
    struct buf text;         /* commands so far, a line each */
    struct buf logs;         /* texts of log commands   */
    struct event_list queue; /* what the service will say */
    bool ended;              /* an end command was seen */
    bool serves;             /* the service answers     */
    int stream;              /* operations made so far  */
    uint64_t hangup_at;      /* hang up after so many waits, 0 = never */
    bool hung_up;
    uint64_t chaos;            /* a seed: the service loses, repeats and reorders what it says */
    struct buf record;         /* every event, a line each */
    struct event continued;    /* the start that the last "continue" command makes,  */
    size_t record_at, text_at; /* what was in `record` and in `text` by then         */
};

/* `flow` becomes flows/main.lua. With limits from `l` (NULL: the defaults). */
void flow_init(struct flow_world *w, const char *flow, const struct limits *l);
void flow_fini(struct flow_world *w);

/* The configuration of its machine, for another one. */
struct core_config flow_config(const struct limits *l);

/* Write a file of the flows folder and take the folder as a new bundle. */
void flow_file(struct flow_world *w, const char *name, const char *text);

/* Give an event; key and time are filled in. */
int flow_give(struct flow_world *w, const char *json);
/* The start of an incoming call. */
int flow_start(struct flow_world *w);
/* Let `ms` pass, with all that is due and all that the service says. */
void flow_pass(struct flow_world *w, int64_t ms);
/* The commands since the last take; valid until the next. */
const char *flow_take(struct flow_world *w);

/* What flows logged so far; "" when nothing. */
const char *flow_logs(const struct flow_world *w);

#endif
