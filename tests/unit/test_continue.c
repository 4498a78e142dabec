/* call:continueAs, and the call built anew from the command it leaves. */
#include "tests/unit/machine_world.h"
#include "tests/unit/test.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOW(body, next)                                                                           \
    "local ivr = require 'ivr'\nlocal http = require 'ivr.http'\nlocal M = {}\n"                   \
    "local function closer(name, s) return setmetatable({}, { __close = function()\n"              \
    "  print('close ' .. name) if s then ivr.sleep(s) print('closed ' .. name) end end }) end\n"   \
    "function M.onCall(call)\n" body "\nend\nfunction M.onContinue(call, state)\n" next            \
    "\nend\nreturn M\n"

static void prints(const char *flow, const char *expected)
{
    struct flow_world w;

    flow_init(&w, flow, NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 3600000);
    EXPECT_STR(flow_logs(&w), expected);
    EXPECT(w.ended);
    EXPECT_INT(core_calls(w.core), 0);
    EXPECT(core_next_deadline(w.core) == INT64_MAX);
    flow_fini(&w);
}

static void another_flow_begins_with_plain_data(void)
{
    prints(FLOW("call:answer() local _ <close> = closer('scope', 1)\n"
                "pcall(function() call:continueAs('main', { n = 1, list = { 'a' } }) end)\n"
                "print 'never'",
                "print(state.n, state.list[1], call.state, call.from, ivr.now() - 1764000000)\n"
                "call:playPrompt 'welcome' print 'played'"),
           "close scope\nclosed scope\n1\ta\testablished\t+4917\t1.0\nplayed\n");
    prints(FLOW("call:continueAs 'main'", "print(state, call.state) call:answer()"),
           "nil\tincoming\n");
}

static void it_may_go_round(void)
{
    prints(FLOW("call:answer() call:continueAs('main', 0)",
                "ivr.sleep(60)\nif state < 3 then call:continueAs('main', state + 1) end\n"
                "print(state, ivr.now() - 1764000000)"),
           "3\t240.0\n");
}

static void end_handlers_run_before_and_are_gone_after(void)
{
    prints(FLOW("call:answer() call:onEnd(function(why) print('first', why) end)\n"
                "call:onEnd(function(why) ivr.sleep(1) print('second', why)\n"
                "  print(pcall(call.onEnd, call, print)) end)\n"
                "call:continueAs 'main'",
                "call:onEnd(function(why) print('new', why) end)"),
           "second\tcontinue\nfalse\tonEnd: the call has ended "
           "already\nfirst\tcontinue\nnew\tdone\n");
}

static void fibers_legs_and_prompts_end(void)
{
    prints(FLOW("call:answer() ivr.spawn(function() local _ <close> = closer('child')\n"
                "  ivr.sleep(100) end)\n"
                "ivr.createCall '+49301'\ncall:start('playPrompt', 'welcome')\n"
                "ivr.sleep(1) call:continueAs 'main'",
                "print(call.roster and 'there') call:playPrompt 'sorry'"),
           "close child\nthere\n");
}

static void what_cannot_go_on_says_why(void)
{
    prints(FLOW("call:answer()\n"
                "print(pcall(call.continueAs, call, 'other'))\n"
                "print(select(2, pcall(call.continueAs, call, 'main', { f = print })).message)\n"
                "print(select(2, pcall(call.continueAs, call, 'main', ('x'):rep(70000))).message)\n"
                "ivr.shield(function() print(pcall(call.continueAs, call, 'main')) end)\n"
                "call:onEnd(function() print(pcall(call.continueAs, call, 'main')) end)",
                ""),
           "false\tcontinueAs: there is no flow \"other\"\nf: a function\n"
           "state: more than 64 KiB\nfalse\tcontinueAs: not inside ivr.shield\n"
           "false\tcontinueAs: hangup: the call is over [flows/main.lua:12]\n");
}

static void a_hangup_on_the_way_ends_the_call(void)
{
    for (int after = 0; after < 3000; after += 500) {
        struct flow_world w;

        flow_init(&w,
                  FLOW("call:answer() call:onEnd(function(why) ivr.sleep(1) print(why) end)\n"
                       "call:onEnd(function(why) print('last', why) end)\n"
                       "local _ <close> = closer('scope', 1) call:continueAs 'main'",
                       "ivr.sleep(100) print 'never'"),
                  NULL);
        w.serves = true;
        flow_start(&w);
        flow_pass(&w, after);
        flow_give(&w, DELETED);
        flow_pass(&w, 3600000);
        EXPECT(w.ended);
        EXPECT(!strstr(flow_logs(&w), "never"));
        EXPECT_IN(flow_logs(&w), after < 1000 ? "last\thangup\nhangup\n" : "last\tcontinue\n");
        EXPECT(core_next_deadline(w.core) == INT64_MAX);
        flow_fini(&w);
    }
}

