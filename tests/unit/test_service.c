#include "net.h"
#include "test.h"

#include "base/buf.h"
#include "base/json.h"
#include "exchange/service.h"
#include "graph/jwt.h"
#include "net/http_client.h"
#include "net/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define APP    "5ba8b5f5-6d58-4c35-8a5e-0d0e8a3f2b11"
#define TENANT "aa67bd4c-8475-432d-bd41-39f255720e0a"
#define MANY   64

/* The exchange on its thread; on ours a bot (a server for webhooks and prompts) and a client that
 * is the bot's other half and the terminal at once. */
struct fixture {
    uv_loop_t loop;
    struct exchange_service *exchange;
    struct http_server *bot;
    struct http_client *client;
    unsigned port, bot_port;
    struct log log;
    char *log_text;
    size_t log_size;
    char *token;
    int done, status;
    cJSON *answer;
    char *text;        /* of an answer that is no JSON */
    cJSON *seen[MANY]; /* notifications, one value each */
    int nseen, nposted;
    char bearer[4000];
    bool mute; /* the bot does not answer */
    uint64_t next;
};

/* A WAV of `n` samples. */
static size_t make_wav(char *out, unsigned n)
{
    unsigned char h[44] = "RIFF....WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data";
    unsigned bytes = 2 * n, all = 36 + bytes;

    for (int i = 0; i < 4; i++) {
        h[4 + i] = (unsigned char)(all >> 8 * i);
        h[40 + i] = (unsigned char)(bytes >> 8 * i);
    }
    memcpy(out, h, 44);
    memset(out + 44, 1, bytes);
    return 44 + bytes;
}

static void keep_notification(struct fixture *f, const struct http_message *r)
{
    const char *auth = http_header(r, "Authorization");
    cJSON *body = NULL, *value;

    f->nposted++;
    snprintf(f->bearer, sizeof f->bearer, "%s", auth ? auth : "");
    EXPECT_INT(json_parse(&body, r->body ? r->body : "", r->n, NULL), 0);
    cJSON_ArrayForEach (value, json_get(body, "value")) {
        if (f->nseen < MANY)
            f->seen[f->nseen++] = json_copy(value);
    }
    cJSON_Delete(body);
}

static void on_bot(void *arg, struct http_call *call, const struct http_message *r)
{
    struct fixture *f = arg;
    struct http_message m = {.status = 202};
    char wav[44 + 3200];

    if (strncmp(r->url, "/short.wav", 10) == 0) {
        m.status = 200;
        http_set_body(&m, "audio/wav", wav, make_wav(wav, 1600));
    } else {
        EXPECT_IN(http_header(r, "Content-Type"), "application/json");
        EXPECT(http_header(r, "Scenario-Id") != NULL);
        EXPECT_IN(http_header(r, "User-Agent"), "Ivory");
        keep_notification(f, r);
        if (f->mute)
            m.status = 500;
    }
    http_call_answer(call, &m);
    http_fini(&m);
}

static void on_done(void *arg, uint64_t id, const struct http_message *m)
{
    struct fixture *f = arg;

    if (id != f->next)
        return;
    cJSON_Delete(f->answer);
    free(f->text);
    f->answer = NULL;
    f->text = strdup(m->body ? m->body : "");
    f->status = m->status;
    json_parse(&f->answer, f->text, strlen(f->text), NULL);
    f->done = 1;
}

/* Send; the answer is in f->status and f->answer after wait_answer. */
static void send_request(struct fixture *f, const char *verb, const char *path, const char *type,
                         const char *body, size_t n)
{
    struct http_message m;
    char url[400], auth[2000];

    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", f->port, path);
    http_request_init(&m, verb, url);
    if (body)
        http_set_body(&m, type, body, n);
    if (f->token && strncmp(path, "/phone", 6) != 0) {
        snprintf(auth, sizeof auth, "Bearer %s", f->token);
        http_set_header(&m, "Authorization", auth);
    }
    f->done = 0;
    EXPECT_INT(http_client_send(f->client, ++f->next, &m, 20000), 0);
    http_fini(&m);
}

