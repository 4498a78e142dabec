#include "test.h"

#include "base/json.h"
#include "graph/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A copy of `text` with ' as ". */
static char *quoted(const char *text)
{
    char *copy = strdup(text);

    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    return copy;
}

/* Events of one notification or body, one line each: kind change call id data. */
static char *decode(const char *text, int *err, struct error *e)
{
    struct event_list out = {0};
    char *body = quoted(text), *lines = calloc(1, 8192), *at = lines;

    *err = notify_decode(body, strlen(body), &out, e);
    for (size_t i = 0; i < out.n; i++) {
        const struct event *ev = &out.items[i];
        char *data = ev->data ? json_text(ev->data) : strdup("-");

        for (char *p = data; *p; p++)
            *p = *p == '"' ? '\'' : *p;
        at += sprintf(at, "%s%s %s %s %s %s", i ? "\n" : "", event_kind_name(ev->kind),
                      change_name(ev->change), ev->call_id[0] ? ev->call_id : "-",
                      ev->id[0] ? ev->id : "-", data);
        free(data);
    }
    event_list_fini(&out);
    free(body);
    return lines;
}

static void becomes(int line, const char *body, const char *want)
{
    struct error e = {""};
    int err;
    char *got = decode(body, &err, &e);

    test_expect(err == 0, __FILE__, line, "%s: %s", body, e.text);
    test_expect_str(got, want, "events", __FILE__, line);
    free(got);
}

static void fails(int line, const char *body, int code, const char *why, const char *want)
{
    struct error e = {""};
    int err;
    char *got = decode(body, &err, &e);

    test_expect_int(err, code, body, __FILE__, line);
    test_expect_in(e.text, why, "reason", __FILE__, line);
    test_expect_str(got, want, "events", __FILE__, line);
    free(got);
}

#define BECOMES(body, want)     becomes(__LINE__, body, want)
#define FAILS(body, why)        fails(__LINE__, body, ERR_INVALID, why, "")
#define PARTLY(body, why, want) fails(__LINE__, body, ERR_INVALID, why, want)
#define VALUE(items)            "{'value':[" items "]}"
#define AT(path)                "'resourceUrl':'/communications/calls/" path "'"
#define T(t)                    "'@odata.type':'#microsoft.graph." t "'"

static void calls(void)
{
    BECOMES(VALUE("{'changeType':'updated'," AT("57DA-B8") ",'resourceData':{'state':'x'}}"),
            "call updated 57dab8 - {'state':'x','id':'57DA-B8'}");
    BECOMES(VALUE("{'changeType':'DELETED'," AT("57da") ",'resourceData':{" T("call") "}}"),
            "call deleted 57da - {" T("call") ",'id':'57da'}");
    BECOMES(VALUE("{'changeType':'deleted'," AT("57da") "}"), "call deleted 57da - {'id':'57da'}");
    BECOMES(VALUE("{'changeType':'deleted'," AT("57da") ",'resourceData':null}"),
            "call deleted 57da - {'id':'57da'}");
    BECOMES(VALUE("{" AT("57da") ",'resourceData':{'id':'57DA','state':'ESTABLISHED'}}"),
            "call updated 57da - {'id':'57DA','state':'established'}");
    BECOMES(VALUE("{'changeType':'renamed'," AT("57da") ",'resourceData':{'id':'57DA'}}"),
            "call updated 57da - {'id':'57DA'}");
    BECOMES(VALUE("{'changeType':'created','resource':'/app/calls/1D6D','resourceData':"
                  "{'state':'incoming','id':'1D6D'}}"),
            "call created 1d6d - {'state':'incoming','id':'1D6D'}");
    BECOMES(VALUE("{'resourceUrl':'communications/calls/a','resource':'/app/calls/b',"
                  "'resourceData':{'id':'c'}}"),
            "call updated a - {'id':'c'}");
    BECOMES(VALUE("{'resourceUrl':7,'resource':'/app/calls/b','resourceData':{'id':'c'}}"),
            "call updated b - {'id':'c'}");
    BECOMES(VALUE("{'resourceData':{'@odata.id':'https://graph.microsoft.com/v1.0/communications/"
                  "calls/b?x','id':'b'}}"),
            "call updated b - {'@odata.id':'https://graph.microsoft.com/v1.0/communications/calls/"
            "b?x','id':'b'}");
    /* one body that is one notification */
    BECOMES("{'changeType':'deleted'," AT("57da") "}", "call deleted 57da - {'id':'57da'}");
    BECOMES(VALUE(""), "");
}

