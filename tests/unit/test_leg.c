/* Legs: states, media, tones, operations, the roster. */
#include "core/machine.h"
#include "tests/unit/machine_world.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOW(body)                                                                                 \
    "local ivr = require 'ivr'\nlocal http = require 'ivr.http'\nlocal M = {}\n"                   \
    "function M.onCall(call)\n" body "\nend\n"

static void states_go_forward_only(void)
{
    struct flow_world w;

    flow_init(&w,
              FLOW("call:answer() while true do ivr.sleep(1)\n"
                   "print(call.state, call.source and call.from, call.subject) end") "return M",
              NULL);
    flow_start(&w);
    flow_give(&w, ANSWERED(1));
    flow_give(&w, ESTABLISHED);
    flow_give(&w, STATE("establishing"));
    flow_pass(&w, 1000);
    flow_give(
        &w, "{\"kind\":\"call\",\"data\":{\"state\":\"HOLD\",\"source\":null,\"subject\":\"x\"}}");
    flow_pass(&w, 1000);
    flow_give(&w, STATE("established"));
    flow_pass(&w, 1000);
    flow_give(&w, STATE("noSuchState"));
    flow_pass(&w, 1000);
    EXPECT_STR(flow_logs(&w), "established\t+4917\tnil\nhold\t+4917\tx\nestablished\t+4917\tx\n"
                              "established\t+4917\tx\n");
    flow_fini(&w);
}

static void answer_waits_for_media_but_not_for_ever(void)
{
    static const struct {
        const char *event;
        int64_t after;
    } cases[] = {
        {STATE("established"), 500},
        {"{\"kind\":\"call\",\"data\":{\"state\":\"established\",\"mediaState\":{\"audio\":"
         "\"inactive\"}}}",
         5000},
        {ESTABLISHED, 0}};

    for (size_t i = 0; i < 3; i++) {
        struct flow_world w;

        flow_init(&w, FLOW("call:answer() print 'on'") "return M", NULL);
        flow_start(&w);
        flow_give(&w, ANSWERED(1));
        flow_give(&w, cases[i].event);
        if (cases[i].after) {
            flow_pass(&w, cases[i].after - 1);
            EXPECT_STR(flow_logs(&w), "");
        }
        flow_pass(&w, 1);
        EXPECT_STR(flow_logs(&w), "on\n");
        flow_fini(&w);
    }
}

#define NOT_TOLD(n) "key " n " was not told: not waited for any longer\n"

static void tones_come_in_order_and_once(void)
{
    struct flow_world w;

    flow_init(
        &w,
        FLOW("while true do local t = call:nextTone() print(t.key, t.sequenceId) end") "return M",
        NULL);
    flow_start(&w);
    flow_give(&w, TONE(2, 2));
    EXPECT_STR(flow_logs(&w), "");
    flow_give(&w, TONE(1, 1));
    flow_give(&w, TONE(2, 2));
    EXPECT_STR(flow_logs(&w), "1\t1\n2\t2\n");
    flow_give(&w, TONE(5, 5));
    flow_give(&w, TONE(4, 4));
    flow_pass(&w, TONE_GAP_MS - 1);
    EXPECT_STR(flow_logs(&w), "1\t1\n2\t2\n");
    flow_pass(&w, 1);
    EXPECT_STR(flow_logs(&w), "1\t1\n2\t2\n" NOT_TOLD("3") "4\t4\n5\t5\n");
    flow_give(&w, TONE(3, 3));
    flow_give(&w, "{\"kind\":\"tone\",\"data\":{\"tone\":\"star\",\"sequenceId\":6}}");
    flow_give(&w, "{\"kind\":\"tone\",\"data\":{\"tone\":\"nonsense\",\"sequenceId\":7}}");
    flow_give(&w, "{\"kind\":\"tone\",\"data\":{}}");
    EXPECT_STR(flow_logs(&w), "1\t1\n2\t2\n" NOT_TOLD("3") "4\t4\n5\t5\n*\t6\n");
    flow_fini(&w);
}