static int wait_answer(struct fixture *f)
{
    f->status = -1;
    EXPECT(net_until(&f->loop, &f->done, 1, 10000));
    return f->status;
}

static int ask(struct fixture *f, const char *verb, const char *path, const char *body)
{
    send_request(f, verb, path, "application/json", body, body ? strlen(body) : 0);
    return wait_answer(f);
}

static const char *error_code(const struct fixture *f)
{
    return json_str(json_get(f->answer, "error"), "code");
}

static void get_token(struct fixture *f)
{
    static const char form[] = "client_id=" APP "&client_secret=s%26&scope=x%2F.default"
                               "&grant_type=client_credentials";

    send_request(f, "POST", "/" TENANT "/oauth2/v2.0/token", "application/x-www-form-urlencoded",
                 form, strlen(form));
    EXPECT_INT(wait_answer(f), 200);
    EXPECT_INT(json_int(f->answer, "expires_in", 0), 3599);
    EXPECT_STR(json_str(f->answer, "token_type"), "Bearer");
    free(f->token);
    f->token = strdup(json_str(f->answer, "access_token"));
}

static void open_fixture(struct fixture *f, const struct exchange_service_config *given)
{
    struct http_server_config bot = {.listen = "127.0.0.1:0", .handler = on_bot, .arg = f};
    struct http_client_config client = {.done = on_done, .arg = f};
    struct exchange_service_config cfg = given ? *given : (struct exchange_service_config){0};
    char webhook[100];
    struct error e = {""};

    memset(f, 0, sizeof *f);
    uv_loop_init(&f->loop);
    EXPECT_INT(http_server_new(&f->bot, &f->loop, &bot, &e), 0);
    EXPECT_INT(http_client_new(&f->client, &f->loop, &client, &e), 0);
    f->bot_port = http_server_port(f->bot);
    f->log.to = open_memstream(&f->log_text, &f->log_size);
    snprintf(webhook, sizeof webhook, "http://127.0.0.1:%u/api/calls", f->bot_port);
    cfg.listen = "127.0.0.1:0";
    cfg.webhook = webhook;
    cfg.tenant = TENANT;
    cfg.app_id = APP;
    cfg.seed = 7;
    cfg.log = &f->log;
    if (!EXPECT_INT(exchange_service_start(&f->exchange, &cfg, &e), 0)) {
        printf("%s\n", e.text);
        exit(2);
    }
    f->port = exchange_service_port(f->exchange);
}

static void close_fixture(struct fixture *f)
{
    exchange_service_stop(f->exchange);
    http_client_free(f->client);
    http_server_free(f->bot);
    EXPECT(net_close(&f->loop));
    for (int i = 0; i < f->nseen; i++)
        cJSON_Delete(f->seen[i]);
    cJSON_Delete(f->answer);
    free(f->text);
    free(f->token);
    fclose(f->log.to);
    free(f->log_text);
}

/* --- tokens ---------------------------------------------------------------------------------- */

static void gives_tokens_as_oauth_does(void)
{
    static const char form[] = "application/x-www-form-urlencoded";
    static const struct {
        const char *type, *body;
        int status;
        const char *error;
    } cases[] = {
        {form, "client_id=" APP "&client_secret=right&scope=x&grant_type=client_credentials", 200,
         NULL},
        {form, "client_id=" APP "&client_secret=wrong&scope=x&grant_type=client_credentials", 401,
         "invalid_client"},
        {form, "client_id=other&client_secret=right&scope=x&grant_type=client_credentials", 401,
         "invalid_client"},
        {form, "client_id=" APP "&scope=x&grant_type=client_credentials", 401, "invalid_client"},
        {form, "client_id=" APP "&client_secret=right&grant_type=client_credentials", 400,
         "invalid_request"},
        {form, "client_id=" APP "&client_secret=right&scope=x&grant_type=password", 400,
         "unsupported_grant_type"},
        {form, "%zz", 400, "invalid_request"},
        {form, "", 400, "invalid_request"},
        {"application/json", "{}", 400, "invalid_request"},
    };
    struct exchange_service_config cfg = {.secret = "right"};
    struct fixture f;

    open_fixture(&f, &cfg);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        send_request(&f, "POST", "/t/oauth2/v2.0/token", cases[i].type, cases[i].body,
                     strlen(cases[i].body));
        if (!EXPECT_INT(wait_answer(&f), cases[i].status))
            printf("  %s\n", cases[i].body);
        EXPECT_STR(json_str(f.answer, "error"), cases[i].error);
    }
    EXPECT_INT(ask(&f, "GET", "/t/oauth2/v2.0/token", NULL), 405);
    close_fixture(&f);
}

