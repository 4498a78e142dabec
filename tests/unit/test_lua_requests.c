/*
 * What a flow calls is what the service gets: every documented request, and the short forms that
 * flows use, go from Lua through the machine and the wire to the HTTP request.
 */
#include "test.h"

#include "base/buf.h"
#include "base/json.h"
#include "bindings/bindings.h"
#include "host/engine.h"
#include "tests/unit/examples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

extern const struct bundle_source stdlib_sources[];

#define NOW     INT64_C(1767603600000)
#define CALL_ID "57dab8b1-894c-409a-b240-bd8beae78896"

/* One call of a flow whose `onCall` is the text given; the first requests it makes are kept. */
struct world {
    char folder[64];
    struct bundle *bundle;
    struct bindings_config bindings;
    struct engine *engine;
    struct http_message sent[2]; /* but for the one for a token */
    size_t nsent;
    const char *answer; /* body of the answer to the first */
    struct buf logged;
};

static void counting(void *arg, void *p, size_t n)
{
    static unsigned char next;

    (void)arg;
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)p)[i] = next++;
}

static int make_engine(struct world *w, unsigned version)
{
    static const char *const nobody[] = {NULL};
    static char graph[] = EXAMPLES_ROOT, bot[] = "https://bot.test", app[] = "app",
                login[] = "https://login.test", tenant[] = "t", secret[] = "s", openid[] = "x";
    struct engine_config cfg = {
        .core = {.limits = LIMITS_DEFAULT,
                 .open = bindings_open,
                 .open_arg = &w->bindings,
                 .language = "en"},
        .wire = {.graph_url = graph,
                 .version = version,
                 .public_url = bot,
                 .authority = login,
                 .tenant = tenant,
                 .app_id = app,
                 .app_secret = secret,
                 .openid = openid,
                 .issuers = nobody,
                 .request_ms = 30000,
                 .keepalive_ms = 900000,
                 .early_ms = 5000,
                 .reply_ms = 3000,
                 .random = counting},
    };
    struct error e = {""};
    int rc;

    w->bindings.version = version;
    rc = engine_new(&w->engine, &cfg, &e);

    if (rc == 0)
        rc = core_use(engine_core(w->engine), w->bundle, &e);
    test_expect(rc == 0, __FILE__, __LINE__, "%s", e.text);
    return rc;
}

static void write_file(const char *folder, const char *name, const void *p, size_t n)
{
    char path[128];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "wb");
    CHECK(f && fwrite(p, 1, n, f) == n && fclose(f) == 0);
}

static void make_folder(const char *folder, const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    CHECK(mkdir(path, 0700) == 0);
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = {"main.lua", "prompts/en/welcome.wav", "prompts/en",
                                        "prompts", ""};
    char path[128];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        remove(path);
    }
}

static void world_init(struct world *w, unsigned version, const char *body)
{
    static const unsigned char wav[44 + 3200] =
        "RIFF\xa4\x0c\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0"
        "\2\0\x10\0data\x80\x0c\0";
    struct buf text = {0};
    struct error e = {""};

    memset(w, 0, sizeof *w);
    buf_fmt(&text,
            "local ivr, json = require 'ivr', require 'ivr.json'\nlocal flow = {}\n"
            "function flow.onCall(call)\n%s\nend\nreturn flow\n",
            body);
    strcpy(w->folder, "/tmp/ivory-requests-XXXXXX");
    CHECK(mkdtemp(w->folder));
    make_folder(w->folder, "prompts");
    make_folder(w->folder, "prompts/en");
    write_file(w->folder, "prompts/en/welcome.wav", wav, sizeof wav);
    write_file(w->folder, "main.lua", text.p, text.n);
    buf_fini(&text);
    test_expect(bundle_read(&w->bundle, w->folder, stdlib_sources, &e) == 0, __FILE__, __LINE__,
                "%s", e.text);
    remove_folder(w->folder);
    make_engine(w, version);
}

