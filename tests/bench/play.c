#include "play.h"

#include "graph/jwt.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define APP    "5ba8b5f5-6d58-4c35-8a5e-0d0e8a3f2b11"
#define TENANT "aa67bd4c-8475-432d-bd41-39f255720e0a"
#define ISSUER "https://graph.microsoft.com"

enum webhook {
    INCOMING,
    ESTABLISHING,
    ESTABLISHED,
    MEDIA_ACTIVE,
    PLAYED,
    TONE,
    PLAYED_AGAIN,
    TRANSFERRING,
    TRANSFER_ACCEPTED,
    TERMINATED,
    WEBHOOKS
};

enum request { ANSWER = 1, SUBSCRIBE = 2, PLAY = 4, PLAY_AGAIN = 8, TRANSFER = 16 };

/* The requests that must have come before a webhook, and those that may from then on. */
static const struct {
    unsigned after, allows;
    const char *state, *more;
} steps[WEBHOOKS] = {
    [INCOMING] = {0, ANSWER, NULL, NULL},
    [ESTABLISHING] = {ANSWER, 0, "establishing", ""},
    [ESTABLISHED] = {0, SUBSCRIBE | PLAY, "established", ""},
    [MEDIA_ACTIVE] = {0, 0, "established",
                      ",\"mediaState\":{\"@odata.type\":\"#microsoft.graph.callMediaState\","
                      "\"audio\":\"active\"}"},
    [PLAYED] = {SUBSCRIBE | PLAY, 0, NULL, NULL},
    [TONE] = {0, PLAY_AGAIN, "established",
              ",\"toneInfo\":{\"@odata.type\":\"#microsoft.graph.toneInfo\",\"sequenceId\":1,"
              "\"tone\":\"tone1\"}"},
    [PLAYED_AGAIN] = {PLAY_AGAIN, TRANSFER, NULL, NULL},
    [TRANSFERRING] = {TRANSFER, 0, "transferring", ""},
    [TRANSFER_ACCEPTED] = {0, 0, "transferAccepted", ""},
    [TERMINATED] = {0, 0, "terminated",
                    ",\"resultInfo\":{\"@odata.type\":\"#microsoft.graph.resultInfo\",\"code\":0,"
                    "\"subcode\":7015,\"message\":\"GracefulTransferCompleted\"}"},
};

struct call {
    uint32_t number; /* how often its place was used: part of its id      */
    bool used, sending, queued, parked;
    enum webhook next; /* to be sent                                    */
    unsigned got, may; /* requests that have come, that may come        */
    uint64_t due;      /* when the last webhook should have gone out    */
    uint64_t touched;
    bool counts;        /* the next request ends a time that is measured */
    char callback[160]; /* where its webhooks go                         */
    char context[80];   /* of the prompt under way                       */
};

struct play {
    struct play_config cfg;
    struct net *net;
    struct call *calls;
    uint32_t *spare, *queue, *parked; /* places: unused; of webhooks without a connection (ring) */
    size_t nspare, nparked, head, nqueue, in_progress;
    struct histogram times;
    unsigned long deviations[DEVIATIONS];
    unsigned long shown;
    char *authorization, *jwks;
    char token[1201]; /* what the bot gets for its requests */
};

/* --- times and deviations -------------------------------------------------------------------- */

static unsigned bucket_of(uint64_t v)
{
    unsigned log = v < 64 ? 0 : 58 - (unsigned)__builtin_clzll(v);

    return log * 32 + (unsigned)(v >> log);
}

static void histogram_add(struct histogram *h, uint64_t v)
{
    h->n++;
    if (v > h->most)
        h->most = v;
    h->buckets[bucket_of(v)]++;
}

double histogram_at(const struct histogram *h, double q)
{
    uint64_t want = (uint64_t)(q * (double)h->n), seen = 0;

    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += h->buckets[i];
        if (seen > want)
            return i < 64 ? i / 1e3
                          : ((double)((i % 32) + 32) + 0.5) * (1ull << (i / 32 - 1)) / 1e3;
    }
    return (double)h->most / 1e3;
}

