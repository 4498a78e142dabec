/* Fibers as a flow sees them: scopes, cancelling, shielding, clean-up. */
#include "core/machine.h"
#include "tests/unit/machine_world.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOW(body)                                                                                 \
    "local ivr = require 'ivr'\nlocal http = require 'ivr.http'\nlocal M = {}\n"                   \
    "local function closer(name, s) return setmetatable({}, { __close = function()\n"              \
    "  print('close ' .. name) if s then ivr.sleep(s) print('closed ' .. name) end end }) end\n"   \
    "function M.onCall(call)\n" body "\nend\nreturn M\n"

/* Run the flow to its end against a service that works, and compare what it printed. */
static void prints(const char *flow, const char *expected)
{
    struct flow_world w;

    flow_init(&w, flow, NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 3600000);
    EXPECT_STR(w.logs.p ? w.logs.p : "", expected);
    EXPECT(w.ended);
    EXPECT(core_next_deadline(w.core) == INT64_MAX);
    flow_fini(&w);
}

/* The same with a hang-up by the caller after `ms`. */
static void prints_at_hangup(const char *flow, int64_t ms, const char *expected)
{
    struct flow_world w;

    flow_init(&w, flow, NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, ms);
    flow_give(&w,
              "{\"kind\":\"call\",\"change\":\"deleted\",\"data\":{\"resultInfo\":{\"code\":487,"
              "\"subcode\":2}}}");
    flow_pass(&w, 3600000);
    EXPECT_STR(w.logs.p ? w.logs.p : "", expected);
    EXPECT(w.ended);
    EXPECT_INT(core_calls(w.core), 0);
    EXPECT(core_next_deadline(w.core) == INT64_MAX);
    flow_fini(&w);
}

static void sleeping_takes_its_time(void)
{
    prints(FLOW("local t = ivr.now() ivr.sleep(1.5) print(ivr.now() - t) ivr.sleep(0) "
                "print(os.time())"),
           "1.5\n1764000001\n");
}

static void the_first_wins_and_the_rest_has_ended(void)
{
    prints(FLOW("print(ivr.first{ slow = function() local _ <close> = closer('slow', 2)\n"
                "  ivr.sleep(9) print 'never' end,\n"
                "  quick = function() ivr.sleep(1) return 'a', 'b' end })\n"
                "print(ivr.now() - 1764000000)"),
           "close slow\nclosed slow\nquick\ta\tb\n3.0\n");
}

static void all_gives_every_result(void)
{
    prints(FLOW("local r = ivr.all{ a = function() ivr.sleep(2) return 1 end,\n"
                "  b = function() return 2 end }\nprint(r.a, r.b)\n"
                "print(next(ivr.all{}))"),
           "1\t2\nnil\n");
}

static void an_error_in_one_of_all_cancels_the_rest(void)
{
    prints(FLOW("print(pcall(ivr.all, { a = function() local _ <close> = closer('a') ivr.sleep(9) "
                "end,\n"
                "  b = function() ivr.sleep(1) error('no', 0) end }))"),
           "close a\nfalse\tno\n");
}

static void spawned_fibers_end_before_their_scope(void)
{
    prints(
        FLOW("local f = ivr.spawn(function(n) ivr.sleep(n) print 'child' return n end, 2)\n"
             "ivr.spawn(function() ivr.sleep(4) print 'late' end)\n"
             "print(pcall(f.await, f, 1))\nprint(f:await())\nprint(f:await())\nprint 'returned'"),
        "false\tawait: timeout: the fiber did not end in the time given [flows/main.lua:9]\n"
        "child\n2\n2\nreturned\nlate\n");
}

static void cancelling_runs_cleanup_and_passes_pcall(void)
{
    prints(FLOW("local f = ivr.spawn(function() local _ <close> = closer('f', 1)\n"
                "  while true do pcall(ivr.sleep, 100) end end)\n"
                "ivr.sleep(1) f:cancel() print(ivr.now() - 1764000000)\n"
                "print(select(2, pcall(f.await, f)).code)"),
           "close f\nclosed f\n2.0\ncancelled\n");
}

static void a_fiber_that_never_ran_is_simply_gone(void)
{
    prints(FLOW("local f = ivr.spawn(function() print 'never' end) f:cancel() print 'ok'"), "ok\n");
}

static void an_error_nobody_asked_for_ends_the_scope(void)
{
    struct flow_world w;

    flow_init(&w, FLOW("ivr.spawn(function() ivr.sleep(1) error 'boom' end)"), NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 60000);
    EXPECT_IN(w.logs.p, "flow main: onCall: flows/main.lua:7: boom");
    EXPECT_IN(w.logs.p, "stack traceback");
    EXPECT_IN(flow_take(&w), "\"result\":\"error\"");
    flow_fini(&w);
}