/* A service that delivers again after a second or two must not cost the caller a key. */
static void a_tone_that_is_delivered_again_keeps_its_place(void)
{
    struct flow_world w;

    flow_init(&w, FLOW("for _ = 1, 3 do print(call:nextTone().key) end") "return M", NULL);
    flow_start(&w);
    flow_give(&w, TONE(1, 1));
    flow_give(&w, TONE(3, 3));
    flow_pass(&w, 2000);
    flow_give(&w, TONE(2, 2));
    EXPECT_STR(flow_logs(&w), "1\n2\n3\n");
    flow_fini(&w);
}

/* Whoever presses again and again because nothing happens is not put off each time. */
static void a_gap_is_waited_for_once(void)
{
    struct flow_world w;

    flow_init(&w, FLOW("for _ = 1, 2 do print(call:nextTone().key) end") "return M", NULL);
    flow_start(&w);
    flow_give(&w, TONE(2, 2));
    flow_pass(&w, TONE_GAP_MS - 1);
    flow_give(&w, TONE(3, 3));
    EXPECT_STR(flow_logs(&w), "");
    flow_pass(&w, 1);
    EXPECT_STR(flow_logs(&w), NOT_TOLD("1") "2\n3\n");
    flow_fini(&w);
}

/* Who was told too little is still told what there is, before it would be told "nothing". */
static void a_wait_for_a_key_ends_with_the_one_behind_a_gap(void)
{
    struct flow_world w;

    flow_init(&w,
              FLOW("local t = call:nextTone{ timeout = 1 } print(t and t.key)\n"
                   "t = call:nextTone{ timeout = 0 } print(t and t.key)\n"
                   "t = call:nextTone{ timeout = 1 } print(t and t.key)") "return M",
              NULL);
    flow_start(&w);
    flow_give(&w, TONE(2, 2));
    flow_give(&w, TONE(4, 4));
    flow_pass(&w, 1000);
    EXPECT_STR(flow_logs(&w), NOT_TOLD("1") "2\nnil\n");
    flow_pass(&w, 1000);
    EXPECT_STR(flow_logs(&w), NOT_TOLD("1") "2\nnil\n" NOT_TOLD("3") "4\n");
    flow_fini(&w);
}

static void the_tone_buffer_is_bounded(void)
{
    struct flow_world w;
    char text[128];

    flow_init(&w,
              FLOW("ivr.sleep(1) print(call:flushTones()) print(call:nextTone{ timeout = 0 })\n"
                   "print(call:nextTone{ timeout = 1 })") "return M",
              NULL);
    flow_start(&w);
    for (int i = 1; i <= 50; i++) {
        snprintf(text, sizeof text,
                 "{\"kind\":\"tone\",\"data\":{\"tone\":\"tone1\",\"sequenceId\":%d}}",
                 i * (i < 40 ? 1 : 3));
        flow_give(&w, text);
    }
    flow_pass(&w, 4000);
    EXPECT_IN(flow_logs(&w), "limit tones");
    EXPECT_IN(flow_logs(&w), "\nnil\nnil\n");
    flow_fini(&w);
}