static void a_broken_limit_on_the_way_is_a_failure(void)
{
    struct limits l = LIMITS_DEFAULT;
    struct flow_world w;

    l.fibers = 4;
    flow_init(&w,
              FLOW("call:answer() local _ <close> = setmetatable({}, { __close = function()\n"
                   "  while true do ivr.spawn(function() end):await() end end })\n"
                   "call:continueAs 'main'",
                   "print 'never'"),
              &l);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 3600000);
    EXPECT(w.ended);
    EXPECT_IN(flow_logs(&w), "limits.fibers exceeded");
    EXPECT_IN(w.text.p, "\"name\":\"sorry\"");
    EXPECT(!strstr(flow_logs(&w), "never"));
    flow_fini(&w);
}

static void a_flow_that_never_ends_is_warned_of(void)
{
    struct limits l = LIMITS_DEFAULT;
    struct flow_world w;

    l.entries = 200;
    flow_init(&w, FLOW("call:answer() while true do ivr.sleep(1) end", ""), &l);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 100000);
    EXPECT_IN(flow_logs(&w), "flow main: more than 20 commands and events");
    EXPECT(!w.ended);
    flow_pass(&w, 300000);
    EXPECT_IN(flow_logs(&w), "limit entries");
    EXPECT(w.ended);
    flow_fini(&w);
    flow_init(&w,
              FLOW("call:answer() call:continueAs('main', 1)",
                   "for i = 1, 15 do ivr.sleep(1) end\n"
                   "if state < 100 then call:continueAs('main', state + 1) end"),
              &l);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 3600000);
    EXPECT(w.ended);
    EXPECT_STR(flow_logs(&w), "");
    flow_fini(&w);
}

/* --- built anew --------------------------------------------------------------------------------
 */

/* What a machine issues that begins with the start that was left, and is given the events after it.
 */
static char *built_anew(const struct flow_world *w)
{
    struct core_config cfg = flow_config(NULL);
    struct command_list out = {0};
    struct buf text = {0};
    struct core *core;
    char *all;

    CHECK(core_new(&core, &cfg, NULL) == 0 && core_use(core, w->bundle, NULL) == 0);
    EXPECT_INT(core_handle(core, &w->continued, &out), 0);
    EXPECT_INT(out.n, 0);
    for (const char *line = w->record.p + w->record_at; *line; line += strcspn(line, "\n") + 1) {
        struct event ev = {0};

        CHECK(event_decode(&ev, line, strcspn(line, "\n"), NULL) == 0);
        core_handle(core, &ev, &out);
        event_fini(&ev);
    }
    for (size_t i = 0; i < out.n; i++) {
        char *one = out.items[i].kind == COMMAND_LOG ? NULL : command_encode(&out.items[i]);
        if (one)
            buf_fmt(&text, "%s\n", one);
        free(one);
    }
    EXPECT_INT(core_calls(core), 0);
    command_list_fini(&out);
    core_free(core);
    all = buf_take(&text);
    buf_fini(&text);
    return all;
}

static void does_the_same(const char *flow)
{
    struct flow_world w;
    char *text;

    flow_init(&w, flow, NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 6 * 3600000);
    EXPECT(w.ended);
    if (EXPECT_INT(w.continued.kind, EVENT_START) && EXPECT(w.continued.data != NULL)) {
        text = built_anew(&w);
        EXPECT_STR(text ? text : "", w.text.p + w.text_at);
        EXPECT(strstr(w.text.p + w.text_at, "\"end\""));
        free(text);
    }
    flow_fini(&w);
}

static void a_call_is_built_anew_from_its_continuation(void)
{
    static const char next[] = "if state and state.again then call:continueAs('main', {}) end\n"
                               "call:answer() call:subscribeToTone()\n"
                               "call:playPrompt(call.state == 'established' and 'welcome' or "
                               "'sorry')\n"
                               "ivr.createCall '+49302' ivr.sleep(math.random() * 10)\n"
                               "ivr.first{ a = function() http.get 'http://x/' end }";

    does_the_same(FLOW("call:continueAs 'main'", "call:answer() ivr.sleep(1e4) ivr.sleep(1e4)"));
    does_the_same(FLOW("call:answer() call:continueAs 'main'", "ivr.sleep(3e4)"));
    for (int again = 0; again < 2; again++) {
        char flow[2000];

        snprintf(flow, sizeof flow,
                 FLOW("call:answer() call:subscribeToTone() ivr.createCall '+49301'\n"
                      "call:start('playPrompt', 'welcome')\n"
                      "local _ <close> = closer('scope', 2)\n"
                      "call:onEnd(function() ivr.sleep(2) end)\n"
                      "call:continueAs('main', { again = %s })",
                      "%s"),
                 again ? "true" : "false", next);
        does_the_same(flow);
    }
}

