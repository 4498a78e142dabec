/* The trial of a new bundle with a share of the new calls. The workers keep the score, under its
 * lock; the verdict is carried out on the main thread. */
#include "host/bundles_state.h"

#include "base/json.h"
#include "host/host_journal.h"

#include <stdio.h>
#include <string.h>

void bundles_begin_trial(struct bundles *b, struct bundle *bundle, struct bundles_order *end)
{
    struct bundles_score *s = &b->score;
    double percent = config_num(b->host->cfg, "reload.canary");
    int64_t wanted = config_int(b->host->cfg, "reload.canary_calls");

    bundles_end_trial(b, false);
    b->trial = bundle_ref(bundle);
    b->end = end;
    pthread_mutex_lock(&s->lock);
    s->canary = (struct canary){.percent = percent, .wanted = (uint64_t)wanted};
    s->judged = false;
    pthread_mutex_unlock(&s->lock);
    log_write(&b->host->log, LOG_INFO, NULL,
              "bundle %.12s gets %g %% of new calls until %lld have ended well", bundle->id,
              percent, (long long)wanted);
}

void bundles_end_trial(struct bundles *b, bool tell)
{
    struct bundles_score *s = &b->score;

    if (tell && b->end)
        bundles_order_give(b, b->end);
    else
        bundles_order_free(b->end);
    b->end = NULL;
    bundle_unref(b->trial);
    b->trial = NULL;
    pthread_mutex_lock(&s->lock);
    s->judged = true; /* what workers still hear of it counts no more */
    map_fini(&s->tried);
    map_init(&s->tried, 0);
    pthread_mutex_unlock(&s->lock);
}

void bundles_forget_score(struct bundles *b)
{
    pthread_mutex_lock(&b->score.lock);
    b->score.old_ended = b->score.old_failed = 0;
    pthread_mutex_unlock(&b->score.lock);
}

/* --- on the workers' threads ---------------------------------------------------------------------
 */

const char *bundles_choose(struct bundles *b, const struct bundle *trial, const struct event *start)
{
    const char *flow = json_str(start->data, "flow");
    char file[160];
    bool picked;

    if (!trial)
        return NULL;
    snprintf(file, sizeof file, "flows/%s.lua", flow ? flow : "");
    if (flow && !bundle_file(trial, file))
        return NULL;
    pthread_mutex_lock(&b->score.lock);
    picked = !b->score.judged && canary_picks(&b->score.canary);
    pthread_mutex_unlock(&b->score.lock);
    return picked ? trial->id : NULL;
}

void bundles_event(struct bundles *b, const struct bundle *trial, const struct event *ev)
{
    const char *id = trial && ev->kind == EVENT_START ? json_str(ev->data, "bundle") : NULL;

    if (!id || strcmp(id, trial->id) != 0)
        return;
    pthread_mutex_lock(&b->score.lock);
    /* Without memory the call is not counted, which does no harm. */
    if (!b->score.judged)
        (void)map_put(&b->score.tried, ev->key, b);
    pthread_mutex_unlock(&b->score.lock);
}

static bool is_failure(const struct command *end)
{
    const char *result = json_str(end->args, "result");

    return result && (strcmp(result, "error") == 0 || strcmp(result, "limit") == 0);
}

/* A call has ended; true when the verdict is to be sent now. The lock is held. */
static bool judge(struct bundles_score *s, const char *key, bool failed)
{
    enum canary_verdict verdict;

    if (!map_remove(&s->tried, key)) {
        s->old_ended++;
        s->old_failed += failed;
        return false;
    }
    if (s->judged)
        return false;
    verdict = canary_ended(&s->canary, failed, s->old_ended, s->old_failed);
    if (verdict == CANARY_WAIT)
        return false;
    s->good = verdict == CANARY_GOOD;
    s->judged = true;
    if (s->sent)
        return false;
    s->sent = true;
    return true;
}

void bundles_command(struct bundles *b, const struct command *c)
{
    struct bundles_score *s = &b->score;
    bool judged;

    if (c->kind != COMMAND_END)
        return;
    pthread_mutex_lock(&s->lock);
    judged = judge(s, c->key, is_failure(c));
    pthread_mutex_unlock(&s->lock);
    if (judged)
        errands_send(&b->host->errands, &s->verdict);
}

/* --- on the main thread --------------------------------------------------------------------------
 */

static void promote(struct bundles *b, const struct canary *c)
{
    struct bundle *old = b->active;

    log_write(&b->host->log, LOG_INFO, NULL,
              "bundle %.12s is in use for all new calls: %llu ended well, %llu failed",
              b->trial->id, (unsigned long long)c->good, (unsigned long long)c->failed);
    b->active = bundle_ref(b->trial);
    bundle_unref(old);
    host_journal_bundle(b->host, b->active, true);
    b->end->kind = BUNDLES_PROMOTE;
    bundles_end_trial(b, true);
}

static void take_back(struct bundles *b, const struct canary *c)
{
    char text[160];

    snprintf(text, sizeof text, "its trial was ended: %llu of its %llu calls failed",
             (unsigned long long)c->failed, (unsigned long long)(c->good + c->failed));
    log_write(&b->host->log, LOG_ERROR, NULL, "bundle %.12s gets no more calls: %s", b->trial->id,
              text);
    bundles_note_refusal(b, b->trial->id, text);
    b->bad++;
    bundles_end_trial(b, true);
}

static void on_verdict(struct errand *errand, void *place)
{
    struct bundles_score *s = list_entry(errand, struct bundles_score, verdict);
    struct bundles *b = list_entry(s, struct bundles, score);
    struct canary c;
    bool good, judged;

    pthread_mutex_lock(&s->lock);
    s->sent = false;
    judged = s->judged;
    c = s->canary;
    good = s->good;
    if (judged && good) {
        s->old_ended = c.good + c.failed;
        s->old_failed = c.failed;
    }
    pthread_mutex_unlock(&s->lock);
    /* It may have been ended by something else meanwhile, and another begun. */
    if (!place || !b->trial || !judged)
        return;
    if (good)
        promote(b, &c);
    else
        take_back(b, &c);
}

void bundles_score_init(struct bundles *b)
{
    pthread_mutex_init(&b->score.lock, NULL);
    map_init(&b->score.tried, 0); /* keys are ours */
    b->score.judged = true;
    b->score.verdict.run = on_verdict;
}

void bundles_score_fini(struct bundles *b)
{
    map_fini(&b->score.tried);
    pthread_mutex_destroy(&b->score.lock);
}
