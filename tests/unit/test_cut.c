/* The process dies while a turn of a call breaks a limit, before it can write that down. */
#include "tests/unit/recover_world.h"
#include "tests/unit/test.h"

#define FLOW                                                                                       \
    "local flow = {}\n"                                                                            \
    "function flow.onCall(call)\n"                                                                 \
    "    call:answer()\n"                                                                          \
    "    call:onEnd(function() print 'the end' end)\n"                                             \
    "    require('ivr').sleep(5)\n"                                                                \
    "    local t = {}\n"                                                                           \
    "    for i = 1, 1e9 do t[i] = ('x'):rep(100000) .. i end\n"                                    \
    "end\n"                                                                                        \
    "return flow\n"

static void it_breaks_the_limit_again(void)
{
    struct recover_world w;

    recover_init(&w, FLOW);
    recover_offer(&w, true);
    memory_store_stop_at(w.memory, memory_store_entries(w.memory) + 1); /* the timer's event */
    recover_pass(&w, 6000);
    EXPECT_IN(w.logged.p, "exceeded at flows/main.lua:7");
    EXPECT(memory_store_stopped(w.memory));
    memory_store_stop_at(w.memory, 0);
    recover_crash(&w);
    buf_fini(&w.logged);
    w.logged = (struct buf){0};
    EXPECT_INT(recover_begin(&w), 0);
    recover_pass(&w, 1000);
    EXPECT_IN(w.logged.p, "info recovered");
    EXPECT_IN(w.logged.p, "exceeded at flows/main.lua:7");
    EXPECT_INT(recover_count(&w.logged, "recovery failed"), 0);
    /* and it is written down now */
    recover_crash(&w);
    EXPECT_INT(recover_begin(&w), 0);
    recover_pass(&w, 1000);
    EXPECT_INT(recover_count(&w.logged, "recovery failed"), 0);
    EXPECT_INT(recover_count(&w.logged, "info recovered"), 2);
    recover_fini(&w);
}

const struct test cut_tests[] = {TEST(it_breaks_the_limit_again), {0}};
