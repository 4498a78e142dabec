#include "core/core.h"

#include "base/json.h"
#include "core/sandbox.h"
#include "tests/unit/machine_world.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOW(body)                                                                                 \
    "local ivr = require 'ivr'\nlocal http = require 'ivr.http'\nlocal M = {}\n"                   \
    "function M.onCall(call)\n" body "\nend\n"

static void one_call_from_start_to_end(void)
{
    struct flow_world w;
    const char *text;

    flow_init(&w,
              FLOW("call:onEnd(function(why) print('end ' .. why) end)\n"
                   "call:answer()\n"
                   "local r = call:playPrompt 'welcome'\n"
                   "print('played', r.ok, r.completionReason)\n"
                   "local t = call:nextTone{ timeout = 5 }\n"
                   "print('tone', t and t.key)") "return M",
              NULL);
    EXPECT_INT(flow_start(&w), 0);
    EXPECT_STR(flow_take(&w),
               "{\"kind\":\"method\",\"key\":\"" WORLD_KEY "\",\"seq\":1,"
               "\"method\":\"answer\",\"fiber\":\"1\",\"where\":\"flows/main.lua:6\","
               "\"args\":{}}\n");
    flow_give(&w, ANSWERED(1));
    EXPECT_STR(flow_take(&w), "");
    flow_give(&w, ESTABLISHED);
    text = flow_take(&w);
    EXPECT_IN(text, "\"method\":\"playPrompt\"");
    EXPECT_IN(text, "\"clientContext\":\"" WORLD_KEY "/0/2\"");
    EXPECT_IN(text, "\"name\":\"welcome\"");
    flow_give(&w, RUNNING(2, "op1"));
    flow_give(&w, OP_END("op1", ",\"completionReason\":\"completedSuccessfully\""));
    EXPECT_STR(flow_logs(&w), "played\ttrue\tcompletedSuccessfully\n");
    flow_give(&w, TONE(5, 1));
    EXPECT_IN(flow_logs(&w), "tone\t5\n");
    EXPECT_IN(flow_take(&w), "\"seq\":3,\"method\":\"delete\"");
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":3,\"status\":204}");
    EXPECT_INT(core_calls(w.core), 1);
    flow_give(&w, DELETED);
    EXPECT_IN(flow_logs(&w), "end done\n");
    EXPECT_STR(flow_take(&w),
               "{\"kind\":\"end\",\"key\":\"" WORLD_KEY "\",\"seq\":4,\"args\":{\"code\":200,"
               "\"direction\":\"incoming\",\"flow\":\"main\",\"from\":\"+4917\",\"ms\":0,"
               "\"result\":\"done\",\"subcode\":5001,\"to\":\"app\"}}\n");
    EXPECT_INT(core_calls(w.core), 0);
    EXPECT(core_next_deadline(w.core) == INT64_MAX);
    EXPECT_INT(flow_give(&w, TONE(1, 9)), ERR_NOTFOUND);
    flow_fini(&w);
}

/* A flow that waits in every way there is. */
static const char busy[] =
    FLOW("local _ <close> = setmetatable({}, { __close = function() print 'closed' ivr.sleep(0.1) "
         "end })\n"
         "call:onEnd(function() http.get 'http://crm/' print 'reported' end)\n"
         "call:answer()\ncall:subscribeToTone()\ncall:playPrompt{ 'welcome', 'welcome' }\n"
         "local name, key = ivr.first{ said = function() call:playPrompt 'welcome' end,\n"
         "  pressed = function() return call:nextTone{ timeout = 1 } end }\n"
         "local r = call:recordResponse{ playBeep = true }\n"
         "if r.ok then ivr.shield(function() r:download() end) end\n"
         "ivr.all{ a = function() ivr.sleep(1) end, b = function() http.post('http://b/', { json = "
         "{ x = 1 } }) end }\n"
         "local op = call:start('playPrompt', 'welcome')\nivr.sleep(0.2)\nop:await(3)\n"
         "local leg = ivr.createCall '+15550100'\nleg:waitFor('established', 5)\n"
         "leg:playPrompt 'welcome'\nleg:hangup()\nprint(math.random(100))\n"
         "call:transfer '+15550101'") "return M";

