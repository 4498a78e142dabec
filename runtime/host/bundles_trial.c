/* The trial of a new bundle with a share of the new calls. */
#include "host/bundles_state.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

void bundles_begin_trial(struct bundles *b, const struct bundle *bundle)
{
    b->canary = (struct canary){.percent = b->cfg.canary, .wanted = (uint64_t)b->cfg.canary_calls};
    map_fini(&b->tried);
    map_init(&b->tried, 0); /* keys are ours */
    log_write(b->cfg.log, LOG_INFO, NULL,
              "bundle %.12s gets %g %% of new calls until %lld have ended well", bundle->id,
              b->canary.percent, (long long)b->cfg.canary_calls);
}

void bundles_end_trial(struct bundles *b)
{
    core_try(b->cfg.load.core, NULL);
    map_fini(&b->tried);
    map_init(&b->tried, 0);
}

const char *bundles_choose(struct bundles *b, const struct event *start)
{
    const struct bundle *trial = core_trial(b->cfg.load.core);
    const char *flow = json_str(start->data, "flow");
    char file[160];

    if (!trial)
        return NULL;
    snprintf(file, sizeof file, "flows/%s.lua", flow ? flow : "");
    if (flow && !bundle_file(trial, file))
        return NULL;
    return canary_picks(&b->canary) ? trial->id : NULL;
}

void bundles_event(struct bundles *b, const struct event *ev)
{
    const struct bundle *trial = core_trial(b->cfg.load.core);
    const char *id = trial && ev->kind == EVENT_START ? json_str(ev->data, "bundle") : NULL;

    /* Without memory the call is not counted, which does no harm. */
    if (id && strcmp(id, trial->id) == 0)
        (void)map_put(&b->tried, ev->key, b);
}

static bool is_failure(const struct command *end)
{
    const char *result = json_str(end->args, "result");

    return result && (strcmp(result, "error") == 0 || strcmp(result, "limit") == 0);
}

static void conclude(struct bundles *b, bool good)
{
    struct bundle *trial = core_trial(b->cfg.load.core);
    char text[160];

    if (good) {
        log_write(b->cfg.log, LOG_INFO, NULL,
                  "bundle %.12s is in use for all new calls: %llu ended well, %llu failed",
                  trial->id, (unsigned long long)b->canary.good,
                  (unsigned long long)b->canary.failed);
        core_promote(b->cfg.load.core);
        bundles_end_trial(b);
        b->old_ended = b->canary.good + b->canary.failed;
        b->old_failed = b->canary.failed;
        return;
    }
    snprintf(text, sizeof text, "its trial was ended: %llu of its %llu calls failed",
             (unsigned long long)b->canary.failed,
             (unsigned long long)(b->canary.good + b->canary.failed));
    log_write(b->cfg.log, LOG_ERROR, NULL, "bundle %.12s gets no more calls: %s", trial->id, text);
    bundles_note_refusal(b, trial->id, text);
    b->bad++;
    bundles_end_trial(b);
}

void bundles_command(struct bundles *b, const struct command *c)
{
    bool failed;

    if (c->kind != COMMAND_END)
        return;
    failed = is_failure(c);
    if (!core_trial(b->cfg.load.core) || !map_remove(&b->tried, c->key)) {
        b->old_ended++;
        b->old_failed += failed;
        return;
    }
    switch (canary_ended(&b->canary, failed, b->old_ended, b->old_failed)) {
    case CANARY_WAIT:
        break;
    case CANARY_GOOD:
        conclude(b, true);
        break;
    case CANARY_BAD:
        conclude(b, false);
        break;
    }
}
