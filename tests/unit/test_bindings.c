/* What Lua sees: properties, arguments, the small modules. */
#include "base/json.h"
#include "graph/methods.h"
#include "tests/unit/machine_world.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FLOW(body)                                                                                 \
    "local ivr = require 'ivr'\nlocal http = require 'ivr.http'\nlocal json = require "            \
    "'ivr.json'\n"                                                                                 \
    "local log = require 'ivr.log'\nlocal M = {}\nfunction M.onCall(call)\n" body                  \
    "\nend\nreturn M\n"

static const char *logs(const struct flow_world *w)
{
    return w->logs.p ? w->logs.p : "";
}

/* Run `body` against a service that works; what it printed is left in `out`. */
static void run(const char *flow, char *out, size_t cap)
{
    struct flow_world w;

    flow_init(&w, flow, NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 600000);
    snprintf(out, cap, "%s", logs(&w));
    EXPECT(w.ended);
    flow_fini(&w);
}

#define PRINTS(body, expected)                                                                     \
    do {                                                                                           \
        char out_[4096];                                                                           \
        run(FLOW(body), out_, sizeof out_);                                                        \
        EXPECT_STR(out_, expected);                                                                \
    } while (0)

static void properties_are_read(void)
{
    PRINTS(
        "print(call.state, call.id, call.key, call.direction, call.from, call.to)\n"
        "print(call.source.identity.phone.id, #call.targets, call.resource.state, call.nonesuch)\n"
        "print(call.ended, call.result, #call.roster, #call.operations, call.toneSubscribed)\n"
        "call:answer() call:subscribeToTone() print(call.state, call.toneSubscribed)\n"
        "print(call, pcall(function() call.x = 1 end))\n"
        "print(call == call, call:participant('p') == call:participant('p'), call:participant('p') "
        "== call:participant('q'))\n"
        "print(call:participant('p').id, call:operation('o').id, tostring(call:participant('p')))",
        "incoming\tC-0\t" WORLD_KEY "\tincoming\t+4917\tapp\n"
        "+4917\t1\tincoming\tnil\nfalse\tnil\t0\t0\tfalse\nestablished\ttrue\n"
        "call c0\tfalse\tflows/main.lua:11: a call is read only: keep your own values in "
        "variables\n"
        "true\ttrue\tfalse\np\to\tparticipant p\n");
}

/* Every method of the table is a function of its object and issues its command. */
static void every_method_is_there(void)
{
    struct flow_world w;
    char body[512];

    for (const struct method *m = method_table; m->name; m++) {
        char self[64], flow[2048];

        if (strcmp(m->object, "ivr") == 0 || strcmp(m->object, "joining") == 0 ||
            strcmp(m->object, "recording") == 0)
            continue;
        strcpy(self, "call");
        if (strcmp(m->object, "call") != 0)
            snprintf(self, sizeof self, "call:%s('x')", m->object);
        snprintf(body, sizeof body,
                 "local o = %s print(type(o.%s))\nlocal ok, e = pcall(o.%s, o) print(ok or e)",
                 self, m->lua, m->lua);
        snprintf(flow, sizeof flow, "local M = {}\nfunction M.onCall(call)\n%s\nend\nreturn M\n",
                 body);
        flow_init(&w, flow, NULL);
        w.serves = true;
        flow_start(&w);
        flow_pass(&w, 60000);
        EXPECT_IN(logs(&w), "function\n");
        snprintf(body, sizeof body, "\"method\":\"%s\"", m->name);
        if (!strstr(w.text.p ? w.text.p : "", body)) /* refused: it names what is missing */
            EXPECT_IN(logs(&w), "badArgument: ");
        EXPECT(w.ended);
        flow_fini(&w);
    }
}

static void ids_and_short_forms_reach_the_command(void)
{
    struct flow_world w;

    flow_init(
        &w,
        FLOW("ivr.spawn(function() call:participant('p1'):mute() end)\n"
             "ivr.spawn(function() call:audioRoutingGroup('g1'):update{ sources = { 'a' } } end)\n"
             "ivr.spawn(function() call:contentSharingSession('s1'):get() end)\n"
             "ivr.spawn(function() call:sendDtmfTones '1#' end)\n"
             "ivr.spawn(function() call:playPrompt{ hash = 'abc' } end)\n"
             "ivr.spawn(function() ivr.logTeleconferenceDeviceQuality{ quality = { callChainId = "
             "'00000000-0000-0000-0000-000000000000' } } end)\n"
             "ivr.spawn(function() call:get{ timeout = 2 } end)"),
        NULL);
    flow_start(&w);
    EXPECT_IN(w.text.p, "\"method\":\"participant.mute\",\"fiber\":\"1.1\",\"where\":\"flows/"
                        "main.lua:7\",\"ids\":{\"participant\":\"p1\"}");
    EXPECT_IN(w.text.p, "\"ids\":{\"group\":\"g1\"},\"args\":{\"sources\":[\"a\"]}");
    EXPECT_IN(w.text.p, "\"ids\":{\"session\":\"s1\"}");
    EXPECT_IN(w.text.p, "\"tones\":[\"tone1\",\"pound\"]");
    EXPECT_IN(w.text.p, "\"prompts\":[{\"recording\":{\"hash\":\"abc\"}}]");
    EXPECT_IN(w.text.p, "\"method\":\"get\"");
    flow_fini(&w);
}