static void world_fini(struct world *w)
{
    engine_free(w->engine);
    bundle_unref(w->bundle);
    for (size_t i = 0; i < 2; i++)
        http_fini(&w->sent[i]);
    buf_fini(&w->logged);
}

static void respond(struct world *w, const struct engine_action *a)
{
    static const char token[] =
        "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"x\"}";
    bool auth = strstr(a->message.url, "/oauth2/") != NULL;
    const char *body = auth ? token : w->answer ? w->answer : "{}";
    struct http_message m = {.status = 200};

    http_set_body(&m, "application/json", body, strlen(body));
    engine_response(w->engine, a->id, &m, NOW);
    http_fini(&m);
}

/* Take a request, leaving the action without it. */
static void keep(struct world *w, struct engine_action *a)
{
    if (w->nsent == 2 || strstr(a->message.url, "/oauth2/"))
        return;
    w->sent[w->nsent++] = a->message;
    memset(&a->message, 0, sizeof a->message);
}

/* A call with the service's id `call` comes in. */
static void offer(struct world *w, const char *call)
{
    struct engine_action a;
    struct buf body = {0};

    buf_fmt(&body,
            "{\"value\":[{\"changeType\":\"created\",\"resourceUrl\":\"/communications/calls/%s\","
            "\"resourceData\":{\"@odata.type\":\"#microsoft.graph.call\",\"state\":\"incoming\","
            "\"direction\":\"incoming\",\"id\":\"%s\"}}]}",
            call, call);
    EXPECT_INT(engine_webhook(w->engine, 1, "", NULL, body.p, body.n, NOW), 0);
    while (engine_next(w->engine, &a)) {
        if (a.kind == ENGINE_SEND) {
            respond(w, &a);
            keep(w, &a);
        } else if (a.kind == ENGINE_LOG) {
            buf_fmt(&w->logged, "%s\n", a.text);
        }
        engine_action_fini(&a);
    }
    buf_fini(&body);
}

/* Request `i` is as expected. */
static void same_request(const struct world *w, const char *name, size_t i, const char *verb,
                         const char *url, const cJSON *body)
{
    const struct http_message *m = &w->sent[i];
    const char *context;
    cJSON *got = NULL;

    if (!test_expect(w->nsent > i, __FILE__, __LINE__, "%s: no request; %s", name,
                     w->logged.p ? w->logged.p : ""))
        return;
    test_expect_str(m->verb, verb, name, __FILE__, __LINE__);
    test_expect_str(m->url, url, name, __FILE__, __LINE__);
    if (m->body)
        EXPECT_INT(json_parse(&got, m->body, m->n, NULL), 0);
    /* where the flow gives none, operations carry a clientContext of ours: "<key>/0/1" */
    context = json_str(got, "clientContext");
    if (context && !json_get(body, "clientContext") && strlen(context) == 36 &&
        strcmp(context + 32, "/0/1") == 0)
        cJSON_DeleteItemFromObjectCaseSensitive(got, "clientContext");
    if (got && !got->child && !body) {
        cJSON_Delete(got);
        got = NULL;
    }
    test_expect((!got && !body) || json_equal(got, body), __FILE__, __LINE__, "%s: body %s", name,
                m->body ? m->body : "none");
    cJSON_Delete(got);
}

/* --- every documented request */

/* The object whose method it is, as a flow names it. */
static void put_object(struct buf *b, const struct method *m, const cJSON *ids)
{
    static const char *const names[][2] = {{"participant", "participant"},
                                           {"audioRoutingGroup", "group"},
                                           {"contentSharingSession", "session"},
                                           {"operation", "operation"}};
    size_t i = 0;

    while (i < 4 && strcmp(m->object, names[i][0]) != 0)
        i++;
    if (i < 4)
        buf_fmt(b, "call:%s('%s'):%s(", names[i][0], json_str(ids, names[i][1]), m->lua);
    else if (strcmp(m->object, "ivr") == 0)
        buf_fmt(b, "ivr.%s(", m->lua);
    else
        buf_fmt(b, "call:%s(", m->lua);
}