static uint64_t run_busy(uint64_t hangup_at, char **record, char **commands)
{
    struct flow_world w;
    uint64_t waits;

    flow_init(&w, busy, NULL);
    w.serves = true;
    w.hangup_at = hangup_at;
    flow_start(&w);
    flow_pass(&w, 120000);
    waits = core_waits(w.core);
    EXPECT(w.ended);
    EXPECT_INT(core_calls(w.core), 0);
    EXPECT(core_next_deadline(w.core) == INT64_MAX);
    EXPECT_IN(flow_logs(&w), "closed\n");
    EXPECT_IN(flow_logs(&w), "reported\n");
    EXPECT_STR(strstr(flow_logs(&w), "traceback") ? flow_logs(&w) : "", "");
    EXPECT(!strstr(flow_logs(&w), "limit"));
    if (record)
        *record = strdup(w.record.p);
    if (commands)
        *commands = strdup(flow_take(&w));
    flow_fini(&w);
    return waits;
}

static void a_hangup_at_every_wait_is_survived(void)
{
    uint64_t waits = run_busy(0, NULL, NULL);

    EXPECT(waits > 15);
    for (uint64_t at = 1; at <= waits; at++)
        run_busy(at, NULL, NULL);
}

/* Feed the recorded events alone: no service, no clock. */
static void the_same_events_give_the_same_commands(void)
{
    char *record, *commands, *line, *save = NULL;
    struct flow_world w;

    run_busy(7, &record, &commands);
    flow_init(&w, busy, NULL);
    for (line = strtok_r(record, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        struct event ev = {0};

        EXPECT_INT(event_decode(&ev, line, strlen(line), NULL), 0);
        w.now = ev.time;
        event_fini(&ev);
        flow_give(&w, line);
    }
    EXPECT_STR(flow_take(&w), commands);
    EXPECT(w.ended);
    flow_fini(&w);
    free(record);
    free(commands);
}

/* A service that loses, repeats and reorders what it says, by a seed. Whatever it does, the call
 * ends and leaves nothing. */
static void a_bad_service_cannot_hold_a_call(void)
{
    for (uint64_t seed = 1; seed <= 150; seed++) {
        struct flow_world w;

        flow_init(&w, busy, NULL);
        w.serves = true;
        w.chaos = seed;
        flow_start(&w);
        flow_pass(&w, 5 * 3600 * 1000);
        EXPECT(w.ended);
        EXPECT_INT(core_calls(w.core), 0);
        EXPECT(core_next_deadline(w.core) == INT64_MAX);
        flow_fini(&w);
    }
}

static void failing_memory_loses_a_call_and_no_more(void)
{
    static const char *const events[] = {
        ANSWERED(1),
        ESTABLISHED,
        RUNNING(2, "op1"),
        OP_END("op1", ""),
        TONE(1, 2),
        TONE(1, 1),
        "{\"kind\":\"roster\",\"data\":[{\"id\":\"p1\",\"rosterSequenceNumber\":1}]}",
        DELETED};
    struct flow_world w;

    flow_init(
        &w,
        FLOW("call:onEnd(function() print 'end' end) call:answer() call:playPrompt 'welcome'\n"
             "call:nextTone() ivr.spawn(function() ivr.sleep(1) end) http.get 'http://a/'") "return"
                                                                                            " M",
        NULL);
    EVERY_ALLOCATION(n)
    {
        bool alive = flow_start(&w) == 0;

        for (size_t i = 0; i < sizeof events / sizeof *events; i++)
            alive = flow_give(&w, events[i]) == 0 && alive;
        test_fail_allocation(-1);
        w.serves = true;
        if (core_calls(w.core))
            flow_give(&w, DELETED);
        flow_pass(&w, 60000);
        w.serves = false;
        event_list_fini(&w.queue);
        EXPECT_INT(core_calls(w.core), 0);
        EXPECT(core_next_deadline(w.core) == INT64_MAX);
    }
    flow_fini(&w);
}

static void a_failed_request_is_an_error_value(void)
{
    struct flow_world w;

    flow_init(&w,
              FLOW("local ok, e = pcall(call.answer, call)\n"
                   "print(ok, e.code, e.status, e.message, e.method, e.where)\nprint(e)\n"
                   "print(select(2, pcall(call.get, call)).code)\n"
                   "print(pcall(call.playPrompt, call, 'nonesuch'))\n"
                   "print(pcall(call.redirect, call, { targets = '+1555', timeout = 5 }))\n"
                   "print(pcall(call.answer, call, 'x'))") "return M",
              NULL);
    flow_start(&w);
    flow_give(
        &w,
        "{\"kind\":\"answer\",\"seq\":1,\"status\":404,\"data\":{\"error\":{\"code\":\"NotFound\","
        "\"message\":\"no call\",\"innerError\":{\"code\":\"7504\"}}}}");
    EXPECT_STR(flow_logs(&w), "false\t7504\t404\tno call\tanswer\tflows/main.lua:5\n"
                              "answer: 7504 (404): no call [flows/main.lua:5]\n");
    buf_reset(&w.logs);
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":2,\"status\":0,\"data\":{\"error\":{\"message\":"
                  "\"refused\"}}}");
    EXPECT_IN(flow_logs(&w), "noAnswer\n");
    EXPECT_IN(flow_logs(&w),
              "there is no prompt \"nonesuch\" in language \"en\" [flows/main.lua:9]");
    EXPECT_IN(flow_logs(&w), "timeout: ");
    EXPECT_IN(flow_logs(&w),
              "answer: badArgument: takes a table of arguments, not a string [flows/main.lua:11]");
    flow_fini(&w);
}

