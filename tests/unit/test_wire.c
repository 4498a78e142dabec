/* Calls and their requests. What the service posts is in test_wire_webhook.c. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "test.h"
#include "wire_peer.h"

static char *text_of(const cJSON *v)
{
    char *text = json_text(v);
    static char copy[2048];

    snprintf(copy, sizeof copy, "%s", text ? text : "");
    free(text);
    return copy;
}

static void carries_an_incoming_call(void)
{
    static struct peer p;
    const struct http_message *m;
    const struct event *ev;
    char key[KEY_MAX];
    uint64_t id = 0;
    int leg = 9;

    peer_init(&p);
    peer_open(&p);
    EXPECT_INT(peer_notify(&p, "", "created", "57DAB8B1894C409AB240BD8BEAE78896",
                           "{\"state\":\"Incoming\",\"tenantId\":\"" PEER_TENANT "\"}"),
               202);
    ev = peer_event(&p);
    EXPECT_INT(ev->kind, EVENT_START);
    EXPECT_INT(strlen(ev->key), 32);
    EXPECT_STR(ev->call_id, PEER_ID);
    EXPECT_STR(json_str(ev->data, "direction"), "incoming");
    EXPECT_STR(json_str(ev->data, "tenant"), PEER_TENANT);
    EXPECT_INT(strlen(json_str(ev->data, "seed")), 16);
    EXPECT_STR(json_str(json_get(ev->data, "call"), "state"), "incoming");
    strcpy(p.key, ev->key);
    EXPECT_INT(wire_calls(p.w), 1);
    EXPECT(wire_find(p.w, PEER_CALL, key, &leg));
    EXPECT_STR(key, p.key);
    EXPECT_INT(leg, 0);

    p.tokens = false;
    peer_method(&p, "answer", 1, NULL, "{}");
    m = peer_request(&p, &id);
    EXPECT_STR(m->verb, "POST");
    EXPECT_STR(m->url, "https://login.example/" PEER_TENANT "/oauth2/v2.0/token");
    EXPECT_STR(http_header(m, "Content-Type"), "application/x-www-form-urlencoded");
    EXPECT_STR(m->body, "client_id=" PEER_APP "&scope=https%3A%2F%2Fgraph.example%2F.default"
                        "&client_secret=s%26cret&grant_type=client_credentials");
    peer_answer(&p, id, 200,
                "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":"
                "\"abc\"}",
                NULL);
    m = peer_request(&p, &id);
    EXPECT_STR(m->verb, "POST");
    EXPECT_IN(m->url, "https://graph.example/beta/communications/calls/57");
    EXPECT_IN(m->url, "/answer");
    EXPECT_STR(http_header(m, "Authorization"), "Bearer abc");
    EXPECT_STR(http_header(m, "Content-Type"), "application/json");
    EXPECT_INT(strlen(http_header(m, "Client-Request-Id")), 36);
    EXPECT_INT(strlen(http_header(m, "Scenario-Id")), 36);
    EXPECT_IN(m->body, "\"callbackUri\":\"https://bot.example/api/calls/");
    EXPECT_IN(m->body, p.key);
    peer_answer(&p, id, 202, NULL, NULL);
    peer_expect_answer(&p, 1, 202);

    EXPECT_INT(peer_notify(&p, p.key, "updated", PEER_CALL, "{\"state\":\"established\"}"), 202);
    ev = peer_event(&p);
    EXPECT_INT(ev->kind, EVENT_CALL);
    EXPECT_STR(ev->key, p.key);
    EXPECT_INT(ev->leg, 0);

    peer_method(&p, "playPrompt", 2, NULL, PEER_PLAY);
    peer_serve(&p, "POST", "/playPrompt", 200,
               "{\"id\":\"0FE0623F-D628-42ED-B4BD-8AC290072CC5\",\"status\":\"running\"}");
    ev = peer_expect_answer(&p, 2, 200);
    EXPECT_STR(ev->id, "0fe0623fd62842edb4bd8ac290072cc5");
    peer_method(&p, "delete", 3, NULL, NULL);
    peer_serve(&p, "DELETE", "", 204, NULL);
    peer_expect_answer(&p, 3, 204);
    EXPECT_INT(peer_notify(&p, p.key, "deleted", PEER_CALL, "{\"state\":\"terminated\"}"), 202);
    ev = peer_event(&p);
    EXPECT_INT(ev->change, CHANGE_DELETED);
    EXPECT_INT(wire_calls(p.w), 0);
    peer_command(&p, COMMAND_END, 4, NULL, NULL);
    EXPECT(!wire_find(p.w, PEER_CALL, key, &leg));

    /* What comes late is taken and forgotten. */
    EXPECT_INT(peer_notify(&p, p.key, "updated", PEER_CALL, "{\"state\":\"terminated\"}"), 202);
    EXPECT_INT(peer_notify(&p, "", "updated", PEER_CALL, "{\"state\":\"terminated\"}"), 202);
    EXPECT_INT(peer_notify(&p, "", "created", PEER_CALL, "{\"state\":\"incoming\"}"), 202);
    peer_wait(&p, 3600 * 1000);
    EXPECT(!peer_event(&p));
    EXPECT(!peer_request(&p, NULL));
    EXPECT_INT(wire_next_deadline(p.w), INT64_MAX);
    peer_close(&p);
}

