#include "tests/unit/machine_world.h"

#include "base/json.h"
#include "bindings/bindings.h"
#include "graph/methods.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct bundle_source stdlib_sources[];

static void write_file(const char *folder, const char *name, const void *p, size_t n)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "wb");
    CHECK(f && fwrite(p, 1, n, f) == n && fclose(f) == 0);
}

/* A tenth of a second of silence in the required format. */
static void write_prompt(const char *folder, const char *name)
{
    unsigned char wav[44 + 3200] =
        "RIFF\xa4\x0c\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0"
        "\2\0\x10\0data\x80\x0c\0";

    write_file(folder, name, wav, sizeof wav);
}

struct core_config flow_config(const struct limits *l)
{
    static const struct bindings_config bindings = {VERSION_BETA};
    static const struct limits defaults = LIMITS_DEFAULT;

    return (struct core_config){.limits = l ? *l : defaults,
                                .open = bindings_open,
                                .open_arg = (void *)&bindings,
                                .language = "en",
                                .fallback_prompt = "sorry"};
}

void flow_init(struct flow_world *w, const char *flow, const struct limits *l)
{
    struct core_config cfg = flow_config(l);
    struct error e = {{0}};
    char path[128];

    *w = (struct flow_world){.now = 1764000000000};
    strcpy(w->folder, "/tmp/ivory-world-XXXXXX");
    CHECK(mkdtemp(w->folder));
    write_file(w->folder, "main.lua", flow, strlen(flow));
    snprintf(path, sizeof path, "%s/prompts", w->folder);
    CHECK(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/prompts/en", w->folder);
    CHECK(mkdir(path, 0700) == 0);
    write_prompt(path, "welcome.wav");
    write_prompt(path, "sorry.wav");
    CHECK(bundle_read(&w->bundle, w->folder, stdlib_sources, &e) == 0);
    CHECK(core_new(&w->core, &cfg, &e) == 0);
    if (core_use(w->core, w->bundle, &e)) {
        fprintf(stderr, "%s\n", e.text);
        CHECK(!"the flow loads");
    }
}

void flow_file(struct flow_world *w, const char *name, const char *text)
{
    struct error e = {{0}};

    write_file(w->folder, name, text, strlen(text));
    bundle_unref(w->bundle);
    w->bundle = NULL;
    CHECK(bundle_read(&w->bundle, w->folder, stdlib_sources, &e) == 0);
    CHECK(core_use(w->core, w->bundle, &e) == 0);
}

void flow_fini(struct flow_world *w)
{
    static const char *const names[] = {"prompts/en/welcome.wav",
                                        "prompts/en/sorry.wav",
                                        "prompts/en",
                                        "prompts",
                                        "main.lua",
                                        "routes.lua",
                                        "us.lua",
                                        "boss.lua",
                                        "tenant.lua",
                                        "rest.lua",
                                        ""};
    char path[256];

    core_free(w->core);
    bundle_unref(w->bundle);
    command_list_fini(&w->out);
    event_list_fini(&w->queue);
    buf_fini(&w->text);
    buf_fini(&w->logs);
    buf_fini(&w->record);
    event_fini(&w->continued);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", w->folder, names[i]);
        remove(path);
    }
}