static void a_failing_flow_leaves_no_dead_air(void)
{
    struct flow_world w;

    flow_init(&w, FLOW("call:answer() error 'oops'") "return M", NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 10000);
    EXPECT_IN(flow_logs(&w), "flow main: onCall: flows/main.lua:5: oops\nstack traceback");
    EXPECT_IN(w.text.p, "\"method\":\"playPrompt\"");
    EXPECT_IN(w.text.p, "\"name\":\"sorry\"");
    EXPECT_IN(w.text.p, "\"result\":\"error\"");
    flow_fini(&w);

    flow_init(&w, FLOW("error{ 1 }") "return M", NULL); /* never answered: the fallback does */
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 10000);
    EXPECT_IN(w.text.p, "\"method\":\"answer\"");
    EXPECT_IN(w.text.p, "\"name\":\"sorry\"");
    EXPECT(w.ended);
    flow_fini(&w);

    flow_init(&w,
              FLOW("call:answer() error 'oops'") "function M.onError(call, e) print('on', e)\n"
                                                 "call:playPrompt 'welcome' end return M",
              NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 10000);
    EXPECT_IN(flow_logs(&w), "on\tflows/main.lua:5: oops\n");
    EXPECT_IN(w.text.p, "\"name\":\"welcome\"");
    EXPECT(!strstr(w.text.p, "sorry"));
    flow_fini(&w);

    flow_init(
        &w,
        FLOW("call:answer() error 'oops'") "function M.onError(call, e) error 'again' end return M",
        NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 10000);
    EXPECT_IN(flow_logs(&w), "onError: flows/main.lua:7: again");
    EXPECT_IN(w.text.p, "\"name\":\"sorry\"");
    EXPECT(w.ended);
    flow_fini(&w);
}