static void dial(struct peer *p)
{
    cJSON *create = cJSON_Parse("{\"targets\":[{\"identity\":{\"user\":{\"id\":\"u\"}}}]}");
    const struct event *ev;

    EXPECT_INT(wire_dial(p->w, "reminder", create, p->now, p->key), 0);
    ev = peer_event(p);
    EXPECT_INT(ev->kind, EVENT_START);
    EXPECT_STR(ev->key, p->key);
    EXPECT_STR(json_str(ev->data, "direction"), "outgoing");
    EXPECT_STR(json_str(ev->data, "flow"), "reminder");
    EXPECT_STR(json_str(ev->data, "tenant"), "home");
    EXPECT(json_get(json_get(ev->data, "create"), "targets") != NULL);
    peer_method(p, "create", 1, NULL, "{\"targets\":[{\"identity\":{\"user\":{\"id\":\"u\"}}}]}");
}

static void places_a_call(void)
{
    static struct peer p;
    const struct http_message *m;
    const struct event *ev;
    uint64_t id;

    peer_init(&p);
    peer_open(&p);
    dial(&p);
    EXPECT_INT(wire_calls(p.w), 0);
    m = peer_request(&p, &id);
    EXPECT_STR(m->url, "https://graph.example/beta/communications/calls");
    EXPECT_IN(m->body, p.key);
    peer_answer(&p, id, 201, "{\"id\":\"" PEER_CALL "\",\"state\":\"establishing\"}", NULL);
    ev = peer_expect_answer(&p, 1, 201);
    EXPECT_STR(ev->id, PEER_ID);
    EXPECT_INT(wire_calls(p.w), 1);
    peer_method(&p, "get", 2, NULL, NULL);
    peer_serve(&p, "GET", "/communications/calls/" PEER_CALL, 200, "{}"); /* as it was spelled */
    peer_expect_answer(&p, 2, 200);
    peer_command(&p, COMMAND_END, 3, NULL, NULL);
    peer_close(&p);
}

/* Notifications that overtake the answer to create: by the path, and without it. */
static void binds_a_call_before_its_answer(void)
{
    static struct peer p;
    const struct event *ev;
    uint64_t id = 0;

    peer_init(&p);
    peer_open(&p);
    dial(&p);
    peer_request(&p, &id);
    EXPECT_INT(peer_notify(&p, "", "updated", PEER_CALL, "{\"state\":\"establishing\"}"), 202);
    EXPECT(!peer_event(&p));
    EXPECT_INT(peer_notify(&p, p.key, "updated", PEER_CALL, "{\"state\":\"established\"}"), 202);
    ev = peer_event(&p); /* the earlier one comes first */
    EXPECT_STR(json_str(ev->data, "state"), "establishing");
    EXPECT_STR(ev->key, p.key);
    ev = peer_event(&p);
    EXPECT_STR(json_str(ev->data, "state"), "established");
    EXPECT_INT(wire_calls(p.w), 1);
    peer_answer(&p, id, 201, "{\"id\":\"" PEER_CALL "\"}", NULL);
    peer_expect_answer(&p, 1, 201);
    EXPECT_INT(wire_calls(p.w), 1);
    /* Another call's id on this path is not ours. */
    EXPECT_INT(peer_notify(&p, p.key, "updated", "11111111-0000-0000-0000-000000000000", "{}"),
               202);
    EXPECT(!peer_event(&p));
    EXPECT(peer_logged(&p, "dropped a notification"));
    peer_close(&p);
}

