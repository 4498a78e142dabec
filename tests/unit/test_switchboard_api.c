/* The REST side as a whole: every row of the method table, every documented request, errors, what a
 * hostile client sends, failing memory. */
#include "switchboard_world.h"
#include "test.h"

#include "base/json.h"
#include "base/random.h"
#include "graph/methods.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANNA "8a34a46b-3d17-4adc-8dce-dc4e7d572698"
#define ROOM "19:meeting_abc@thread.v2"
#define BOT  "{\"callbackUri\":\"https://bot/c\"," WORLD_SERVICE

static const char *error_code(const struct world *w)
{
    const char *code = json_str(json_get(w->answer, "error"), "code");

    return code ? code : "";
}

/* Arguments that suit a method; "{p}" stands for a participant's id. */
static const struct {
    const char *method, *body;
} suited[] = {
    {"create", BOT ",\"targets\":[" WORLD_USER(ANNA) "]}"},
    {"answer", BOT ",\"acceptedModalities\":[\"audio\"]}"},
    {"redirect", "{\"targets\":[" WORLD_USER(ANNA) "]}"},
    {"transfer", "{\"transferTarget\":" WORLD_USER(
                     ANNA) ",\"transferee\":{\"identity\":{\"user\":{\"id\":\"" ANNA
                           "\"}},\"participantId\":\"{p}\"}}"},
    {"changeScreenSharingRole", "{\"role\":\"viewer\"}"},
    {"playPrompt", "{\"prompts\":[" WORLD_PROMPT(100) "]}"},
    {"sendDtmfTones", "{\"tones\":[\"tone1\"]}"},
    {"updateRecordingStatus", "{\"status\":\"recording\"}"},
    {"logTeleconferenceDeviceQuality",
     "{\"quality\":{\"callChainId\":\"0622673d-9f69-49b3-9d4f-5ec64f42ecce\","
     "\"participantId\":\"ea078406-b5d4-4d3c-b85e-90103dcec7f6\","
     "\"mediaLegId\":\"bd9ee398-4b9d-42c7-8b8d-4e8efad9435f\",\"deviceName\":\"n\","
     "\"deviceDescription\":\"d\",\"mediaQualityList\":[]}}"},
    {"invite", "{\"participants\":[" WORLD_USER("bert") "]}"},
    {"participant.reportSyntheticMedia",
     "{\"id\":\"a1b2c3d4-e5f6-7890-abcd-ef1234567890\","
     "\"detectionDateTime\":\"2026-03-13T21:00:00Z\",\"detections\":[],\"contentMetadata\":{},"
     "\"overallConfidence\":0.5,\"isMalicious\":true}"},
    {"createAudioRoutingGroup", "{\"id\":\"two\",\"routingMode\":\"multicast\",\"sources\":["
                                "\"{p}\"],\"receivers\":[\"{p}\"]}"},
    {"audioRoutingGroup.update", "{\"routingMode\":\"multicast\"}"},
};

/* Methods that a meeting with one person answers with another status, and why. */
static const struct {
    const char *method;
    int status;
} otherwise[] = {
    {"answer", 409}, /* it is not incoming           */
    {"reject", 409},
    {"redirect", 409},
    {"changeScreenSharingRole", 400},    /* media is the service's       */
    {"participant.stopHoldMusic", 409},  /* there is none                */
    {"participant.admitFromLobby", 409}, /* nobody waits                 */
    {"participant.removeFromLobby", 409},
    {"stopRecording", 409},
    {"stopTranscription", 409},
};

struct ids {
    char participant[ID_MAX], operation[ID_MAX], session[ID_MAX];
};

static void replace(char *out, size_t cap, const char *text, const char *what, const char *by)
{
    const char *at = text ? strstr(text, what) : NULL;
    char rest[2048];

    snprintf(out, cap, "%s", text ? text : "");
    while (at) {
        snprintf(rest, sizeof rest, "%s", at + strlen(what));
        snprintf(out + (at - text), cap - (size_t)(at - text), "%s%s", by, rest);
        at = strstr(out + (at - text) + strlen(by), what);
        text = out;
    }
}

