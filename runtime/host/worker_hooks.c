/* What the engine of a worker tells those who count and choose, and what its wire asks. */
#include "base/json.h"
#include "host/leave.h"
#include "host/workers.h"

#include <string.h>

#define SAY_MS 10000 /* a flood of calls is no flood of log lines */

static void on_event(void *arg, const struct event *ev)
{
    struct worker *w = arg;

    metrics_event(&w->metrics, ev, uv_hrtime());
    admission_event(w->host->admission, ev);
    bundles_event(w->host->bundles, core_trial(engine_core(w->engine)), ev);
}

static void on_command(void *arg, const struct command *c)
{
    struct worker *w = arg;

    metrics_command(&w->metrics, c);
    admission_command(w->host->admission, c);
    bundles_command(w->host->bundles, c);
}

static void on_turned(void *arg)
{
    struct worker *w = arg;

    metrics_turned(&w->metrics, uv_hrtime());
    worker_count_calls(w);
}

static const char *on_choose(void *arg, const struct event *start)
{
    struct worker *w = arg;

    return bundles_choose(w->host->bundles, core_trial(engine_core(w->engine)), start);
}

static void on_answered(void *arg, const char *method, int status, bool again)
{
    metrics_answered(&((struct worker *)arg)->metrics, method, status, again);
}

static void on_sent(void *arg, const char *key)
{
    metrics_sent(&((struct worker *)arg)->metrics, key, uv_hrtime());
}

int host_admit(struct host *s, const char *tenant)
{
    int64_t now = host_time(), said = atomic_load(&s->refusal_said);
    int after_s = leave_refuses(s->leave);
    enum admission_cap cap;

    if (after_s)
        return after_s;
    cap = admission_ask(s->admission, tenant, workers_calls(s), now, &after_s);
    if (cap != ADMISSION_FREE && now >= said + SAY_MS &&
        atomic_compare_exchange_strong(&s->refusal_said, &said, now))
        log_write(&s->log, LOG_WARN, NULL, "new calls are refused: admission.%s is reached",
                  admission_cap_name(cap));
    return after_s;
}

static int on_admit(void *arg, const char *tenant)
{
    return host_admit(((struct worker *)arg)->host, tenant);
}

/* With admission.refuse = "busy", caps are asked about later; a drain still has calls offered to
 * another service, or to the next one. */
static int on_admit_busy(void *arg, const char *tenant)
{
    (void)tenant;
    return leave_refuses(((struct worker *)arg)->host->leave);
}

static bool on_busy(void *arg, const struct event *start)
{
    struct worker *w = arg;
    bool busy = host_admit(w->host, json_str(start->data, "tenant")) != 0;

    w->metrics.busy += busy;
    return busy;
}

static void on_bound(void *arg, const char *id, bool ours)
{
    struct worker *w = arg;

    owners_note(w->host->owners, id, w->number, ours);
}

static int on_find(void *arg, const char *id)
{
    return owners_find(((struct worker *)arg)->host->owners, id);
}

void worker_hooks(struct worker *w, struct engine_config *c)
{
    bool busy = strcmp(config_str(w->host->cfg, "admission.refuse"), "busy") == 0;

    c->event = on_event;
    c->command = on_command;
    c->turned = on_turned;
    c->choose = on_choose;
    c->busy = busy ? on_busy : NULL;
    c->trace_arg = w;
    c->wire.admit = busy ? on_admit_busy : on_admit;
    c->wire.answered = on_answered;
    c->wire.sent = on_sent;
    c->wire.hooks_arg = w;
    c->wire.shards = (struct wire_shards){w->host->nworkers, w->number, on_bound, on_find, w};
}
