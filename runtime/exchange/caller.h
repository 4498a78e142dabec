/*
 * Scripted callers: Lua scripts (docs/lua-api.md "Tests") that play the people on the phones of a
 * switchboard. The scripts run in a lua_State of their own, which has nothing to do with the cells
 * of flows; each is a coroutine that waits for what a phone sees or for a time. This part knows the
 * switchboard and a world of function pointers: in `ivory test` the world's clock is virtual and it
 * can answer for the runtime too; an exchange in real time can run the same scripts. No I/O but
 * reading test files. One thread.
 */
#ifndef IVORY_EXCHANGE_CALLER_H
#define IVORY_EXCHANGE_CALLER_H

#include "exchange/switchboard.h"

#include <lua.h>

struct caller;

/* The surroundings of a run. Optional members may be NULL: what needs them fails in the script. */
struct caller_world {
    struct switchboard *switchboard;
    void *arg;
    int64_t (*now)(void *arg); /* ms since the epoch, UTC */
    /* Optional. Set the clock; false when it is too late for that. */
    bool (*set_clock)(void *arg, int64_t at);
    /* A phone calls; `flow` (may be NULL) overrides the routes. */
    int (*dial)(void *arg, const char *from, const char *to, const char *flow, char line[ID_MAX],
                struct error *e);
    /* Optional. The runtime places a call, as `ivory dial` does. */
    int (*outgoing)(void *arg, const char *flow, const char *target, char key[KEY_MAX],
                    struct error *e);
    /* Optional. Answer HTTP requests of flows: {"method","url","status","headers","json","body",
     * "delay"}. Moves `mock`. */
    int (*mock)(void *arg, cJSON *mock, struct error *e);
    /* Optional. A new array of {"method","url","headers","body","json"}; `pattern` may be NULL. */
    cJSON *(*requests)(void *arg, const char *pattern);
    /* Optional. Whether the log holds `text`. */
    bool (*logged)(void *arg, const char *text);
    bool loses_meetings; /* said by the script: with the runtime, its calls in meetings are lost */
    bool crashes; /* the runtime will be interrupted, which counts as a fault               */
    struct switchboard_faults faults; /* in force besides those of the script                */
    int64_t patience_ms;              /* added to every wait of a script, when faults delay  */
};

/* Source text of the Lua half, stdlib/ivr/test.lua. */
struct caller_config {
    const char *source;
    size_t n;
};

int caller_new(struct caller **out, const struct caller_config *cfg, struct error *e);
void caller_free(struct caller *c);

/* Load a test file: its tests are added. `require` in it finds other Lua files below `folder`.
 * ERR_IO, ERR_SCRIPT with file and line. */
int caller_load(struct caller *c, const char *folder, const char *path, struct error *e);

/* Tests loaded so far, in order; name, file and line of test `i` stay valid as long as `c`. */
size_t caller_tests(const struct caller *c);
const char *caller_test_name(const struct caller *c, size_t i);
const char *caller_test_place(const struct caller *c, size_t i); /* "tests/menu_test.lua:12" */

/* Begin test `i` in `w`, which must stay until the next begin or the end of `c`. Forgets the one
 * before. */
int caller_begin(struct caller *c, size_t i, struct caller_world *w, struct error *e);

/* Tell the scripts what a phone sees: any action of the switchboard that has a line. */
int caller_happened(struct caller *c, const struct switchboard_action *a);

/* Run every script that has something to do now. Returns how many have not ended, or ERR_NOMEM;
 * `*next` = the earliest time that one of them waits for, INT64_MAX when there is none. */
int caller_run(struct caller *c, int64_t *next);

/* Why the test failed, with file and line; NULL when it has not. Valid until the next begin. */
const char *caller_failure(const struct caller *c);
/* Whether the test asked to be left out (t.noFaults). */
bool caller_skipped(const struct caller *c);

/* Every phone hangs up now, and no phone takes a call any more. */
int caller_leave(struct caller *c);

#endif