/* A meeting with Anna in it, who shares; one routing group, one operation. */
static void furnish(struct world *w, struct ids *ids)
{
    char line[ID_MAX], body[512];
    const cJSON *p;

    world_open(w, NULL);
    switchboard_join(w->s, ANNA, ROOM, w->now, line, NULL);
    world_join(w, ROOM, NULL);
    switchboard_share(w->s, line, true, w->now);
    world_request(w, "GET", WORLD_BETA "/participants", NULL);
    p = json_get(w->answer, "value") ? json_get(w->answer, "value")->child : NULL;
    snprintf(ids->participant, ID_MAX, "%s", json_str(p, "id") ? json_str(p, "id") : "");
    snprintf(body, sizeof body,
             "{\"id\":\"one\",\"routingMode\":\"multicast\",\"sources\":[\"%s\"],"
             "\"receivers\":[\"%s\"]}",
             ids->participant, ids->participant);
    EXPECT_INT(world_request(w, "POST", WORLD_BETA "/audioRoutingGroups", body), 200);
    world_request(w, "GET", WORLD_BETA "/contentSharingSessions", NULL);
    p = json_get(w->answer, "value") ? json_get(w->answer, "value")->child : NULL;
    snprintf(ids->session, ID_MAX, "%s", json_str(p, "id") ? json_str(p, "id") : "");
    world_request(w, "POST", WORLD_BETA "/subscribeToTone", NULL);
    snprintf(ids->operation, ID_MAX, "%s",
             json_str(w->answer, "id") ? json_str(w->answer, "id") : "");
}

static void path_for(const struct world *w, const struct method *m, const struct ids *ids,
                     char out[1024])
{
    char a[1024], b[1024];

    snprintf(a, sizeof a, "/beta%s", m->path);
    replace(b, sizeof b, a, "{call}", w->call);
    replace(a, sizeof a, b, "{participant}", ids->participant);
    replace(b, sizeof b, a, "{group}", "one");
    replace(a, sizeof a, b, "{session}", ids->session);
    replace(out, 1024, a, "{operation}", ids->operation);
}

static const char *body_for(const struct method *m, const struct ids *ids, char out[2048])
{
    for (size_t i = 0; i < sizeof suited / sizeof *suited; i++) {
        if (strcmp(suited[i].method, m->name) == 0) {
            replace(out, 2048, suited[i].body, "{p}", ids->participant);
            return out;
        }
    }
    return NULL;
}

static void every_method_has_a_true_answer(void)
{
    for (const struct method *m = method_table; m->name; m++) {
        char path[1024], body[2048], type[128];
        int want = (int)m->success, status;
        struct world w;
        struct ids ids;

        if (!m->verb || m->path[0] != '/')
            continue;
        furnish(&w, &ids);
        for (size_t i = 0; i < sizeof otherwise / sizeof *otherwise; i++) {
            if (strcmp(otherwise[i].method, m->name) == 0)
                want = otherwise[i].status;
        }
        path_for(&w, m, &ids, path);
        status = world_request(&w, m->verb, path, body_for(m, &ids, body));
        test_expect(status == want, __FILE__, __LINE__, "%s is answered %d, expected %d", m->name,
                    status, want);
        if (m->operation && status == want && want < 300) {
            snprintf(type, sizeof type, "#microsoft.graph.%s", m->operation);
            EXPECT_STR(json_str(w.answer, "@odata.type"), type);
            EXPECT_IN(w.location, "/operations/");
        }
        world_pass(&w, 120000);
        /* The same where the call is not there, and with the older root. */
        if (strstr(m->path, "{call}")) {
            snprintf(w.call, sizeof w.call, "57dab8b1-894c-409a-b240-bd8beae78896");
            path_for(&w, m, &ids, path);
            EXPECT_INT(world_request(&w, m->verb, path, body_for(m, &ids, body)), 404);
            EXPECT_STR(error_code(&w), "itemNotFound");
        }
        world_close(&w);
    }
}

/* What is sent first, so that a method changes something; and not to the meeting but to a call that
 * is offered. */
static const struct {
    const char *method, *path, *body;
} before[] = {
    {"participant.stopHoldMusic", WORLD_BETA "/participants/{p}/startHoldMusic", "{}"},
    {"stopRecording", WORLD_BETA "/startRecording", "{}"},
    {"stopTranscription", WORLD_BETA "/startTranscription", "{}"},
    {"reject", NULL, NULL},
    {"participant.admitFromLobby", "guest", NULL},
    {"participant.removeFromLobby", "guest", NULL},
};

static void prepare(struct world *w, const struct method *m, struct ids *ids)
{
    char path[1024], line[ID_MAX];
    const cJSON *p;

    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        if (strcmp(before[i].method, m->name) != 0)
            continue;
        if (!before[i].path) {
            switchboard_dial(w->s, "+49", "+1", w->now, line, NULL);
        } else if (before[i].body) {
            replace(path, sizeof path, before[i].path, "{p}", ids->participant);
            world_request(w, "POST", path, before[i].body);
        } else {
            switchboard_join(w->s, "guest:Eve", ROOM, w->now, line, NULL);
            world_request(w, "GET", WORLD_BETA "/participants", NULL);
            cJSON_ArrayForEach (p, json_get(w->answer, "value"))
                if (json_bool(p, "isInLobby", false))
                    snprintf(ids->participant, ID_MAX, "%s", json_str(p, "id"));
        }
        world_pass(w, 1000);
    }
}