static void recordings_are_fetched_and_played(void)
{
    struct flow_world w;

    flow_init(
        &w,
        FLOW("call:answer() local r = call:recordResponse{ maxRecordDurationInSeconds = 10 }\n"
             "print(r.ok, r.status) local rec = r:download() print(rec.hash, rec.seconds, "
             "rec.bytes)\n"
             "call:playPrompt{ rec, 'welcome' }"),
        NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 10000);
    EXPECT_STR(logs(&w), "true\tcompleted\nh\t2\t5\n");
    EXPECT_IN(w.text.p, "\"method\":\"recording.download\",\"fiber\":\"1\",\"where\":\"flows/"
                        "main.lua:8\",\"ids\":{\"token\":\"t\",\"url\":\"https://x/1\"}");
    EXPECT_IN(w.text.p, "\"prompts\":[{\"recording\":{\"hash\":\"h\"}},{\"prompt\":");
    flow_fini(&w);
}

#define RECORDED                                                                                   \
    OP_END("op1", ",\"recordingLocation\":\"https://x/1\",\"recordingAccessToken\":\"t\"")

/* The end of a recording may be told after the end of the call that caused it. */
static void a_recording_may_end_after_its_call(void)
{
    static const char flow[] = FLOW(
        "call:answer() local op = call:start('recordResponse', {})\n"
        "ivr.shield(function() local r = op:await() print(r.ok) print(r:download().hash) end)");
    struct flow_world w;

    flow_init(&w, flow, NULL);
    flow_start(&w);
    flow_give(&w, ANSWERED(1));
    flow_give(&w, ESTABLISHED);
    flow_give(&w, RUNNING(2, "op1"));
    flow_give(&w, DELETED);
    flow_pass(&w, 1900);
    EXPECT_STR(logs(&w), "");
    flow_take(&w);
    flow_give(&w, RECORDED);
    EXPECT_IN(flow_take(&w), "\"seq\":3,\"method\":\"recording.download\"");
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":3,\"status\":200,\"data\":{\"hash\":\"h\"}}");
    EXPECT_STR(logs(&w), "true\nh\n");
    EXPECT(w.ended);
    flow_fini(&w);
}

static void an_end_of_a_recording_that_is_never_told_is_not_waited_for_long(void)
{
    struct flow_world w;

    flow_init(&w,
              FLOW("call:answer() local op = call:start('recordResponse', {})\n"
                   "ivr.shield(function() print(select(2, pcall(op.await, op)).code) end)"),
              NULL);
    flow_start(&w);
    flow_give(&w, ANSWERED(1));
    flow_give(&w, ESTABLISHED);
    flow_give(&w, DELETED);
    flow_give(&w, RUNNING(2, "op1"));
    flow_pass(&w, 1900);
    EXPECT(!w.ended);
    flow_pass(&w, 200);
    EXPECT_STR(logs(&w), "hangup\n");
    EXPECT(w.ended);
    flow_fini(&w);
    /* and a flow that just records ends with the call */
    flow_init(&w, FLOW("call:answer() call:recordResponse{}"), NULL);
    flow_start(&w);
    flow_give(&w, ANSWERED(1));
    flow_give(&w, ESTABLISHED);
    flow_give(&w, DELETED);
    EXPECT(w.ended);
    flow_fini(&w);
}

static void wrong_arguments_name_the_field_and_the_line(void)
{
    PRINTS("local function try(m, ...) print(select(2, pcall(call[m], call, ...))) end\n"
           "try('playPrompt', { prompts = {}, nonsense = 1 })\n"
           "try('playPrompt', { print })\n"
           "try('playPrompt', 'welcome', { timeout = 'x' })\n"
           "try('playPrompt', 'welcome', { lane = 'x' })\n"
           "try('waitFor', 'x')\n try('onEnd', 1)\n try('start', 'x')\n",
           "playPrompt: badArgument: nonsense: no such field in playPrompt [flows/main.lua:7]\n"
           "playPrompt: badArgument: prompts[1]: a function [flows/main.lua:7]\n"
           "playPrompt: timeout: seconds, not a string\n"
           "playPrompt: lane: \"wait\" or \"preempt\"\n"
           "waitFor: unknown state \"x\"\n"
           "bad argument #2 to '?' (function expected, got number)\n"
           "start: a call has no method \"x\"\n");
}