static void hangup_unwinds_children_first(void)
{
    prints_at_hangup(
        FLOW("call:answer()\nlocal _ <close> = closer('main', 1)\n"
             "call:onEnd(function(why) print('first ' .. why) end)\n"
             "call:onEnd(function(why) ivr.sleep(2) print('last ' .. why, "
             "http.get('http://a/').json.a) end)\n"
             "ivr.spawn(function() local _ <close> = closer('child', 1) pcall(ivr.sleep, 100) "
             "print 'never' end)\n"
             "pcall(call.nextTone, call) print 'never'"),
        1000, "close child\nclosed child\nclose main\nclosed main\nlast hangup\t1\nfirst hangup\n");
}

static void a_failing_handler_does_not_stop_the_others(void)
{
    prints_at_hangup(
        FLOW("call:answer()\ncall:onEnd(function() print 'b' end)\n"
             "call:onEnd(function() call:playPrompt 'welcome' end)\n"
             "call:onEnd(function() print(call.ended, call.result.code, call.result.subcode) end)\n"
             "ivr.sleep(100)"),
        1000,
        "true\t487\t2\nflow main: onEnd: playPrompt: hangup (subcode 2): the call is over "
        "[flows/main.lua:9]\nstack traceback:\n\t[C]: in method 'playPrompt'\n"
        "\tflows/main.lua:9: in function <flows/main.lua:9>\nb\n");
}

static void cleanup_has_a_budget(void)
{
    struct flow_world w;

    flow_init(&w,
              FLOW("local _ <close> = closer('main', 100)\n"
                   "call:onEnd(function() print 'end' ivr.sleep(100) print 'never' end)\n"
                   "ivr.sleep(100)"),
              NULL);
    w.serves = true;
    flow_start(&w);
    flow_give(&w, "{\"kind\":\"call\",\"change\":\"deleted\",\"data\":{}}");
    flow_pass(&w, 4999);
    EXPECT_STR(w.logs.p, "close main\n");
    flow_pass(&w, 10);
    EXPECT_IN(w.logs.p, "limit cleanup_ms: a fiber did not end");
    EXPECT_IN(w.logs.p, "\nend\n");
    EXPECT(!w.ended);
    flow_pass(&w, 5000);
    EXPECT_IN(w.logs.p, "limit cleanup_ms: an onEnd handler");
    EXPECT(w.ended);
    EXPECT(core_next_deadline(w.core) == INT64_MAX);
    flow_fini(&w);
}

static void a_shield_holds_off_hangup_and_cancelling(void)
{
    prints_at_hangup(FLOW("call:answer()\nivr.shield(function() ivr.sleep(2) print 'done'\n"
                          "  print(select(2, pcall(call.playPrompt, call, 'welcome')).code) end)\n"
                          "print 'never'"),
                     1000, "done\nhangup\n");
    prints(FLOW("local f = ivr.spawn(function() ivr.shield(function()\n"
                "  local g = ivr.spawn(function() ivr.sleep(2) print 'inner' end) g:await() print "
                "'outer' end)\n"
                "  print 'never' end)\nivr.sleep(1) f:cancel() print 'cancelled'"),
           "inner\nouter\ncancelled\n");
    prints(FLOW("print(ivr.shield(function(...) return ... end, 1, 2))\n"
                "print(pcall(ivr.shield, function() error('x', 0) end))"),
           "1\t2\nfalse\tx\n");
}

static void a_handler_cannot_shield_itself_from_its_budget(void)
{
    struct flow_world w;

    flow_init(&w,
              FLOW("call:onEnd(function() ivr.shield(ivr.sleep, 100) print 'never' end)\n"
                   "local _ <close> = setmetatable({}, { __close = function()\n"
                   "  while true do ivr.shield(ivr.sleep, 1) end end })\nivr.sleep(100)"),
              NULL);
    flow_start(&w);
    flow_give(&w, "{\"kind\":\"call\",\"change\":\"deleted\",\"data\":{}}");
    flow_pass(&w, 5000);
    EXPECT(!w.ended);
    flow_pass(&w, 5000);
    EXPECT(w.ended);
    EXPECT(!strstr(w.logs.p, "never"));
    flow_fini(&w);
}

static void a_fiber_cannot_be_ended_from_inside(void)
{
    struct flow_world w;

    flow_init(
        &w,
        FLOW("local f f = ivr.spawn(function() local g = ivr.spawn(function() f:cancel() end)\n"
             "  call:playPrompt 'welcome' print 'never' end)\nivr.sleep(1)"),
        NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 60000);
    EXPECT_IN(w.logs.p, "a fiber cannot wait for itself");
    EXPECT(w.ended);
    flow_fini(&w);
}