static void releases_early_events_when_created(void)
{
    static struct peer p;
    const struct event *ev;
    uint64_t id = 0;

    peer_init(&p);
    peer_open(&p);
    dial(&p);
    peer_request(&p, &id);
    EXPECT_INT(peer_notify(&p, "", "updated", PEER_CALL, "{\"state\":\"establishing\"}"), 202);
    peer_answer(&p, id, 201, "{\"id\":\"" PEER_CALL "\"}", NULL);
    peer_expect_answer(&p, 1, 201);
    ev = peer_event(&p);
    EXPECT_INT(ev->kind, EVENT_CALL);
    EXPECT_INT(ev->time, p.now);
    EXPECT_STR(ev->key, p.key);
    peer_close(&p);
}

static void legs_have_paths_of_their_own(void)
{
    static struct peer p;
    struct command c = {.kind = COMMAND_METHOD, .leg = 1, .seq = 5, .method = "create"};
    const struct http_message *m;
    const struct event *ev;
    char path[64], key[KEY_MAX];
    uint64_t id;
    int leg;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    strcpy(c.key, p.key);
    c.args = cJSON_Parse("{\"targets\":[{\"identity\":{\"user\":{\"id\":\"u\"}}}]}");
    EXPECT_INT(wire_command(p.w, &c, p.now), 0);
    m = peer_request(&p, &id);
    snprintf(path, sizeof path, "/api/calls/%s.1\"", p.key);
    EXPECT_IN(m->body, path);
    snprintf(path, sizeof path, "%s.1", p.key);
    EXPECT_INT(peer_notify(&p, path, "updated", "leg-one", "{\"state\":\"established\"}"), 202);
    ev = peer_event(&p);
    EXPECT_INT(ev->leg, 1);
    EXPECT(wire_find(p.w, "LEG-ONE", key, &leg));
    EXPECT_INT(leg, 1);
    EXPECT_INT(wire_calls(p.w), 2);
    snprintf(path, sizeof path, "%s.2", p.key);
    EXPECT_INT(peer_notify(&p, path, "updated", "leg-two", "{}"), 404);
    snprintf(path, sizeof path, "%s.01", p.key);
    EXPECT_INT(peer_notify(&p, path, "updated", "leg-one", "{}"), 404);
    peer_close(&p);
}

static void keeps_calls_alive(void)
{
    static struct peer p;
    const struct event *ev;
    uint64_t id;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_wait(&p, 15 * 60 * 1000 - 1);
    EXPECT(!peer_request(&p, NULL));
    peer_wait(&p, 1);
    peer_serve(&p, "POST", "/keepAlive", 200, NULL);
    peer_wait(&p, 15 * 60 * 1000);
    peer_request(&p, &id);
    for (int i = 0; i < 4; i++) { /* an outage: tried again, then once a minute */
        peer_answer(&p, id, 500, NULL, NULL);
        peer_wait(&p, 2500);
        if (!peer_request(&p, &id))
            break;
    }
    EXPECT(peer_logged(&p, "keepAlive"));
    peer_wait(&p, 60 * 1000);
    peer_serve(&p, "POST", "/keepAlive", 404, "{\"error\":{\"code\":\"itemNotFound\"}}");
    peer_wait(&p, 2000);
    ev = peer_event(&p);
    if (EXPECT(ev != NULL)) {
        EXPECT_INT(ev->kind, EVENT_CALL);
        EXPECT_INT(ev->change, CHANGE_DELETED);
        EXPECT_STR(ev->key, p.key);
        EXPECT_STR(ev->call_id, PEER_ID);
        EXPECT_STR(json_str(ev->data, "state"), "terminated");
        EXPECT_INT(json_int(json_get(ev->data, "resultInfo"), "code", 0), 404);
    }
    EXPECT_INT(wire_calls(p.w), 0);
    peer_wait(&p, 30 * 60 * 1000);
    EXPECT(!peer_request(&p, NULL));
    EXPECT(!peer_event(&p));
    peer_close(&p);
}

/* 404 on a known call: is it over? The service is asked, once at a time, and what it says goes out
 * before the answers that asked for it. */
