/*
 * What a parked call costs: calls are offered, answered, established, get a key, and then wait for
 * another one for an hour. The engine (machine, Lua, wire) is driven as `serve` drives it, without
 * sockets.
 *
 *   build/parked [CALLS]     prints bytes and microseconds per call
 */
#include "base/buf.h"
#include "base/json.h"
#include "bindings/bindings.h"
#include "host/engine.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NOW INT64_C(1767603600000)

/* The service's own example of an offer, with its nulls left out. */
#define RESOURCE                                                                                   \
    "\"@odata.type\":\"#microsoft.graph.call\",\"state\":\"incoming\",\"direction\":\"incoming\"," \
    "\"callbackUri\":\"https://bot.contoso.com/callback\",\"source\":{\"@odata.type\":"            \
    "\"#microsoft.graph.participantInfo\",\"identity\":{\"@odata.type\":"                          \
    "\"#microsoft.graph.identitySet\",\"user\":{\"@odata.type\":\"#microsoft.graph.identity\","    \
    "\"displayName\":\"Test User\",\"id\":\"8A34A46B-3D17-4ADC-8DCE-DC4E7D572698\"}},"             \
    "\"region\":\"westus\",\"languageId\":\"en-US\"},\"targets\":[{\"@odata.type\":"               \
    "\"#microsoft.graph.participantInfo\",\"identity\":{\"@odata.type\":"                          \
    "\"#microsoft.graph.identitySet\",\"application\":{\"@odata.type\":"                           \
    "\"#microsoft.graph.identity\",\"displayName\":\"Test BOT\",\"id\":"                           \
    "\"8A34A46B-3D17-4ADC-8DCE-DC4E7D572698\"}}}],\"tenantId\":"                                   \
    "\"72F988BF-86F1-41AF-91AB-2D7CD011DB47\",\"myParticipantId\":"                                \
    "\"C339CEDE-4DB0-4B0C-9C0D-5F5E3A3A3A3A\",\"id\":\"%s\""

extern const struct bundle_source stdlib_sources[];

static const char flow[] = "local flow = {}\n"
                           "function flow.onCall(call)\n"
                           "    call:answer()\n"
                           "    call:nextTone()\n"
                           "    call:nextTone{ timeout = 3600 }\n"
                           "end\n"
                           "return flow\n";

struct bench {
    struct engine *engine;
    uint64_t webhooks, seed;
    char key[KEY_MAX]; /* of the last offered call */
};

static void numbers(void *arg, void *p, size_t n)
{
    struct bench *b = arg;

    for (size_t i = 0; i < n; i++) {
        b->seed = b->seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
        ((unsigned char *)p)[i] = (unsigned char)(b->seed >> 56);
    }
}

static void open_engine(struct bench *b)
{
    static const struct bindings_config bindings = {VERSION_V1};
    static const char *const nobody[] = {NULL};
    static char graph[] = "https://graph.test", bot[] = "https://bot.test", app[] = "app",
                login[] = "https://login.test", tenant[] = "t", secret[] = "s", openid[] = "x";
    struct engine_config cfg = {
        .core = {.limits = LIMITS_DEFAULT,
                 .open = bindings_open,
                 .open_arg = (void *)&bindings,
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
                 .keepalive_ms = 24 * 3600 * 1000,
                 .early_ms = 5000,
                 .reply_ms = 3000,
                 .random = numbers,
                 .random_arg = b},
    };
    struct bundle_source sources[128] = {{"flows/main.lua", flow, sizeof flow - 1}};
    struct bundle *bundle;
    struct error e = {""};
    size_t n = 1;

    for (const struct bundle_source *s = stdlib_sources; s->name; s++)
        sources[n++] = *s;
    if (bundle_from(&bundle, sources, &e) || engine_new(&b->engine, &cfg, &e) ||
        core_use(engine_core(b->engine), bundle, &e)) {
        fprintf(stderr, "%s\n", e.text);
        exit(1);
    }
    bundle_unref(bundle);
}

static void drive(struct bench *b)
{
    static const char token[] =
        "{\"token_type\":\"Bearer\",\"expires_in\":86400,\"access_token\":\"x\"}";
    struct engine_action a;

    while (engine_next(b->engine, &a)) {
        struct http_message m = {.status = 202};

        if (a.kind == ENGINE_SEND) {
            if (strstr(a.message.url, "/oauth2/")) {
                m.status = 200;
                http_set_body(&m, "application/json", token, sizeof token - 1);
            }
            engine_response(b->engine, a.id, &m, NOW);
        }
        http_fini(&m);
        engine_action_fini(&a);
    }
}

static void post(struct bench *b, const char *change, const char *id, const char *data)
{
    struct buf body = {0};

    buf_fmt(&body,
            "{\"value\":[{\"changeType\":\"%s\",\"resourceUrl\":\"/communications/calls/%s\","
            "\"resourceData\":{%s}}]}",
            change, id, data);
    engine_webhook(b->engine, ++b->webhooks, b->key, NULL, body.p, body.n, NOW);
    drive(b);
    buf_fini(&body);
}

static void park(struct bench *b, unsigned number)
{
    char id[40], data[2048];
    int leg;

    snprintf(id, sizeof id, "57dab8b1-894c-409a-b240-%012x", number);
    snprintf(data, sizeof data, RESOURCE, id);
    b->key[0] = '\0';
    post(b, "created", id, data);
    id_normalise(data, id);
    if (!wire_find(engine_wire(b->engine), data, b->key, &leg))
        exit(1);
    post(b, "updated", id, "\"@odata.type\":\"#microsoft.graph.call\",\"state\":\"establishing\"");
    post(b, "updated", id,
         "\"@odata.type\":\"#microsoft.graph.call\",\"state\":\"established\","
         "\"mediaState\":{\"@odata.type\":\"#microsoft.graph.callMediaState\",\"audio\":"
         "\"active\"}");
    post(b, "updated", id,
         "\"@odata.type\":\"#microsoft.graph.call\",\"toneInfo\":{\"@odata.type\":"
         "\"#microsoft.graph.toneInfo\",\"sequenceId\":1,\"tone\":\"tone1\"}");
}

static double used(void)
{
    struct mallinfo2 m = mallinfo2();

    return (double)(m.uordblks + m.hblkhd);
}

static double cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    unsigned calls = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20000;
    struct bench b = {.seed = 1};
    double memory, time;

    open_engine(&b);
    for (unsigned i = 0; i < 1000; i++) /* warm: the first cell, tables at their size */
        park(&b, i);
    memory = used();
    time = cpu();
    for (unsigned i = 0; i < calls; i++)
        park(&b, 1000 + i);
    printf("%u parked calls: %.0f bytes each, %.1f us each\n", calls, (used() - memory) / calls,
           (cpu() - time) / calls);
    if (core_calls(engine_core(b.engine)) != calls + 1000)
        return 1;
    engine_free(b.engine);
    return 0;
}