static void uniform_values(void)
{
    BECOMES(
        VALUE("{" AT(
            "a") ",'resourceData':{'id':'a','resultInfo':{'code':'200','subCode':"
                 "'7000','message':'200'},'mediaState':{'audio':'Active'},'transcription':"
                 "{'state':'INACTIVE'},'requestedModalities':['AUDIO',7],'direction':'Incoming',"
                 "'subject':'Established','new':{'state':'NEW','code':'1'}}}"),
        "call updated a - {'id':'a','resultInfo':{'code':200,'subcode':7000,'message':'200'},"
        "'mediaState':{'audio':'active'},'transcription':{'state':'inactive'},"
        "'requestedModalities':['audio',7],'direction':'incoming','subject':'Established',"
        "'new':{'state':'NEW','code':'1'}}");
    BECOMES(VALUE("{" AT("a") ",'resourceData':{'id':'a','resultInfo':{'code':'two','subcode':1,"
                              "'subCode':2},'state':'hovering'}}"),
            "call updated a - {'id':'a','resultInfo':{'code':'two','subcode':1,'subCode':2},"
            "'state':'hovering'}");
}

static void operations(void)
{
    BECOMES(VALUE("{'changeType':'deleted'," AT("A/operations/0FE0-6") ",'resourceData':{" T(
                "playPromptOperation") ",'status':'Completed','completionReason':"
                                       "'CompletedSuccessfully','clientContext':'k/0/1'}}"),
            "operation deleted a 0fe06 {" T(
                "playPromptOperation") ",'status':'completed','completionReason':'"
                                       "completedSuccessfully','clientContext':"
                                       "'k/0/1','id':'0FE0-6'}");
    /* a type that is not said, or not known */
    BECOMES(VALUE("{" AT("A/operations/1") ",'resourceData':{'id':null,'status':'Running',"
                                           "'completionReason':'StopToneDetected'}}"),
            "operation updated a 1 {'status':'running','completionReason':'stopToneDetected',"
            "'id':'1'}");
    BECOMES(
        VALUE("{" AT("A/operations/1") ",'resourceData':{" T("newOperation") ",'id':'1',"
                                                                             "'status':'FAILED'}}"),
        "operation updated a 1 {" T("newOperation") ",'id':'1','status':'failed'}");
    BECOMES(VALUE("{'changeType':'deleted'," AT("A/Operations/1/") "}"),
            "operation deleted a 1 {'id':'1'}");
    /* the path of a page that slipped */
    BECOMES(VALUE("{'changeType':'deleted'," AT("A/operations/participants") ",'resourceData':{" T(
                "inviteParticipantsOperation") ",'status':'completed','clientContext':'c'}}"),
            "operation deleted a - {" T(
                "inviteParticipantsOperation") ",'status':'completed','clientContext':'c'}");
    BECOMES(VALUE("{" AT("A/operations/participants") ",'resourceData':[{" T(
                "participant") ",'id':'p'}]}"),
            "roster updated a - [{" T("participant") ",'id':'p'}]");
}

static void rosters_and_others(void)
{
    BECOMES(VALUE("{" AT("a/participants") ",'resourceData':[{'id':'p','mediaStreams':"
                                           "[{'direction':'SendReceive'}]},{'id':null}]}"),
            "roster updated a - [{'id':'p','mediaStreams':[{'direction':'sendReceive'}]},"
            "{'id':null}]");
    BECOMES(VALUE("{" AT("a/participants") ",'resourceData':[]}"), "roster updated a - []");
    BECOMES(VALUE("{'changeType':'deleted'," AT("a/participants/P-1") "}"),
            "roster deleted a p1 [{'id':'P-1'}]");
    BECOMES(VALUE("{'changeType':'created'," AT("a/contentsharingsessions") ",'resourceData':"
                                                                            "[{'id':'S'}]}"),
            "sharing created a - [{'id':'S'}]");
    BECOMES(VALUE("{'changeType':'deleted'," AT("a/contentSharingSessions/2765-EB") "}"),
            "sharing deleted a 2765eb {'id':'2765-EB'}");
    BECOMES(VALUE("{'changeType':'updated'," AT(
                "a/audioRoutingGroups/one") ",'resourceData':"
                                            "{'routingMode':'OneToOne'}}"),
            "routing updated a one {'routingMode':'oneToOne','id':'one'}");
    FAILS(VALUE("{" AT("a/participants") "}"), "notification 1: no resourceData");
    FAILS(VALUE("{" AT("a/raisedHands") "}"), "nothing is known of \"raisedhands\"");
}