static void looks_after_a_call_that_is_missing(void)
{
    static struct peer p;
    const struct event *ev;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_method(&p, "mute", 1, NULL, "{}");
    peer_method(&p, "mute", 2, NULL, "{}");
    peer_serve(&p, "POST", "/mute", 404, NULL);
    peer_serve(&p, "POST", "/mute", 404, NULL);
    EXPECT(!peer_event(&p));
    peer_serve(&p, "GET", PEER_CALL, 200, "{\"state\":\"established\"}");
    peer_expect_answer(&p, 1, 404);
    peer_expect_answer(&p, 2, 404);
    EXPECT(!peer_request(&p, NULL));
    EXPECT(!peer_event(&p));
    EXPECT_INT(wire_calls(p.w), 1);

    peer_method(&p, "mute", 3, NULL, "{}");
    peer_serve(&p, "POST", "/mute", 404, NULL);
    EXPECT(!peer_event(&p));
    peer_serve(&p, "GET", PEER_CALL, 404, NULL);
    peer_wait(&p, 1999);
    EXPECT(!peer_event(&p));
    peer_wait(&p, 1);
    ev = peer_event(&p);
    EXPECT(ev && ev->change == CHANGE_DELETED);
    peer_expect_answer(&p, 3, 404);
    EXPECT_INT(wire_calls(p.w), 0);
    EXPECT_INT(peer_notify(&p, p.key, "deleted", PEER_CALL, "{}"), 202); /* the real one, late */
    peer_event(&p);

    peer_method(&p, "get", 4, NULL, NULL);
    peer_serve(&p, "GET", PEER_CALL, 404, NULL);
    peer_expect_answer(&p, 4, 404);
    EXPECT(!peer_event(&p)); /* said once */
    peer_close(&p);
}

/* Who hangs up while the flow asks for something is told as hanging up, not as missing. */
static void hears_from_the_service_why_a_call_is_missing(void)
{
    static struct peer p;
    const struct event *ev;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_method(&p, "mute", 1, NULL, "{}");
    peer_serve(&p, "POST", "/mute", 404, NULL);
    peer_serve(&p, "GET", PEER_CALL, 404, NULL);
    peer_method(&p, "mute", 2, NULL, "{}");
    peer_serve(&p, "POST", "/mute", 404, NULL);
    EXPECT(!peer_request(&p, NULL)); /* it is not asked again */
    EXPECT(!peer_event(&p));
    EXPECT_INT(peer_notify(&p, p.key, "deleted", PEER_CALL,
                           "{\"state\":\"terminated\",\"resultInfo\":{\"code\":200}}"),
               202);
    ev = peer_event(&p);
    EXPECT(ev && ev->change == CHANGE_DELETED &&
           json_int(json_get(ev->data, "resultInfo"), "code", 0) == 200);
    peer_expect_answer(&p, 1, 404);
    peer_expect_answer(&p, 2, 404);
    peer_wait(&p, 10000);
    EXPECT(!peer_event(&p));
    peer_close(&p);
}

/* The flow itself asks for the call: 404 is the word on it. */
static void hears_from_a_flows_own_look_that_the_call_is_gone(void)
{
    static const char *const methods[][3] = {{"get", "GET", PEER_CALL},
                                             {"keepAlive", "POST", "/keepAlive"}};

    for (size_t i = 0; i < 2; i++) {
        static struct peer p;
        const struct event *ev;

        peer_init(&p);
        peer_open(&p);
        peer_offer(&p);
        peer_method(&p, methods[i][0], 1, NULL, NULL);
        peer_serve(&p, methods[i][1], methods[i][2], 404, NULL);
        ev = peer_event(&p);
        EXPECT(ev && ev->kind == EVENT_CALL && ev->change == CHANGE_DELETED);
        peer_expect_answer(&p, 1, 404);
        EXPECT(!peer_request(&p, NULL));
        EXPECT_INT(wire_calls(p.w), 0);
        peer_close(&p);
    }
}