static void lets_only_its_tokens_in(void)
{
    static const char *const forged[] = {"x", "a.b.c", "99999999999.dA.AAAA", ".", "9.."};
    struct fixture f;
    char *good, *dot;

    open_fixture(&f, NULL);
    EXPECT_INT(ask(&f, "GET", "/v1.0/communications/calls/x", NULL), 401);
    EXPECT_STR(error_code(&f), "InvalidAuthenticationToken");
    get_token(&f);
    EXPECT_INT(ask(&f, "GET", "/v1.0/communications/calls/x", NULL), 404);
    good = strdup(f.token);
    for (size_t i = 0; i < sizeof forged / sizeof *forged; i++) {
        free(f.token);
        f.token = strdup(forged[i]);
        EXPECT_INT(ask(&f, "GET", "/v1.0/communications/calls/x", NULL), 401);
    }
    /* A later expiry under the same MAC. */
    free(f.token);
    f.token = good;
    dot = strchr(good, '.');
    dot[-1] = dot[-1] == '9' ? '8' : '9';
    EXPECT_INT(ask(&f, "GET", "/v1.0/communications/calls/x", NULL), 401);
    close_fixture(&f);
}

/* --- errors ---------------------------------------------------------------------------------- */

static void refuses_with_the_error_body_of_the_api(void)
{
    static const struct {
        const char *verb, *path, *type, *body;
        int status;
    } cases[] = {
        {"POST", "/v1.0/communications/calls", "text/plain", "{}", 415},
        {"POST", "/v1.0/communications/calls", "application/jsonx", "{}", 415},
        {"POST", "/v1.0/communications/calls", "application/json; charset=utf-8", "{", 400},
        {"POST", "/v1.0/communications/calls", "application/json", "[]", 400},
        {"PATCH", "/v1.0/communications/calls", "application/json", "{}", 405},
        {"GET", "/v1.0/nothing", NULL, NULL, 404},
        {"GET", "/elsewhere", NULL, NULL, 404},
        {"POST", "/v1/.well-known/keys", "application/json", "{}", 405},
        {"GET", "/recordings/none", NULL, NULL, 404},
        {"GET", "/phone/v1/nothing", NULL, NULL, 404},
        {"GET", "/phone/v1/calls", NULL, NULL, 405},
        {"POST", "/phone/v1/calls", "application/json", "{}", 400},
        {"POST", "/phone/v1/calls", "application/json", "[]", 400},
        {"POST", "/phone/v1/calls", "text/plain", "{}", 415},
        {"POST", "/phone/v1/lines", "application/json", "{\"address\":7}", 400},
        {"POST", "/phone/v1/lines", "application/json", "{\"address\":\"\"}", 400},
        {"POST", "/phone/v1/lines/none/hangup", NULL, NULL, 404},
        {"GET", "/phone/v1/lines/none/events", NULL, NULL, 404},
        {"GET", "/phone/v1/lines//events", NULL, NULL, 404},
    };
    struct fixture f;
    char *big = calloc(1, (1 << 20) + 2);

    open_fixture(&f, NULL);
    get_token(&f);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        send_request(&f, cases[i].verb, cases[i].path, cases[i].type, cases[i].body,
                     cases[i].body ? strlen(cases[i].body) : 0);
        if (!EXPECT_INT(wait_answer(&f), cases[i].status) || !EXPECT(error_code(&f) != NULL))
            printf("  %s %s\n", cases[i].verb, cases[i].path);
    }
    memset(big, ' ', (1 << 20) + 1);
    send_request(&f, "POST", "/v1.0/communications/calls", "application/json", big, (1 << 20) + 1);
    EXPECT_INT(wait_answer(&f), 413);
    EXPECT_STR(error_code(&f), "invalidRequest");
    fflush(f.log.to);
    EXPECT_IN(f.log_text, "exchange: POST /v1.0/communications/calls: 413 The body is too large.");
    EXPECT_IN(f.log_text, "exchange: POST /v1.0/communications/calls: 415 ");
    free(big);
    close_fixture(&f);
}