static void operations_are_begun_and_awaited(void)
{
    struct flow_world w;

    flow_init(&w,
              FLOW("local op = call:start('playPrompt', 'welcome')\nprint(op.status, "
                   "op.id)\nivr.sleep(1)\n"
                   "print(op.status, op.id)\nprint(select(2, pcall(op.await, op, 1)).code)\n"
                   "op:cancel() print(op.status, op:await().ok)"),
              NULL);
    flow_start(&w);
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":1,\"status\":200,\"id\":\"op1\",\"data\":{"
                  "\"status\":\"running\"}}");
    flow_pass(&w, 2000);
    EXPECT_STR(logs(&w), "notStarted\tnil\nrunning\top1\ntimeout\n");
    EXPECT_IN(w.text.p, "\"seq\":2,\"method\":\"cancelMediaProcessing\"");
    flow_give(&w, "{\"kind\":\"operation\",\"change\":\"deleted\",\"id\":\"op1\",\"data\":{"
                  "\"status\":\"completed\"}}");
    EXPECT_IN(logs(&w), "timeout\ncompleted\tfalse\n");
    flow_fini(&w);
}

static void http_requests_go_out_and_come_back(void)
{
    struct flow_world w;

    flow_init(
        &w,
        FLOW("local r = http.post('https://crm/x', { json = { b = 1, a = json.array{} }, headers = "
             "{ X = 'y' }, timeout = 3 })\n"
             "print(r.status, r.headers.H, r.body, r.json.k[1], r.json.n == json.null)\n"
             "print(select(2, pcall(http.get, 'https://crm/')))\n"
             "for _, bad in ipairs{ { url = 'ftp://x', method = 'GET' }, { url = 'http://x', "
             "method = 'get' },\n"
             "  { url = 'http://x', method = 'GET', timeout = 0 }, { url = 'http://x', method = "
             "'GET', extra = 1 },\n"
             "  { url = 'http://x', method = 'GET', headers = { a = 'b\\nc' } } } do\n"
             "  print(select(2, pcall(http.request, bad)).message) end\n"
             "local f = ivr.spawn(function() http.get 'http://slow/' end) ivr.sleep(1) f:cancel()"),
        NULL);
    flow_start(&w);
    EXPECT_STR(flow_take(&w),
               "{\"kind\":\"http\",\"key\":\"" WORLD_KEY
               "\",\"seq\":1,\"fiber\":\"1\",\"where\":\"flows/main.lua:7\","
               "\"args\":{\"body\":\"{\\\"a\\\":[],\\\"b\\\":1}\",\"headers\":{"
               "\"Content-Type\":\"application/json\",\"Idempotency-Key\":\"" WORLD_KEY
               "/1/1\",\"X\":\"y\"},"
               "\"method\":\"POST\",\"timeout\":3,\"url\":\"https://crm/x\"}}\n");
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":1,\"status\":200,\"data\":{\"status\":200,"
                  "\"headers\":{\"H\":\"h\"},\"body\":\"{\\\"k\\\":[7],\\\"n\\\":null}\"}}");
    EXPECT_STR(logs(&w), "200\th\t{\"k\":[7],\"n\":null}\t7\ttrue\n");
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":2,\"status\":0,\"data\":{\"error\":{\"code\":"
                  "\"refused\",\"message\":\"nobody\"}}}");
    EXPECT_IN(logs(&w),
              "http: refused: nobody [flows/main.lua:9]\nurl: an http or https address\nmethod: ");
    EXPECT_IN(logs(&w), "timeout: over 0, at most 300 seconds\nextra: unknown field\nheaders.a: "
                        "one line of text\n");
    flow_take(&w);
    flow_pass(&w, 1000);
    EXPECT_IN(flow_take(&w), "{\"kind\":\"cancel\",\"key\":\"" WORLD_KEY
                             "\",\"seq\":4,\"fiber\":\"1.1\",\"args\":{\"seq\":3}}\n");
    flow_fini(&w);
}