/* The look itself gets no answer: the 404 goes out all the same, some seconds later. */
static void a_look_that_is_not_answered_does_not_hold_an_answer_for_long(void)
{
    static struct peer p;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_method(&p, "playPrompt", 1, NULL, PEER_PLAY);
    peer_serve(&p, "POST", "/playPrompt", 404, NULL);
    EXPECT(peer_request(&p, NULL) != NULL);
    peer_wait(&p, 4900);
    EXPECT(!peer_event(&p));
    peer_wait(&p, 200);
    peer_expect_answer(&p, 1, 404);
    EXPECT_INT(wire_calls(p.w), 1);

    /* the call ends meanwhile */
    peer_method(&p, "playPrompt", 2, NULL, PEER_PLAY);
    peer_serve(&p, "POST", "/playPrompt", 404, NULL);
    EXPECT(peer_request(&p, NULL) != NULL);
    peer_command(&p, COMMAND_END, 3, NULL, "{}");
    peer_wait(&p, 10000);
    EXPECT(!peer_event(&p));
    peer_close(&p);
}

/* 204 does not prove that the call is gone, and its `deleted` may be lost. */
static void looks_after_a_call_that_was_hung_up(void)
{
    static struct peer p;
    const struct event *ev;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_method(&p, "delete", 1, NULL, NULL);
    peer_serve(&p, "DELETE", PEER_CALL, 204, NULL);
    peer_expect_answer(&p, 1, 204);
    peer_wait(&p, 10000);
    peer_serve(&p, "POST", "/keepAlive", 404, NULL);
    peer_wait(&p, 2000);
    ev = peer_event(&p);
    EXPECT(ev && ev->change == CHANGE_DELETED);
    peer_close(&p);
}

static void ends_with_requests_under_way(void)
{
    static struct peer p;
    uint64_t transfer = 0, http = 0, play = 0;
    const struct wire_action *a;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_method(&p, "transfer", 1, NULL, PEER_TARGET);
    peer_request(&p, &transfer);
    peer_command(&p, COMMAND_HTTP, 2, NULL, "{\"method\":\"GET\",\"url\":\"http://x/\"}");
    peer_request(&p, &http);
    peer_method(&p, "playPrompt", 3, NULL, PEER_PLAY);
    peer_request(&p, &play);
    peer_answer(&p, play, 503, NULL, "5"); /* waits */
    peer_method(&p, "delete", 4, NULL, NULL);
    peer_request(&p, &play);
    peer_answer(&p, play, 503, NULL, "5");
    peer_command(&p, COMMAND_END, 5, NULL, "{}");
    a = peer_next(&p, WIRE_ABORT);
    EXPECT_INT(a ? a->id : 0, http);
    EXPECT(!peer_next(&p, WIRE_ABORT));
    peer_wait(&p, 5000);
    peer_serve(&p, "DELETE", PEER_CALL, 204, NULL); /* the hang-up is carried through */
    EXPECT(!peer_request(&p, NULL));
    peer_answer(&p, transfer, 202, NULL, NULL);
    EXPECT(!peer_event(&p));
    EXPECT_INT(wire_next_deadline(p.w), INT64_MAX); /* nothing is left */
    EXPECT_INT(wire_calls(p.w), 0);
    peer_close(&p);
}

/* The flow ended while its call was being created: the call must not stay for ever. */
static void hangs_up_an_orphan(void)
{
    static struct peer p;
    uint64_t id = 0;

    peer_init(&p);
    peer_open(&p);
    dial(&p);
    peer_request(&p, &id);
    peer_command(&p, COMMAND_END, 2, NULL, NULL);
    peer_answer(&p, id, 201, "{\"id\":\"" PEER_CALL "\"}", NULL);
    peer_serve(&p, "DELETE", PEER_CALL, 204, NULL);
    EXPECT(!peer_event(&p));
    EXPECT_INT(wire_next_deadline(p.w), INT64_MAX);
    peer_close(&p);
}