static void deviate(struct play *p, enum deviation kind, const char *what)
{
    p->deviations[kind]++;
    if (p->shown++ < 5)
        fprintf(stderr, "deviation: %.400s\n", what);
}

unsigned long play_deviations(const struct play *p, FILE *to)
{
    static const char *const names[] = {
        "unexpectedRequest", "unknownCall", "wrongPath", "wrongBody",
        "wrongToken",        "wrongStatus", "stuck"};
    unsigned long all = 0;

    if (to)
        fputc('{', to);
    for (int i = 0; i < DEVIATIONS; i++) {
        if (to && p->deviations[i])
            fprintf(to, "%s\"%s\":%lu", all ? "," : "", names[i], p->deviations[i]);
        all += p->deviations[i];
    }
    if (to)
        fputc('}', to);
    return all;
}

/* --- calls ----------------------------------------------------------------------------------- */

static uint32_t place_of(const struct play *p, const struct call *c)
{
    return (uint32_t)(c - p->calls);
}

static void id_of(const struct play *p, const struct call *c, char id[40])
{
    snprintf(id, 40, "%08x-%04x-4000-8000-7e1f3c52%04x", place_of(p, c) * 2654435761u,
             c->number & 0xffff, place_of(p, c) & 0xffff);
}

/* 2654435761 is odd, so its inverse modulo 2^32 undoes it. */
static struct call *call_of(struct play *p, const char *id)
{
    uint32_t place = (uint32_t)strtoul(id, NULL, 16) * 244002641u;
    char own[40];

    if (place >= p->cfg.calls)
        return NULL;
    id_of(p, &p->calls[place], own);
    return p->calls[place].used && strncmp(id, own, 36) == 0 ? &p->calls[place] : NULL;
}

static void release(struct play *p, struct call *c)
{
    c->used = false;
    c->number++;
    p->spare[p->nspare++] = place_of(p, c);
    p->in_progress--;
    p->cfg.ended(p->cfg.arg);
}

/* --- webhooks -------------------------------------------------------------------------------- */

static size_t body_of(const struct play *p, const struct call *c, char *to, size_t cap)
{
    char id[40];

    id_of(p, c, id);
    if (c->next == INCOMING)
        return (size_t)snprintf(
            to, cap,
            "{\"@odata.type\":\"#microsoft.graph.commsNotifications\",\"value\":[{\"@odata.type\":"
            "\"#microsoft.graph.commsNotification\",\"changeType\":\"created\",\"resourceUrl\":"
            "\"/app/calls/%s\",\"resourceData\":{\"@odata.type\":\"#microsoft.graph.call\",\"id\":"
            "\"%s\",\"state\":\"incoming\",\"direction\":\"incoming\",\"callbackUri\":"
            "\"https://bot.contoso.com/api/calls\",\"source\":{\"@odata.type\":"
            "\"#microsoft.graph.participantInfo\",\"identity\":{\"@odata.type\":"
            "\"#microsoft.graph.identitySet\",\"user\":{\"@odata.type\":"
            "\"#microsoft.graph.identity\",\"displayName\":\"Test User\",\"id\":"
            "\"8a34a46b-3d17-4adc-8dce-dc4e7d572698\"}},\"region\":\"westus\",\"languageId\":"
            "\"en-US\"},\"targets\":[{\"@odata.type\":\"#microsoft.graph.participantInfo\","
            "\"identity\":{\"@odata.type\":\"#microsoft.graph.identitySet\",\"application\":"
            "{\"@odata.type\":\"#microsoft.graph.identity\",\"displayName\":\"Test BOT\",\"id\":"
            "\"" APP "\"}}}],\"tenantId\":\"" TENANT "\",\"myParticipantId\":"
            "\"c339cede-4db0-4b0c-9c0d-5f5e3a3a3a3a\"}}]}",
            id, id);
    if (c->next == PLAYED || c->next == PLAYED_AGAIN)
        return (size_t)snprintf(
            to, cap,
            "{\"@odata.type\":\"#microsoft.graph.commsNotifications\",\"value\":[{\"@odata.type\":"
            "\"#microsoft.graph.commsNotification\",\"changeType\":\"deleted\",\"resourceUrl\":"
            "\"/communications/calls/%s/operations/%.35s%d\",\"resourceData\":{\"@odata.type\":"
            "\"#microsoft.graph.playPromptOperation\",\"id\":\"%.35s%d\",\"clientContext\":\"%s\","
            "\"status\":\"completed\"}}]}",
            id, id, c->next == PLAYED ? 1 : 2, id, c->next == PLAYED ? 1 : 2, c->context);
    return (size_t)snprintf(
        to, cap,
        "{\"@odata.type\":\"#microsoft.graph.commsNotifications\",\"value\":[{\"@odata.type\":"
        "\"#microsoft.graph.commsNotification\",\"changeType\":\"%s\",\"resourceUrl\":"
        "\"/communications/calls/%s\",\"resourceData\":{\"@odata.type\":\"#microsoft.graph.call\","
        "\"id\":\"%s\",\"state\":\"%s\"%s}}]}",
        c->next == TERMINATED ? "deleted" : "updated", id, id, steps[c->next].state,
        steps[c->next].more);
}