static void a_limit_broken_is_taken_back_and_replayed(void)
{
    struct limits l = LIMITS_DEFAULT;
    struct flow_world w, r;
    struct event over = {0};
    const char *flow = FLOW("call:onEnd(function() print 'end' end)\ncall:answer()\n"
                            "local op = call:start('playPrompt', 'welcome')\n"
                            "local t = {} for i = 1, 1e7 do t[i] = { i } end") "return M";
    char *line, *live;

    l.turn_bytes = 1 << 20;
    flow_init(&w, flow, &l);
    flow_start(&w);
    flow_give(&w, ANSWERED(1));
    flow_take(&w);
    flow_give(&w, ESTABLISHED);
    EXPECT_STR(flow_take(&w), ""); /* the prompt was taken back */
    EXPECT(core_overrun(w.core, &over));
    EXPECT_IN(json_str(over.data, "limit"), "bytes");
    flow_pass(&w, 0);
    EXPECT(!core_overrun(w.core, &(struct event){0}));
    EXPECT_IN(flow_logs(&w), "limits.");
    live = strdup(flow_take(&w));
    EXPECT_IN(live, "\"seq\":2,\"method\":\"playPrompt\",\"args\":");
    EXPECT_IN(live, "sorry");

    l.turn_bytes = 16 << 20;
    flow_init(&r, flow, NULL);
    r.now = w.now;
    flow_start(&r);
    flow_give(&r, ANSWERED(1));
    flow_take(&r);
    line = event_encode(&over);
    EXPECT_INT(flow_give(&r, line), 0);
    flow_give(&r, ESTABLISHED);
    EXPECT_STR(flow_take(&r), "");
    flow_pass(&r, 0);
    EXPECT_STR(flow_take(&r), live);
    free(line);
    free(live);
    event_fini(&over);
    flow_fini(&w);
    flow_fini(&r);
}

static void an_outgoing_call_runs_at_once(void)
{
    static const char dial[] =
        "{\"kind\":\"start\",\"data\":{\"direction\":\"outgoing\",\"flow\":\"main\","
        "\"create\":{\"targets\":[{\"identity\":{\"phone\":{\"id\":\"+1555\"}}}]}}}";
    const char *flow =
        FLOW("print(call.direction, call.to, call.state, call.id)\n"
             "call:onEnd(function() print(call.result.code, call.result.message) end)\n"
             "print(call:waitFor('ringing', 1)) print(call:waitFor 'established')") "return M";
    struct flow_world w;

    flow_init(&w, flow, NULL);
    flow_give(&w, dial);
    EXPECT_IN(flow_take(&w), "\"seq\":1,\"method\":\"create\",\"args\":{\"targets\"");
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":1,\"status\":201,\"id\":\"abc\",\"data\":{\"id\":"
                  "\"A-BC\",\"state\":\"establishing\"}}");
    flow_pass(&w, 1000);
    flow_give(&w, ESTABLISHED);
    EXPECT_STR(flow_logs(&w), "outgoing\t+1555\tnil\tnil\nfalse\ntrue\n");
    EXPECT_IN(flow_take(&w), "\"method\":\"delete\"");
    flow_fini(&w);

    flow_init(&w, flow, NULL);
    flow_give(&w, dial);
    flow_take(&w);
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":1,\"status\":403,\"data\":{\"error\":{\"code\":"
                  "\"Forbidden\",\"message\":\"may not\"}}}");
    EXPECT_IN(flow_logs(&w), "403\tmay not\n");
    EXPECT_STR(flow_take(&w), "{\"kind\":\"end\",\"key\":\"" WORLD_KEY
                              "\",\"seq\":2,\"args\":{\"code\":403,\"direction\":\"outgoing\","
                              "\"flow\":\"main\",\"from\":\"\",\"message\":\"may not\",\"ms\":0,"
                              "\"result\":\"hangup\",\"subcode\":0,\"to\":\"+1555\"}}\n");
    EXPECT_INT(core_calls(w.core), 0);
    flow_fini(&w);
}