/* The method table says how a second sending is answered. */
static void what_is_sent_twice_is_answered_as_the_table_says(void)
{
    for (const struct method *m = method_table; m->name; m++) {
        char path[1024], body[2048];
        int first, second;
        struct world w;
        struct ids ids;

        if (!m->verb || m->path[0] != '/' ||
            (m->repeat != REPEAT_HARMLESS && m->repeat != REPEAT_REFUSED))
            continue;
        furnish(&w, &ids);
        prepare(&w, m, &ids);
        path_for(&w, m, &ids, path);
        first = world_request(&w, m->verb, path, body_for(m, &ids, body));
        second = world_request(&w, m->verb, path, body_for(m, &ids, body));
        if (m->repeat == REPEAT_REFUSED)
            test_expect(first == (int)m->success && (second == 404 || second == 409), __FILE__,
                        __LINE__, "%s: %d, then %d", m->name, first, second);
        else
            test_expect(second == first, __FILE__, __LINE__, "%s: %d, then %d", m->name, first,
                        second);
        world_close(&w);
    }
}

static void errors_are_what_they_say(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    EXPECT_INT(world_request_as(&w, NULL, "GET", WORLD_CALL, NULL), 401);
    EXPECT_INT(world_request_as(&w, "", "GET", WORLD_CALL, NULL), 401);
    EXPECT_INT(world_request(&w, "GET", "/", NULL), 404);
    EXPECT_INT(world_request(&w, "GET", "", NULL), 404);
    EXPECT_INT(world_request(&w, "GET", "/v2.0/communications/calls/%", NULL), 404);
    EXPECT_INT(world_request(&w, "GET", "/v1.0/users", NULL), 404);
    EXPECT_INT(world_request(&w, "PUT", WORLD_CALL, "{}"), 405);
    EXPECT_STR(error_code(&w), "notAllowed");
    EXPECT_INT(world_request(&w, "GET", WORLD_CALL "/playPrompt", NULL), 405);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/raiseHand", "{}"), 404);
    EXPECT_INT(world_request(&w, "GET", WORLD_CALL "/operations/x", NULL), 404);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/playPrompt", "{"), 400);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/playPrompt", "[1]"), 400);
    /* what flows may write short, the service does not take */
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/sendDtmfTones", "{\"tones\":\"12#\"}"), 400);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/playPrompt",
                             "{\"prompts\":[{\"mediaInfo\":{\"uri\":\"https://x.test/a.wav\"}}]}"),
               400);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/transfer",
                             "{\"transferTarget\":{\"phone\":\"+14255550100\"}}"),
               400);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/playPrompt",
                             "{\"prompts\":[{\"prompt\":{\"language\":\"en\",\"name\":\"n\","
                             "\"hash\":\"h\"}}]}"),
               400);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/startRecording", "{}"), 400);
    EXPECT_IN(json_str(json_get(w.answer, "error"), "message"), "only in beta");
    EXPECT_INT(world_request(&w, "POST", WORLD_BETA "/startRecording", "{}"), 400);
    EXPECT_IN(json_str(json_get(w.answer, "error"), "message"), "group");
    EXPECT_INT(world_request(&w, "GET", "http://127.0.0.1:8090" WORLD_CALL, NULL), 200);
    EXPECT_INT(world_request(&w, "GET", "/beta/app/calls/%", NULL), 200);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/MICROSOFT.GRAPH.KEEPALIVE", NULL), 200);
    EXPECT_INT(world_request(&w, "GET", "/recordings/", NULL), 404);
    EXPECT_INT(world_request(&w, "GET", "/recordings/../../etc/passwd", NULL), 404);
    world_close(&w);
}

static void app_hosted_media_is_for_signalling(void)
{
    struct world w;

    world_open(&w, NULL);
    switchboard_register(w.s, ANNA, 0);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALLS,
                             "{\"callbackUri\":\"https://bot/c\",\"mediaConfig\":{\"@odata.type\":"
                             "\"#microsoft.graph.appHostedMediaConfig\",\"blob\":\"b\"},"
                             "\"targets\":[" WORLD_USER(ANNA) "]}"),
               201);
    world_pass(&w, 100);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/playPrompt",
                             "{\"prompts\":[" WORLD_PROMPT(100) "]}"),
               400);
    EXPECT_IN(json_str(json_get(w.answer, "error"), "message"), "service-hosted");
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/mute", "{}"), 200);
    world_close(&w);
}