static void operations_end_once_whatever_overtakes(void)
{
    struct flow_world w;

    flow_init(&w,
              FLOW("print(call:playPrompt('welcome').completionReason)\n"
                   "print(call:playPrompt('welcome').id)\nprint(call:mute().status)\n"
                   "print(pcall(call.unmute, call))") "return M",
              NULL);
    flow_start(&w);
    /* the end before the answer, known by clientContext only */
    flow_give(&w,
              OP_END("op1", ",\"completionReason\":\"a\",\"clientContext\":\"" WORLD_KEY "/0/1\""));
    EXPECT_STR(flow_logs(&w), "a\n");
    flow_give(&w, RUNNING(1, "op1"));
    flow_give(&w, OP_END("op1", ",\"completionReason\":\"b\""));
    /* before the answer and without clientContext: held until the answer names it */
    flow_give(&w, OP_END("op2", ""));
    EXPECT_STR(flow_logs(&w), "a\n");
    flow_give(&w, OP_END("other", ""));
    flow_give(&w, RUNNING(2, "op2"));
    EXPECT_STR(flow_logs(&w), "a\nop2\n");
    /* final in the answer */
    flow_give(&w,
              "{\"kind\":\"answer\",\"seq\":3,\"status\":200,\"data\":{\"status\":\"Completed\"}}");
    EXPECT_STR(flow_logs(&w), "a\nop2\nCompleted\n");
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":4,\"status\":200,\"id\":\"op4\",\"data\":{"
                  "\"status\":\"running\"}}");
    flow_give(&w, "{\"kind\":\"operation\",\"change\":\"deleted\",\"id\":\"op4\",\"data\":{"
                  "\"status\":\"failed\","
                  "\"resultInfo\":{\"code\":403,\"subcode\":7,\"message\":\"not you\"}}}");
    EXPECT_IN(flow_logs(&w), "false\tunmute: operationFailed (403/7): not you");
    flow_fini(&w);
}

static void a_transfer_ends_the_call_or_fails(void)
{
    struct flow_world w;

    flow_init(&w,
              FLOW("call:answer() print(pcall(call.transfer, call, '+15550100'))\n"
                   "call:onEnd(function(why) print('end', why) end)\n"
                   "call:transfer{ phone = '+15550101' } print 'never'") "return M",
              NULL);
    flow_start(&w);
    flow_give(&w, ANSWERED(1));
    flow_give(&w, ESTABLISHED);
    flow_give(&w, ANSWERED(2));
    flow_give(&w, STATE("transferring"));
    flow_give(&w, STATE("established")); /* late, no result: nothing */
    EXPECT_STR(flow_logs(&w), "");
    flow_give(&w,
              "{\"kind\":\"call\",\"data\":{\"state\":\"established\",\"resultInfo\":{\"code\":500,"
              "\"subcode\":7700,\"message\":\"busy\"}}}");
    EXPECT_IN(flow_logs(&w), "false\ttransfer: transferFailed (subcode 7700): busy");
    flow_take(&w);
    flow_give(&w, ANSWERED(3));
    flow_give(&w, STATE("transferAccepted"));
    flow_give(&w, "{\"kind\":\"call\",\"change\":\"deleted\",\"data\":{\"resultInfo\":{\"code\":0,"
                  "\"subcode\":7015}}}");
    EXPECT_IN(flow_logs(&w), "end\tdone\n");
    EXPECT(!strstr(flow_logs(&w), "never"));
    EXPECT_IN(flow_take(&w), "\"result\":\"done\",\"subcode\":7015");
    flow_fini(&w);
}

static void one_media_operation_at_a_time(void)
{
    struct flow_world w;
    const char *text;

    flow_init(
        &w,
        FLOW(
            "ivr.spawn(function() print('a', call:playPrompt('welcome').ok) end)\n"
            "ivr.spawn(function() print('b', call:playPrompt('welcome').ok) end)\n"
            "ivr.sleep(1)\nprint('c', call:playPrompt('welcome', { lane = 'preempt' }).ok)") "retur"
                                                                                             "n M",
        NULL);
    flow_start(&w);
    text = flow_take(&w);
    EXPECT_IN(text, "\"seq\":1,\"method\":\"playPrompt\"");
    EXPECT(!strstr(text, "\"seq\":2"));
    flow_give(&w, RUNNING(1, "op1"));
    flow_pass(&w, 1000);
    EXPECT_IN(flow_take(&w), "\"seq\":2,\"method\":\"cancelMediaProcessing\"");
    flow_give(&w,
              "{\"kind\":\"answer\",\"seq\":2,\"status\":200,\"data\":{\"status\":\"completed\"}}");
    flow_give(&w, OP_END("op1", ",\"completionReason\":\"mediaOperationCanceled\""));
    EXPECT_STR(flow_logs(&w), "a\tfalse\n");
    EXPECT_IN(flow_take(&w), "\"seq\":3,\"method\":\"playPrompt\",\"fiber\":\"1\"");
    flow_give(&w, RUNNING(3, "op3"));
    flow_give(&w, OP_END("op3", ""));
    EXPECT_IN(flow_take(&w), "\"seq\":4,\"method\":\"playPrompt\",\"fiber\":\"1.2\"");
    EXPECT_STR(flow_logs(&w), "a\tfalse\nc\ttrue\n");
    flow_fini(&w);
}

