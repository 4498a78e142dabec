#include "test.h"

#include "base/buf.h"
#include "base/json.h"
#include "bindings/bindings.h"
#include "host/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const struct bundle_source stdlib_sources[];

#define NOW  1767603600000
#define CALL "/communications/calls/57dab8b1-894c-409a-b240-bd8beae78896"
#define BODY(change, data)                                                                         \
    "{\"value\":[{\"changeType\":\"" change "\",\"resourceUrl\":\"" CALL "\",\"resourceData\":{"   \
    "\"@odata.type\":\"#microsoft.graph.call\"," data "}}]}"
#define OFFER                                                                                      \
    BODY("created", "\"state\":\"incoming\",\"direction\":\"incoming\",\"source\":{\"identity\":"  \
                    "{\"phone\":{\"id\":\"+14255550100\"}}},\"targets\":[{\"identity\":"           \
                    "{\"phone\":{\"id\":\"+14255550199\"}}}],\"id\":\"57dab8b1-894c-409a-b240-"    \
                    "bd8beae78896\"")
#define ESTABLISHED                                                                                \
    BODY("updated", "\"state\":\"established\",\"mediaState\":{\"audio\":\"active\"}")
#define DELETED BODY("deleted", "\"state\":\"terminated\",\"resultInfo\":{\"code\":200}")

static const char flow[] = "local flow = {}\n"
                           "function flow.onCall(call)\n"
                           "    require('ivr.log').warn 'hello'\n"
                           "    call:answer()\n"
                           "    call:nextTone{ timeout = 5 }\n"
                           "end\n"
                           "return flow\n";

/* A flow that never comes to rest. */
static const char restless[] = "local flow = {}\n"
                               "local ivr = require 'ivr'\n"
                               "function flow.onCall(call)\n"
                               "    call:answer()\n"
                               "    while true do ivr.sleep(0) end\n"
                               "end\n"
                               "return flow\n";

struct world {
    char folder[64];
    struct bundle *bundle;
    struct engine *engine;
    struct buf seen;   /* events and commands, by name             */
    struct buf asked;  /* requests, "VERB path" a line             */
    struct buf logged; /* and log lines                            */
    int answer;        /* status of the last webhook's answer      */
    uint64_t webhooks;
    const char *chosen; /* the flow that `route` chooses */
};

static void counting(void *arg, void *p, size_t n)
{
    static unsigned char next;

    (void)arg;
    for (size_t i = 0; i < n; i++)
        ((unsigned char *)p)[i] = next++;
}

static void event(void *arg, const struct event *ev)
{
    buf_fmt(&((struct world *)arg)->seen, "<%s ", event_kind_name(ev->kind));
}

static void command(void *arg, const struct command *c)
{
    buf_fmt(&((struct world *)arg)->seen, ">%s ",
            c->method ? c->method : command_kind_name(c->kind));
}

static const char *route(void *arg, const struct event *start)
{
    EXPECT_STR(json_str(start->data, "direction"), "incoming");
    return ((struct world *)arg)->chosen;
}