static bool is_unblocking(enum webhook w)
{
    return steps[w].allows != 0;
}

/* Send the next webhook of `c`, or queue it until a connection is free. */
static void send_webhook(struct play *p, struct call *c)
{
    char body[2048], text[4096], id[40];
    size_t n = body_of(p, c, body, sizeof body), head;

    id_of(p, c, id);
    head =
        (size_t)snprintf(text, sizeof text,
                         "POST %s HTTP/1.1\r\nHost: bot.contoso.com\r\nAuthorization: %s\r\n"
                         "Content-Type: application/json; charset=utf-8\r\n"
                         "User-Agent: Microsoft-Skype/3.0 (CallSignalingAgent)\r\n"
                         "Client-Request-Id: %s\r\nScenario-Id: %s\r\nContent-Length: %zu\r\n\r\n",
                         c->callback, p->authorization, id, id, n);
    if (head + n > sizeof text)
        fail("a webhook of %zu bytes", head + n);
    memcpy(text + head, body, n);
    if (!net_send(p->net, c, text, head + n)) {
        if (!c->queued)
            p->queue[(p->head + p->nqueue++) % p->cfg.calls] = place_of(p, c);
        c->queued = true;
        return;
    }
    c->may |= steps[c->next].allows;
    c->counts |= is_unblocking(c->next);
    c->next++;
}

/* A connection is free: the webhook that has waited longest. */
static void send_queued(struct play *p)
{
    struct call *c;

    if (!p->nqueue)
        return;
    c = &p->calls[p->queue[p->head]];
    p->head = (p->head + 1) % p->cfg.calls;
    p->nqueue--;
    c->queued = false;
    send_webhook(p, c);
}

static void go_on(struct play *p, struct call *c, uint64_t now)
{
    c->touched = now;
    if (c->sending || (c->got & steps[c->next].after) != steps[c->next].after)
        return;
    if (p->cfg.parks && c->next == TONE) {
        c->parked = true;
        p->parked[p->nparked++] = place_of(p, c);
        p->in_progress--;
        p->cfg.ended(p->cfg.arg);
        return;
    }
    c->due = now;
    c->sending = true;
    send_webhook(p, c);
}

static void on_answer(void *arg, void *what, struct message *m)
{
    struct play *p = arg;
    struct call *c = what;

    if (m->status / 100 != 2)
        deviate(p, WRONG_STATUS, m->head);
    c->sending = false;
    if (c->next == WEBHOOKS)
        release(p, c);
    else
        go_on(p, c, now_ns());
    send_queued(p);
}

bool play_offer(struct play *p, uint64_t due)
{
    struct call *c;

    if (!p->nspare)
        return false;
    c = &p->calls[p->spare[--p->nspare]];
    *c = (struct call){.number = c->number,
                       .used = true,
                       .sending = true,
                       .due = due,
                       .touched = due,
                       .callback = "/api/calls"};
    p->in_progress++;
    send_webhook(p, c);
    return true;
}

bool play_hang_up(struct play *p)
{
    struct call *c;

    if (!p->nparked)
        return false;
    c = &p->calls[p->parked[--p->nparked]];
    c->parked = false;
    c->next = TERMINATED;
    c->sending = true;
    c->touched = c->due = now_ns();
    p->in_progress++;
    send_webhook(p, c);
    return true;
}