static void a_shield_ends_after_its_budget(void)
{
    struct flow_world w;

    flow_init(&w, FLOW("ivr.shield(function() ivr.sleep(100) print 'never' end)"), NULL);
    flow_start(&w);
    flow_give(&w, "{\"kind\":\"call\",\"change\":\"deleted\",\"data\":{}}");
    flow_pass(&w, 4900);
    EXPECT(!w.ended);
    flow_pass(&w, 200);
    EXPECT(w.ended);
    EXPECT(!w.logs.p);
    flow_fini(&w);
}

static void places_where_nothing_can_wait_say_so(void)
{
    struct flow_world w;

    flow_init(&w,
              FLOW("print(pcall(table.sort, { 2, 1 }, function() ivr.sleep(1) end))\n"
                   "print(pcall(string.gsub, 'a', 'a', function() call:playPrompt 'welcome' end))"),
              NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 1000);
    EXPECT_IN(w.logs.p, "false\tflows/main.lua:7: sleep waits, and nothing can wait here");
    EXPECT_IN(w.logs.p, "false\tflows/main.lua:8: playPrompt waits, and nothing can wait here");
    flow_fini(&w);
}

static void random_numbers_come_from_the_call(void)
{
    struct flow_world a, b;
    const char *flow = FLOW("local f = ivr.spawn(function() print(math.random(1e9)) end)\n"
                            "print(math.random(1e9), math.random()) f:await()");

    flow_init(&a, flow, NULL);
    flow_init(&b, flow, NULL);
    flow_start(&a);
    flow_start(&b);
    EXPECT_STR(a.logs.p, b.logs.p);
    flow_fini(&a);
    flow_fini(&b);
}

static void too_many_fibers_are_refused(void)
{
    struct flow_world w;

    flow_init(&w, FLOW("for i = 1, 100 do ivr.spawn(function() ivr.sleep(1) end) end"), NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 60000);
    EXPECT_IN(w.logs.p, "limit fibers: more than 64 at once");
    EXPECT(w.ended);
    flow_fini(&w);
}

static void a_fiber_cannot_wait_for_itself(void)
{
    prints(FLOW("local f f = ivr.spawn(function() print(pcall(f.await, f)) end) f:await()"),
           "false\ta fiber cannot wait for itself, nor for one that it is part of\n");
}

/* What ended with `first` and `all` is gone with the turn, and its coroutines serve again: a call
 * that waits for an hour holds nothing of what it did before. */
static void what_has_ended_is_not_kept(void)
{
    struct flow_world w;
    struct call *call;
    size_t fibers = 0;

    flow_init(
        &w,
        FLOW("for i = 1, 50 do\n"
             "  ivr.first{ a = function() ivr.sleep(1) end, b = function() ivr.sleep(2) end }\n"
             "  ivr.all{ a = function() ivr.sleep(1) return i end }\n"
             "end\n"
             "print(ivr.first{ a = function() return 'again' end }) ivr.sleep(500)"),
        NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 200000);
    EXPECT_STR(w.logs.p ? w.logs.p : "", "a\tagain\n");
    call = list_entry(w.core->calls.next, struct call, link);
    for (struct list *it = call->fibers.next; it != &call->fibers; it = it->next)
        fibers++;
    EXPECT_INT(fibers, 1);
    EXPECT(call->cell->nspare >= 2 && call->cell->nspare <= 4);
    flow_pass(&w, 3600000);
    EXPECT(w.ended);
    flow_fini(&w);
}

const struct test fiber_tests[] = {
    TEST(sleeping_takes_its_time),
    TEST(the_first_wins_and_the_rest_has_ended),
    TEST(all_gives_every_result),
    TEST(an_error_in_one_of_all_cancels_the_rest),
    TEST(spawned_fibers_end_before_their_scope),
    TEST(cancelling_runs_cleanup_and_passes_pcall),
    TEST(a_fiber_that_never_ran_is_simply_gone),
    TEST(an_error_nobody_asked_for_ends_the_scope),
    TEST(hangup_unwinds_children_first),
    TEST(a_failing_handler_does_not_stop_the_others),
    TEST(cleanup_has_a_budget),
    TEST(a_shield_holds_off_hangup_and_cancelling),
    TEST(a_handler_cannot_shield_itself_from_its_budget),
    TEST(a_fiber_cannot_be_ended_from_inside),
    TEST(a_shield_ends_after_its_budget),
    TEST(places_where_nothing_can_wait_say_so),
    TEST(random_numbers_come_from_the_call),
    TEST(too_many_fibers_are_refused),
    TEST(a_fiber_cannot_wait_for_itself),
    TEST(what_has_ended_is_not_kept),
    {0},
};