static void bytes_of_an_answer_are_what_came(void)
{
    struct flow_world w;

    flow_init(&w,
              FLOW("local r = http.get 'https://x/' print(#r.body, r.body:byte(1, -1)) "
                   "print(r.json, r.headers['content-type'])"),
              NULL);
    flow_start(&w);
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":1,\"status\":200,\"data\":{\"status\":200,"
                  "\"headers\":{\"content-type\":\"image/x\"},\"body\":\"_wAB\","
                  "\"encoding\":\"base64url\"}}");
    EXPECT_STR(logs(&w), "3\t255\t0\t1\nnil\timage/x\n");
    flow_fini(&w);
}

/* Whoever keeps a record of the call is told at its end. */
static void a_secret_key_is_told_of_at_the_end(void)
{
    for (int secret = 0; secret < 2; secret++) {
        struct flow_world w;

        flow_init(&w,
                  secret ? FLOW("print(call:nextTone{ timeout = 5, secret = true }.secret)")
                         : FLOW("print(call:nextTone{ timeout = 5 }.secret)"),
                  NULL);
        flow_start(&w);
        flow_give(&w, TONE(1, 1));
        flow_give(&w, DELETED);
        EXPECT_STR(logs(&w), secret ? "true\n" : "false\n");
        EXPECT_IN(w.text.p, "\"kind\":\"end\"");
        EXPECT_INT(strstr(w.text.p, "\"secret\":true") != NULL, secret);
        flow_fini(&w);
    }
}

static void json_goes_both_ways(void)
{
    PRINTS("print(json.encode{ b = { 1, 2.5, 'x' }, a = json.null, c = json.array{} })\n"
           "local v = json.decode '{\"a\":[1,{\"b\":null}]}' print(v.a[1], v.a[2].b == json.null)\n"
           "print(pcall(json.decode, '{'))\nprint(pcall(json.encode, print))",
           "{\"a\":null,\"b\":[1,2.5,\"x\"],\"c\":[]}\n1\ttrue\n"
           "false\tjson.decode: JSON: malformed at byte 1\nfalse\tjson.encode: a function\n");
}

static void join_links_are_read(void)
{
    PRINTS("print(select(2, pcall(ivr.joinInfo, 'https://x/')).code)", "badArgument\n");
}

static void log_lines_have_levels(void)
{
    struct flow_world w;
    struct event ev = {0};
    struct command_list out = {0};
    static const char start[] = "{\"kind\":\"start\",\"key\":\"aa\",\"data\":{}}";

    flow_init(&w, FLOW("log.warn('x', 1, nil, {}) ivr.sleep(1)"), NULL);
    EXPECT_INT(event_decode(&ev, start, strlen(start), NULL), 0);
    EXPECT_INT(core_handle(w.core, &ev, &out), 0);
    event_fini(&ev);
    EXPECT_INT(out.n, 1);
    EXPECT_INT(out.items[0].kind, COMMAND_LOG);
    EXPECT_INT(out.items[0].seq, 0);
    EXPECT_STR(json_str(out.items[0].args, "level"), "warn");
    EXPECT_IN(json_str(out.items[0].args, "text"), "x\t1\tnil\ttable");
    EXPECT_STR(out.items[0].where, "flows/main.lua:7");
    command_list_fini(&out);
    flow_fini(&w);
}

static void objects_of_other_calls_are_refused(void)
{
    struct flow_world w;

    flow_init(
        &w,
        "local M, kept = {}, nil\nfunction M.onCall(call)\n"
        "if not kept then kept = call return end\nprint(pcall(function() return kept.state end))\n"
        "end return M\n",
        NULL);
    w.serves = true;
    flow_start(&w);
    flow_pass(&w, 1000);
    flow_start(&w);
    flow_pass(&w, 1000);
    EXPECT_IN(
        logs(&w),
        "false\tflows/main.lua:4: this call belongs to another call, or to one that is over\n");
    flow_fini(&w);
}

const struct test bindings_tests[] = {
    TEST(properties_are_read),
    TEST(every_method_is_there),
    TEST(ids_and_short_forms_reach_the_command),
    TEST(recordings_are_fetched_and_played),
    TEST(a_recording_may_end_after_its_call),
    TEST(an_end_of_a_recording_that_is_never_told_is_not_waited_for_long),
    TEST(wrong_arguments_name_the_field_and_the_line),
    TEST(operations_are_begun_and_awaited),
    TEST(http_requests_go_out_and_come_back),
    TEST(bytes_of_an_answer_are_what_came),
    TEST(a_secret_key_is_told_of_at_the_end),
    TEST(json_goes_both_ways),
    TEST(join_links_are_read),
    TEST(log_lines_have_levels),
    TEST(objects_of_other_calls_are_refused),
    {0},
};