static void queue(struct flow_world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void queue(struct flow_world *w, const char *fmt, ...)
{
    struct event ev = {0};
    struct error e = {{0}};
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (event_decode(&ev, text, strlen(text), &e)) {
        fprintf(stderr, "%s: %s\n", e.text, text);
        CHECK(!"a good event");
    }
    CHECK(event_list_add(&w->queue, &ev) == 0);
}

/* An operation: an answer that runs, then its end; the service's ids are counted. */
static void serve_operation(struct flow_world *w, const struct command *c, const char *more)
{
    const char *context = json_str(c->args, "clientContext");

    w->stream++;
    queue(w,
          "{\"kind\":\"answer\",\"leg\":%d,\"seq\":%u,\"status\":200,\"id\":\"op%d\",\"data\":{"
          "\"status\":\"running\",\"clientContext\":\"%s\"}}",
          c->leg, c->seq, w->stream, context ? context : "");
    queue(w,
          "{\"kind\":\"operation\",\"change\":\"deleted\",\"leg\":%d,\"id\":\"op%d\",\"data\":{"
          "\"status\":\"completed\",\"clientContext\":\"%s\"%s}}",
          c->leg, w->stream, context ? context : "", more);
}

static void serve(struct flow_world *w, const struct command *c)
{
    static const char *const states[][2] = {
        {"answer", "established"}, {"create", "established"}, {"transfer", "transferAccepted"}};
    const struct method *m = c->method ? method_find(c->method) : NULL;

    if (c->kind == COMMAND_HTTP)
        queue(w,
              "{\"kind\":\"answer\",\"seq\":%u,\"status\":200,\"data\":{\"status\":200,"
              "\"headers\":{},\"body\":\"{\\\"a\\\":1}\"}}",
              c->seq);
    if (!m)
        return;
    if (m->completes == COMPLETES_OPERATION) {
        serve_operation(
            w, c,
            strcmp(m->name, "recordResponse")
                ? ""
                : ",\"recordingLocation\":\"https://x/1\",\"recordingAccessToken\":\"t\"");
        return;
    }
    queue(w,
          "{\"kind\":\"answer\",\"leg\":%d,\"seq\":%u,\"status\":200,\"id\":\"call%d\","
          "\"data\":{\"hash\":\"h\",\"seconds\":2,\"bytes\":5}}",
          c->leg, c->seq, c->leg);
    for (size_t i = 0; i < 3; i++)
        if (strcmp(m->name, states[i][0]) == 0)
            queue(w,
                  "{\"kind\":\"call\",\"change\":\"updated\",\"leg\":%d,\"data\":{\"state\":\"%s\","
                  "\"mediaState\":{\"audio\":\"active\"}}}",
                  c->leg, states[i][1]);
    if (strcmp(m->name, "delete") == 0 || strcmp(m->name, "transfer") == 0 ||
        strcmp(m->name, "reject") == 0)
        queue(w,
              "{\"kind\":\"call\",\"change\":\"deleted\",\"leg\":%d,\"data\":{\"state\":"
              "\"terminated\",\"resultInfo\":{\"code\":200,\"subcode\":0}}}",
              c->leg);
}

static void note_continued(struct flow_world *w, const struct command *c)
{
    event_fini(&w->continued);
    core_continued(&w->continued, c, NULL);
    w->record_at = w->record.n;
    w->text_at = w->text.n;
}

static void note(struct flow_world *w)
{
    for (size_t i = 0; i < w->out.n; i++) {
        struct command *c = &w->out.items[i];
        char *line = command_encode(c);

        if (c->kind == COMMAND_LOG) {
            buf_fmt(&w->logs, "%s\n", json_str(c->args, "text"));
        } else {
            buf_fmt(&w->text, "%s\n", line ? line : "(no memory)");
        }
        free(line);
        if (c->kind == COMMAND_CONTINUE)
            note_continued(w, c);
        w->ended = w->ended || c->kind == COMMAND_END;
        if (w->serves)
            serve(w, c);
    }
    command_list_reset(&w->out);
}

static int give(struct flow_world *w, struct event *ev)
{
    char *line;
    int err;

    if (!ev->key[0])
        strcpy(ev->key, WORLD_KEY);
    ev->time = w->now;
    test_hold_allocation(true);
    line = event_encode(ev);
    buf_fmt(&w->record, "%s\n", line ? line : "");
    free(line);
    test_hold_allocation(false);
    err = core_handle(w->core, ev, &w->out);
    test_hold_allocation(true);
    event_fini(ev);
    note(w);
    test_hold_allocation(false);
    if (w->hangup_at && !w->hung_up && core_waits(w->core) >= w->hangup_at) {
        w->hung_up = true;
        queue(w, "{\"kind\":\"call\",\"change\":\"deleted\",\"data\":{\"state\":\"terminated\","
                 "\"resultInfo\":{\"code\":487,\"subcode\":1}}}");
    }
    return err;
}

int flow_give(struct flow_world *w, const char *json)
{
    struct event ev = {0};
    struct error e = {{0}};

    if (event_decode(&ev, json, strlen(json), &e)) {
        if (test_allocation_failed())
            return ERR_NOMEM;
        fprintf(stderr, "%s: %s\n", e.text, json);
        CHECK(!"a good event");
    }
    return give(w, &ev);
}

int flow_start(struct flow_world *w)
{
    return flow_give(
        w, "{\"kind\":\"start\",\"call_id\":\"c0\",\"data\":{\"direction\":\"incoming\","
           "\"seed\":\"00000000000000ff\",\"call\":{\"state\":\"incoming\",\"id\":\"C-0\","
           "\"source\":{\"identity\":{\"phone\":{\"id\":\"+4917\"}}},"
           "\"targets\":[{\"identity\":{\"application\":{\"id\":\"app\"}}}]}}}");
}

static unsigned chance(struct flow_world *w, unsigned n)
{
    w->chaos = w->chaos * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (unsigned)(w->chaos >> 33) % n;
}

static bool serve_one(struct flow_world *w)
{
    struct event ev, again = {0};
    size_t at = 0;

    if (!w->queue.n)
        return false;
    if (w->chaos)
        at = chance(w, (unsigned)w->queue.n);
    ev = w->queue.items[at];
    memmove(w->queue.items + at, w->queue.items + at + 1, (--w->queue.n - at) * sizeof ev);
    if (w->chaos && chance(w, 8) == 0 && event_copy(&again, &ev) == 0)
        event_list_add(&w->queue, &again);
    if (w->chaos && chance(w, 8) == 0)
        event_fini(&ev);
    else
        give(w, &ev);
    return true;
}

void flow_pass(struct flow_world *w, int64_t ms)
{
    int64_t until = w->now + ms;
    struct event ev;

    for (;;) {
        int64_t at = core_next_deadline(w->core);

        if (serve_one(w))
            continue;
        if (at > until)
            break;
        w->now = at > w->now ? at : w->now;
        if (core_due(w->core, w->now, &ev))
            give(w, &ev);
    }
    w->now = until;
}

const char *flow_take(struct flow_world *w)
{
    static char taken[65536];

    snprintf(taken, sizeof taken, "%s", w->text.p ? w->text.p : "");
    buf_reset(&w->text);
    return taken;
}

const char *flow_logs(const struct flow_world *w)
{
    return w->logs.p ? w->logs.p : "";
}
