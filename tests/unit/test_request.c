#include "test.h"

#include "base/json.h"
#include "graph/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct request_context context = {
    .root = "https://graph.microsoft.com",
    .version = VERSION_V1,
    .call_id = "57DA-b8b1",
    .callback_uri = "https://ivr.example.com/api/calls/k",
    .prompt_root = "https://ivr.example.com/prompts",
    .recording_root = "https://ivr.example.com/recordings",
};

/* JSON with ' for "; NULL for NULL. */
static cJSON *json(const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    cJSON *v = NULL;

    for (char *p = copy; p && *p; p++)
        *p = *p == '\'' ? '"' : *p;
    if (text)
        EXPECT_INT(json_parse(&v, copy, strlen(copy), NULL), 0);
    free(copy);
    return v;
}

static struct command command(const char *method, const char *ids, const char *args)
{
    return (struct command){.kind = COMMAND_METHOD,
                            .key = "0123456789abcdef0123456789abcdef",
                            .leg = 2,
                            .seq = 7,
                            .method = method,
                            .ids = json(ids),
                            .args = json(args)};
}

static void done(struct command *c)
{
    cJSON_Delete(c->ids);
    cJSON_Delete(c->args);
}

static void encodes(int line, const char *method, const char *ids, const char *args,
                    const char *verb, const char *url, const char *body)
{
    struct command c = command(method, ids, args);
    struct http_message m = {0};
    struct error e = {""};
    int err = request_encode(&c, &context, &m, &e);

    test_expect(err == 0, __FILE__, line, "%s: %s", method, e.text);
    if (!err) {
        cJSON *got = NULL, *want = json(body);

        test_expect_str(m.verb, verb, "verb", __FILE__, line);
        test_expect_str(m.url, url, "url", __FILE__, line);
        if (m.body)
            EXPECT_INT(json_parse(&got, m.body, m.n, NULL), 0);
        test_expect((!got && !want) || json_equal(got, want), __FILE__, line, "%s: body %s", method,
                    m.body ? m.body : "none");
        EXPECT(!m.body == !http_header(&m, "Content-Type"));
        cJSON_Delete(got);
        cJSON_Delete(want);
    }
    http_fini(&m);
    done(&c);
}

static void refuses(int line, const char *method, const char *ids, const char *args, int code,
                    const char *why)
{
    struct command c = command(method, ids, args);
    struct http_message m = {0};
    struct error e = {""};

    test_expect_int(request_encode(&c, &context, &m, &e), code, method, __FILE__, line);
    test_expect_in(e.text, why, method, __FILE__, line);
    http_fini(&m);
    done(&c);
}

#define ENCODES(...) encodes(__LINE__, __VA_ARGS__)
#define REFUSES(...) refuses(__LINE__, __VA_ARGS__)
#define CALLS        "https://graph.microsoft.com/v1.0/communications/calls"
#define T(t)         "'@odata.type':'#microsoft.graph." t "'"

static void builds_addresses(void)
{
    ENCODES("get", NULL, NULL, "GET", CALLS "/57DA-b8b1", NULL);
    ENCODES("keepAlive", NULL, "{}", "POST", CALLS "/57DA-b8b1/keepAlive", NULL);
    ENCODES("participant.mute", "{'participant':'a/b c'}", "{'clientContext':'x'}", "POST",
            CALLS "/57DA-b8b1/participants/a%2Fb%20c/mute", "{'clientContext':'x'}");
    ENCODES("audioRoutingGroup.delete", "{'group':'g'}", NULL, "DELETE",
            CALLS "/57DA-b8b1/audioRoutingGroups/g", NULL);
    REFUSES("participant.mute", NULL, NULL, ERR_INVALID, "participant: no id");
    REFUSES("participant.mute", "{'participant':''}", NULL, ERR_INVALID, "participant: no id");
    REFUSES("participant.mute", "{'participant':'..'}", NULL, ERR_INVALID, "is no id");
    REFUSES("acceptJoinResponse", NULL, NULL, ERR_INVALID, "no request");
    REFUSES("nonsense", NULL, NULL, ERR_INVALID, "no request");
}