static void tones(void)
{
#define TONE "'toneInfo':{" T("toneInfo") ",'sequenceId':1,'tone':'Tone1'}"
    BECOMES(VALUE("{" AT("a") ",'resourceData':{" T("call") ",'id':'a','state':'Established'," TONE
                                                            ",'resultInfo':null}}"),
            "tone updated a - {'tone':'tone1','sequenceId':1}");
    BECOMES(VALUE("{" AT("a") ",'resourceData':{'toneInfo':{'sequenceId':'12','tone':'POUND'}}}"),
            "tone updated a - {'tone':'pound','sequenceId':12}");
    BECOMES(VALUE("{" AT("a") ",'resourceData':{'toneInfo':{'tone':'flash'}}}"),
            "tone updated a - {'tone':'flash','sequenceId':0}");
    BECOMES(VALUE("{" AT("a") ",'resourceData':{'state':'established','subject':'s'," TONE "}}"),
            "call updated a - {'state':'established','subject':'s','id':'a'}\n"
            "tone updated a - {'tone':'tone1','sequenceId':1}");
    BECOMES(VALUE("{" AT("a") ",'resourceData':{'state':'terminated'," TONE "}}"),
            "call updated a - {'state':'terminated','id':'a'}\n"
            "tone updated a - {'tone':'tone1','sequenceId':1}");
    BECOMES(VALUE("{'changeType':'deleted'," AT("a") ",'resourceData':{" TONE "}}"),
            "call deleted a - {'id':'a'}\ntone updated a - {'tone':'tone1','sequenceId':1}");
    BECOMES(VALUE("{" AT("a") ",'resourceData':{'toneInfo':7}}"), "call updated a - {'id':'a'}");
    FAILS(VALUE("{" AT("a") ",'resourceData':{'toneInfo':{'tone':'tone10'}}}"), "no tone");
    FAILS(VALUE("{" AT("a") ",'resourceData':{'toneInfo':{'tone':1}}}"), "no tone");
}

static void policy_recording(void)
{
    BECOMES("{" T("participantJoiningNotification") ",'id':'n','call':{'id':'57DA-B8','state':"
                                                    "'Incoming'}}",
            "joining none 57dab8 - {" T(
                "participantJoiningNotification") ",'id':'n','call':{'id':'57DA-B8','state':'"
                                                  "incoming'}}");
    BECOMES(VALUE("{" AT("a") ",'resourceData':{" T(
                "participantJoiningNotification") ",'call':{'id':'b'}}}"),
            "joining none a - {" T("participantJoiningNotification") ",'call':{'id':'b'}}");
    BECOMES(
        "{" T("participantLeftNotification") ",'participantId':'P-1','call':{}}",
        "left none - p1 {" T("participantLeftNotification") ",'participantId':'P-1','call':{}}");
}

static void several_good_and_bad(void)
{
    BECOMES(VALUE("{" AT("a") ",'resourceData':{'id':'a'}},{" AT(
                "b/operations/c") ",'resourceData':{'id':'c'}}"),
            "call updated a - {'id':'a'}\noperation updated b c {'id':'c'}");
    PARTLY(VALUE("{'resourceUrl':'/users/1'},{" AT("a") ",'resourceData':{'id':'a'}},7"),
           "notification 1: resourceUrl names no call", "call updated a - {'id':'a'}");
    FAILS(VALUE("7,[],null,'x'"), "notification 1: is no object");
    FAILS(VALUE("{'resourceUrl':{},'resource':[],'resourceData':'x'}"), "names no call");
    FAILS(VALUE("{" AT("a") ",'resourceData':'x'}"), "neither object nor list");
    FAILS(VALUE("{" AT("a") ",'resourceData':[]}"), "is a list");
    FAILS(VALUE("{" AT("a/operations/o") ",'resourceData':[7]}"), "is a list");
    FAILS(VALUE("{" AT("a/participants") ",'resourceData':[{},7]}"), "what is no object");
    FAILS("{'value':7}", "value is no list");
    FAILS("[]", "the body is no object");
    FAILS("7", "the body is no object");
    FAILS("", "empty");
    FAILS("{'value':[", "malformed");
    FAILS("{}", "names no call");
}

static void places(void)
{
    char call[ID_MAX], collection[32], id[ID_MAX], path[600] = "/communications/calls/";

    EXPECT(notify_resource("/communications/calls/57DA-1/operations/0FE0-2", call, collection, id));
    EXPECT_STR(call, "57da1");
    EXPECT_STR(collection, "operations");
    EXPECT_STR(id, "0fe02");
    EXPECT(notify_resource("https://graph.microsoft.com/v1.0/Communications/Calls/A", call,
                           collection, id));
    EXPECT_STR(call, "a");
    EXPECT_STR(collection, "");
    EXPECT_STR(id, "");
    EXPECT(notify_resource("calls/A/participants/?$x=/y", call, collection, id));
    EXPECT_STR(collection, "participants");
    EXPECT_STR(id, "");
    EXPECT(!notify_resource("/communications/calls", call, collection, id));
    EXPECT(!notify_resource("/communications/calls/", call, collection, id));
    EXPECT(!notify_resource("/users/1/calls/2", call, collection, id));
    EXPECT(!notify_resource("/communications/calls/a\"b", call, collection, id));
    EXPECT(!notify_resource("/communications/calls/a/operations/<", call, collection, id));
    EXPECT(!notify_resource("", call, collection, id));
    memset(path + strlen(path), 'a', 300);
    EXPECT(!notify_resource(path, call, collection, id));
    strcpy(path + 25, "/");
    memset(path + 26, 'c', 40);
    EXPECT(!notify_resource(path, call, collection, id));
}

