/* Calls that the service has and the journal does not. */
#include "tests/unit/recover_world.h"
#include "tests/unit/test.h"

#include <string.h>

#define TONE                                                                                       \
    "{\"@odata.type\":\"#microsoft.graph.call\",\"state\":\"established\",\"toneInfo\":{"          \
    "\"sequenceId\":1,\"tone\":\"tone1\"}}"
#define OVER "{\"@odata.type\":\"#microsoft.graph.call\",\"state\":\"terminated\"}"

static const char flow[] = "local flow = {}\nlocal ivr = require 'ivr'\n"
                           "function flow.onCall(call) call:answer() ivr.sleep(300) end\n"
                           "return flow\n";

static void one_that_nobody_knows_gets_the_fallback(void)
{
    struct recover_world w;

    recover_init(&w, flow);
    recover_offer(&w, true);
    recover_lose(&w);
    EXPECT_INT(recover_begin(&w), 0);
    recover_pass(&w, 5000);
    EXPECT_INT(recover_count(&w.asked, "/"), 0); /* nothing is known of it yet */
    recover_tell(&w, "updated", "", TONE);
    EXPECT_INT(w.answer, 202);
    recover_tell(&w, "updated", "", TONE); /* once is enough */
    recover_pass(&w, 1000);
    EXPECT_INT(recover_count(&w.asked, "/transfer"), 1);
    EXPECT_IN(w.logged.p, "nobody knows it");
    recover_tell(&w, "deleted", "", OVER);
    recover_pass(&w, 1000);
    EXPECT_INT(core_calls(engine_core(w.engine)), 0);
    EXPECT_INT(wire_calls(engine_wire(w.engine)), 0);
    recover_fini(&w);
}

/* Killed again on the way, it is in the journal by then. */
static void it_survives_as_others_do(void)
{
    struct recover_world w;

    recover_init(&w, flow);
    recover_offer(&w, true);
    recover_lose(&w);
    EXPECT_INT(recover_begin(&w), 0);
    recover_tell(&w, "updated", "", TONE);
    recover_pass(&w, 1000);
    recover_crash(&w);
    EXPECT_INT(recover_begin(&w), 0);
    recover_pass(&w, 1000);
    EXPECT_INT(core_calls(engine_core(w.engine)), 1);
    recover_fini(&w);
}

static void one_that_is_over_is_let_be(void)
{
    static const struct service_reply gone[] = {{"GET ", 404, NULL}, {NULL, 0, NULL}};
    struct recover_world w;

    recover_init(&w, flow);
    recover_offer(&w, true);
    recover_lose(&w);
    EXPECT_INT(recover_begin(&w), 0);
    recover_tell(&w, "deleted", "", OVER); /* its end is all that is told */
    EXPECT_INT(w.answer, 404);
    w.replies = gone;
    recover_tell(&w, "updated", "", TONE);
    recover_pass(&w, 1000);
    EXPECT_INT(recover_count(&w.asked, "POST "), 0);
    EXPECT_INT(core_calls(engine_core(w.engine)), 0);
    EXPECT_INT(wire_calls(engine_wire(w.engine)), 0);
    recover_fini(&w);
}

static void one_that_ended_earlier_is_let_be(void)
{
    struct recover_world w;

    recover_init(&w, flow);
    recover_offer(&w, true);
    recover_tell(&w, "deleted", "", OVER);
    recover_pass(&w, 1000);
    EXPECT_INT(core_calls(engine_core(w.engine)), 0);
    recover_crash(&w);
    EXPECT_INT(recover_begin(&w), 0);
    recover_tell(&w, "updated", "", TONE); /* late */
    EXPECT_INT(w.answer, 202);
    recover_pass(&w, 1000);
    EXPECT_INT(recover_count(&w.asked, "/"), 0);
    recover_fini(&w);
}

/* Its create was in doubt, the flow was told and ended, and now the phone rings. */
static void one_that_was_given_up_is_hung_up(void)
{
    static const struct service_reply silent[] = {{"/communications/calls$", 0, NULL},
                                                  {NULL, 0, NULL}};
    cJSON *create = cJSON_Parse("{\"targets\":[{\"identity\":{\"phone\":{\"id\":\"+1\"}}}]}");
    struct recover_world w;

    recover_init(&w,
                 "local flow = {}\n"
                 "function flow.onCall(call) call:waitFor('established', 60) end\nreturn flow\n");
    w.replies = silent;
    EXPECT_INT(engine_dial(w.engine, "main", create, w.now, w.key), 0);
    recover_pass(&w, 100);
    EXPECT_INT(recover_count(&w.asked, "POST /communications/calls\n"), 1);
    recover_crash(&w);
    EXPECT_INT(recover_begin(&w), 0);
    recover_pass(&w, 20000);
    EXPECT_IN(w.logged.p, "in doubt");
    EXPECT_INT(core_calls(engine_core(w.engine)), 0);
    EXPECT_INT(recover_count(&w.asked, "DELETE "), 0);
    recover_tell(&w, "updated", "", TONE);
    recover_pass(&w, 1000);
    EXPECT_INT(recover_count(&w.asked, "DELETE /communications/calls/"), 1);
    EXPECT_IN(w.logged.p, "placed after all");
    recover_tell(&w, "updated", "", TONE);
    recover_pass(&w, 1000);
    EXPECT_INT(recover_count(&w.asked, "DELETE "), 1);
    EXPECT_INT(wire_calls(engine_wire(w.engine)), 0);
    recover_fini(&w);
}

const struct test stray_tests[] = {
    TEST(one_that_nobody_knows_gets_the_fallback),
    TEST(it_survives_as_others_do),
    TEST(one_that_is_over_is_let_be),
    TEST(one_that_ended_earlier_is_let_be),
    TEST(one_that_was_given_up_is_hung_up),
    {0},
};