static void calls_back_what_was_not_sent(void)
{
    static struct peer p;
    const struct http_message *m;
    const struct wire_action *a;
    uint64_t token, id = 0;

    peer_init(&p);
    p.tokens = false;
    peer_open(&p);
    peer_offer(&p);
    peer_method(&p, "playPrompt", 1, NULL, PEER_PLAY); /* waits for the token */
    m = peer_request(&p, &token);
    EXPECT_IN(m->url, "/token");
    peer_command(&p, COMMAND_CANCEL, 2, NULL, "{\"seq\":1}");
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 1, 0)), "cancelled");
    peer_answer(&p, token, 200, "{\"access_token\":\"x\",\"expires_in\":3599}", NULL);
    EXPECT(!peer_request(&p, NULL));
    peer_method(&p, "transfer", 3, NULL, PEER_TARGET); /* on its way: not to be had back */
    peer_request(&p, &id);
    peer_command(&p, COMMAND_CANCEL, 4, NULL, "{\"seq\":3}");
    EXPECT(!peer_next(&p, WIRE_ABORT));
    peer_answer(&p, id, 202, NULL, NULL);
    peer_expect_answer(&p, 3, 202);
    peer_command(&p, COMMAND_HTTP, 5, NULL, "{\"url\":\"https://x/\"}");
    peer_request(&p, &id);
    peer_command(&p, COMMAND_CANCEL, 6, NULL, "{\"seq\":5}");
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 5, 0)), "cancelled");
    a = peer_next(&p, WIRE_ABORT);
    EXPECT_INT(a ? a->id : 0, id);
    peer_command(&p, COMMAND_CANCEL, 7, NULL, "{\"seq\":99}");
    peer_command(&p, COMMAND_CANCEL, 8, NULL, NULL);
    EXPECT(!peer_event(&p));
    peer_close(&p);
}

static void refuses_what_cannot_be_carried_out(void)
{
    static struct peer p;

    peer_init(&p);
    peer_open(&p);
    strcpy(p.key, "0123456789abcdef0123456789abcdef");
    peer_method(&p, "answer", 1, NULL, "{}");
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 1, 0)), "itemNotFound");
    peer_command(&p, COMMAND_HTTP, 2, NULL, "{\"url\":\"https://x/\"}");
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 2, 0)), "itemNotFound");
    peer_method(&p, "noSuchMethod", 3, NULL, "{}");
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 3, 0)), "notSupported");
    dial(&p);
    peer_method(&p, "mute", 4, NULL, "{}"); /* the service has not said what it is called */
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 4, 0)), "conflict");
    peer_method(&p, "participant.get", 5, NULL, NULL);
    EXPECT(peer_error_code(peer_expect_answer(&p, 5, 0)) != NULL);
    EXPECT_INT(peer_count(&p, WIRE_SEND), 1); /* create */
    peer_close(&p);
}

static void fetches_a_recording(void)
{
    static struct peer p;
    struct http_message answer = {.status = 200};
    const struct http_message *m;
    const struct event *ev;
    char *wav = calloc(1, 32044), hash[65];
    uint64_t id = 0;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_method(&p, "recording.download", 1,
                "{\"url\":\"https://store.example/r/1?x=y\",\"token\":\"rec-token\"}", NULL);
    m = peer_request(&p, &id);
    EXPECT_STR(m->verb, "GET");
    EXPECT_STR(m->url, "https://store.example/r/1?x=y");
    EXPECT_STR(http_header(m, "Authorization"), "Bearer rec-token");
    EXPECT_INT(p.tokens_given, 0); /* nothing of ours goes there */
    answer.body = wav;
    answer.n = 32044;
    sha256_hex(hash, wav, answer.n);
    EXPECT_INT(wire_response(p.w, id, &answer, p.now), 0);
    ev = peer_expect_answer(&p, 1, 200);
    EXPECT_STR(json_str(ev->data, "hash"), hash);
    EXPECT_STR(p.kept, hash);
    EXPECT_INT(p.kept_n, 32044);
    EXPECT_INT(json_int(ev->data, "bytes", 0), 32044);
    EXPECT_STR(text_of(json_get(ev->data, "seconds")), "1");

    peer_method(&p, "recording.download", 2, "{\"url\":\"https://store.example/2\"}", NULL);
    m = peer_request(&p, &id);
    EXPECT(!http_header(m, "Authorization"));
    peer_answer(&p, id, 404, "not here", NULL);
    EXPECT(peer_error_code(peer_expect_answer(&p, 2, 404)) != NULL);
    EXPECT(!peer_request(&p, NULL)); /* says nothing about the call */

    p.kept[0] = '\0';
    peer_method(&p, "recording.download", 3, "{\"url\":\"https://store.example/3\"}", NULL);
    peer_request(&p, &id);
    answer.n = 0;
    wire_response(p.w, id, &answer, p.now);
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 3, 0)), "recordingEmpty");
    wav = realloc(wav, (16 << 20) + 1);
    answer.body = wav;
    answer.n = (16 << 20) + 1;
    peer_method(&p, "recording.download", 4, "{\"url\":\"https://store.example/4\"}", NULL);
    peer_request(&p, &id);
    wire_response(p.w, id, &answer, p.now);
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 4, 0)), "recordingTooLarge");
    EXPECT_STR(p.kept, "");
    free(wav);

    peer_method(&p, "recording.download", 5, "{\"url\":\"file:///etc/passwd\"}", NULL);
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 5, 0)), "invalidRequest");
    peer_method(&p, "recording.download", 6, "{}", NULL);
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 6, 0)), "invalidRequest");
    peer_method(&p, "recording.download", 7,
                "{\"url\":\"https://store.example/7\",\"token\":\"a\\r\\nX: y\"}", NULL);
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 7, 0)), "invalidRequest");
    EXPECT(!peer_request(&p, NULL));
    peer_close(&p);
}