static void operations_stay_readable(void)
{
    struct world w;
    char line[ID_MAX], path[512];

    world_open(&w, NULL);
    world_call(&w, line);
    world_request(&w, "POST", WORLD_CALL "/playPrompt",
                  "{\"clientContext\":\"c\",\"prompts\":[" WORLD_PROMPT(100) "]}");
    snprintf(path, sizeof path, "%s/operations/%s", WORLD_CALL, json_str(w.answer, "id"));
    EXPECT_INT(world_request(&w, "GET", path, NULL), 200);
    EXPECT_STR(json_str(w.answer, "status"), "running");
    world_pass(&w, 1000);
    EXPECT_INT(world_request(&w, "GET", path, NULL), 200);
    EXPECT_STR(json_str(w.answer, "status"), "completed");
    EXPECT_STR(json_str(w.answer, "completionReason"), "completedSuccessfully");
    for (int i = 0; i < 1100; i++)
        world_request(&w, "POST", WORLD_CALL "/mute", NULL);
    EXPECT_INT(world_request(&w, "GET", path, NULL), 404); /* a thousand later ones are kept */
    EXPECT_INT(world_request(&w, "GET", WORLD_CALL "/operations", NULL), 200);
    EXPECT_INT(cJSON_GetArraySize(json_get(w.answer, "value")), 1000);
    for (int i = 0; i < 500; i++)
        world_request(&w, "POST", WORLD_CALL "/playPrompt",
                      "{\"prompts\":[" WORLD_PROMPT(100) "]}");
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/playPrompt",
                             "{\"prompts\":[" WORLD_PROMPT(100) "]}"),
               409);
    EXPECT_STR(error_code(&w), "quotaLimitReached");
    world_close(&w);
}

/* --- documented requests ------------------------------------------------------------------- */

/* The request of one example, to a fitting call: an offered one for what decides an offer, a 1:1
 * call or a meeting otherwise. */
static void try_example(const char *file)
{
    size_t n;
    char name[512], path[1024], *text, *body = NULL;
    struct ids ids = {{0}, {0}, {0}};
    const char *verb, *url, *at;
    cJSON *v = NULL, *route;
    const struct method *m;
    struct world w;
    int status;

    snprintf(name, sizeof name, "tests/examples/%s", file);
    text = test_read_file(name, &n);
    EXPECT_INT(json_parse(&v, text, n, NULL), 0);
    free(text);
    verb = json_str(json_get(v, "request"), "method");
    url = json_str(json_get(v, "request"), "path");
    if (!verb || !url || strstr(url, "oauth2") || strstr(url, "file.location")) {
        cJSON_Delete(v);
        return;
    }
    at = strstr(url, "/communications/");
    at = at ? at : strstr(url, "/app/");
    if (at && json_get(json_get(v, "request"), "body"))
        body = json_text(json_get(json_get(v, "request"), "body"));
    route = cJSON_CreateObject();
    m = at ? method_route(verb, at, route, NULL) : NULL;
    cJSON_Delete(route);
    if (!m) {
        free(body);
        cJSON_Delete(v);
        return; /* a request to somewhere else */
    }
    furnish(&w, &ids);
    if (strcmp(m->name, "answer") == 0 || strcmp(m->name, "reject") == 0 ||
        strcmp(m->name, "redirect") == 0) {
        char line[ID_MAX];

        switchboard_dial(w.s, "+49", "+1", w.now, line, NULL);
        world_drain(&w);
    }
    path_for(&w, m, &ids, path);
    status = world_request(&w, verb, path, body);
    test_expect(status >= 200 && status < 500, __FILE__, __LINE__, "%s gives %d", file, status);
    if (status >= 300 && status != 409 && !strstr(path, "audioRoutingGroups")) {
        /* What the documentation shows must be understood, but for its slips. */
        bool slip = strstr(file, "call-answer.01") || strstr(file, "updaterecordingstatus") ||
                    strstr(file, "transfer") || strstr(file, "screensharing");

        test_expect(slip, __FILE__, __LINE__, "%s gives %d: %s", file, status,
                    json_str(json_get(w.answer, "error"), "message"));
    }
    world_pass(&w, 300000);
    world_close(&w);
    free(body);
    cJSON_Delete(v);
}

