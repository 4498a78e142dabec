/* ivr.step and the keys by which requests can be repeated; what ivr.store asks. */
#include "tests/unit/machine_world.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOW(body)                                                                                 \
    "local ivr = require 'ivr'\nlocal http = require 'ivr.http'\n"                                 \
    "local store = require 'ivr.store'\nlocal M = {}\n"                                            \
    "function M.onCall(call)\n" body "\nend\nreturn M\n"

static void run(struct flow_world *w, const char *flow)
{
    flow_init(w, flow, NULL);
    w->serves = true;
    flow_start(w);
    flow_pass(w, 3600000);
    EXPECT(w->ended);
}

static void prints(const char *flow, const char *expected)
{
    struct flow_world w;

    run(&w, flow);
    EXPECT_STR(flow_logs(&w), expected);
    flow_fini(&w);
}

/* The n-th Idempotency-Key that was sent, "" when there are not so many. */
static void key_of(const struct flow_world *w, int n, char out[128])
{
    static const char mark[] = "\"Idempotency-Key\":\"";
    const char *at = w->text.p;

    out[0] = '\0';
    while (at && (at = strstr(at, mark)) != NULL) {
        at += sizeof mark - 1;
        if (n-- == 0) {
            snprintf(out, 128, "%.*s", (int)strcspn(at, "\""), at);
            return;
        }
    }
}

static void a_step_gives_what_its_function_gives(void)
{
    prints(
        FLOW("print(ivr.step('a', function(x, y) return x + y, http.get('http://x/').json.a end, "
             "1, 2))\n"
             "print(pcall(ivr.step, 'a', error, 'no', 0))\n"
             "print(ivr.step('a.b_c-1', function() ivr.sleep(1) end))"),
        "3\t1\nfalse\tno\n\n");
}

static void a_step_does_nothing_with_the_call(void)
{
    prints(FLOW("call:answer()\n"
                "ivr.step('a', function()\n"
                "  print(pcall(call.playPrompt, call, 'welcome'))\n"
                "  print(pcall(call.nextTone, call))\n"
                "  print(pcall(call.start, call, 'playPrompt', 'welcome'))\n"
                "  print(pcall(ivr.createCall, '+49301'))\n"
                "  print(pcall(call.continueAs, call, 'main'))\n"
                "  print(pcall(ivr.step, 'b', print))\n"
                "  ivr.all{ a = function() print(pcall(call.answer, call)) end } end)\n"
                "print(call:playPrompt('welcome').ok)\n"
                "print(pcall(ivr.step, 'a b', print)) print(pcall(ivr.step, 'a'))"),
           "false\tplayPrompt: not inside ivr.step (a): a step does nothing with the call\n"
           "false\tnextTone: not inside ivr.step (a): a step does nothing with the call\n"
           "false\tplayPrompt: not inside ivr.step (a): a step does nothing with the call\n"
           "false\tcreate: not inside ivr.step (a): a step does nothing with the call\n"
           "false\tcontinueAs: not inside ivr.step (a): a step does nothing with the call\n"
           "false\tstep: badArgument: not inside another step [flows/main.lua:13]\n"
           "false\tanswer: not inside ivr.step (a): a step does nothing with the call\n"
           "true\n"
           "false\tstep: badArgument: a name of 1 to 48 letters, digits, \".\", \"_\", \"-\" "
           "[flows/main.lua:16]\n"
           "false\tstep: a function, not a nil\n");
}

static void requests_that_act_have_keys(void)
{
    char one[128], two[128];
    struct flow_world w;

    run(&w, FLOW("http.get 'http://x/' http.request{ method = 'HEAD', url = 'http://x/' }\n"
                 "http.post('http://x/', { headers = { ['idempotency-KEY'] = 'mine' } })"));
    key_of(&w, 0, one);
    EXPECT_STR(one, "");
    EXPECT_IN(w.text.p, "\"idempotency-KEY\":\"mine\"");
    flow_fini(&w);

    run(&w, FLOW("http.post 'http://x/' http.post 'http://x/'"));
    key_of(&w, 0, one);
    key_of(&w, 1, two);
    EXPECT_STR(one, WORLD_KEY "/1/1");
    EXPECT_STR(two, WORLD_KEY "/1/2");
    flow_fini(&w);
}