static void from_a_flow(const struct example_request *r)
{
    const char *path = r->url + strlen(EXAMPLES_ROOT "/");
    cJSON *ids = cJSON_CreateObject();
    bool other;
    const struct method *m = method_route(r->verb, path + strcspn(path, "/"), ids, &other);
    const char *call = json_str(ids, "call");
    char *text = r->body ? json_text(r->body) : NULL;
    struct buf b = {0};
    struct world w;

    if (!test_expect(m != NULL, __FILE__, __LINE__, "%s: no method of %s", r->name, r->url))
        goto out;
    put_object(&b, m, ids);
    if (text)
        buf_fmt(&b, "json.decode [==[%s]==]", text);
    buf_str(&b, ")");
    world_init(&w, examples_version(r->url), b.p);
    offer(&w, call ? call : CALL_ID);
    same_request(&w, r->name, 0, r->verb, r->url, r->body);
    world_fini(&w);
out:
    cJSON_Delete(ids);
    free(text);
    buf_fini(&b);
}

static void download_from_a_flow(const struct example_request *r)
{
    char answer[512];
    struct world w;

    snprintf(answer, sizeof answer,
             "{\"id\":\"17e3b46c\",\"status\":\"completed\",\"recordingLocation\":\"%s\","
             "\"recordingAccessToken\":\"<recordingAccessToken>\"}",
             r->url);
    world_init(&w, VERSION_V1, "call:recordResponse{}:download()");
    w.answer = answer;
    offer(&w, CALL_ID);
    same_request(&w, r->name, 1, r->verb, r->url, NULL);
    EXPECT_STR(http_header(&w.sent[1], "Authorization"), json_str(r->headers, "Authorization"));
    world_fini(&w);
}

static void visit(const struct example_request *r, void *arg)
{
    if (strncmp(r->url, EXAMPLES_ROOT, strlen(EXAMPLES_ROOT)) == 0)
        from_a_flow(r);
    else
        download_from_a_flow(r);
    ++*(int *)arg;
}

static void every_documented_request(void)
{
    int n = 0;

    examples_each_request(visit, &n);
    EXPECT_INT(n, EXAMPLES_REQUESTS);
}

/* --- short forms */

/* In bodies, ' stands for ", @KEY@ for the key of the call, @BOT@ for our address, @HASH@ for the
 * content of the prompt "welcome". */
#define CALLS   EXAMPLES_ROOT "/beta/communications/calls"
#define CALL    CALLS "/" CALL_ID
#define TENANT  "72f988bf-86f1-41af-91ab-2d7cd011db47"
#define USER_ID "550fae72-d251-43ec-868c-373732c2704f"
#define PARTY(kind, id)                                                                            \
    "{'@odata.type':'#microsoft.graph.invitationParticipantInfo','identity':{'@odata.type':"       \
    "'#microsoft.graph.identitySet','" kind                                                        \
    "':{'@odata.type':'#microsoft.graph.identity','id':'" id "'}}}"
#define PHONE PARTY("phone", "+14255550100")
#define USER  PARTY("user", USER_ID)
#define MEDIA                                                                                      \
    "{'@odata.type':'#microsoft.graph.mediaPrompt','mediaInfo':{'@odata.type':"                    \
    "'#microsoft.graph.mediaInfo','uri':"
#define WELCOME MEDIA "'@BOT@/prompts/@HASH@/en/welcome.wav','resourceId':'@HASH@'}}"

