/* Errands between threads. */
#include "host/errand.h"

#include "test.h"

#include <stdlib.h>

enum { SENDERS = 4, EACH = 2000 };

struct numbered {
    struct errand errand;
    unsigned sender, number;
};

struct place {
    struct errands queue;
    uv_loop_t loop;
    unsigned next[SENDERS], total, wrong;
};

static void arrive(struct errand *e, void *arg)
{
    struct numbered *n = list_entry(e, struct numbered, errand);
    struct place *p = arg;

    p->wrong += p->next[n->sender]++ != n->number;
    if (++p->total == SENDERS * EACH)
        uv_stop(&p->loop);
    free(n);
}

struct sender {
    struct place *to;
    unsigned number;
    pthread_t thread;
};

static void *send_all(void *arg)
{
    struct sender *s = arg;

    for (unsigned i = 0; i < EACH; i++) {
        struct numbered *n = calloc(1, sizeof *n);

        *n = (struct numbered){.errand.run = arrive, .sender = s->number, .number = i};
        errands_send(&s->to->queue, &n->errand);
    }
    return NULL;
}

static void all_arrive_in_order(void)
{
    struct place p = {0};
    struct sender senders[SENDERS];

    EXPECT_INT(uv_loop_init(&p.loop), 0);
    EXPECT_INT(errands_init(&p.queue, &p.loop, &p), 0);
    for (unsigned i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){&p, i, 0};
        EXPECT_INT(pthread_create(&senders[i].thread, NULL, send_all, &senders[i]), 0);
    }
    uv_run(&p.loop, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < SENDERS; i++)
        pthread_join(senders[i].thread, NULL);
    EXPECT_INT(p.total, SENDERS * EACH);
    EXPECT_INT(p.wrong, 0);
    errands_close(&p.queue);
    uv_run(&p.loop, UV_RUN_DEFAULT);
    EXPECT_INT(uv_loop_close(&p.loop), 0);
}

struct counted {
    struct errand errand;
    unsigned here, nowhere;
};

static void count(struct errand *e, void *place)
{
    struct counted *c = list_entry(e, struct counted, errand);

    c->here += place != NULL;
    c->nowhere += place == NULL;
}

static void nobody_is_told_so(void)
{
    struct place p = {0};
    struct counted waiting = {.errand.run = count}, late = waiting, now = waiting;

    EXPECT_INT(uv_loop_init(&p.loop), 0);
    EXPECT_INT(errands_init(&p.queue, &p.loop, &p), 0);
    errands_send(&p.queue, &now.errand);
    errands_run(&p.queue);
    EXPECT_INT(now.here, 1);
    errands_send(&p.queue, &waiting.errand);
    errands_close(&p.queue);
    EXPECT_INT(waiting.nowhere, 1);
    errands_send(&p.queue, &late.errand);
    EXPECT_INT(late.nowhere, 1);
    EXPECT_INT(waiting.here + late.here, 0);
    uv_run(&p.loop, UV_RUN_DEFAULT);
    EXPECT_INT(uv_loop_close(&p.loop), 0);
}

const struct test errand_tests[] = {TEST(all_arrive_in_order), TEST(nobody_is_told_so), {0}};