/* --- calls ----------------------------------------------------------------------------------- */

/* Wait for a notification in which `part` of the text stands; NULL when none comes. */
static const cJSON *notified(struct fixture *f, const char *part)
{
    for (long end = net_now() + 10000; net_now() < end; net_turn(&f->loop, 10)) {
        for (int i = 0; i < f->nseen; i++) {
            char *text = json_text(f->seen[i]);
            bool found = strstr(text, part) != NULL;

            free(text);
            if (found)
                return f->seen[i];
        }
    }
    EXPECT_STR("no such notification", part);
    return NULL;
}

/* Poll `line` until an event of `kind` with `part` in it comes; its number, 0 when none does. */
static int64_t happens(struct fixture *f, const char *line, int64_t after, const char *kind,
                       const char *part)
{
    char path[200];

    for (long end = net_now() + 10000; net_now() < end;) {
        const cJSON *ev;

        snprintf(path, sizeof path, "/phone/v1/lines/%s/events?after=%lld", line, (long long)after);
        if (!EXPECT_INT(ask(f, "GET", path, NULL), 200))
            return 0;
        cJSON_ArrayForEach (ev, f->answer) {
            char *text = json_text(ev);
            bool found = strcmp(json_str(ev, "kind"), kind) == 0 && strstr(text, part);

            free(text);
            after = json_int(ev, "n", 0);
            EXPECT(json_int(ev, "at", 0) > 1500000000000);
            if (found)
                return after;
        }
    }
    EXPECT_STR("no such event", part);
    return 0;
}

/* Call the bot; the line. */
static void dial(struct fixture *f, char line[64])
{
    EXPECT_INT(ask(f, "POST", "/phone/v1/calls", "{\"from\":\"+15550100\",\"to\":\"+15550199\"}"),
               201);
    snprintf(line, 64, "%s", f->text ? json_str(f->answer, "line") : "");
}

/* Answer the call that was offered; its id. */
static void answer(struct fixture *f, char id[64])
{
    char path[200], body[400];
    const cJSON *offer = notified(f, "incoming");
    const char *call = offer ? json_str(json_get(offer, "resourceData"), "id") : NULL;

    snprintf(id, 64, "%s", call ? call : "");
    snprintf(path, sizeof path, "/v1.0/communications/calls/%s/answer", id);
    snprintf(body, sizeof body,
             "{\"callbackUri\":\"http://127.0.0.1:%u/cb\",\"acceptedModalities\":[\"audio\"],"
             "\"mediaConfig\":{\"@odata.type\":\"#microsoft.graph.serviceHostedMediaConfig\"}}",
             f->bot_port);
    EXPECT_INT(ask(f, "POST", path, body), 202);
}