static void a_cancelled_prompt_is_stopped_at_the_service(void)
{
    struct flow_world w;

    flow_init(
        &w,
        FLOW("local r = ivr.first{ said = function() call:playPrompt 'welcome' end,\n"
             "  late = function() ivr.sleep(1) end }\nprint(r)\n"
             "print(select(2, pcall(call.playPrompt, call, 'welcome', { timeout = 1 })).code)\n"
             "print(call:playPrompt('welcome').ok)") "return M",
        NULL);
    flow_start(&w);
    flow_give(&w, RUNNING(1, "op1"));
    flow_take(&w);
    flow_pass(&w, 1000);
    EXPECT_IN(flow_take(&w), "\"seq\":2,\"method\":\"cancelMediaProcessing\",\"fiber\":\"1.2\"");
    EXPECT_STR(flow_logs(&w), "");
    /* The order to stop is still on its way: what would be played now, it would stop as well. */
    flow_pass(&w, 4000);
    EXPECT_STR(flow_logs(&w), "");
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":2,\"status\":200,\"id\":\"op2\",\"data\":"
                  "{\"status\":\"completed\"}}");
    flow_pass(&w, 2000); /* the prompt's end is never notified */
    EXPECT_STR(flow_logs(&w), "late\n");
    flow_take(&w);
    flow_pass(&w, 1000);
    EXPECT_STR(flow_logs(&w), "late\ntimeout\n");
    EXPECT_IN(flow_take(&w), "cancelMediaProcessing");
    flow_fini(&w);
}

static void further_legs_fail_alone(void)
{
    struct flow_world w;

    flow_init(
        &w,
        FLOW(
            "local leg = ivr.createCall{ targets = '+1555' }\nprint(leg.id, leg.to, leg == call)\n"
            "print(leg:waitFor('established', 9))\nprint(select(2, pcall(leg.nextTone, "
            "leg)).code)\n"
            "print(leg.ended, call.ended)\n"
            "print(select(2, pcall(leg.playPrompt, leg, 'welcome')).code)\n"
            "print(select(2, pcall(ivr.createCall, '+15550101')).status)\nivr.sleep(9)") "return M",
        NULL);
    flow_start(&w);
    EXPECT_IN(flow_take(&w), "\"leg\":1,\"seq\":1,\"method\":\"create\"");
    flow_give(&w, "{\"kind\":\"answer\",\"leg\":1,\"seq\":1,\"status\":201,\"id\":\"x1\",\"data\":{"
                  "\"id\":\"X1\",\"state\":\"establishing\"}}");
    EXPECT_STR(flow_logs(&w), "X1\t+1555\tfalse\n");
    flow_give(&w, "{\"kind\":\"call\",\"leg\":1,\"data\":{\"state\":\"established\",\"mediaState\":"
                  "{\"audio\":\"active\"}}}");
    flow_give(&w, "{\"kind\":\"call\",\"leg\":1,\"change\":\"deleted\",\"data\":{\"resultInfo\":{"
                  "\"code\":486}}}");
    EXPECT_IN(flow_logs(&w), "true\nhangup\ntrue\tfalse\nhangup\n");
    flow_give(&w, "{\"kind\":\"answer\",\"leg\":2,\"seq\":2,\"status\":429,\"data\":{}}");
    EXPECT_IN(flow_logs(&w), "\n429\n");
    flow_give(&w, "{\"kind\":\"call\",\"leg\":7,\"data\":{}}");
    EXPECT_INT(core_calls(w.core), 1);
    flow_fini(&w);
}