static const struct {
    const char *lua, *verb, *url, *body;
} shorts[] = {
    {"call:answer()", "POST", CALL "/answer",
     "{'callbackUri':'@BOT@/api/calls/"
     "@KEY@','mediaConfig':{'@odata.type':'#microsoft.graph.serviceHostedMediaConfig'},'"
     "acceptedModalities':['audio']}"},
    {"call:reject()", "POST", CALL "/reject", NULL},
    {"call:reject 'busy'", "POST", CALL "/reject", "{'reason':'busy'}"},
    {"call:redirect '+14255550100'", "POST", CALL "/redirect", "{'targets':[" PHONE "]}"},
    {"call:redirect{ targets = { { phone = '+14255550100' }, { user = '" USER_ID
     "' } }, timeout = 60 }",
     "POST", CALL "/redirect", "{'targets':[" PHONE "," USER "],'timeout':60}"},
    {"call:transfer '+14255550100'", "POST", CALL "/transfer", "{'transferTarget':" PHONE "}"},
    {"call:transfer{ user = '" USER_ID "' }", "POST", CALL "/transfer",
     "{'transferTarget':" USER "}"},
    {"call:playPrompt 'welcome'", "POST", CALL "/playPrompt",
     "{'prompts':[" WELCOME "],'clientContext':'@KEY@/0/1'}"},
    {"call:playPrompt{ 'welcome', { uri = 'https://x.test/a.wav', resourceId = 'a1' } }", "POST",
     CALL "/playPrompt",
     "{'prompts':[" WELCOME "," MEDIA
     "'https://x.test/a.wav','resourceId':'a1'}}],'clientContext':'@KEY@/0/1'}"},
    {"call:playPrompt{ prompts = 'welcome', loop = true }", "POST", CALL "/playPrompt",
     "{'prompts':[" WELCOME "],'loop':true,'clientContext':'@KEY@/0/1'}"},
    {"call:playPrompt{ hash = 'abc' }", "POST", CALL "/playPrompt",
     "{'prompts':[" MEDIA
     "'@BOT@/recordings/abc.wav','resourceId':'abc'}}],'clientContext':'@KEY@/0/1'}"},
    {"call:recordResponse{ prompts = 'welcome', stopTones = '#', playBeep = true }", "POST",
     CALL "/recordResponse",
     "{'prompts':[" WELCOME "],'stopTones':['#'],'playBeep':true,'clientContext':'@KEY@/0/1'}"},
    {"call:cancelMediaProcessing()", "POST", CALL "/cancelMediaProcessing",
     "{'clientContext':'@KEY@/0/1'}"},
    {"call:subscribeToTone()", "POST", CALL "/subscribeToTone", "{'clientContext':'@KEY@/0/1'}"},
    {"call:mute()", "POST", CALL "/mute", "{'clientContext':'@KEY@/0/1'}"},
    {"call:unmute()", "POST", CALL "/unmute", "{'clientContext':'@KEY@/0/1'}"},
    {"call:addLargeGalleryView()", "POST", CALL "/addLargeGalleryView",
     "{'clientContext':'@KEY@/0/1'}"},
    {"call:sendDtmfTones '12#'", "POST", CALL "/microsoft.graph.sendDtmfTones",
     "{'tones':['tone1','tone2','pound'],'clientContext':'@KEY@/0/1'}"},
    {"call:sendDtmfTones{ tones = { '1', 'star' }, delayBetweenTonesMs = 100 }", "POST",
     CALL "/microsoft.graph.sendDtmfTones",
     "{'tones':['tone1','star'],'delayBetweenTonesMs':100,'clientContext':'@KEY@/0/1'}"},
    {"call:changeScreenSharingRole 'sharer'", "POST", CALL "/changeScreenSharingRole",
     "{'role':'sharer'}"},
    {"call:updateRecordingStatus 'recording'", "POST", CALL "/updateRecordingStatus",
     "{'status':'recording','clientContext':'@KEY@/0/1'}"},
    {"call:startRecording()", "POST", CALL "/microsoft.graph.StartRecording", NULL},
    {"call:stopRecording()", "POST", CALL "/microsoft.graph.StopRecording", NULL},
    {"call:startTranscription 'en-us'", "POST", CALL "/microsoft.graph.StartTranscription",
     "{'language':'en-us'}"},
    {"call:stopTranscription 'en-us'", "POST", CALL "/microsoft.graph.StopTranscription",
     "{'language':'en-us'}"},
    {"call:hangup()", "DELETE", CALL, NULL},
    {"call:delete()", "DELETE", CALL, NULL},
    {"call:get()", "GET", CALL, NULL},
    {"call:keepAlive()", "POST", CALL "/keepAlive", NULL},
    {"call:listParticipants()", "GET", CALL "/participants", NULL},
    {"call:invite '+14255550100'", "POST", CALL "/participants/invite",
     "{'participants':[" PHONE "],'clientContext':'@KEY@/0/1'}"},
    {"call:invite{ { user = '" USER_ID "' }, '+14255550100' }", "POST", CALL "/participants/invite",
     "{'participants':[" USER "," PHONE "],'clientContext':'@KEY@/0/1'}"},
    {"call:muteAll{ 'p1', 'p2' }", "POST", CALL "/participants/muteAll",
     "{'participants':['p1','p2'],'clientContext':'@KEY@/0/1'}"},
    {"call:admitAllFromLobby()", "POST", CALL "/participants/admitAllFromLobby",
     "{'clientContext':'@KEY@/0/1'}"},
    {"call:participant('p1'):get()", "GET", CALL "/participants/p1", NULL},
    {"call:participant('p1'):delete()", "DELETE", CALL "/participants/p1", NULL},
    {"call:participant('p1'):startHoldMusic 'welcome'", "POST",
     CALL "/participants/p1/startHoldMusic",
     "{'customPrompt':" WELCOME ",'clientContext':'@KEY@/0/1'}"},
    {"call:participant('p1'):mute()", "POST", CALL "/participants/p1/mute",
     "{'clientContext':'@KEY@/0/1'}"},
    {"call:participant('p1'):stopHoldMusic()", "POST", CALL "/participants/p1/stopHoldMusic",
     "{'clientContext':'@KEY@/0/1'}"},
    {"call:participant('p1'):admitFromLobby()", "POST", CALL "/participants/p1/admitFromLobby",
     "{'clientContext':'@KEY@/0/1'}"},
    {"call:participant('p1'):removeFromLobby()", "POST", CALL "/participants/p1/removeFromLobby",
     "{'clientContext':'@KEY@/0/1'}"},
    {"call:createAudioRoutingGroup{ routingMode = 'oneToOne', sources = 'p1', receivers = { 'p2' } "
     "}",
     "POST", CALL "/audioRoutingGroups",
     "{'routingMode':'oneToOne','sources':['p1'],'receivers':['p2']}"},
    {"call:listAudioRoutingGroups()", "GET", CALL "/audioRoutingGroups", NULL},
    {"call:audioRoutingGroup('g1'):get()", "GET", CALL "/audioRoutingGroups/g1", NULL},
    {"call:audioRoutingGroup('g1'):update{ receivers = { 'p3' } }", "PATCH",
     CALL "/audioRoutingGroups/g1", "{'receivers':['p3']}"},
    {"call:audioRoutingGroup('g1'):delete()", "DELETE", CALL "/audioRoutingGroups/g1", NULL},
    {"call:listContentSharingSessions()", "GET", CALL "/contentSharingSessions", NULL},
    {"call:contentSharingSession('s1'):get()", "GET", CALL "/contentSharingSessions/s1", NULL},
    {"call:listOperations()", "GET", CALL "/operations", NULL},
    {"call:operation('o1'):get()", "GET", CALL "/operations/o1", NULL},
    {"ivr.createCall '+14255550100'", "POST", CALLS,
     "{'targets':[" PHONE "],'@odata.type':'#microsoft.graph.call','callbackUri':'@BOT@/api/calls/"
     "@KEY@.1','requestedModalities':['audio'],'mediaConfig':{'@odata.type':'#"
     "microsoft.graph.serviceHostedMediaConfig'}}"},
    {"ivr.createCall{ targets = { user = '" USER_ID "' }, subject = 'x' }", "POST", CALLS,
     "{'subject':'x','targets':[" USER
     "],'@odata.type':'#microsoft.graph.call','callbackUri':'@BOT@/api/calls/"
     "@KEY@.1','requestedModalities':['audio'],'mediaConfig':{'@odata.type':'#microsoft.graph."
     "serviceHostedMediaConfig'}}"},
    {"ivr.createCall(ivr.joinInfo "
     "'https://teams.microsoft.com/l/meetup-join/19%3ameeting_abc%40thread.v2/"
     "0?context=%7b%22Tid%22%3a%22" TENANT "%22%2c%22Oid%22%3a%22" USER_ID "%22%7d')",
     "POST", CALLS,
     "{'chatInfo':{'@odata.type':'#microsoft.graph.chatInfo','threadId':'19:meeting_abc@thread.v2',"
     "'messageId':'0'},'meetingInfo':{'@odata.type':'#microsoft.graph.organizerMeetingInfo','"
     "organizer':{'@odata.type':'#microsoft.graph.identitySet','user':{'@odata.type':'#microsoft."
     "graph.identity','id':'" USER_ID "','tenantId':'" TENANT "'}}},'tenantId':'" TENANT
     "','@odata.type':'#microsoft.graph.call','callbackUri':'@BOT@/api/calls/"
     "@KEY@.1','requestedModalities':['audio'],'mediaConfig':{'@odata.type':'#microsoft.graph."
     "serviceHostedMediaConfig'}}"},
};