static void check_bearer(struct fixture *f)
{
    static const char *const issuers[] = {"https://api.botframework.com", NULL};
    struct jwt_rules rules = {issuers, APP, 300};
    struct jwt_keys *keys = NULL;
    struct jwt_claims claims = {0};
    struct error e = {""};
    const char *jwks;

    EXPECT_INT(ask(f, "GET", "/v1/.well-known/OpenIdConfiguration", NULL), 200);
    jwks = json_str(f->answer, "jwks_uri");
    EXPECT_IN(jwks, "http://127.0.0.1:");
    EXPECT_IN(f->text, "\"RS256\"");
    EXPECT_STR(strstr(jwks, "/v1/"), "/v1/.well-known/keys");
    EXPECT_INT(ask(f, "GET", "/v1/.well-known/keys", NULL), 200);
    EXPECT_INT(jwt_keys_parse(&keys, f->text, strlen(f->text), &e), 0);
    EXPECT_INT(jwt_check(f->bearer, keys, &rules, time(NULL), &claims, &e), JWT_OK);
    EXPECT_STR(claims.tenant, TENANT);
    jwt_keys_free(keys);
}

static void a_phone_calls_and_hears(void)
{
    int before = net_descriptors();
    struct fixture f;
    char line[64], id[64], path[200], body[400], wav[44 + 3200];
    int64_t n;

    open_fixture(&f, NULL);
    get_token(&f);
    dial(&f, line);
    answer(&f, id);
    n = happens(&f, line, 0, "state", "connected");
    check_bearer(&f);
    snprintf(path, sizeof path, "/v1.0/communications/calls/%s/subscribeToTone", id);
    EXPECT_INT(ask(&f, "POST", path, "{\"clientContext\":\"t\"}"), 200);
    snprintf(path, sizeof path, "/phone/v1/lines/%s/keys", line);
    EXPECT_INT(ask(&f, "POST", path, "{\"keys\":\"1#\"}"), 204);
    notified(&f, "tone1");
    notified(&f, "pound");
    EXPECT_INT(ask(&f, "POST", path, "{\"keys\":\"1x\"}"), 400);
    snprintf(path, sizeof path, "/phone/v1/lines/%s/speak", line);
    send_request(&f, "POST", path, "audio/wav", wav, make_wav(wav, 1600));
    EXPECT_INT(wait_answer(&f), 204);
    EXPECT_INT(ask(&f, "POST", path, "{}"), 400);
    snprintf(path, sizeof path, "/v1.0/communications/calls/%s/playPrompt", id);
    snprintf(
        body, sizeof body,
        "{\"clientContext\":\"p\",\"prompts\":[{\"@odata.type\":\"#microsoft.graph.mediaPrompt\","
        "\"mediaInfo\":{\"@odata.type\":\"#microsoft.graph.mediaInfo\",\"uri\":"
        "\"http://127.0.0.1:%u/short.wav\",\"resourceId\":\"r\"}}]}",
        f.bot_port);
    EXPECT_INT(ask(&f, "POST", path, body), 200);
    n = happens(&f, line, n, "play", "\"ms\":100");
    n = happens(&f, line, n, "stop", "\"completed\":true");
    notified(&f, "\"clientContext\":\"p\"");
    EXPECT_INT(ask(&f, "GET", "/phone/v1/lines", NULL), 200);
    EXPECT_STR(json_str(cJSON_GetArrayItem(f.answer, 0), "state"), "connected");
    EXPECT_STR(json_str(cJSON_GetArrayItem(f.answer, 0), "address"), "+15550100");
    snprintf(path, sizeof path, "/phone/v1/lines/%s/hangup", line);
    EXPECT_INT(ask(&f, "POST", path, NULL), 204);
    happens(&f, line, n, "state", "ended");
    notified(&f, "terminated");
    EXPECT_INT(ask(&f, "POST", path, NULL), 404);
    /* Whoever asks after the end is not kept waiting. */
    snprintf(path, sizeof path, "/phone/v1/lines/%s/events?after=1000", line);
    EXPECT_INT(ask(&f, "GET", path, NULL), 200);
    EXPECT_INT(cJSON_GetArraySize(f.answer), 0);
    close_fixture(&f);
    EXPECT_INT(net_descriptors(), before);
}

