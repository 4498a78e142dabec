#include "tests/unit/recover_world.h"

#include "base/json.h"
#include "bindings/bindings.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct bundle_source stdlib_sources[];

#define CALL_PATH "/communications/calls/" RECOVER_CALL
#define LIVES                                                                                      \
    "{\"@odata.type\":\"#microsoft.graph.call\",\"id\":\"" RECOVER_CALL                            \
    "\",\"state\":\"established\",\"mediaState\":{\"audio\":\"active\"}}"

static const struct service_reply usual[] = {
    {"/oauth2/", 200, "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"x\"}"},
    {"DELETE ", 204, NULL},
    {"GET https://graph.test/beta/communications/calls/57dab8b1", 200, LIVES},
    {"", 202, NULL},
};

static void counting(void *arg, void *p, size_t n)
{
    static unsigned char next;

    (void)arg;
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)p)[i] = next++;
}

static int begin_life(struct recover_world *w)
{
    static const char *const nobody[] = {NULL};
    static struct bindings_config version = {VERSION_BETA};
    static char graph[] = "https://graph.test", bot[] = "https://bot.test", app[] = "app",
                login[] = "https://login.test", tenant[] = "t", secret[] = "s", openid[] = "x";
    struct recorder_config rc = {.store = &w->store, .seal = w->seal, .keep_tones = true};
    struct error e = {""};
    struct engine_config cfg = {
        .core = {.limits = LIMITS_DEFAULT,
                 .open = bindings_open,
                 .open_arg = &version,
                 .language = "en",
                 .fallback_transfer = "+14255550100"},
        .wire = {.graph_url = graph,
                 .version = VERSION_BETA,
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
    int err = recorder_new(&w->recorder, &rc);

    if (!err)
        err = store_bundle(&w->store, w->bundle);
    if (!err) {
        cfg.record = recorder_hooks(w->recorder);
        err = engine_new(&w->engine, &cfg, &e);
    }
    return err ? err : core_use(engine_core(w->engine), w->bundle, &e);
}

void recover_init(struct recover_world *w, const char *flow)
{
    static const unsigned char key[SEAL_KEY] = {3};
    struct bundle_source sources[64] = {{"flows/main.lua", flow, strlen(flow)}};
    struct error e = {""};
    size_t n = 1;

    *w = (struct recover_world){.now = 1767603600000};
    for (const struct bundle_source *s = stdlib_sources; s->name && n < 63; s++)
        sources[n++] = *s;
    EXPECT_INT(bundle_from(&w->bundle, sources, &e), 0);
    EXPECT_INT(seal_new(&w->seal, key), 0);
    EXPECT_INT(memory_store_new(&w->memory), 0);
    w->store = memory_store_use(w->memory);
    EXPECT_INT(begin_life(w), 0);
}

static void end_life(struct recover_world *w)
{
    engine_free(w->engine);
    recorder_free(w->recorder);
    w->engine = NULL;
    w->recorder = NULL;
}

void recover_fini(struct recover_world *w)
{
    end_life(w);
    memory_store_free(w->memory);
    seal_close(w->seal);
    bundle_unref(w->bundle);
    buf_fini(&w->asked);
    buf_fini(&w->logged);
}

static const struct service_reply *reply_of(const struct recover_world *w, const char *asked)
{
    const struct service_reply *r = w->replies;

    for (; r && r->part; r++) {
        size_t n = strlen(r->part), whole = strlen(asked);
        bool end = n && r->part[n - 1] == '$';

        if (end ? whole >= n - 1 && strncmp(asked + whole - (n - 1), r->part, n - 1) == 0
                : strstr(asked, r->part) != NULL)
            return r;
    }
    for (r = usual; !strstr(asked, r->part);)
        r++;
    return r;
}

static void answer(struct recover_world *w, uint64_t id, const struct http_message *request)
{
    struct http_message m = {0};
    char asked[600];
    const struct service_reply *r;

    snprintf(asked, sizeof asked, "%s %s", request->verb, request->url);
    r = reply_of(w, asked);
    test_hold_allocation(true);
    if (strncmp(request->url, "https://graph.test/beta", 23) == 0)
        buf_fmt(&w->asked, "%s %s\n", request->verb, request->url + 23);
    m.status = r->status;
    if (r->body)
        EXPECT_INT(http_set_body(&m, "application/json", r->body, strlen(r->body)), 0);
    test_hold_allocation(false);
    if (r->status)
        engine_response(w->engine, id, &m, w->now);
    http_fini(&m);
}

static void drive(struct recover_world *w)
{
    struct engine_action a;

    while (engine_next(w->engine, &a)) {
        if (a.kind == ENGINE_SEND)
            answer(w, a.id, &a.message);
        else if (a.kind == ENGINE_ANSWER)
            w->answer = a.message.status;
        else if (a.kind == ENGINE_LOG) {
            test_hold_allocation(true);
            buf_fmt(&w->logged, "%s %s\n", a.level, a.text);
            test_hold_allocation(false);
        }
        engine_action_fini(&a);
    }
}

static int post(struct recover_world *w, const char *key, const char *body)
{
    int err;

    w->answer = 0;
    err = engine_webhook(w->engine, ++w->webhooks, key, NULL, body, strlen(body), w->now);
    drive(w);
    return err;
}

static int note_key(void *arg, const struct journal_call *c)
{
    strcpy(arg, c->key);
    return 1;
}

static const char *key_of(struct recover_world *w)
{
    w->store.each_open(w->store.arg, note_key, w->key, NULL);
    return w->key;
}

int recover_tell(struct recover_world *w, const char *change, const char *resource,
                 const char *data)
{
    char body[2000];

    snprintf(body, sizeof body,
             "{\"value\":[{\"changeType\":\"%s\",\"resourceUrl\":\"" CALL_PATH
             "%s\",\"resourceData\":%s}]}",
             change, resource, data);
    return post(w, key_of(w), body);
}

const char *recover_offer(struct recover_world *w, bool up)
{
    post(w, "",
         "{\"value\":[{\"changeType\":\"created\",\"resourceUrl\":\"" CALL_PATH
         "\",\"resourceData\":{\"@odata.type\":\"#microsoft.graph.call\",\"id\":\"" RECOVER_CALL
         "\",\"state\":\"incoming\",\"direction\":\"incoming\"}}]}");
    if (up)
        recover_tell(w, "updated", "", LIVES);
    return key_of(w);
}

void recover_pass(struct recover_world *w, int64_t ms)
{
    int64_t end = w->now + ms, next;

    drive(w);
    for (int steps = 0; steps < 10000; steps++) {
        next = engine_next_deadline(w->engine);
        if (next > end)
            break;
        w->now = next > w->now ? next : w->now + 1; /* nothing may be due for ever */
        engine_tick(w->engine, w->now);
        drive(w);
    }
    w->now = end;
}

void recover_crash(struct recover_world *w)
{
    end_life(w);
    buf_fini(&w->asked);
    w->asked = (struct buf){0};
    EXPECT_INT(begin_life(w), 0);
}

void recover_lose(struct recover_world *w)
{
    recover_crash(w);
    end_life(w);
    memory_store_free(w->memory);
    EXPECT_INT(memory_store_new(&w->memory), 0);
    w->store = memory_store_use(w->memory);
    EXPECT_INT(begin_life(w), 0);
}

int recover_begin(struct recover_world *w)
{
    struct recovery_config cfg = {
        .recorder = w->recorder, .store = &w->store, .seal = w->seal, .floor = w->floor};
    struct error e = {""};
    int err = engine_recover(w->engine, &cfg, w->now, NULL, &e);

    if (!err)
        drive(w);
    return err;
}

unsigned recover_count(const struct buf *text, const char *part)
{
    unsigned n = 0;

    for (const char *at = text->p; at && (at = strstr(at, part)); at++)
        n++;
    return n;
}
