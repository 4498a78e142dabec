#include "host/simulation.h"

#include "base/json.h"
#include "host/surroundings.h"

#include <stdlib.h>
#include <string.h>

#define STILL   1000000 /* nor do so much without the clock moving */
#define LOG_MAX (1u << 20)

/* --- going on -------------------------------------------------------------------------------- */

static void keep_log(struct simulation *s, const struct engine_action *a)
{
    if (s->log.n < LOG_MAX)
        buf_fmt(&s->log, "%s %s\n", a->level, a->text);
    if (s->serious.n < LOG_MAX && (strcmp(a->level, "warn") == 0 || strcmp(a->level, "error") == 0))
        buf_fmt(&s->serious, "%s %s\n", a->level, a->text);
}

static int take_engine(struct simulation *s, bool *any)
{
    struct engine_action a;
    int rc = 0;

    while (rc == 0 && engine_next(s->engine, &a)) {
        *any = true;
        if (a.kind == ENGINE_LOG)
            keep_log(s, &a);
        else
            rc = traffic_engine(&s->traffic, &a, s->now);
        engine_action_fini(&a);
    }
    return rc;
}

static int take_board(struct simulation *s, bool *any)
{
    struct switchboard_action a;
    int rc = 0;

    while (rc == 0 && switchboard_next(s->board, &a)) {
        *any = true;
        if (a.kind == SWITCH_NOTIFY || a.kind == SWITCH_FETCH) {
            rc = traffic_switch(&s->traffic, &a, s->now);
        } else {
            rc = caller_happened(s->cfg->caller, &a);
            s->heard = true;
        }
        switchboard_action_fini(&a);
    }
    return rc;
}

/* What the engine still had to send is lost; what it had to say was written when it was said. */
static int lose_engine(struct simulation *s)
{
    struct engine_action a;

    while (engine_next(s->engine, &a)) {
        if (a.kind == ENGINE_LOG)
            keep_log(s, &a);
        engine_action_fini(&a);
    }
    return 0;
}

/* At the chosen entry of the journal the engine dies; nothing that it still had to send leaves, or
 * all of it does. */
static int crash_in_time(struct simulation *s)
{
    struct error e = {""};
    bool any = false;
    int rc = 0;

    if (s->cfg->replay)
        rc = simulation_rebuild(s, &e);
    if (rc == 0 && s->cfg->crash_at && memory_store_stopped(s->memory)) {
        rc = s->cfg->crash_late ? take_engine(s, &any) : lose_engine(s);
        if (rc == 0)
            rc = simulation_crash(s, &e);
    }
    if (rc < 0)
        simulation_broken(s, e.text[0] ? e.text : error_name(rc));
    return 0;
}

/* At the chosen wait, every phone hangs up. */
static int hang_up_in_time(struct simulation *s)
{
    uint64_t at = s->cfg->hang_up_at;

    if (at == 0 || s->left || core_waits(engine_core(s->engine)) < at)
        return 0;
    s->left = true;
    return caller_leave(s->cfg->caller);
}

static int run_scripts(struct simulation *s, int *left)
{
    s->heard = false;
    *left = caller_run(s->cfg->caller, &s->script_at);
    return *left < 0 ? *left : 0;
}

/* Carry out everything that follows from what has just happened. */
static int settle(struct simulation *s, int *left)
{
    bool any = true;
    int rc = 0;

    for (unsigned long steps = 0; rc == 0 && any; steps++) {
        any = false;
        rc = crash_in_time(s);
        if (rc == 0 && !s->result->stuck)
            rc = take_engine(s, &any);
        if (rc == 0)
            rc = take_board(s, &any);
        if (rc == 0)
            rc = hang_up_in_time(s);
        if (rc == 0 && s->heard) {
            any = true;
            rc = run_scripts(s, left);
        }
        if (steps > STILL) {
            simulation_broken(s, "the machines never come to rest");
            break;
        }
    }
    return rc;
}

static int64_t earliest(const struct simulation *s)
{
    int64_t at[] = {engine_next_deadline(s->engine), switchboard_next_deadline(s->board),
                    traffic_next_deadline(&s->traffic), s->script_at},
            first = INT64_MAX;

    for (size_t i = 0; i < sizeof at / sizeof *at; i++)
        if (at[i] < first)
            first = at[i];
    return first;
}