static void participants_are_asked_and_answered(void)
{
    const char *flow = FLOW(
        "call:answer() ivr.sleep(60)") "function M.onParticipantJoining(call, p) ivr.sleep(1)\n"
                                       "if p.n == 1 then return { reject = 'busy' } elseif p.n == "
                                       "2 then return { invite = 'https://x/' }\n"
                                       "elseif p.n == 3 then error 'oops' end return 'accept' end\n"
                                       "function M.onParticipantLeft(call, p) print('left', p.n) "
                                       "end return M";
    struct flow_world w;

    flow_init(&w, flow, NULL);
    flow_start(&w);
    flow_take(&w);
    for (int n = 1; n <= 3; n++) {
        char text[96];
        snprintf(text, sizeof text, "{\"kind\":\"joining\",\"seq\":%d,\"data\":{\"n\":%d}}", n + 40,
                 n);
        flow_give(&w, text);
    }
    flow_give(&w, "{\"kind\":\"left\",\"data\":{\"n\":9}}");
    EXPECT_STR(flow_take(&w), "");
    flow_pass(&w, 1000);
    EXPECT_STR(
        flow_take(&w),
        "{\"kind\":\"reply\",\"key\":\"" WORLD_KEY
        "\",\"seq\":2,\"fiber\":\"2\",\"ids\":{\"joining\":41},"
        "\"args\":{\"@odata.type\":\"#microsoft.graph.rejectJoinResponse\",\"reason\":\"busy\"}}\n"
        "{\"kind\":\"reply\",\"key\":\"" WORLD_KEY
        "\",\"seq\":3,\"fiber\":\"3\",\"ids\":{\"joining\":42},"
        "\"args\":{\"@odata.type\":\"#microsoft.graph.inviteNewBotResponse\",\"inviteUri\":\"https:"
        "//x/\"}}\n"
        "{\"kind\":\"reply\",\"key\":\"" WORLD_KEY
        "\",\"seq\":4,\"fiber\":\"4\",\"ids\":{\"joining\":43},"
        "\"args\":{\"@odata.type\":\"#microsoft.graph.acceptJoinResponse\"}}\n");
    EXPECT_IN(flow_logs(&w), "left\t9\n");
    EXPECT_IN(flow_logs(&w), "onParticipantJoining: flows/main.lua:9: oops");
    EXPECT_INT(core_calls(w.core), 1);
    flow_fini(&w);
}

static void calls_end_when_limits_say_so(void)
{
    struct limits l = LIMITS_DEFAULT;
    struct flow_world w;

    l.call_ms = 60000;
    flow_init(
        &w,
        FLOW("call:onEnd(function(why) print('end', why) end) while true do ivr.sleep(7) end") "ret"
                                                                                               "urn"
                                                                                               " M",
        &l);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 61000);
    EXPECT_IN(flow_logs(&w), "limit call_ms");
    EXPECT_IN(flow_logs(&w), "end\tlimit\n");
    EXPECT_IN(w.text.p, "\"method\":\"delete\"");
    EXPECT_IN(w.text.p, "\"limit\":\"call_ms\"");
    EXPECT(w.ended);
    flow_fini(&w);

    l.entries = 30;
    flow_init(&w, FLOW("while true do ivr.sleep(0) end") "return M", &l);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 1000);
    EXPECT_IN(flow_logs(&w), "limit entries: more than 30");
    EXPECT(w.ended);
    flow_fini(&w);

    flow_init(&w, FLOW("while true do ivr.spawn(function() end):await() end") "return M", NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 10000);
    EXPECT_IN(flow_logs(&w), "limits.fibers exceeded");
    EXPECT(w.ended);
    flow_fini(&w);
}

static void an_administrator_ends_a_call(void)
{
    struct flow_world w;
    cJSON *all;
    char *text;

    flow_init(
        &w,
        FLOW("call:onEnd(function(why) print('end', why) end) call:answer() ivr.sleep(100)") "retur"
                                                                                             "n M",
        NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 1000);
    all = core_describe(w.core, NULL);
    text = json_text(all);
    EXPECT_IN(text, "\"state\":\"established\"");
    EXPECT_IN(text,
              "\"waits\":[{\"fiber\":\"1\",\"what\":\"sleep\",\"where\":\"flows/main.lua:5\"}]");
    free(text);
    cJSON_Delete(all);
    flow_give(&w, "{\"kind\":\"signal\",\"data\":{\"name\":\"wink\"}}");
    EXPECT_INT(core_calls(w.core), 1);
    flow_give(&w, "{\"kind\":\"signal\",\"data\":{\"name\":\"hangup\"}}");
    flow_pass(&w, 1000);
    EXPECT_STR(flow_logs(&w), "end\tadmin\n");
    EXPECT_INT(core_calls(w.core), 0);
    flow_fini(&w);
}