static void the_bot_calls_a_phone(void)
{
    struct fixture f;
    char line[64], leg[64], path[200], body[900];
    int64_t n;

    open_fixture(&f, NULL);
    get_token(&f);
    EXPECT_INT(ask(&f, "POST", "/phone/v1/lines", "{\"address\":\"+1 (555) 0177\"}"), 201);
    snprintf(line, sizeof line, "%s", json_str(f.answer, "line"));
    EXPECT_INT(
        ask(&f, "POST", "/phone/v1/lines", "{\"address\":\"+15550177\",\"auto_answer\":null}"),
        201);
    EXPECT_STR(json_str(f.answer, "line"), line);
    snprintf(
        body, sizeof body,
        "{\"@odata.type\":\"#microsoft.graph.call\",\"callbackUri\":\"http://127.0.0.1:%u/cb\","
        "\"source\":{\"@odata.type\":\"#microsoft.graph.participantInfo\",\"identity\":"
        "{\"@odata.type\":\"#microsoft.graph.identitySet\",\"applicationInstance\":"
        "{\"@odata.type\":\"#microsoft.graph.identity\",\"id\":\"" APP "\"}}},"
        "\"targets\":[{\"@odata.type\":\"#microsoft.graph.invitationParticipantInfo\","
        "\"identity\":{\"@odata.type\":\"#microsoft.graph.identitySet\",\"phone\":"
        "{\"@odata.type\":\"#microsoft.graph.identity\",\"id\":\"+15550177\"}}}],"
        "\"requestedModalities\":[\"audio\"],\"tenantId\":\"" TENANT "\",\"mediaConfig\":"
        "{\"@odata.type\":\"#microsoft.graph.serviceHostedMediaConfig\"}}",
        f.bot_port);
    if (!EXPECT_INT(ask(&f, "POST", "/v1.0/communications/calls", body), 201))
        printf("  %s\n", f.text);
    happens(&f, line, 0, "ring", "\"line\":");
    snprintf(leg, sizeof leg, "%s", json_str(cJSON_GetArrayItem(f.answer, 0), "line"));
    snprintf(path, sizeof path, "/phone/v1/lines/%s/pickup", leg);
    EXPECT_INT(ask(&f, "POST", path, NULL), 204);
    n = happens(&f, leg, 0, "state", "connected");
    notified(&f, "established");
    EXPECT_INT(ask(&f, "POST", path, NULL), 409);
    snprintf(path, sizeof path, "/phone/v1/lines/%s/refuse", leg);
    EXPECT_INT(ask(&f, "POST", path, "{\"code\":200}"), 400);
    EXPECT_INT(ask(&f, "POST", path, NULL), 409);
    snprintf(path, sizeof path, "/phone/v1/lines/%s/hangup", leg);
    EXPECT_INT(ask(&f, "POST", path, NULL), 204);
    happens(&f, leg, n, "state", "ended");
    snprintf(path, sizeof path, "/phone/v1/lines/%s/hangup", line);
    EXPECT_INT(ask(&f, "POST", path, NULL), 204);
    EXPECT_INT(ask(&f, "POST", path, NULL), 404);
    close_fixture(&f);
}

/* A line that is asked for events twice answers the first at once; stopping ends the second. */
static void long_polls_end(void)
{
    int before = net_descriptors(), fd[2];
    struct fixture f;
    char line[64], got[2000], request[300];

    open_fixture(&f, NULL);
    EXPECT_INT(ask(&f, "POST", "/phone/v1/lines", "{\"address\":\"+15550177\"}"), 201);
    snprintf(line, sizeof line, "%s", json_str(f.answer, "line"));
    snprintf(request, sizeof request,
             "GET /phone/v1/lines/%s/events?after=0 HTTP/1.1\r\nHost: x\r\n\r\n", line);
    for (int i = 0; i < 2; i++) {
        fd[i] = net_connect(f.port);
        net_write(&f.loop, fd[i], request, strlen(request));
        usleep(50000);
    }
    net_read(&f.loop, fd[0], got, sizeof got, "[]", 5000);
    EXPECT_IN(got, "HTTP/1.1 200 OK");
    net_read(&f.loop, fd[1], got, sizeof got, "HTTP", 50);
    EXPECT_STR(got, "");
    exchange_service_stop(f.exchange);
    f.exchange = NULL;
    EXPECT(net_read(&f.loop, fd[1], got, sizeof got, NULL, 5000));
    EXPECT_IN(got, "HTTP/1.1 503 ");
    EXPECT_IN(got, "serviceNotAvailable");
    close(fd[0]);
    close(fd[1]);
    close_fixture(&f);
    EXPECT_INT(net_descriptors(), before);
}

