#include "core/core.h"

#include "tests/unit/machine_world.h"
#include "tests/unit/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char old_flow[] = "return { onCall = function(call) print 'old' call:answer() end }";
static const char new_flow[] = "return { onCall = function(call) print 'new' call:answer() end }";

static struct bundle *made(const char *main)
{
    const struct bundle_source sources[] = {{"flows/main.lua", main, strlen(main)}, {0}};
    struct bundle *b = NULL;

    CHECK(bundle_from(&b, sources, NULL) == 0);
    return b;
}

static int start(struct flow_world *w, const char *key, const char *bundle)
{
    struct event ev = {.kind = EVENT_START, .time = w->now};
    char data[300];
    int err;

    snprintf(data, sizeof data,
             "{\"direction\":\"incoming\",\"seed\":\"1\",\"call\":{\"state\":\"incoming\"}%s%s%s}",
             bundle ? ",\"bundle\":\"" : "", bundle ? bundle : "", bundle ? "\"" : "");
    ev.data = cJSON_Parse(data);
    snprintf(ev.key, sizeof ev.key, "%s", key);
    err = core_handle(w->core, &ev, &w->out);
    event_fini(&ev);
    return err;
}

struct sums {
    const struct bundle *bundle;
    size_t cells, calls, bytes;
};

static void sum(void *arg, struct bundle *b, size_t calls, size_t bytes)
{
    struct sums *s = arg;

    if (b == s->bundle) {
        s->cells++;
        s->calls += calls;
        s->bytes += bytes;
    }
}

static struct sums cells_of(struct flow_world *w, const struct bundle *b)
{
    struct sums s = {.bundle = b};

    core_visit_cells(w->core, sum, &s);
    return s;
}

static void a_start_chooses_its_bundle(void)
{
    struct flow_world w;
    struct bundle *next = made(new_flow);
    struct cell *cell = NULL;

    flow_init(&w, old_flow, NULL);
    EXPECT_INT(core_promote(w.core), ERR_CONFLICT);
    EXPECT_INT(core_load(w.core, next, &cell, NULL), 0);
    EXPECT_INT(core_try(w.core, cell), 0);
    EXPECT(core_trial(w.core) == next && core_bundle(w.core) == w.bundle);
    EXPECT_INT(start(&w, "a1", next->id), 0);
    EXPECT_INT(start(&w, "a2", NULL), 0);
    EXPECT_INT(start(&w, "a3", "0000"), ERR_CONFLICT);
    EXPECT_INT(start(&w, "a5", NULL), 0);
    EXPECT_INT(cells_of(&w, next).calls, 1);
    EXPECT_INT(cells_of(&w, w.bundle).calls, 2);
    EXPECT(cells_of(&w, next).bytes > 1000);
    EXPECT_INT(core_promote(w.core), 0);
    EXPECT(core_bundle(w.core) == next && !core_trial(w.core));
    EXPECT_INT(start(&w, "a4", NULL), 0);
    EXPECT_INT(cells_of(&w, next).calls, 2);
    EXPECT_INT(cells_of(&w, w.bundle).calls, 2); /* they keep theirs */
    bundle_unref(next);
    flow_fini(&w);
}

static void a_trial_that_is_over_leaves_no_cell(void)
{
    struct flow_world w;
    struct bundle *next = made(new_flow);
    struct cell *cell = NULL;

    flow_init(&w, old_flow, NULL);
    CHECK(core_load(w.core, next, &cell, NULL) == 0);
    CHECK(core_try(w.core, cell) == 0);
    EXPECT_INT(cells_of(&w, next).cells, 1);
    EXPECT_INT(core_try(w.core, NULL), 0);
    EXPECT_INT(cells_of(&w, next).cells, 0);
    EXPECT_INT(start(&w, "a1", next->id), ERR_CONFLICT);
    bundle_unref(next);
    flow_fini(&w);
}

struct loading {
    struct core *core;
    struct bundle *bundle;
    struct cell *cell;
    int err;
};

static void *load(void *arg)
{
    struct loading *l = arg;

    l->err = core_load(l->core, l->bundle, &l->cell, NULL);
    return NULL;
}

static void another_thread_may_load(void)
{
    struct flow_world w;
    struct bundle *next = made(new_flow);
    struct loading l = {.bundle = next};
    char key[KEY_MAX];
    pthread_t thread;

    flow_init(&w, old_flow, NULL);
    l.core = w.core;
    CHECK(pthread_create(&thread, NULL, load, &l) == 0);
    for (int i = 0; i < 20; i++) {
        snprintf(key, sizeof key, "b%d", i);
        EXPECT_INT(start(&w, key, NULL), 0);
    }
    pthread_join(thread, NULL);
    EXPECT_INT(l.err, 0);
    EXPECT_INT(core_take(w.core, l.cell), 0);
    EXPECT_INT(start(&w, "c", NULL), 0);
    EXPECT_INT(cells_of(&w, next).calls, 1);
    EXPECT_INT(cells_of(&w, w.bundle).calls, 20);
    bundle_unref(next);
    flow_fini(&w);
}

static void count_state(void *arg, const char *state)
{
    if (strcmp(state, "incoming") == 0)
        ++*(int *)arg;
}

static void calls_are_visited_with_their_state(void)
{
    struct flow_world w;
    int incoming = 0;

    flow_init(&w, old_flow, NULL);
    start(&w, "a", NULL);
    start(&w, "b", NULL);
    core_visit_calls(w.core, count_state, &incoming);
    EXPECT_INT(incoming, 2);
    flow_fini(&w);
}

static void memory_may_fail(void)
{
    struct flow_world w;
    struct bundle *next = made(new_flow);

    flow_init(&w, old_flow, NULL);
    EVERY_ALLOCATION(n)
    {
        struct cell *cell = NULL;
        int err = core_load(w.core, next, &cell, NULL);

        if (!err) {
            err = core_try(w.core, cell);
            if (err)
                cell_free(cell);
        }
        EXPECT(!err || core_bundle(w.core) == w.bundle);
        core_try(w.core, NULL);
    }
    bundle_unref(next);
    flow_fini(&w);
}

const struct test trial_tests[] = {TEST(a_start_chooses_its_bundle),
                                   TEST(a_trial_that_is_over_leaves_no_cell),
                                   TEST(another_thread_may_load),
                                   TEST(calls_are_visited_with_their_state),
                                   TEST(memory_may_fail),
                                   {0}};