static void starts_are_checked(void)
{
    struct flow_world w;

    flow_init(&w, FLOW("ivr.sleep(9)") "return M", NULL);
    EXPECT_INT(flow_start(&w), 0);
    EXPECT_INT(flow_start(&w), ERR_EXISTS);
    EXPECT_INT(flow_give(&w, "{\"kind\":\"start\",\"key\":\"ffffffffffffffffffffffffffffffff\","
                             "\"data\":{\"flow\":\"nonesuch\","
                             "\"call\":{\"state\":\"incoming\"}}}"),
               0);
    EXPECT_IN(flow_logs(&w), "no such flow: nonesuch");
    EXPECT_IN(flow_take(&w),
              "\"key\":\"ffffffffffffffffffffffffffffffff\",\"seq\":1,\"method\":\"answer\"");
    EXPECT_INT(core_calls(w.core), 2);
    flow_fini(&w);
}

static void routes_are_tried_in_order(void)
{
    static const struct {
        const char *call, *tenant, *flow;
    } cases[] = {
        {"{\"callRoutes\":[{\"original\":{\"phone\":{\"id\":\"+14255550199\"}}}]}", "", "us"},
        {"{\"targets\":[{\"identity\":{\"phone\":{\"id\":\"+1425\"}}}]}", "", "us"},
        {"{\"source\":{\"identity\":{\"user\":{\"id\":\"boss\"}}}}", "", "boss"},
        {"{\"source\":{\"identity\":{\"user\":{\"id\":\"bossy\"}}}}", "", "rest"},
        {"{}", "t1", "tenant"},
        {"{}", "t2", "rest"},
    };
    static const char *const flows[] = {"us", "boss", "tenant", "rest"};
    struct flow_world w;
    char text[512];

    flow_init(&w, "return { onCall = function() end }", NULL);
    for (size_t i = 0; i < sizeof flows / sizeof *flows; i++) {
        char file[32];

        snprintf(file, sizeof file, "%s.lua", flows[i]);
        snprintf(text, sizeof text, "return { onCall = function() print '%s' end }", flows[i]);
        flow_file(&w, file, text);
    }
    flow_file(&w, "routes.lua",
              "return { { to = '+1425*', flow = 'us' }, { from = 'boss', flow = 'boss' },\n"
              "{ tenant = 't1', flow = 'tenant' }, { flow = 'rest' } }");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text,
                 "{\"kind\":\"start\",\"key\":\"%zu\",\"data\":{\"tenant\":\"%s\",\"call\":%s}}", i,
                 cases[i].tenant, cases[i].call);
        flow_give(&w, text);
        snprintf(text, sizeof text, "%s\n", cases[i].flow);
        EXPECT_STR(flow_logs(&w), text);
        buf_reset(&w.logs);
    }
    flow_fini(&w);
}

static void new_calls_get_the_new_bundle(void)
{
    struct flow_world w;

    flow_init(&w, FLOW("ivr.sleep(1) print 'old'") "return M", NULL);
    flow_start(&w);
    flow_file(&w, "main.lua", "local M = {} function M.onCall() print 'new' end return M");
    flow_give(&w,
              "{\"kind\":\"start\",\"key\":\"ff\",\"data\":{\"call\":{\"state\":\"incoming\"}}}");
    flow_pass(&w, 1000);
    EXPECT_STR(flow_logs(&w), "new\nold\n");
    flow_fini(&w);
}

const struct test core_tests[] = {
    TEST(one_call_from_start_to_end),
    TEST(a_hangup_at_every_wait_is_survived),
    TEST(the_same_events_give_the_same_commands),
    TEST(a_bad_service_cannot_hold_a_call),
    TEST(failing_memory_loses_a_call_and_no_more),
    TEST(a_failed_request_is_an_error_value),
    TEST(a_failing_flow_leaves_no_dead_air),
    TEST(a_limit_broken_is_taken_back_and_replayed),
    TEST(an_outgoing_call_runs_at_once),
    TEST(participants_are_asked_and_answered),
    TEST(calls_end_when_limits_say_so),
    TEST(an_administrator_ends_a_call),
    TEST(starts_are_checked),
    TEST(routes_are_tried_in_order),
    TEST(new_calls_get_the_new_bundle),
    {0},
};
