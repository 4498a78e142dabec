/* An offer comes again when the process died before it could answer that it had taken it. */
#include "tests/unit/recover_world.h"
#include "tests/unit/test.h"

#define OVER "{\"@odata.type\":\"#microsoft.graph.call\",\"state\":\"terminated\"}"

static const char flow[] = "local flow = {}\nlocal ivr = require 'ivr'\n"
                           "function flow.onCall(call) call:answer() ivr.sleep(300) end\n"
                           "return flow\n";

static void of_a_call_in_progress_it_is_nothing_new(void)
{
    struct recover_world w;

    recover_init(&w, flow);
    recover_offer(&w, true);
    recover_crash(&w);
    EXPECT_INT(recover_begin(&w), 0);
    recover_offer(&w, false); /* before anything of the call was built */
    EXPECT_INT(w.answer, 202);
    recover_pass(&w, 1000);
    recover_offer(&w, false);
    EXPECT_INT(w.answer, 202);
    EXPECT_INT(core_calls(engine_core(w.engine)), 1);
    EXPECT_INT(recover_count(&w.asked, "/answer"), 0);
    recover_fini(&w);
}

static void of_a_call_that_has_ended_too(void)
{
    struct recover_world w;

    recover_init(&w, flow);
    recover_offer(&w, true);
    recover_tell(&w, "deleted", "", OVER);
    recover_pass(&w, 1000);
    EXPECT_INT(core_calls(engine_core(w.engine)), 0);
    recover_crash(&w);
    EXPECT_INT(recover_begin(&w), 0);
    recover_offer(&w, false);
    EXPECT_INT(w.answer, 202);
    EXPECT_INT(core_calls(engine_core(w.engine)), 0);
    recover_crash(&w);
    recover_pass(&w, 3600 * 1000); /* such a late one is another call of that name */
    EXPECT_INT(recover_begin(&w), 0);
    recover_offer(&w, false);
    EXPECT_INT(core_calls(engine_core(w.engine)), 1);
    recover_fini(&w);
}

const struct test reoffer_tests[] = {
    TEST(of_a_call_in_progress_it_is_nothing_new), TEST(of_a_call_that_has_ended_too), {0}};