static void needs_a_call_id(void)
{
    struct request_context x = context;
    struct command c = command("get", NULL, NULL);
    struct http_message m = {0};
    struct error e;

    x.call_id = NULL;
    EXPECT_INT(request_encode(&c, &x, &m, &e), ERR_CONFLICT);
    c.method = "create";
    x.version = VERSION_BETA;
    EXPECT_INT(request_encode(&c, &x, &m, &e), 0);
    EXPECT_STR(m.url, "https://graph.microsoft.com/beta/communications/calls");
    http_fini(&m);
    done(&c);
}

static void fills_in_what_the_runtime_knows(void)
{
    ENCODES("answer", NULL, NULL, "POST", CALLS "/57DA-b8b1/answer",
            "{'callbackUri':'https://ivr.example.com/api/calls/k','mediaConfig':{" T(
                "serviceHostedMediaConfig") "},'acceptedModalities':['audio']}");
    ENCODES("create", NULL, "{'targets':[]}", "POST", CALLS,
            "{" T("call") ",'targets':[],'callbackUri':'https://ivr.example.com/api/calls/k',"
                          "'mediaConfig':{" T(
                              "serviceHostedMediaConfig") "},'requestedModalities':['audio']}");
    ENCODES("answer", NULL,
            "{'callbackUri':'c','mediaConfig':{'blob':'b'},'acceptedModalities':['video']}", "POST",
            CALLS "/57DA-b8b1/answer",
            "{'callbackUri':'c','mediaConfig':{'blob':'b'},'acceptedModalities':['video']}");
    ENCODES("reject", NULL, NULL, "POST", CALLS "/57DA-b8b1/reject", NULL);
}

static void resolves_media(void)
{
    ENCODES(
        "playPrompt", NULL,
        "{'prompts':[{'prompt':{'language':'en','name':'menus/main menu','hash':'0a1b'}},"
        "{'recording':{'hash':'0c'}},{'mediaInfo':{'uri':'u'}}]}",
        "POST", CALLS "/57DA-b8b1/playPrompt",
        "{'prompts':[{" T("mediaPrompt") ",'mediaInfo':{" T(
            "mediaInfo") ",'uri':'https://ivr.example.com/prompts/0a1b/en/menus/main%20menu.wav',"
                         "'resourceId':'0a1b'}},{" T("mediaPrompt") ",'mediaInfo':{" T(
                             "mediaInfo") ",'uri':'https://ivr.example.com/recordings/"
                                          "0c.wav','resourceId':'0c'}},"
                                          "{'mediaInfo':{'uri':'u'}}]}");
    ENCODES("participant.startHoldMusic", "{'participant':'p'}",
            "{'customPrompt':{'prompt':{'language':'en','name':'a','hash':'0a'}}}", "POST",
            CALLS "/57DA-b8b1/participants/p/startHoldMusic",
            "{'customPrompt':{" T("mediaPrompt") ",'mediaInfo':{" T(
                "mediaInfo") ",'uri':'https://ivr.example.com/prompts/0a/en/"
                             "a.wav','resourceId':'0a'}}}");
    ENCODES("answer", NULL,
            "{'callbackUri':'c','acceptedModalities':['audio'],'mediaConfig':{'preFetchMedia':["
            "{'prompt':{'language':'en','name':'a','hash':'0a'}}]}}",
            "POST", CALLS "/57DA-b8b1/answer",
            "{'callbackUri':'c','acceptedModalities':['audio'],'mediaConfig':{'preFetchMedia':[{" T(
                "mediaInfo") ",'uri':'https://ivr.example.com/prompts/0a/en/a.wav',"
                             "'resourceId':'0a'}]}}");
    REFUSES("playPrompt", NULL, "{'prompts':[{'prompt':{'hash':'0a'}}]}", ERR_INVALID,
            "incomplete");
}

static void downloads_recordings(void)
{
    struct command c =
        command("recording.download", "{'url':'https://file.location/17e3','token':'t'}", NULL);
    struct http_message m = {0};
    struct error e;

    EXPECT_INT(request_encode(&c, &context, &m, &e), 0);
    EXPECT_STR(m.verb, "GET");
    EXPECT_STR(m.url, "https://file.location/17e3");
    EXPECT_STR(http_header(&m, "Authorization"), "Bearer t");
    EXPECT(m.body == NULL);
    http_fini(&m);
    done(&c);
    REFUSES("recording.download", "{'url':'file:///etc/passwd','token':'t'}", NULL, ERR_INVALID,
            "address");
    REFUSES("recording.download", "{'url':'https://x/ y','token':'t'}", NULL, ERR_INVALID,
            "address");
    REFUSES("recording.download", "{'url':'https://x/'}", NULL, ERR_INVALID, "token");
    REFUSES("recording.download", "{'url':'https://x/','token':'a\\nb: c'}", NULL, ERR_INVALID,
            "malformed");
}