static void hostile_bodies(void)
{
    size_t n = NOTIFY_MAX_BODY + 1;
    char *big = malloc(n + 1), *at = big;
    struct event_list out = {0};
    struct error e;

    memset(big, ' ', n);
    EXPECT_INT(notify_decode(big, n, &out, &e), ERR_LIMIT);
    EXPECT_INT(notify_decode(big, n - 1, &out, &e), ERR_INVALID);
    at += sprintf(at, "{\"value\":[");
    for (int i = 0; i < NOTIFY_MAX_VALUES; i++)
        at += sprintf(at, "%s{\"resourceUrl\":\"calls/%d\"}", i ? "," : "", i);
    strcpy(at, "]}");
    EXPECT_INT(notify_decode(big, strlen(big), &out, &e), 0);
    EXPECT_INT(out.n, NOTIFY_MAX_VALUES);
    strcpy(at, ",{}]}");
    EXPECT_INT(notify_decode(big, strlen(big), &out, &e), ERR_LIMIT);
    EXPECT_INT(out.n, NOTIFY_MAX_VALUES);
    at = big + sprintf(big, "{\"resourceUrl\":\"calls/1\",\"resourceData\":{\"x\":1");
    for (int i = 1; i < NOTIFY_MAX_WIDTH; i++)
        at += sprintf(at, ",\"x%d\":1", i);
    strcpy(at, "}}");
    EXPECT_INT(notify_decode(big, strlen(big), &out, &e), 0);
    strcpy(at, ",\"more\":1}}");
    EXPECT_INT(notify_decode(big, strlen(big), &out, &e), ERR_LIMIT);
    memset(big, '[', 1000);
    EXPECT_INT(notify_decode(big, 1000, &out, &e), ERR_INVALID);
    EXPECT_IN(e.text, "nested");
    event_list_fini(&out);
    free(big);
    /* the first of two members counts, and neither leaks */
    BECOMES(VALUE("{" AT("a") "," AT("b") ",'resourceData':{'id':'a','id':'b'},'resourceData':7}"),
            "call updated a - {'id':'a','id':'b'}");
    FAILS("{'value':'\\u0000'}", "u0000");
    FAILS("{'value':[\xFF]}", "UTF-8");
    BECOMES(VALUE("{" AT("a") ",'resourceData':{'id':{},'state':[],'toneInfo':[],'resultInfo':1,"
                              "'source':'x','callRoutes':{},'targets':[1,[2],null]}}"),
            "call updated a - {'state':[],'resultInfo':1,'source':'x','callRoutes':{},"
            "'targets':[1,[2],null],'id':'a'}");
    BECOMES(VALUE("{" AT("a/operations/o") ",'resourceData':{'@odata.type':7,'status':1}}"),
            "operation updated a o {'@odata.type':7,'status':1,'id':'o'}");
}

static void survives_failing_memory(void)
{
    char *body = quoted(VALUE("{" AT(
        "a") ",'resourceData':{'state':'established','subject':'s'," TONE
             ",'resultInfo':{'code':'1'}}},{" AT("a/participants/p") "},{" AT(
                 "a/operations/o") ",'resourceData':{'status':'Failed'}},{" T("participantLeftNotif"
                                                                              "ication") ",'call':{"
                                                                                         "'id':'a'}"
                                                                                         "}"));

    EVERY_ALLOCATION(n)
    {
        struct event_list out = {0};
        struct error e;
        int err = notify_decode(body, strlen(body), &out, &e);

        /* the parser cannot tell failing memory from malformed text */
        EXPECT(err == 0 ? out.n == 5 : err == ERR_NOMEM || err == ERR_INVALID);
        EXPECT(err == 0 || out.n == 0);
        test_fail_allocation(-1);
        event_list_fini(&out);
        if (err == 0)
            break;
    }
    free(body);
}

const struct test notify_tests[] = {TEST(calls),
                                    TEST(uniform_values),
                                    TEST(operations),
                                    TEST(rosters_and_others),
                                    TEST(tones),
                                    TEST(policy_recording),
                                    TEST(several_good_and_bad),
                                    TEST(places),
                                    TEST(hostile_bodies),
                                    TEST(survives_failing_memory),
                                    {0}};
