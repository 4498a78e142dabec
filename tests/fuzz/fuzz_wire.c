/*
 * The wire under any order of what can happen: offers, notifications, commands, answers, time. Each
 * pair of bytes is one step. What must hold: nothing crashes or leaks, every webhook is answered,
 * and each command of a call is answered exactly once, at most once after the end of its call.
 */
#include "base/error.h"
#include "base/random.h"
#include "graph/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

enum { CALLS = 4, SENDS = 64, COMMANDS = 512 };

struct world {
    struct wire *w;
    int64_t now;
    struct random random;
    char keys[CALLS][KEY_MAX];
    bool ended[CALLS];
    size_t ncalls;
    uint64_t sends[SENDS];
    size_t nsends;
    uint32_t joining;
    unsigned call_of[COMMANDS], answers[COMMANDS];
    bool taken[COMMANDS];
    uint32_t seq;
    uint64_t webhooks, webhook_answers;
};

static void draw(void *arg, void *p, size_t n)
{
    unsigned char *at = p;

    while (n--)
        *at++ = (unsigned char)random_next(arg);
}

static void drain(struct world *x)
{
    struct wire_action a;

    while (wire_next(x->w, &a)) {
        if (a.kind == WIRE_SEND && x->nsends < SENDS)
            x->sends[x->nsends++] = a.id;
        if (a.kind == WIRE_ANSWER)
            x->webhook_answers++;
        if (a.kind == WIRE_EVENT && a.event.kind == EVENT_START && x->ncalls < CALLS)
            strcpy(x->keys[x->ncalls++], a.event.key);
        if (a.kind == WIRE_EVENT && a.event.kind == EVENT_JOINING)
            x->joining = a.event.seq;
        if (a.kind == WIRE_EVENT && a.event.kind == EVENT_ANSWER) {
            CHECK(a.event.seq < COMMANDS && x->taken[a.event.seq]);
            CHECK(++x->answers[a.event.seq] == 1);
            CHECK(!x->ended[x->call_of[a.event.seq]]);
        }
        wire_action_fini(&a);
    }
}

static void command(struct world *x, enum command_kind kind, const char *method, unsigned which,
                    const char *args)
{
    struct command c = {.kind = kind, .method = method, .leg = which >> 6 & 1};

    if (!x->ncalls || x->seq + 1 >= COMMANDS)
        return;
    which %= x->ncalls;
    if (kind != COMMAND_CANCEL && x->ended[which])
        return;
    c.seq = ++x->seq;
    x->call_of[c.seq] = which;
    x->taken[c.seq] = kind == COMMAND_METHOD || kind == COMMAND_HTTP;
    strcpy(c.key, x->keys[which]);
    c.args = cJSON_Parse(args);
    c.ids = cJSON_CreateObject();
    cJSON_AddNumberToObject(c.ids, "joining", x->joining);
    cJSON_AddStringToObject(c.ids, "url", "https://store.example/1");
    if (wire_command(x->w, &c, x->now))
        abort();
    if (kind == COMMAND_END) {
        drain(x); /* what was answered before counts as before */
        x->ended[which] = true;
    }
}

static void post(struct world *x, unsigned which)
{
    static const char *const bodies[] = {
        "{\"state\":\"incoming\"}",
        "{\"state\":\"established\"}",
        "{\"@odata.type\":\"#microsoft.graph.participantJoiningNotification\"}",
        "{\"state\":\"terminated\"}",
    };
    static const char *const changes[] = {"created", "updated", "created", "deleted"};
    char body[300], path[KEY_MAX + 4] = "";
    int kind = which & 3, id = which >> 2 & 3;

    if (which & 16 && x->ncalls)
        snprintf(path, sizeof path, "%s%s", x->keys[id % (int)x->ncalls], which & 32 ? ".1" : "");
    snprintf(body, sizeof body,
             "{\"value\":[{\"changeType\":\"%s\",\"resourceUrl\":\"/communications/calls/c-%d\","
             "\"resourceData\":%s}]}",
             changes[kind], which & 64 ? id + 10 : id, bodies[kind]);
    if (wire_webhook(x->w, ++x->webhooks, path, NULL, body, strlen(body), x->now))
        abort();
}

static void respond(struct world *x, unsigned which)
{
    static const int statuses[] = {200, 201, 202, 0, 401, 404, 429, 500};
    static char body[] = "{\"id\":\"c-10\",\"access_token\":\"t\",\"expires_in\":60}";
    struct http_message m = {.status = statuses[which & 7], .body = body, .n = sizeof body - 1};
    size_t at;

    if (!x->nsends)
        return;
    if (which & 8) {
        m.body = NULL;
        m.n = 0;
    }
    at = (which >> 4) % x->nsends;
    wire_response(x->w, x->sends[at], &m, x->now);
    x->sends[at] = x->sends[--x->nsends];
}

static void step(struct world *x, unsigned op, unsigned which)
{
    static const char *const methods[] = {"answer", "playPrompt", "transfer", "delete",
                                          "get",    "create",     "mute",     "recording.download"};
    static const int64_t times[] = {1, 100, 1000, 3000, 10000, 31000, 1000000, 4000000};
    char args[32];

    switch (op % 8) {
    case 0:
    case 1:
        post(x, which);
        break;
    case 2:
        command(x, COMMAND_METHOD, methods[which & 7], which >> 3,
                "{\"clientContext\":\"x\",\"targets\":[]}");
        break;
    case 3:
    case 4:
        respond(x, which);
        break;
    case 5:
        x->now += times[which & 7];
        wire_tick(x->w, x->now);
        break;
    case 6:
        snprintf(args, sizeof args, "{\"seq\":%u}", which % (x->seq + 1));
        if (which & 128)
            command(x, COMMAND_HTTP, NULL, which, "{\"url\":\"https://x/\"}");
        else
            command(x, COMMAND_CANCEL, NULL, 0, args);
        break;
    case 7:
        if (which > 250) {
            char key[KEY_MAX];
            wire_dial(x->w, NULL, cJSON_CreateObject(), x->now, key);
        } else {
            command(x, which & 1 ? COMMAND_REPLY : COMMAND_END, NULL, which >> 1, "{}");
        }
        break;
    }
    drain(x);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct world x = {.now = 1700000000000};
    struct wire_config cfg = {.graph_url = "https://graph.example",
                              .version = VERSION_BETA,
                              .public_url = "https://bot.example",
                              .authority = "https://login.example",
                              .app_id = "app",
                              .app_secret = "s",
                              .request_ms = 30000,
                              .keepalive_ms = 900000,
                              .early_ms = 5000,
                              .reply_ms = 3000,
                              .random = draw,
                              .random_arg = &x.random};

    random_seed(&x.random, 1);
    if (wire_new(&x.w, &cfg, NULL))
        abort();
    for (size_t i = 0; i + 1 < n; i += 2)
        step(&x, data[i], data[i + 1]);
    for (int i = 0; i < 20; i++) {
        x.now += 600001; /* longer than any deadline */
        wire_tick(x.w, x.now);
        drain(&x);
    }
    CHECK(x.webhook_answers == x.webhooks);
    for (uint32_t seq = 1; seq <= x.seq; seq++)
        CHECK(!x.taken[seq] || x.answers[seq] == 1 || x.ended[x.call_of[seq]]);
    wire_free(x.w);
    return 0;
}