static cJSON *expected_body(const struct world *w, const char *text)
{
    char key[KEY_MAX] = "";
    const struct bundle_prompt *welcome = bundle_prompt(w->bundle, "en", NULL, "welcome");
    const char *const holes[][2] = {
        {"@KEY@", key}, {"@BOT@", "https://bot.test"}, {"@HASH@", welcome->hash}, {"'", "\""}};
    struct buf b = {0};
    cJSON *v = NULL;
    int leg;

    wire_find(engine_wire(w->engine), CALL_ID, key, &leg);
    while (text && *text) {
        size_t i = 0;

        while (i < 4 && strncmp(text, holes[i][0], strlen(holes[i][0])) != 0)
            i++;
        buf_add(&b, i < 4 ? holes[i][1] : text, i < 4 ? strlen(holes[i][1]) : 1);
        text += i < 4 ? strlen(holes[i][0]) : 1;
    }
    if (b.n)
        EXPECT_INT(json_parse(&v, b.p, b.n, NULL), 0);
    buf_fini(&b);
    return v;
}

static void short_form(const char *lua, const char *verb, const char *url, const char *body)
{
    struct world w;
    cJSON *expected;

    world_init(&w, VERSION_BETA, lua);
    offer(&w, CALL_ID);
    expected = expected_body(&w, body);
    same_request(&w, lua, 0, verb, url, expected);
    cJSON_Delete(expected);
    world_fini(&w);
}

/* Methods that have but one form; the documented requests show it. */
static bool long_form_only(const struct method *m)
{
    return !m->verb || strcmp(m->name, "recording.download") == 0 ||
           strcmp(m->name, "logTeleconferenceDeviceQuality") == 0 ||
           strcmp(m->name, "participant.reportSyntheticMedia") == 0;
}

static void short_forms_of_every_method(void)
{
    enum { SHORTS = sizeof shorts / sizeof *shorts };

    for (size_t i = 0; i < SHORTS; i++)
        short_form(shorts[i].lua, shorts[i].verb, shorts[i].url, shorts[i].body);
    for (const struct method *m = method_table; m->name; m++) {
        size_t i = 0;

        while (i < SHORTS && method_route(shorts[i].verb, strstr(shorts[i].url, "/communications"),
                                          NULL, NULL) != m)
            i++;
        test_expect(i < SHORTS || long_form_only(m), __FILE__, __LINE__, "%s is never called",
                    m->name);
    }
}

const struct test lua_requests_tests[] = {
    TEST(every_documented_request), TEST(short_forms_of_every_method), {0}};