/* The event made of an answer: its status, id, call id, and data with " as '. */
static void answers(int line, const char *method, int status, const char *location,
                    const char *body, const char *id, const char *data)
{
    struct command c = command(method, NULL, NULL);
    struct http_message r = {.status = status};
    struct event ev;
    cJSON *want = json(data);

    if (location)
        http_set_header(&r, "Location", location);
    if (body) {
        char *text = strdup(body);
        for (char *p = text; *p; p++)
            *p = *p == '\'' ? '"' : *p;
        http_set_body(&r, NULL, text, strlen(text));
        free(text);
    }
    test_expect_int(request_answer(&c, &r, &ev), 0, method, __FILE__, line);
    test_expect(ev.kind == EVENT_ANSWER && ev.seq == 7 && ev.leg == 2 && ev.status == status &&
                    strcmp(ev.key, c.key) == 0,
                __FILE__, line, "%s: whose answer", method);
    test_expect_str(ev.id, id, "id", __FILE__, line);
    if (!test_expect(json_equal(ev.data, want) || (!ev.data && !want), __FILE__, line, "%s: data",
                     method)) {
        char *text = ev.data ? json_text(ev.data) : NULL;
        printf("    %s\n", text ? text : "none");
        free(text);
    }
    cJSON_Delete(want);
    event_fini(&ev);
    http_fini(&r);
    done(&c);
}

#define ANSWERS(...) answers(__LINE__, __VA_ARGS__)

static void reads_answers(void)
{
    ANSWERS("playPrompt", 200, CALLS "/57da/operations/0FE0-62",
            "{'id':'1A-2b','status':'Running'}", "1a2b", "{'id':'1A-2b','status':'running'}");
    ANSWERS("startRecording", 202, CALLS "/57da/operations/2D7A-b5", "{'status':'running'}",
            "2d7ab5", "{'status':'running'}");
    ANSWERS("invite", 200, NULL, "{'status':'Running','id':null}", "",
            "{'status':'running','id':null}");
    ANSWERS("create", 201, CALLS "/2E1a-00", "{'state':'Establishing'}", "2e1a00",
            "{'state':'establishing'}");
    ANSWERS("get", 200, NULL, "{'id':'x','resultInfo':{'code':'200','subCode':7}}", "",
            "{'id':'x','resultInfo':{'code':200,'subcode':7}}");
    ANSWERS("answer", 202, NULL, NULL, "", NULL);
    ANSWERS("answer", 202, NULL, "hello", "", NULL);
    ANSWERS("listParticipants", 200, NULL, "{'value':[{'mediaStreams':[{'mediaType':'AUDIO'}]}]}",
            "", "{'value':[{'mediaStreams':[{'mediaType':'audio'}]}]}");
    ANSWERS("operation.get", 200, NULL,
            "{" T("recordOperation") ",'status':'Failed','completionReason':'StopToneDetected'}",
            "",
            "{" T("recordOperation") ",'status':'failed','completionReason':'stopToneDetected'}");
}

static void reads_failures(void)
{
    ANSWERS("get", 404, NULL, "{'error':{'code':'x','message':'y'}}", "",
            "{'error':{'code':'x','message':'y'}}");
    ANSWERS("get", 502, NULL, "<html>\nBad</html>", "",
            "{'error':{'code':'generalException','message':'<html> Bad</html>'}}");
    ANSWERS("get", 503, NULL, NULL, "",
            "{'error':{'code':'serviceNotAvailable','message':'HTTP status 503'}}");
    ANSWERS("get", 0, NULL, "connection refused", "",
            "{'error':{'code':'noAnswer','message':'connection refused'}}");
    ANSWERS("get", 0, NULL, "{'error':{}}", "",
            "{'error':{'code':'noAnswer','message':'{\\\"error\\\":{}}'}}");
    ANSWERS("get", 403, NULL, "{'a':1}", "",
            "{'error':{'code':'accessDenied','message':'{\\\"a\\\":1}'}}");
    ANSWERS("playPrompt", 400, CALLS "/57da/operations/1", "[1]", "",
            "{'error':{'code':'invalidRequest','message':'[1]'}}");
}

