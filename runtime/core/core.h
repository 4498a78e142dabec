/*
 * The machine: events in, commands out. It opens no socket, reads no clock and starts no thread;
 * given the same bundle and the same events it issues the same commands, byte for byte. One machine
 * belongs to one thread. Calls live in cells; each call is a set of fibers (coroutines) that run
 * until all wait.
 */
#ifndef IVORY_CORE_CORE_H
#define IVORY_CORE_CORE_H

#include "core/bundle.h"
#include "core/cell.h"
#include "core/command.h"
#include "core/event.h"
#include "core/limits.h"

struct core;

struct core_config {
    struct limits limits;
    cell_open *open; /* the bindings                                                     */
    void *open_arg;
    char language[16];           /* default language of prompts, "en"                      */
    char fallback_prompt[64];    /* played when a flow failed while the caller is there    */
    char fallback_transfer[128]; /* then a transfer to this phone or user; empty: hang up */
};

int core_new(struct core **out, const struct core_config *cfg, struct error *e);

/* End everything without cleanup (the process leaves) and free. */
void core_free(struct core *c);

/* New calls get `b` from now on. A scratch cell loads it first: on failure the old bundle stays and
 * `e` holds file, line and reason. */
int core_use(struct core *c, struct bundle *b, struct error *e);
struct bundle *core_bundle(struct core *c); /* the one new calls get; may be NULL */

/* The same in two steps, the long one off the machine's thread. core_load makes a cell of `b`; it
 * may run on any thread while the machine works. core_take (on the machine's thread; costs next to
 * nothing) takes the cell over: new calls get its bundle. ERR_NOMEM leaves it with the caller. */
int core_load(struct core *c, struct bundle *b, struct cell **out, struct error *e);
int core_take(struct core *c, struct cell *cell);

/* A second bundle beside it: a start whose data has "bundle" with its id gets this one. core_try
 * takes the cell over; NULL: no more new calls for it (those it has keep it). core_promote: all new
 * calls get it. ERR_NOMEM, ERR_CONFLICT (there is none). */
int core_try(struct core *c, struct cell *cell);
int core_promote(struct core *c);
struct bundle *core_trial(struct core *c); /* may be NULL */
/* Whether that bundle has a flow of this name. */
bool core_has_flow(const struct core *c, const char *flow);

/* Take one event and run one turn. Commands are appended to `out`. The event is only read. Errors:
 * ERR_NOTFOUND (no such call), ERR_EXISTS (start of a known key), ERR_NOMEM; a failing flow is not
 * an error here: its outcome is commands. */
int core_handle(struct core *c, const struct event *ev, struct command_list *out);

/* A resume that breaks a limit (time, memory, fibers resumed in a turn) is undone: its commands but
 * for log lines are dropped, every fiber of the call is closed by force, outstanding requests are
 * forgotten, and the failure is taken up by a timer event that is due at once. When and whether
 * that happens depends on the machine it runs on, so it is part of the record: after core_handle,
 * ask core_overrun; if the turn was cut short it makes the event that says so, which the journal
 * writes after the turn's own event. Whoever replays gives that event to core_handle *before* the
 * event it follows; the turn is then cut at the same resume, and nothing of it is run. */
bool core_overrun(const struct core *c, struct event *out);

/* --- recovery: a call is built anew by giving core_handle what its journal holds ----------------
 */

/* A bundle that calls begun earlier need beside the one that new calls get: a start whose data has
 * "bundle" (an id) is run with that one. Kept until core_forget_bundles; a call keeps its own for
 * life. ERR_NOMEM. */
int core_add_bundle(struct core *c, struct bundle *b);
bool core_has_bundle(const struct core *c, const char *id);
void core_forget_bundles(struct core *c);

/* Forget the call without a word: no handlers, no commands. */
void core_drop(struct core *c, const char *key);

/* What became of command `seq`. RUNNING: answered, and its operation, whose id is written to `id`,
 * has not been heard to end. */
enum core_outcome { CORE_SETTLED, CORE_UNANSWERED, CORE_RUNNING };
enum core_outcome core_outcome(const struct core *c, const char *key, uint32_t seq,
                               char id[ID_MAX]);

/* The service's id of that leg ("" when it has none), false when there is no such leg or it has
 * ended. */
bool core_leg(const struct core *c, const char *key, int leg, char id[ID_MAX]);

/* When the call is in a meeting and its flow says `rejoin = true`: the arguments of a create that
 * joins the same one, and the flow (valid until the call's next event); else NULL. */
cJSON *core_rejoin(struct core *c, const char *key, const char **flow);

/* call:continueAs ends one flow of a call and begins another with plain data. The command of kind
 * "continue" is the last of the turn in which the old one has ended, and holds all that the machine
 * still knows; the new flow begins in a timer's turn after it. This makes of that command a start
 * (with `bundle`, which may be NULL): given to core_handle in place of everything before, it
 * builds the same call, so a journal may begin with it anew. ERR_NOMEM. */
int core_continued(struct event *out, const struct command *c, const char *bundle);

/* The earliest deadline of any call, INT64_MAX when there is none. */
int64_t core_next_deadline(const struct core *c);

/* If a deadline is at or before `now`, make its timer event (to be given to core_handle) and return
 * true. Repeat until false. */
bool core_due(struct core *c, int64_t now, struct event *out);

/* Live calls. */
size_t core_calls(const struct core *c);

/* For those who count: each cell; and how many calls are in each state, as core_describe names it.
 */
typedef void(core_cell_seen)(void *arg, struct bundle *b, size_t calls, size_t bytes);
void core_visit_cells(const struct core *c, core_cell_seen *seen, void *arg);
typedef void(core_call_seen)(void *arg, const char *state);
void core_visit_calls(const struct core *c, core_call_seen *seen, void *arg);

/* The flow and the bundle of a call in progress, for those who speak about it; false: there is no
 * such call. */
bool core_names(const struct core *c, const char *key, const char **flow, const char **bundle);

/* What is in progress, as JSON: [{key, id, flow, bundle, state, since, waits:[{fiber, what,
 * where}]}] */
cJSON *core_describe(const struct core *c, const char *key /* NULL: all */);

/* How many waits all calls have begun so far: the tests hang up at each of them. */
uint64_t core_waits(const struct core *c);

/* The cell whose turn is running, for the watchdog; NULL between turns. Readable from a signal
 * handler on the machine's thread. `turns` grows at the begin and end of each turn (odd while one
 * runs). `repeats`: they were in time when they were done first. */
struct core_pulse {
    struct cell *volatile running;
    volatile unsigned long turns;
    volatile bool repeats;
};
const struct core_pulse *core_pulse(const struct core *c);
/* From now on turns are repeated, or new again. */
void core_repeats(struct core *c, bool on);

/* The number or id in an identitySet; NULL: there is none. */
const char *core_party(const cJSON *identity_set);

#endif