/* Do what is due now, each thing with all that follows from it. */
static int step(struct simulation *s, int *left)
{
    bool arrived = true;
    int rc = 0;

    while (rc == 0) {
        rc = traffic_arrive(&s->traffic, s->now, &arrived);
        if (rc < 0 || !arrived)
            break;
        rc = settle(s, left);
    }
    if (rc == 0 && engine_next_deadline(s->engine) <= s->now) {
        rc = engine_tick(s->engine, s->now);
        if (rc == 0)
            rc = settle(s, left);
    }
    if (rc == 0 && switchboard_next_deadline(s->board) <= s->now) {
        rc = switchboard_tick(s->board, s->now);
        if (rc == 0)
            rc = settle(s, left);
    }
    if (rc == 0 && s->script_at <= s->now) {
        rc = run_scripts(s, left);
        if (rc == 0)
            rc = settle(s, left);
    }
    return rc;
}

static bool at_rest(const struct simulation *s)
{
    return core_calls(engine_core(s->engine)) == 0 && wire_calls(engine_wire(s->engine)) == 0 &&
           switchboard_calls(s->board) == 0 && traffic_next_deadline(&s->traffic) == INT64_MAX;
}

static void still_there(struct simulation *s, const char *why)
{
    cJSON *calls = core_describe(engine_core(s->engine), NULL);
    char *text = json_canonical(calls);
    char what[1536];

    snprintf(what, sizeof what,
             "%s; calls in the core: %zu, on the wire: %zu, at the exchange: %zu; %s", why,
             core_calls(engine_core(s->engine)), wire_calls(engine_wire(s->engine)),
             switchboard_calls(s->board), text ? text : "");
    simulation_broken(s, what);
    free(text);
    cJSON_Delete(calls);
}

/* Until scripts and calls have ended. Whoever is on the phone when the scripts end hangs up. */
static int go(struct simulation *s)
{
    unsigned long still = 0;
    int left = 1, rc = run_scripts(s, &left);

    if (rc == 0)
        rc = settle(s, &left);
    while (rc == 0 && !s->result->stuck) {
        int64_t next;

        if (left == 0 && !s->finished) {
            s->finished = true;
            rc = caller_leave(s->cfg->caller);
            if (rc == 0)
                rc = settle(s, &left);
            continue;
        }
        if (s->finished && at_rest(s))
            break;
        next = earliest(s);
        still = next <= s->now ? still + 1 : 0;
        if (next == INT64_MAX)
            still_there(s, "nothing will ever happen again");
        else if (next > s->limit)
            still_there(s, "still going on after six hours");
        else if (still > STILL)
            still_there(s, "the clock stands still");
        else if (next > s->now)
            s->now = next;
        if (!s->result->stuck)
            rc = step(s, &left);
    }
    return rc;
}

static void conclude(struct simulation *s)
{
    struct simulation_result *r = s->result;
    const char *why = caller_failure(s->cfg->caller);

    r->never = s->traffic.never;
    r->crashes = s->crashed;
    r->entries = s->memory ? memory_store_entries(s->memory) : 0;
    r->waits = core_waits(engine_core(s->engine));
    r->skipped = caller_skipped(s->cfg->caller);
    r->log = buf_take(&s->serious);
    if (!why || r->stuck)
        return;
    r->failed = true;
    snprintf(r->text, sizeof r->text, "%s", why);
}

int simulation_run(const struct simulation_config *cfg, size_t i, struct simulation_result *out,
                   struct error *e)
{
    struct simulation s = {.cfg = cfg, .result = out};
    int rc;

    memset(out, 0, sizeof *out);
    rc = simulation_set_up(&s, e);
    if (rc == 0)
        rc = caller_begin(cfg->caller, i, &s.world, e);
    if (rc == 0)
        rc = go(&s);
    if (rc == 0)
        conclude(&s);
    else if (e && !e->text[0])
        error_set(e, rc, "%s", error_name(rc));
    simulation_tear_down(&s);
    return rc;
}
