#include "wire_peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "test.h"

static const char *const issuers[] = {"https://api.botframework.com", NULL};

static void draw(void *arg, void *p, size_t n)
{
    unsigned char *at = p;

    while (n--)
        *at++ = (unsigned char)random_next(arg);
}

static int keep(void *arg, const char *hash, const void *bytes, size_t n)
{
    struct peer *p = arg;

    (void)bytes;
    snprintf(p->kept, sizeof p->kept, "%s", hash);
    p->kept_n = n;
    return 0;
}

void peer_init(struct peer *p)
{
    memset(p, 0, sizeof *p);
    p->now = PEER_START;
    p->tokens = true;
    p->next_webhook = 1;
    random_seed(&p->random, 7);
    p->cfg = (struct wire_config){
        .graph_url = "https://graph.example",
        .version = VERSION_BETA,
        .public_url = "https://bot.example",
        .authority = "https://login.example",
        .tenant = "home",
        .app_id = PEER_APP,
        .app_secret = "s&cret",
        .openid = "https://keys.example/openid",
        .issuers = issuers,
        .request_ms = 30000,
        .keepalive_ms = 15 * 60 * 1000,
        .early_ms = 5000,
        .reply_ms = 3000,
        .random = draw,
        .random_arg = &p->random,
        .keep_recording = keep,
        .keep_recording_arg = p,
    };
}

void peer_open(struct peer *p)
{
    struct error e;

    EXPECT_INT(wire_new(&p->w, &p->cfg, &e), 0);
}

void peer_close(struct peer *p)
{
    for (size_t i = 0; i < p->n; i++)
        wire_action_fini(&p->all[i]);
    wire_action_fini(&p->last);
    p->n = 0;
    wire_free(p->w);
    p->w = NULL;
    jwt_signer_free(p->signer);
}

/* A token request is met at once. */
static bool is_token(struct peer *p, const struct wire_action *a)
{
    return p->tokens && a->kind == WIRE_SEND && strstr(a->message.url, "/oauth2/v2.0/token");
}

static void drain(struct peer *p)
{
    struct wire_action a;

    while (wire_next(p->w, &a)) {
        if (is_token(p, &a)) {
            char body[120];

            snprintf(body, sizeof body,
                     "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"T%d\"}",
                     ++p->tokens_given);
            peer_answer(p, a.id, 200, body, NULL);
            wire_action_fini(&a);
        } else if (p->n < sizeof p->all / sizeof *p->all) {
            p->all[p->n++] = a;
        } else {
            EXPECT(!"too many actions");
            wire_action_fini(&a);
        }
    }
}

const struct wire_action *peer_next(struct peer *p, enum wire_action_kind kind)
{
    drain(p);
    for (size_t i = 0; i < p->n; i++) {
        if (p->all[i].kind != kind)
            continue;
        wire_action_fini(&p->last);
        p->last = p->all[i];
        memmove(p->all + i, p->all + i + 1, (--p->n - i) * sizeof *p->all);
        return &p->last;
    }
    return NULL;
}

const struct http_message *peer_request(struct peer *p, uint64_t *id)
{
    const struct wire_action *a = peer_next(p, WIRE_SEND);

    if (!a)
        return NULL;
    if (id)
        *id = a->id;
    return &a->message;
}

const struct event *peer_event(struct peer *p)
{
    const struct wire_action *a = peer_next(p, WIRE_EVENT);

    return a ? &a->event : NULL;
}

size_t peer_count(struct peer *p, enum wire_action_kind kind)
{
    size_t n = 0;

    drain(p);
    for (size_t i = 0; i < p->n; i++)
        n += p->all[i].kind == kind;
    return n;
}

bool peer_logged(struct peer *p, const char *part)
{
    const struct wire_action *a;

    while ((a = peer_next(p, WIRE_LOG))) {
        if (strstr(a->text, part))
            return true;
    }
    return false;
}

void peer_answer(struct peer *p, uint64_t id, int status, const char *body, const char *retry_after)
{
    struct http_message m = {.status = status};

    if (body)
        http_set_body(&m, "application/json", body, strlen(body));
    if (retry_after)
        http_set_header(&m, "retry-after", retry_after);
    EXPECT_INT(wire_response(p->w, id, &m, p->now), 0);
    http_fini(&m);
}