/* --- requests -------------------------------------------------------------------------------- */

static void answer(struct conn *c, const char *status, const char *body, size_t n)
{
    char text[4096];
    int head = snprintf(text, sizeof text,
                        "HTTP/1.1 %s\r\nContent-Type: application/json; charset=utf-8\r\n"
                        "request-id: 4d6ae5ad-8f7d-4b0e-b4a3-5f3c1a7e9b11\r\n"
                        "Content-Length: %zu\r\n\r\n",
                        status, n);

    memcpy(text + head, body, n);
    conn_send(c, text, (size_t)head + n);
}

static void answer_fmt(struct conn *c, const char *status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void answer_fmt(struct conn *c, const char *status, const char *fmt, ...)
{
    char body[3072];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(body, sizeof body, fmt, ap);
    va_end(ap);
    answer(c, status, body, (size_t)n);
}

/* Copy the text that follows `name` in the body. */
static bool text_of(const struct message *m, const char *name, char *to, size_t cap)
{
    const char *at = strstr(m->body, name);
    size_t n = at ? strcspn(at + strlen(name), "\"") : cap;

    if (n >= cap)
        return false;
    memcpy(to, at + strlen(name), n);
    to[n] = '\0';
    return true;
}

/* The path of `callbackUri`: what comes after the host. */
static bool take_callback(struct call *c, const struct message *m)
{
    char uri[160];
    const char *path;

    if (!text_of(m, "\"callbackUri\":\"http://", uri, sizeof uri) ||
        !strstr(m->body, "serviceHostedMediaConfig"))
        return false;
    path = strchr(uri, '/');
    if (!path)
        return false;
    strcpy(c->callback, path);
    return true;
}

static bool is_body_good(struct call *c, unsigned what, const struct message *m)
{
    char uri[256];

    switch (what) {
    case ANSWER:
        return take_callback(c, m);
    case PLAY:
    case PLAY_AGAIN:
        return text_of(m, "\"uri\":\"http", uri, sizeof uri) && strstr(uri, ".wav") &&
               strstr(m->body, "mediaInfo") &&
               text_of(m, "\"clientContext\":\"", c->context, sizeof c->context);
    case TRANSFER:
        return strstr(m->body, "\"transferTarget\":") && strstr(m->body, "+14255550100");
    default:
        return true;
    }
}

static void answer_good(struct play *p, struct call *c, unsigned what, struct conn *on)
{
    char id[40];

    id_of(p, c, id);
    if (what == ANSWER || what == TRANSFER)
        answer(on, "202 Accepted", "", 0);
    else if (what == SUBSCRIBE)
        answer_fmt(
            on, "200 OK",
            "{\"@odata.type\":\"#microsoft.graph.subscribeToToneOperation\",\"id\":\"%.35s0\","
            "\"status\":\"completed\"}",
            id);
    else
        answer_fmt(on, "200 OK",
                   "{\"@odata.type\":\"#microsoft.graph.playPromptOperation\",\"id\":\"%.35s%d\","
                   "\"clientContext\":\"%s\",\"status\":\"running\"}",
                   id, what == PLAY ? 1 : 2, c->context);
}

static unsigned method_of(const struct call *c, const char *name)
{
    static const struct {
        const char *name;
        unsigned request;
    } methods[] = {{"/answer ", ANSWER},
                   {"/subscribeToTone ", SUBSCRIBE},
                   {"/playPrompt ", PLAY},
                   {"/transfer ", TRANSFER}};

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strncmp(name, methods[i].name, strlen(methods[i].name)) == 0)
            return methods[i].request == PLAY && c->got & PLAY ? PLAY_AGAIN : methods[i].request;
    }
    return 0;
}

static void take_request(struct play *p, struct call *c, const char *method, struct conn *on,
                         struct message *m)
{
    unsigned what = method_of(c, method);
    const char *token = strstr(m->head, "uthorization: Bearer ");
    uint64_t now = now_ns();