static int make_engine(struct world *w)
{
    static const char *const nobody[] = {NULL};
    static struct bindings_config version = {VERSION_V1};
    static char graph[] = "https://graph.test", bot[] = "https://bot.test", app[] = "app",
                login[] = "https://login.test", tenant[] = "t", secret[] = "s", openid[] = "x";
    struct engine_config cfg = {
        .core = {.limits = LIMITS_DEFAULT,
                 .open = bindings_open,
                 .open_arg = &version,
                 .language = "en"},
        .wire = {.graph_url = graph,
                 .version = VERSION_V1,
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
        .event = event,
        .command = command,
        .trace_arg = w,
        .route = route,
        .route_arg = w,
    };
    struct error e = {""};
    int rc = engine_new(&w->engine, &cfg, &e);

    if (rc == 0)
        rc = core_use(engine_core(w->engine), w->bundle, &e);
    return rc;
}

static void world_init(struct world *w, const char *text)
{
    struct error e = {""};
    char path[128];
    FILE *f;

    memset(w, 0, sizeof *w);
    strcpy(w->folder, "/tmp/ivory-engine-XXXXXX");
    EXPECT(mkdtemp(w->folder) != NULL);
    snprintf(path, sizeof path, "%s/main.lua", w->folder);
    f = fopen(path, "w");
    fputs(text, f);
    fclose(f);
    EXPECT_INT(bundle_read(&w->bundle, w->folder, stdlib_sources, &e), 0);
    remove(path);
    remove(w->folder);
    EXPECT_INT(make_engine(w), 0);
}

static void world_fini(struct world *w)
{
    engine_free(w->engine);
    bundle_unref(w->bundle);
    buf_fini(&w->seen);
    buf_fini(&w->asked);
    buf_fini(&w->logged);
}

/* What the service answers to each request. */
static int answer(struct http_message *m, const struct http_message *request)
{
    static const char token[] =
        "{\"token_type\":\"Bearer\",\"expires_in\":3599,\"access_token\":\"x\"}";

    memset(m, 0, sizeof *m);
    m->status = strcmp(request->verb, "DELETE") == 0 ? 204 : 202;
    if (!strstr(request->url, "/oauth2/"))
        return 0;
    m->status = 200;
    return http_set_body(m, "application/json", token, sizeof token - 1);
}

/* Take every action and answer every request, until there is nothing left to do. */
static int drive(struct world *w, int64_t now)
{
    struct engine_action a;
    int rc = 0;

    while (engine_next(w->engine, &a)) {
        struct http_message m = {0};

        if (a.kind == ENGINE_SEND) {
            buf_fmt(&w->asked, "%s %s\n", a.message.verb, strrchr(a.message.url, '/'));
            if (answer(&m, &a.message) < 0 || engine_response(w->engine, a.id, &m, now) < 0)
                rc = ERR_NOMEM;
        } else if (a.kind == ENGINE_ANSWER) {
            w->answer = a.message.status;
        } else if (a.kind == ENGINE_LOG) {
            buf_fmt(&w->logged, "%s %s\n", a.level, a.text);
        }
        http_fini(&m);
        engine_action_fini(&a);
    }
    return rc;
}

static int post(struct world *w, const char *key, const char *body, int64_t now)
{
    int rc;

    w->answer = 0;
    rc = engine_webhook(w->engine, ++w->webhooks, key, NULL, body, strlen(body), now);
    return drive(w, now) < 0 ? ERR_NOMEM : rc;
}

static char *key_of(struct world *w)
{
    static char key[KEY_MAX];
    int leg;

    key[0] = '\0';
    wire_find(engine_wire(w->engine), strrchr(CALL, '/') + 1, key, &leg);
    return key;
}

static void a_whole_call(void)
{
    struct world w;

    world_init(&w, flow);
    EXPECT(engine_next_deadline(w.engine) == INT64_MAX);
    EXPECT_INT(post(&w, "", OFFER, NOW), 0);
    EXPECT_INT(w.answer, 202);
    EXPECT_STR(w.seen.p, "<start >log >answer <answer ");
    EXPECT_STR(w.asked.p, "POST /token\nPOST /answer\n");
    EXPECT_STR(w.logged.p, "warn hello\n");
    EXPECT_INT(core_calls(engine_core(w.engine)), 1);
    EXPECT_INT(post(&w, key_of(&w), ESTABLISHED, NOW + 1000), 0);
    EXPECT_INT(engine_next_deadline(w.engine), NOW + 6000);
    EXPECT_INT(engine_tick(w.engine, NOW + 5999), 0);
    EXPECT_INT(drive(&w, NOW + 5999), 0);
    EXPECT_STR(w.seen.p, "<start >log >answer <answer <call ");
    EXPECT_INT(engine_tick(w.engine, NOW + 6000), 0);
    EXPECT_INT(drive(&w, NOW + 6000), 0);
    EXPECT_IN(w.asked.p, "DELETE ");
    EXPECT_INT(post(&w, key_of(&w), DELETED, NOW + 6001), 0);
    EXPECT_STR(w.seen.p, "<start >log >answer <answer <call <timer >delete <answer <call >end ");
    EXPECT_INT(core_calls(engine_core(w.engine)), 0);
    EXPECT_INT(wire_calls(engine_wire(w.engine)), 0);
    world_fini(&w);
}

static void late_and_repeated_events_are_dropped(void)
{
    struct world w;
    char key[KEY_MAX];

    world_init(&w, flow);
    EXPECT_INT(post(&w, "", OFFER, NOW), 0);
    EXPECT_INT(post(&w, "", OFFER, NOW + 1), 0);
    EXPECT_INT(core_calls(engine_core(w.engine)), 1);
    strcpy(key, key_of(&w));
    EXPECT_INT(post(&w, key, DELETED, NOW + 2), 0);
    EXPECT_INT(core_calls(engine_core(w.engine)), 0);
    EXPECT_INT(post(&w, key, DELETED, NOW + 3), 0);
    EXPECT_INT(post(&w, key, ESTABLISHED, NOW + 4), 0);
    EXPECT_INT(core_calls(engine_core(w.engine)), 0);
    EXPECT_STR(w.logged.p, "warn hello\n");
    world_fini(&w);
}

static void the_driver_may_choose_the_flow(void)
{
    struct world w;

    world_init(&w, flow);
    w.chosen = "nowhere";
    EXPECT_INT(post(&w, "", OFFER, NOW), 0);
    EXPECT_IN(w.logged.p, "nowhere");
    world_fini(&w);
}

static void a_call_is_placed(void)
{
    struct world w;
    cJSON *create = cJSON_Parse("{\"targets\":[{\"identity\":{\"phone\":{\"id\":\"+1425\"}}}]}");
    char key[KEY_MAX] = "";

    world_init(&w, flow);
    EXPECT_INT(engine_dial(w.engine, "main", create, NOW, key), 0);
    EXPECT_INT(drive(&w, NOW), 0);
    EXPECT_INT(strlen(key), 32);
    EXPECT_IN(w.seen.p, "<start ");
    EXPECT_IN(w.seen.p, ">create ");
    EXPECT_IN(w.asked.p, "POST /calls\n");
    world_fini(&w);
}

/* A flow that makes timers which are due at once gives way to the driver, again and again. */
static void a_restless_flow_does_not_hold_the_driver(void)
{
    struct world w;
    unsigned ticks = 0;

    world_init(&w, restless);
    EXPECT_INT(post(&w, "", OFFER, NOW), 0);
    EXPECT_INT(post(&w, key_of(&w), ESTABLISHED, NOW), 0);
    while (ticks < 1000 && engine_next_deadline(w.engine) <= NOW) {
        EXPECT_INT(engine_tick(w.engine, NOW), 0);
        drive(&w, NOW);
        ticks++;
    }
    EXPECT(ticks > 5 && ticks < 100); /* until the limit of entries ends the call */
    EXPECT_IN(w.asked.p, "DELETE ");
    world_fini(&w);
}

/* Memory fails somewhere and comes back: the call still ends, on both sides. */
static void no_memory(void)
{
    for (long n = 0, more = 1; more && n < 3000; n += 1 + n / 64) {
        struct world w;

        world_init(&w, flow);
        test_fail_allocation(n);
        post(&w, "", OFFER, NOW);
        more = test_allocation_failed();
        test_fail_allocation(-1);
        buf_fini(&w.asked);
        post(&w, key_of(&w), ESTABLISHED, NOW + 1000);
        /* The service repeats what was not acknowledged, and in the end hangs up. */
        for (int i = 1; i <= 70; i++) {
            engine_tick(w.engine, NOW + 1000 * i);
            drive(&w, NOW + 1000 * i);
        }
        /* Both sides know the call, or neither does; if they do, its flow has gone on and hung up.
         */
        EXPECT_INT(core_calls(engine_core(w.engine)), wire_calls(engine_wire(w.engine)));
        if (core_calls(engine_core(w.engine)) > 0)
            EXPECT_IN(w.asked.p, "DELETE ");
        if (key_of(&w)[0])
            EXPECT_INT(post(&w, key_of(&w), DELETED, NOW + 80000), 0);
        for (int i = 1; i <= 40; i++) {
            engine_tick(w.engine, NOW + 80000 + 1000 * i);
            drive(&w, NOW + 80000 + 1000 * i);
        }
        EXPECT_INT(core_calls(engine_core(w.engine)), 0);
        EXPECT_INT(wire_calls(engine_wire(w.engine)), 0);
        world_fini(&w);
    }
}

const struct test engine_tests[] = {TEST(a_whole_call),
                                    TEST(late_and_repeated_events_are_dropped),
                                    TEST(the_driver_may_choose_the_flow),
                                    TEST(a_call_is_placed),
                                    TEST(a_restless_flow_does_not_hold_the_driver),
                                    TEST(no_memory),
                                    {0}};
