#include "host/host_hooks.h"

#include "base/json.h"
#include "host/host_journal.h"
#include "host/leave.h"

#include <string.h>

#define SAY_MS 10000 /* a flood of calls is no flood of log lines */

static void on_event(void *arg, const struct event *ev)
{
    struct host *s = arg;

    metrics_event(&s->metrics, ev, uv_hrtime());
    admission_event(s->admission, ev);
    if (s->bundles)
        bundles_event(s->bundles, ev);
}

static void on_command(void *arg, const struct command *c)
{
    struct host *s = arg;

    metrics_command(&s->metrics, c);
    admission_command(s->admission, c);
    if (s->bundles)
        bundles_command(s->bundles, c);
}

static void on_turned(void *arg)
{
    metrics_turned(&((struct host *)arg)->metrics, uv_hrtime());
}

static const char *on_choose(void *arg, const struct event *start)
{
    struct host *s = arg;

    return s->bundles ? bundles_choose(s->bundles, start) : NULL;
}

static void on_answered(void *arg, const char *method, int status, bool again)
{
    metrics_answered(&((struct host *)arg)->metrics, method, status, again);
}

static void on_sent(void *arg, const char *key)
{
    metrics_sent(&((struct host *)arg)->metrics, key, uv_hrtime());
}

int host_admit(struct host *s, const char *tenant)
{
    int64_t now = host_now(s);
    int after_s = leave_refuses(s->leave);
    enum admission_cap cap;

    if (after_s)
        return after_s;
    cap = admission_ask(s->admission, tenant, core_calls(engine_core(s->engine)), now, &after_s);
    if (cap != ADMISSION_FREE && now >= s->refusal_said + SAY_MS) {
        s->refusal_said = now;
        log_write(&s->log, LOG_WARN, NULL, "new calls are refused: admission.%s is reached",
                  admission_cap_name(cap));
    }
    return after_s;
}

static int on_admit(void *arg, const char *tenant)
{
    return host_admit(arg, tenant);
}

/* With admission.refuse = "busy", caps are asked about later; a drain still has calls offered to
 * another service, or to the next one. */
static int on_admit_busy(void *arg, const char *tenant)
{
    (void)tenant;
    return leave_refuses(((struct host *)arg)->leave);
}

static bool on_busy(void *arg, const struct event *start)
{
    struct host *s = arg;
    bool busy = host_admit(s, json_str(start->data, "tenant")) != 0;

    s->metrics.busy += busy;
    return busy;
}

void host_hooks(struct host *s, struct engine_config *c)
{
    bool busy = strcmp(config_str(s->cfg, "admission.refuse"), "busy") == 0;

    c->event = on_event;
    c->command = on_command;
    c->turned = on_turned;
    c->choose = on_choose;
    c->busy = busy ? on_busy : NULL;
    c->trace_arg = s;
    c->wire.admit = busy ? on_admit_busy : on_admit;
    c->wire.answered = on_answered;
    c->wire.sent = on_sent;
    c->wire.hooks_arg = s;
}

int host_hooks_open(struct host *s, struct error *e)
{
    const struct admission_config c = {.calls = config_int(s->cfg, "admission.calls"),
                                       .per_second =
                                           config_int(s->cfg, "admission.calls_per_second"),
                                       .per_tenant = config_int(s->cfg, "admission.per_tenant")};

    metrics_init(&s->metrics);
    s->log.counts = s->metrics.logged;
    return admission_new(&s->admission, &c, e);
}

void host_hooks_close(struct host *s)
{
    admission_free(s->admission);
    metrics_fini(&s->metrics);
}

static void keep_bundle(void *arg, struct bundle *b)
{
    host_journal_bundle(arg, b);
}

int host_bundles_open(struct host *s, struct error *e)
{
    const struct bundles_config c = {.load = {.core = engine_core(s->engine),
                                              .store = s->store,
                                              .folder = config_str(s->cfg, "flows"),
                                              .stdlib = s->stdlib},
                                     .loop = &s->loop,
                                     .log = &s->log,
                                     .watch = config_bool(s->cfg, "reload.watch"),
                                     .canary = config_num(s->cfg, "reload.canary"),
                                     .canary_calls = config_int(s->cfg, "reload.canary_calls"),
                                     .taken = keep_bundle,
                                     .arg = s};

    return bundles_new(&s->bundles, &c, e);
}