static void the_roster_is_whole_or_a_delta(void)
{
    struct flow_world w;

    flow_init(
        &w,
        FLOW("while true do ivr.sleep(1) local s = '' for _, p in ipairs(call.roster) do s = s .. "
             "p.id .. '=' .. (p.isMuted and 'm' or 'o') .. ' ' end print(s) end") "return M",
        NULL);
    flow_start(&w);
    flow_give(&w, "{\"kind\":\"roster\",\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}");
    flow_pass(&w, 1000);
    flow_give(&w, "{\"kind\":\"roster\",\"data\":[{\"id\":\"b\",\"isMuted\":true}]}");
    flow_pass(&w, 1000);
    flow_give(&w, "{\"kind\":\"roster\",\"data\":[{\"id\":\"c\",\"rosterSequenceNumber\":5}]}");
    flow_give(&w, "{\"kind\":\"roster\",\"data\":[{\"id\":\"c\",\"rosterSequenceNumber\":7,"
                  "\"removedState\":{\"reason\":\"x\"}}]}");
    flow_give(&w, "{\"kind\":\"roster\",\"data\":[{\"id\":\"c\",\"rosterSequenceNumber\":6,"
                  "\"isMuted\":true}]}");
    flow_pass(&w, 1000);
    flow_give(&w, "{\"kind\":\"roster\",\"data\":[{\"id\":\"c\",\"rosterSequenceNumber\":8}]}");
    flow_pass(&w, 1000);
    EXPECT_STR(flow_logs(&w), "a=o b=o \nb=m \nb=m \nb=m c=o \n");
    flow_fini(&w);
}

/* Whatever the service says, what is kept of a leg has an end; who has left makes room. */
static void what_is_kept_has_an_end(void)
{
    char text[200];
    struct flow_world w;

    flow_init(&w,
              FLOW("ivr.sleep(1) local n = 0 for k in pairs(call.resource) do n = n + 1 end\n"
                   "print(#call.roster, n < 1100, call.roster[#call.roster].id)") "return M",
              NULL);
    flow_start(&w);
    for (int i = 1; i <= 2100; i++) {
        snprintf(text, sizeof text,
                 "{\"kind\":\"roster\",\"data\":[{\"id\":\"p%d\",\"rosterSequenceNumber\":1%s}]}",
                 i, i == 7 ? ",\"removedState\":{}" : "");
        flow_give(&w, text);
        snprintf(text, sizeof text, "{\"kind\":\"call\",\"data\":{\"x%d\":{}}}", i);
        flow_give(&w, text);
    }
    flow_pass(&w, 1000);
    EXPECT_IN(flow_logs(&w), "2000\ttrue\tp2001\n");
    flow_fini(&w);
}

/* Longer, shorter, null (which is not told) and another type, beside one that stays. */
static void what_is_told_again_takes_the_place(void)
{
    static const char *const subjects[] = {
        "\"one\"", "\"a good deal longer\"", "\"\"", "{\"deep\":[1,{\"x\":null}]}", "null", "7"};
    struct flow_world w;

    flow_init(&w,
              FLOW("local json = require 'ivr.json' while true do ivr.sleep(1)\n"
                   "print(json.encode(call.subject), call.tenantId, call.topic)\n"
                   "local s = call.resource.subject print(json.encode(s)) end") "return M",
              NULL);
    flow_start(&w);
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        char json[200];

        snprintf(
            json, sizeof json,
            "{\"kind\":\"call\",\"data\":{\"subject\":%s,\"tenantId\":\"t\",\"topic\":\"%zu\"}}",
            subjects[i], i);
        flow_give(&w, json);
        flow_pass(&w, 1000);
    }
    EXPECT_STR(flow_logs(&w), "\"one\"\tt\t0\n\"one\"\n"
                              "\"a good deal longer\"\tt\t1\n\"a good deal longer\"\n"
                              "\"\"\tt\t2\n\"\"\n"
                              "{\"deep\":[1,{}]}\tt\t3\n{\"deep\":[1,{}]}\n"
                              "{\"deep\":[1,{}]}\tt\t4\n{\"deep\":[1,{}]}\n"
                              "7\tt\t5\n7\n");
    flow_fini(&w);
}

