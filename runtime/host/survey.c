#include "host/survey.h"

#include "host/recover.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static void count_state(void *arg, const char *state)
{
    struct survey *s = arg;
    size_t i = 0;

    while (i < s->nstates && strcmp(s->states[i].name, state) != 0)
        i++;
    if (i == sizeof s->states / sizeof *s->states)
        return;
    if (i == s->nstates)
        snprintf(s->states[s->nstates++].name, sizeof s->states->name, "%s", state);
    s->states[i].n++;
}

static void count_cell(void *arg, struct bundle *bundle, size_t calls, size_t bytes)
{
    struct survey *s = arg;
    struct survey_bundle *one, *grown;
    size_t i = 0;

    while (i < s->nbundles && strcmp(s->bundles[i].bundle->id, bundle->id) != 0)
        i++;
    if (i == s->nbundles) {
        grown = realloc(s->bundles, (i + 1) * sizeof *grown);
        if (!grown) {
            s->err = ERR_NOMEM;
            return;
        }
        s->bundles = grown;
        s->bundles[s->nbundles++] = (struct survey_bundle){.bundle = bundle_ref(bundle)};
    }
    one = &s->bundles[i];
    one->calls += calls;
    one->cells++;
    one->bytes += bytes;
}

/* Append what `list` holds. */
static void add_list(struct survey *s, cJSON *list)
{
    cJSON *one;

    if (!list)
        s->err = ERR_NOMEM;
    while ((one = list ? cJSON_DetachItemFromArray(list, 0) : NULL))
        if (!cJSON_AddItemToArray(s->described, one)) {
            cJSON_Delete(one);
            s->err = ERR_NOMEM;
        }
    cJSON_Delete(list);
}

static double thread_cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void visit(struct trip *t, struct worker *w)
{
    struct survey *s = list_entry(t, struct survey, trip);
    const struct core *core = engine_core(w->engine);

    metrics_add(&s->sum, &w->metrics);
    s->workers[w->number] =
        (struct survey_worker){core_calls(core), core_pulse(core)->turns / 2, thread_cpu_s()};
    s->calls += core_calls(core);
    s->recovering += engine_recovering(w->engine);
    core_visit_calls(core, count_state, s);
    core_visit_cells(core, count_cell, s);
    if (s->list)
        add_list(s, core_describe(core, s->key[0] ? s->key : NULL));
}

static void survey_free(struct survey *s)
{
    for (size_t i = 0; i < s->nbundles; i++)
        bundle_unref(s->bundles[i].bundle);
    free(s->bundles);
    free(s->workers);
    metrics_fini(&s->sum);
    cJSON_Delete(s->described);
    free(s);
}

static void done(struct trip *t, bool home)
{
    struct survey *s = list_entry(t, struct survey, trip);

    s->done(s, s->arg, home);
    survey_free(s);
}

int survey_begin(struct host *h, const char *key, survey_done *done_cb, void *arg)
{
    /* The usual ones are always there, so that a graph shows zero and not a gap. */
    static const char *const usual[] = {"incoming", "establishing", "established", "transferring"};
    struct survey *s = calloc(1, sizeof *s);

    if (!s)
        return ERR_NOMEM;
    metrics_init(&s->sum);
    s->workers = calloc(h->nworkers, sizeof *s->workers);
    s->list = key != NULL;
    s->described = key ? cJSON_CreateArray() : NULL;
    if (!s->workers || (key && !s->described)) {
        survey_free(s);
        return ERR_NOMEM;
    }
    snprintf(s->key, sizeof s->key, "%s", key ? key : "");
    for (s->nstates = 0; s->nstates < sizeof usual / sizeof *usual; s->nstates++)
        strcpy(s->states[s->nstates].name, usual[s->nstates]);
    s->trip = (struct trip){.visit = visit, .done = done};
    s->done = done_cb;
    s->arg = arg;
    trip_to_all(&s->trip, h);
    return 0;
}