#define CREATE                                                                                     \
    "{\"source\":{\"identity\":{\"guest\":{\"id\":\"g1\"}}},\"chatInfo\":{\"threadId\":\"t\"},"    \
    "\"meetingInfo\":{\"joinMeetingId\":\"123\",\"passcode\":\"psst\"},\"tenantId\":\"t1\","       \
    "\"requestedModalities\":[\"audio\"],\"mediaConfig\":{\"removeFromDefaultAudioGroup\":true}}"

/* What joins a meeting again is what joined it, though the service tells less of it. */
static void a_meeting_can_be_joined_again(void)
{
    static const char *const flows[] = {
        "local ivr = require 'ivr'\n"
        "return { rejoin = true, onCall = function(call) ivr.sleep(90) end }",
        "local ivr = require 'ivr'\n"
        "return { rejoin = true, onCall = function(call) call:waitFor 'established'\n"
        "  call:continueAs 'main' end, onContinue = function() ivr.sleep(90) end }",
        "local ivr = require 'ivr'\n"
        "return { onCall = function(call) ivr.sleep(90) end }",
    };

    for (size_t i = 0; i < 3; i++) {
        struct flow_world w;
        const char *name = NULL;
        cJSON *create;
        char *text;

        flow_init(&w, flows[i], NULL);
        flow_give(&w, "{\"kind\":\"start\",\"data\":{\"direction\":\"outgoing\",\"flow\":\"main\","
                      "\"create\":" CREATE "}}");
        flow_give(&w, "{\"kind\":\"answer\",\"seq\":1,\"status\":201,\"id\":\"c1\",\"data\":{"
                      "\"id\":\"c1\",\"meetingInfo\":{\"joinMeetingId\":\"123\"}}}");
        flow_give(&w, ESTABLISHED);
        flow_pass(&w, 2000);
        EXPECT_INT(w.continued.data != NULL, i == 1);
        create = core_rejoin(w.core, WORLD_KEY, &name);
        text = create ? cJSON_PrintUnformatted(create) : NULL;
        EXPECT_STR(text, i == 2 ? NULL : CREATE);
        EXPECT_STR(name, i == 2 ? name : "main");
        cJSON_free(text);
        cJSON_Delete(create);
        flow_fini(&w);
    }
}

static void survives_failing_memory(void)
{
    static const char *const events[] = {
        ANSWERED(1), ESTABLISHED, "{\"kind\":\"answer\",\"leg\":1,\"seq\":2,\"status\":201}",
        "{\"kind\":\"call\",\"leg\":1,\"change\":\"updated\",\"data\":{\"state\":"
        "\"established\"}}",
        "{\"kind\":\"call\",\"leg\":1,\"change\":\"deleted\",\"data\":{}}"};
    struct flow_world w;
    bool through = false;

    flow_init(&w,
              FLOW("call:answer() ivr.createCall '+49301' call:continueAs('main', { a = 1 })",
                   "call:playPrompt 'welcome'"),
              NULL);
    EVERY_ALLOCATION(n)
    {
        struct event ev;

        flow_start(&w);
        for (size_t i = 0; i < sizeof events / sizeof *events; i++)
            flow_give(&w, events[i]);
        while (core_due(w.core, w.now, &ev)) {
            core_handle(w.core, &ev, &w.out);
            command_list_reset(&w.out);
        }
        through = through || (!test_allocation_failed() && w.continued.data);
        test_fail_allocation(-1);
        if (core_calls(w.core)) {
            w.serves = true;
            flow_give(&w, DELETED);
            flow_pass(&w, 60000);
            w.serves = false;
            event_list_fini(&w.queue);
        }
        EXPECT_INT(core_calls(w.core), 0);
        EXPECT(core_next_deadline(w.core) == INT64_MAX);
    }
    EXPECT(through);
    flow_fini(&w);
}

const struct test continue_tests[] = {
    TEST(another_flow_begins_with_plain_data),
    TEST(it_may_go_round),
    TEST(end_handlers_run_before_and_are_gone_after),
    TEST(fibers_legs_and_prompts_end),
    TEST(what_cannot_go_on_says_why),
    TEST(a_hangup_on_the_way_ends_the_call),
    TEST(a_broken_limit_on_the_way_is_a_failure),
    TEST(a_flow_that_never_ends_is_warned_of),
    TEST(a_call_is_built_anew_from_its_continuation),
    TEST(a_meeting_can_be_joined_again),
    TEST(survives_failing_memory),
    {0},
};