static void an_unheard_delete_is_bounded(void)
{
    struct flow_world w;

    flow_init(&w, FLOW("") "return M", NULL);
    flow_start(&w);
    EXPECT_IN(flow_take(&w), "\"method\":\"delete\"");
    flow_pass(&w, 9999);
    EXPECT(!w.ended);
    flow_pass(&w, 1);
    EXPECT(w.ended);
    flow_fini(&w);

    flow_init(&w, FLOW("call:hangup() print 'never'") "return M", NULL);
    flow_start(&w);
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":1,\"status\":404,\"data\":{\"error\":{}}}");
    EXPECT(w.ended);
    EXPECT_STR(flow_logs(&w), "");
    EXPECT_IN(flow_take(&w), "\"result\":\"done\"");
    flow_fini(&w);
}

/* The create was not answered, so the leg was given up; now its phone rings. */
static void a_leg_that_is_there_after_all_is_hung_up(void)
{
    static const char rings[] = "{\"kind\":\"call\",\"leg\":1,\"change\":\"updated\","
                                "\"data\":{\"state\":\"ringing\"}}";
    struct flow_world w;

    flow_init(
        &w,
        FLOW("call:answer() print(pcall(ivr.createCall, '+1555') == false) ivr.sleep(60)") "return "
                                                                                           "M",
        NULL);
    flow_start(&w);
    flow_give(&w, ANSWERED(1));
    flow_give(&w, ESTABLISHED);
    flow_take(&w);
    flow_give(&w, "{\"kind\":\"answer\",\"leg\":1,\"seq\":2,\"status\":0,\"data\":{\"error\":{"
                  "\"code\":\"inDoubt\"}}}");
    EXPECT_STR(flow_logs(&w), "true\n");
    EXPECT_STR(flow_take(&w), "");
    flow_give(&w, rings);
    EXPECT_IN(flow_take(&w), "delete");
    EXPECT_IN(flow_logs(&w), "leg 1 was placed after all");
    flow_give(&w, rings);
    EXPECT(strstr(flow_take(&w), "delete") == NULL);
    flow_give(&w, DELETED);
    flow_fini(&w);
}

const struct test leg_tests[] = {
    TEST(a_leg_that_is_there_after_all_is_hung_up),
    TEST(states_go_forward_only),
    TEST(answer_waits_for_media_but_not_for_ever),
    TEST(tones_come_in_order_and_once),
    TEST(a_tone_that_is_delivered_again_keeps_its_place),
    TEST(a_gap_is_waited_for_once),
    TEST(a_wait_for_a_key_ends_with_the_one_behind_a_gap),
    TEST(the_tone_buffer_is_bounded),
    TEST(operations_end_once_whatever_overtakes),
    TEST(a_transfer_ends_the_call_or_fails),
    TEST(one_media_operation_at_a_time),
    TEST(a_cancelled_prompt_is_stopped_at_the_service),
    TEST(further_legs_fail_alone),
    TEST(the_roster_is_whole_or_a_delta),
    TEST(what_is_kept_has_an_end),
    TEST(what_is_told_again_takes_the_place),
    TEST(an_unheard_delete_is_bounded),
    {0},
};