static void reads_graph_errors(void)
{
    static const struct {
        const char *body, *code, *message;
    } cases[] = {
        {"{'error':{'code':'TooManyRequests','message':'later','innerError':{'code':'429',"
         "'message':'Please'}}}",
         "TooManyRequests", "later"},
        {"{'error':{'code':'UnknownError','message':'m','innererror':{'innerError':"
         "{'code':'itemNotFound'}}}}",
         "itemNotFound", "m"},
        {"{'error':{'code':'UnknownError','message':'{\\\"error\\\":{\\\"code\\\":"
         "\\\"notAllowed\\\",\\\"message\\\":\\\"no\\\"}}'}}",
         "notAllowed", "no"},
        {"{'error':{'code':'UnknownError','message':'{broken'}}", "UnknownError", "{broken"},
        {"{'error':'invalid_client','error_description':'AADSTS7'}", "invalid_client", "AADSTS7"},
        {"{'error':{'code':7,'message':[]}}", "", ""},
        {"{}", "", ""},
        {"[]", "", ""},
    };
    char code[64], message[256], large[600];
    cJSON *body;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        body = json(cases[i].body);
        graph_error_read(body, code, message);
        EXPECT_STR(code, cases[i].code);
        EXPECT_STR(message, cases[i].message);
        cJSON_Delete(body);
    }
    memset(large, 'a', sizeof large);
    memcpy(large + 254, "\xC3\xA4", 3);
    body = graph_error_body(large, large, "r", 1597751511000);
    graph_error_read(body, code, message);
    EXPECT_INT(strlen(code), 63);
    EXPECT_INT(strlen(message), 254); /* the half character is left out */
    EXPECT_STR(json_str(json_get(json_get(body, "error"), "innerError"), "date"),
               "2020-08-18T11:51:51");
    EXPECT_STR(json_str(json_get(json_get(body, "error"), "innerError"), "request-id"), "r");
    cJSON_Delete(body);
    graph_error_read(NULL, code, message);
    EXPECT_STR(code, "");
}

static void survives_failing_memory(void)
{
    EVERY_ALLOCATION(n)
    {
        struct command c;
        struct http_message m = {0};
        struct error e;
        int err;

        test_fail_allocation(-1);
        c = command("playPrompt", NULL,
                    "{'prompts':[{'prompt':{'language':'en','name':'a','hash':'0a'}}]}");
        test_fail_allocation(n);
        err = request_encode(&c, &context, &m, &e);
        EXPECT(err == 0 ? !test_allocation_failed() : err == ERR_NOMEM);
        http_fini(&m);
        done(&c);
    }
    EVERY_ALLOCATION(n)
    {
        struct command c;
        struct http_message r = {.status = 500}, ok = {.status = 200};
        struct event ev;
        int err;

        test_fail_allocation(-1);
        c = command("create", NULL, NULL);
        http_set_body(&r, NULL, "oops", 4);
        http_set_body(&ok, NULL, "{\"id\":\"1\",\"resultInfo\":{\"code\":\"200\"}}", 38);
        test_fail_allocation(n);
        err = request_answer(&c, &r, &ev);
        EXPECT(err == 0 || err == ERR_NOMEM);
        if (!err) {
            EXPECT(json_get(ev.data, "error") != NULL);
            event_fini(&ev);
            err = request_answer(&c, &ok, &ev);
            EXPECT(err == 0 || err == ERR_NOMEM);
            if (!err)
                event_fini(&ev);
        }
        http_fini(&r);
        http_fini(&ok);
        done(&c);
    }
}

const struct test request_tests[] = {TEST(builds_addresses),
                                     TEST(needs_a_call_id),
                                     TEST(fills_in_what_the_runtime_knows),
                                     TEST(resolves_media),
                                     TEST(downloads_recordings),
                                     TEST(reads_answers),
                                     TEST(reads_failures),
                                     TEST(reads_graph_errors),
                                     TEST(survives_failing_memory),
                                     {0}};