static void documented_requests_are_understood(void)
{
    struct dirent **files;
    int n = scandir("tests/examples", &files, NULL, alphasort), tried = 0;

    for (int i = 0; i < n; i++) {
        if (strstr(files[i]->d_name, ".json")) {
            try_example(files[i]->d_name);
            tried++;
        }
        free(files[i]);
    }
    if (n >= 0)
        free(files);
    EXPECT(tried > 90);
}

/* --- bad input, failing memory ------------------------------------------------------------- */

static void broken_bodies_are_refused(void)
{
    struct random r;

    random_seed(&r, 11);
    for (const struct method *m = method_table; m->name; m++) {
        char path[1024], body[2048];
        struct world w;
        struct ids ids;

        if (!m->verb || m->path[0] != '/')
            continue;
        furnish(&w, &ids);
        for (int i = 0; i < 40; i++) {
            const char *sound = body_for(m, &ids, body);
            size_t n = sound ? strlen(sound) : 0;
            int status;

            path_for(&w, m, &ids, path);
            /* One byte of it is another, or its end is missing. */
            if (n && i % 2)
                body[random_below(&r, n)] = (char)random_below(&r, 256);
            else if (n)
                body[random_below(&r, n)] = '\0';
            if (i % 5 == 0)
                path[6 + random_below(&r, strlen(path) - 6)] = (char)(1 + random_below(&r, 255));
            status = world_request(&w, m->verb, path, sound);
            test_expect(status >= 200 && status < 500, __FILE__, __LINE__, "%s %s %s gives %d",
                        m->verb, path, sound ? sound : "", status);
            world_pass(&w, 50);
        }
        world_close(&w);
    }
}

static void scenario(struct world *w)
{
    char line[ID_MAX] = "", other[ID_MAX] = "";
    int16_t samples[160] = {1};

    if (world_open(w, NULL))
        return;
    switchboard_register(w->s, "+1", 100);
    world_call(w, line);
    world_request(w, "POST", WORLD_CALL "/subscribeToTone", NULL);
    switchboard_press(w->s, line, '1', w->now);
    world_request(w, "POST", WORLD_CALL "/playPrompt", "{\"prompts\":[" WORLD_PROMPT(100) "]}");
    world_pass(w, 200);
    world_request(w, "POST", WORLD_CALL "/recordResponse", "{\"playBeep\":false}");
    switchboard_speak(w->s, line, samples, 160, w->now);
    world_pass(w, 10000);
    world_request(w, "POST", WORLD_CALL "/participants/invite",
                  "{\"participants\":[" WORLD_PHONE("+1") "]}");
    world_pass(w, 500);
    world_request(w, "GET", WORLD_CALL "/participants", NULL);
    switchboard_join(w->s, ANNA, ROOM, w->now, other, NULL);
    world_join(w, ROOM, NULL);
    switchboard_observe(w->s, other, w->now);
    switchboard_share(w->s, other, true, w->now);
    world_pass(w, 10000);
    world_request(w, "DELETE", WORLD_CALL, NULL);
    switchboard_hang_up(w->s, line, w->now);
    world_pass(w, 4000000);
}

static void failing_memory_breaks_nothing(void)
{
    EVERY_ALLOCATION(n)
    {
        struct world w = {0};

        scenario(&w);
        world_close(&w);
    }
}

/* Memory fails for a moment, then is there again: what is left works or ends. */
static void a_moment_without_memory_is_survived(void)
{
    for (long n = 0; n < 400; n += 7) {
        struct world w;
        char line[ID_MAX] = "";

        world_open(&w, NULL);
        test_fail_allocation(n);
        world_call(&w, line);
        test_fail_allocation(-1);
        world_call(&w, line);
        EXPECT_INT(world_request(&w, "GET", WORLD_CALL, NULL), 200);
        EXPECT_INT(switchboard_hang_up(w.s, line, w.now), 0);
        world_pass(&w, 100);
        EXPECT_INT(world_request(&w, "GET", WORLD_CALL, NULL), 404);
        world_close(&w);
    }
}

const struct test switchboard_api_tests[] = {TEST(every_method_has_a_true_answer),
                                             TEST(what_is_sent_twice_is_answered_as_the_table_says),
                                             TEST(errors_are_what_they_say),
                                             TEST(app_hosted_media_is_for_signalling),
                                             TEST(operations_stay_readable),
                                             TEST(documented_requests_are_understood),
                                             TEST(broken_bodies_are_refused),
                                             TEST(failing_memory_breaks_nothing),
                                             TEST(a_moment_without_memory_is_survived),
                                             {0}};