/* With the fault `early` the end of an operation is delivered before the answer that starts it. */
static void an_early_end_comes_before_its_answer(void)
{
    struct exchange_service_config cfg = {.faults = {.early = 1}};
    struct fixture f;
    char line[64], id[64], path[200], body[400];
    bool early = false;

    open_fixture(&f, &cfg);
    get_token(&f);
    dial(&f, line);
    answer(&f, id);
    happens(&f, line, 0, "state", "connected");
    notified(&f, "\"audio\":\"active\"");
    snprintf(path, sizeof path, "/v1.0/communications/calls/%s/playPrompt", id);
    snprintf(body, sizeof body,
             "{\"clientContext\":\"early\",\"prompts\":[{\"@odata.type\":"
             "\"#microsoft.graph.mediaPrompt\",\"mediaInfo\":{\"@odata.type\":"
             "\"#microsoft.graph.mediaInfo\",\"uri\":\"http://127.0.0.1:%u/short.wav\","
             "\"resourceId\":\"r\"}}]}",
             f.bot_port);
    EXPECT_INT(ask(&f, "POST", path, body), 200);
    for (int i = 0; i < f.nseen; i++) {
        char *text = json_text(f.seen[i]);
        early |= strstr(text, "\"clientContext\":\"early\"") && strstr(text, "completed");
        free(text);
    }
    EXPECT(early); /* seen before the answer was */
    close_fixture(&f);
}

static void stops_in_the_middle(void)
{
    int before = net_descriptors();

    for (int i = 0; i < 8; i++) {
        struct fixture f;
        char line[64];

        open_fixture(&f, NULL);
        get_token(&f);
        for (int k = 0; k <= i; k++)
            dial(&f, line);
        send_request(&f, "GET", "/v1.0/communications/calls/x", NULL, NULL, 0);
        for (int k = 0; k < i; k++)
            net_turn(&f.loop, 1);
        close_fixture(&f);
    }
    EXPECT_INT(net_descriptors(), before);
}

static void says_why_it_cannot_start(void)
{
    struct log log = {.to = stderr, .least = LOG_ERROR};
    struct exchange_service_config cfg = {.listen = "192.0.2.1:1",
                                          .webhook = "http://127.0.0.1:1/",
                                          .tenant = TENANT,
                                          .app_id = APP,
                                          .log = &log};
    struct exchange_service *s = NULL;
    int before = net_descriptors();
    struct error e;

    EXPECT_INT(exchange_service_start(&s, &cfg, &e), ERR_IO);
    EXPECT_IN(e.text, "192.0.2.1:1");
    cfg.listen = "nonsense";
    EXPECT_INT(exchange_service_start(&s, &cfg, &e), ERR_INVALID);
    exchange_service_stop(NULL);
    EXPECT_INT(net_descriptors(), before);
}

const struct test service_tests[] = {TEST(gives_tokens_as_oauth_does),
                                     TEST(lets_only_its_tokens_in),
                                     TEST(refuses_with_the_error_body_of_the_api),
                                     TEST(a_phone_calls_and_hears),
                                     TEST(the_bot_calls_a_phone),
                                     TEST(long_polls_end),
                                     TEST(an_early_end_comes_before_its_answer),
                                     TEST(stops_in_the_middle),
                                     TEST(says_why_it_cannot_start),
                                     {0}};
