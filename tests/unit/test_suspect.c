/* The process ends while calls are taken up: who is blamed, and who is given up. */
#include "tests/unit/recover_world.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#define FLOW                                                                                       \
    "local flow = {}\nfunction flow.onCall(call)\n    call:answer()\n"                             \
    "    require('ivr').sleep(3000)\nend\nreturn flow\n"
#define ID    "57dab8b1894c409ab240bd8beae7889"
#define LIVES "{\"@odata.type\":\"#microsoft.graph.call\",\"state\":\"established\"}"
#define GIVEN "its recovery failed 2 times already"

enum { NOBODY = 9, ALL = -1 };

/* Calls "...0", "...1", ...; the last is the newest. */
static void offer(struct recover_world *w, int calls)
{
    char body[600];

    recover_init(w, FLOW);
    for (int i = 0; i < calls; i++) {
        snprintf(body, sizeof body,
                 "{\"value\":[{\"changeType\":\"created\",\"resourceUrl\":\"/communications/calls/"
                 "%s%d\",\"resourceData\":{\"@odata.type\":\"#microsoft.graph.call\",\"id\":"
                 "\"%s%d\",\"state\":\"incoming\",\"direction\":\"incoming\"}}]}",
                 ID, i, ID, i);
        engine_webhook(w->engine, ++w->webhooks, "", NULL, body, strlen(body), w->now);
        recover_pass(w, 10);
    }
}

static int add_attempts(void *arg, const struct journal_call *c)
{
    char *text = arg;

    sprintf(text + strlen(text), "%d", c->attempts);
    return 0;
}

/* Another process takes the calls up for `ms`. The service answers nothing about call `silent`, so
 * that one (-1: all) is still being taken up at the end. Then: how often "info recovered" was said,
 * and what the journal knows, newest call first. */
static void live(struct recover_world *w, int silent, int status, int64_t ms, unsigned recovered,
                 const char *attempts)
{
    char part[100], found[100] = "";
    struct service_reply replies[] = {
        {part, status, "{}"}, {"GET https://graph.test/beta", 200, LIVES}, {NULL, 0, NULL}};

    snprintf(part, sizeof part, "GET https://graph.test/beta/communications/calls/" ID);
    if (silent != ALL)
        sprintf(part + strlen(part), "%d", silent);
    recover_crash(w);
    buf_fini(&w->logged);
    w->logged = (struct buf){0};
    w->replies = replies;
    EXPECT_INT(recover_begin(w), 0);
    recover_pass(w, ms);
    w->replies = NULL;
    EXPECT_INT(recover_count(&w->logged, "info recovered"), recovered);
    w->store.each_open(w->store.arg, add_attempts, found, NULL);
    EXPECT_STR(found, attempts);
}

static void in_a_crowd_nobody_has_failed(void)
{
    struct recover_world w;

    offer(&w, 3);
    for (int i = 0; i < 4; i++) {
        live(&w, ALL, 0, 1000, 0, "111");
        live(&w, NOBODY, 0, 1000, 3, "000");
    }
    recover_fini(&w);
}

static void a_suspect_is_alone_and_fails_twice(void)
{
    struct recover_world w;

    offer(&w, 3);
    live(&w, ALL, 0, 1000, 0, "111");
    live(&w, 2, 0, 1000, 0, "211"); /* the newest, and nobody beside it */
    live(&w, 2, 0, 1000, 2, "300"); /* the others first: they have failed less */
    EXPECT_INT(recover_count(&w.logged, GIVEN), 0);
    live(&w, NOBODY, 0, 1000, 2, "300");
    EXPECT_INT(recover_count(&w.logged, GIVEN), 1);
    EXPECT_IN(w.logged.p, "3 calls");
    EXPECT_IN(w.logged.p, "1 without their flow");
    recover_fini(&w);
}

static void the_only_call_is_alone(void)
{
    struct recover_world w;

    offer(&w, 1);
    live(&w, 0, 0, 1000, 0, "2");
    live(&w, 0, 0, 1000, 0, "3");
    EXPECT_INT(recover_count(&w.logged, GIVEN), 0);
    live(&w, NOBODY, 0, 1000, 0, "3");
    EXPECT_INT(recover_count(&w.logged, GIVEN), 1);
    recover_fini(&w);
}

/* While it is waited for what the service says about its end, it is not being taken up; what was
 * before is not forgotten. */
static void who_is_gone_stays_a_suspect(void)
{
    struct recover_world w;

    offer(&w, 2);
    live(&w, ALL, 0, 1000, 0, "11");
    live(&w, 0, 0, 1000, 1, "02");
    live(&w, 0, 404, 1000, 1, "02");
    live(&w, 0, 404, 60000, 2, "0");
    recover_fini(&w);
}

/* Of all engines of the process. */
static void nobody_is_beside_one_who_is_alone(void)
{
    struct recovery_floor floor = {2};
    struct recover_world w;

    offer(&w, 2);
    w.floor = &floor;
    live(&w, ALL, 0, 1000, 0, "11");
    EXPECT_INT(floor.taken, 4);
    floor.taken = 1; /* as when the others have gone on but one */
    live(&w, NOBODY, 0, 1000, 0, "11");
    floor.taken = 0;
    recover_pass(&w, 1000);
    EXPECT_INT(recover_count(&w.logged, "info recovered"), 2);
    EXPECT_INT(floor.taken, 0);
    floor.taken = -1;
    live(&w, NOBODY, 0, 1000, 0, "00");
    floor.taken = 0;
    recover_pass(&w, 1000);
    EXPECT_INT(recover_count(&w.logged, "info recovered"), 2);
    recover_fini(&w);
}

const struct test suspect_tests[] = {
    TEST(in_a_crowd_nobody_has_failed),
    TEST(a_suspect_is_alone_and_fails_twice),
    TEST(the_only_call_is_alone),
    TEST(who_is_gone_stays_a_suspect),
    TEST(nobody_is_beside_one_who_is_alone),
    {0},
};