    if (!(what & c->may) || what & c->got) {
        deviate(p, UNEXPECTED_REQUEST, m->head);
        answer(on, "409 Conflict", "", 0);
        return;
    }
    if (!token || strncmp(token + 21, p->token, sizeof p->token - 1) != 0)
        deviate(p, WRONG_TOKEN, m->head);
    if (!is_body_good(c, what, m))
        deviate(p, WRONG_BODY, m->body);
    if (c->counts)
        histogram_add(&p->times, now - c->due);
    c->counts = false;
    c->got |= what;
    answer_good(p, c, what, on);
    go_on(p, c, now);
}

static void on_request(void *arg, struct conn *on, struct message *m)
{
    static const char calls[] = "POST /v1.0/communications/calls/";
    struct play *p = arg;
    struct call *c;

    if (strncmp(m->head, calls, sizeof calls - 1) == 0) {
        const char *id = m->head + sizeof calls - 1;

        c = strnlen(id, 36) == 36 ? call_of(p, id) : NULL;
        if (c) {
            take_request(p, c, id + 36, on, m);
        } else {
            deviate(p, UNKNOWN_CALL, m->head);
            answer(on, "404 Not Found", "", 0);
        }
    } else if (strstr(m->head, "/oauth2/v2.0/token HTTP")) {
        answer_fmt(on, "200 OK",
                   "{\"token_type\":\"Bearer\",\"expires_in\":86399,\"access_token\":\"%s\"}",
                   p->token);
    } else if (strncmp(m->head, "GET /openid ", 12) == 0) {
        answer_fmt(on, "200 OK", "{\"jwks_uri\":\"http://127.0.0.1:%u/keys\"}", p->cfg.listen);
    } else if (strncmp(m->head, "GET /keys ", 10) == 0) {
        answer(on, "200 OK", p->jwks, strlen(p->jwks));
    } else {
        deviate(p, WRONG_PATH, m->head);
        answer(on, "404 Not Found", "", 0);
    }
}

void play_give_up(struct play *p)
{
    uint64_t now = now_ns();

    for (size_t i = 0; i < p->cfg.calls; i++) {
        struct call *c = &p->calls[i];

        if (c->used && !c->parked && c->touched + 10000000000u < now) {
            char what[80];

            snprintf(what, sizeof what, "a call stuck before webhook %d, requests %x", (int)c->next,
                     c->got);
            deviate(p, STUCK, what);
            c->touched = now;
        }
    }
}

/* --- the whole ------------------------------------------------------------------------------- */

static void make_tokens(struct play *p)
{
    struct jwt_signer *s;
    struct error e = {""};
    char *jwt;

    memset(p->token, 'x', sizeof p->token - 1);
    if (jwt_signer_new(&s, &e))
        fail("%s", e.text);
    jwt = jwt_sign(s, ISSUER, APP, TENANT, (int64_t)time(NULL));
    p->jwks = jwt_signer_jwks(s);
    p->authorization = jwt ? malloc(strlen(jwt) + 8) : NULL;
    if (!p->jwks || !p->authorization)
        fail("out of memory");
    sprintf(p->authorization, "Bearer %s", jwt);
    free(jwt);
    jwt_signer_free(s);
}

struct play *play_new(const struct play_config *cfg)
{
    struct play *p = calloc(1, sizeof *p);

    if (!p || !(p->calls = calloc(cfg->calls, sizeof *p->calls)) ||
        !(p->spare = calloc(cfg->calls, sizeof *p->spare)) ||
        !(p->queue = calloc(cfg->calls, sizeof *p->queue)) ||
        !(p->parked = calloc(cfg->calls, sizeof *p->parked)))
        fail("out of memory");
    p->cfg = *cfg;
    for (size_t i = 0; i < cfg->calls; i++)
        p->spare[p->nspare++] = (uint32_t)i;
    make_tokens(p);
    p->net = net_new(cfg->listen, cfg->server, cfg->connections, on_request, on_answer, p);
    return p;
}

struct net *play_net(struct play *p)
{
    return p->net;
}

size_t play_in_progress(const struct play *p)
{
    return p->in_progress;
}

struct histogram *play_times(struct play *p)
{
    return &p->times;
}