static void forgets_calls_that_nobody_closes(void)
{
    static struct peer p;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_notify(&p, p.key, "deleted", PEER_CALL, "{}");
    peer_event(&p);
    peer_wait(&p, 3600 * 1000);
    EXPECT(peer_logged(&p, "forgotten"));
    EXPECT_INT(wire_next_deadline(p.w), INT64_MAX);
    peer_close(&p);
}

/* Every allocation may fail: nothing crashes, leaks or hangs, and each command that was taken is
 * answered in the end. */
static void story(struct peer *p)
{
    struct command c = {.kind = COMMAND_METHOD, .seq = 1, .method = "playPrompt"};
    struct http_message good = {.status = 200, .body = "{\"id\":\"op-1\",\"access_token\":\"x\"}"};
    struct http_message throttled = {.status = 429};
    struct wire_action a;
    bool taken = false, answered = false;
    static const char offer[] = "{\"value\":[{\"changeType\":\"created\",\"resourceUrl\":"
                                "\"/communications/calls/" PEER_CALL "\",\"resourceData\":{"
                                "\"state\":\"incoming\"}}]}";

    good.n = strlen(good.body);
    if (wire_new(&p->w, &p->cfg, NULL))
        return;
    wire_webhook(p->w, 1, "", NULL, offer, sizeof offer - 1, p->now);
    for (int round = 0; round < 12; round++) {
        while (wire_next(p->w, &a)) {
            if (a.kind == WIRE_EVENT && a.event.kind == EVENT_START) {
                strcpy(c.key, a.event.key);
                c.args = cJSON_Parse("{\"clientContext\":\"x\"}");
                taken = wire_command(p->w, &c, p->now) == 0;
                command_fini(&c);
            } else if (a.kind == WIRE_EVENT && a.event.kind == EVENT_ANSWER) {
                answered = true;
            } else if (a.kind == WIRE_SEND) {
                wire_response(p->w, a.id, round == 1 ? &throttled : &good, p->now);
            }
            wire_action_fini(&a);
        }
        p->now += 10000;
        wire_tick(p->w, p->now);
    }
    EXPECT_INT(answered, taken);
    wire_free(p->w);
}

static void survives_every_failing_allocation(void)
{
    static struct peer p;
    int rounds = 0;

    EVERY_ALLOCATION(i)
    {
        peer_init(&p);
        story(&p);
        rounds++;
    }
    EXPECT(rounds > 50);
}

const struct test wire_tests[] = {
    TEST(carries_an_incoming_call),
    TEST(places_a_call),
    TEST(binds_a_call_before_its_answer),
    TEST(releases_early_events_when_created),
    TEST(legs_have_paths_of_their_own),
    TEST(keeps_calls_alive),
    TEST(looks_after_a_call_that_is_missing),
    TEST(hears_from_the_service_why_a_call_is_missing),
    TEST(hears_from_a_flows_own_look_that_the_call_is_gone),
    TEST(a_look_that_is_not_answered_does_not_hold_an_answer_for_long),
    TEST(looks_after_a_call_that_was_hung_up),
    TEST(ends_with_requests_under_way),
    TEST(hangs_up_an_orphan),
    TEST(calls_back_what_was_not_sent),
    TEST(refuses_what_cannot_be_carried_out),
    TEST(fetches_a_recording),
    TEST(forgets_calls_that_nobody_closes),
    TEST(survives_every_failing_allocation),
    {0},
};