void peer_serve(struct peer *p, const char *verb, const char *tail, int status, const char *body)
{
    uint64_t id = 0;
    const struct http_message *m = peer_request(p, &id);

    if (!EXPECT(m != NULL))
        return;
    EXPECT_STR(m->verb, verb);
    if (strlen(m->url) < strlen(tail))
        EXPECT_STR(m->url, tail);
    else
        EXPECT_STR(m->url + strlen(m->url) - strlen(tail), tail);
    peer_answer(p, id, status, body, NULL);
}

void peer_wait(struct peer *p, int64_t ms)
{
    int64_t end = p->now + ms;

    for (;;) {
        int64_t at;

        drain(p);
        at = wire_next_deadline(p->w);
        if (at > end)
            break;
        if (at > p->now)
            p->now = at;
        wire_tick(p->w, p->now);
    }
    p->now = end;
}

int peer_post(struct peer *p, const char *path_key, const char *authorization, const char *body)
{
    uint64_t id = p->next_webhook++;

    EXPECT_INT(wire_webhook(p->w, id, path_key, authorization, body, strlen(body), p->now), 0);
    drain(p);
    for (size_t i = 0; i < p->n; i++) {
        if (p->all[i].kind == WIRE_ANSWER && p->all[i].id == id) {
            int status = p->all[i].message.status;

            wire_action_fini(&p->all[i]);
            memmove(p->all + i, p->all + i + 1, (--p->n - i) * sizeof *p->all);
            return status;
        }
    }
    return 0;
}

int peer_notify(struct peer *p, const char *path_key, const char *change, const char *resource,
                const char *data)
{
    struct buf b = {0};
    int status;

    buf_fmt(&b,
            "{\"value\":[{\"changeType\":\"%s\",\"resourceUrl\":\"/communications/calls/%s\","
            "\"resourceData\":%s}]}",
            change, resource, data);
    status = peer_post(p, path_key, NULL, b.p);
    buf_fini(&b);
    return status;
}

static cJSON *parsed(const char *text)
{
    cJSON *v = NULL;

    if (text)
        EXPECT_INT(json_parse(&v, text, strlen(text), NULL), 0);
    return v;
}

void peer_command(struct peer *p, enum command_kind kind, unsigned seq, const char *ids,
                  const char *args)
{
    struct command c = {.kind = kind, .seq = seq, .ids = parsed(ids), .args = parsed(args)};

    strcpy(c.key, p->key);
    EXPECT_INT(wire_command(p->w, &c, p->now), 0);
    EXPECT(!c.args && !c.ids);
}

void peer_method(struct peer *p, const char *method, unsigned seq, const char *ids,
                 const char *args)
{
    struct command c = {.kind = COMMAND_METHOD,
                        .seq = seq,
                        .method = method,
                        .ids = parsed(ids),
                        .args = parsed(args)};

    strcpy(c.key, p->key);
    EXPECT_INT(wire_command(p->w, &c, p->now), 0);
    EXPECT(!c.args && !c.ids);
}

void peer_offer(struct peer *p)
{
    const struct event *ev;

    EXPECT_INT(peer_notify(p, "", "created", PEER_CALL,
                           "{\"id\":\"" PEER_CALL "\",\"state\":\"incoming\",\"direction\":"
                           "\"incoming\",\"tenantId\":\"" PEER_TENANT "\"}"),
               202);
    ev = peer_event(p);
    if (EXPECT(ev != NULL)) {
        EXPECT_INT(ev->kind, EVENT_START);
        strcpy(p->key, ev->key);
    }
}

char *peer_bearer(const struct peer *p, const struct jwt_signer *by, const char *tenant)
{
    char *token = jwt_sign(by, issuers[0], PEER_APP, tenant, p->now / 1000);
    struct buf b = {0};

    buf_fmt(&b, "Bearer %s", token);
    free(token);
    return buf_take(&b);
}

const char *peer_error_code(const struct event *ev)
{
    return ev ? json_str(json_get(ev->data, "error"), "code") : NULL;
}

const struct event *peer_expect_answer(struct peer *p, unsigned seq, int status)
{
    const struct event *ev = peer_event(p);

    if (!EXPECT(ev != NULL))
        return NULL;
    EXPECT_INT(ev->kind, EVENT_ANSWER);
    EXPECT_INT(ev->seq, seq);
    EXPECT_INT(ev->status, status);
    EXPECT_STR(ev->key, p->key);
    EXPECT(ev->time > p->now - 10000 && ev->time <= p->now);
    return ev;
}