static void in_a_step_a_repetition_has_the_same_key(void)
{
    char key[5][128];
    struct flow_world w;

    run(&w,
        FLOW("for i = 1, 2 do ivr.step('charge', function()\n"
             "  http.post('http://x/', { json = { a = 1 } })\n"
             "  http.post('http://x/', { json = { a = 1 } }) end) end\n"
             "ivr.step('charge', function() http.post('http://x/', { json = { a = 2 } }) end)"));
    for (int i = 0; i < 5; i++)
        key_of(&w, i, key[i]);
    EXPECT_IN(key[0], WORLD_KEY "/charge.1/");
    EXPECT_STR(key[1], key[0]);
    EXPECT_IN(key[2], WORLD_KEY "/charge.2/");
    EXPECT_STR(key[3], key[2]);
    EXPECT_IN(key[4], WORLD_KEY "/charge.3/");
    EXPECT(strcmp(strrchr(key[0], '/'), strrchr(key[2], '/')) == 0);
    EXPECT(strcmp(strrchr(key[0], '/'), strrchr(key[4], '/')) != 0);
    flow_fini(&w);
}

static void a_step_ends_with_its_fiber(void)
{
    char key[128];
    struct flow_world w;

    run(&w, FLOW("call:answer() ivr.first{ a = function() ivr.step('s', ivr.sleep, 9) end,\n"
                 "  b = function() ivr.sleep(1) end }\n"
                 "pcall(ivr.step, 's', error)\n"
                 "http.post 'http://x/'"));
    key_of(&w, 0, key);
    EXPECT_IN(key, WORLD_KEY "/1/");
    flow_fini(&w);
}

static void the_store_is_asked(void)
{
    struct flow_world w;

    flow_init(&w,
              FLOW("print(store.get 'a') print(store.put('a', { x = 1 }).x) print(store.incr 'n')\n"
                   "print(pcall(store.incr, 'n', 2))\n"
                   "for _, bad in ipairs{ '', ('x'):rep(65) } do\n"
                   "  print(select(2, pcall(store.get, bad)).message) end\n"
                   "print(select(2, pcall(store.put, 'a', print)).message)\n"
                   "print(select(2, pcall(store.put, 'a', ('x'):rep(65536))).message)\n"
                   "print(pcall(store.incr, 'n', 'x'))\n"
                   "print((pcall(table.sort, { 1, 2 }, function() store.get 'a' end)))"),
              NULL);
    flow_start(&w);
    EXPECT_IN(w.text.p, "\"kind\":\"store\"");
    EXPECT_IN(w.text.p, "\"args\":{\"name\":\"a\",\"op\":\"get\"}");
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":1,\"status\":200,\"data\":{}}");
    EXPECT_IN(w.text.p, "\"args\":{\"name\":\"a\",\"op\":\"put\",\"value\":{\"x\":1}}");
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":2,\"status\":200,\"data\":{\"value\":{\"x\":1}}}");
    EXPECT_IN(w.text.p, "\"args\":{\"name\":\"n\",\"op\":\"incr\",\"value\":1}");
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":3,\"status\":200,\"data\":{\"value\":7}}");
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":4,\"data\":{\"error\":{\"code\":\"notANumber\","
                  "\"message\":\"it is none\"}}}");
    EXPECT_IN(flow_logs(&w), "nil\n1\n7\nfalse\tstore: notANumber: it is none");
    EXPECT_IN(flow_logs(&w), "name: 1 to 64 bytes\nname: 1 to 64 bytes\na function\n"
                             "value: more than 64 KiB\nfalse\t");
    flow_give(&w, DELETED);
    flow_fini(&w);
}

const struct test step_tests[] = {
    TEST(a_step_gives_what_its_function_gives),
    TEST(a_step_does_nothing_with_the_call),
    TEST(requests_that_act_have_keys),
    TEST(in_a_step_a_repetition_has_the_same_key),
    TEST(a_step_ends_with_its_fiber),
    TEST(the_store_is_asked),
    {0},
};
