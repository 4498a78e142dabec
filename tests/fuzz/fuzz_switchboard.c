/*
 * A switchboard driven by bytes: each step takes one as its kind and the next as what it is done
 * with; requests take the rest of a line as path and body. Nothing may crash, leak, or stay for
 * ever: when the input is used up and an hour and a half have passed, no call is left.
 */
#include "exchange/switchboard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

struct input {
    const unsigned char *p;
    size_t n;
};

struct state {
    struct switchboard *s;
    int64_t now;
    char call[ID_MAX], line[ID_MAX];
};

static unsigned take(struct input *in)
{
    if (!in->n)
        return 0;
    in->n--;
    return *in->p++;
}

static void drain(struct state *t, unsigned how)
{
    struct switchboard_action a;

    while (switchboard_next(t->s, &a)) {
        const char *at = a.body ? strstr(a.body, "/communications/calls/") : NULL;

        if (a.kind == SWITCH_NOTIFY && at && strlen(at) > 58)
            snprintf(t->call, sizeof t->call, "%.36s", at + 22);
        if (a.kind == SWITCH_NOTIFY && how % 4)
            switchboard_notified(t->s, a.id, how % 4 == 1 ? 0 : 200,
                                 "{\"@odata.type\":\"#microsoft.graph.acceptJoinResponse\"}", 55,
                                 t->now);
        if (a.kind == SWITCH_FETCH)
            switchboard_fetched(t->s, a.id, how % 3 ? how * 10 : -1, t->now);
        if (a.kind == SWITCH_RING || a.kind == SWITCH_STATE)
            snprintf(t->line, sizeof t->line, "%s", a.line);
        switchboard_action_fini(&a);
    }
}

/* "%" in a path stands for the last call, "~" in a body for its id too. */
static void request(struct state *t, struct input *in)
{
    static const char *const verbs[] = {"GET", "POST", "DELETE", "PATCH"};
    const char *verb = verbs[take(in) % 4];
    struct http_message q, r;
    char url[1024] = "/beta/communications/calls", body[4096];
    size_t at = strlen(url), n = 0;

    while (in->n && *in->p != ' ' && at < 900) {
        unsigned c = take(in);

        if (c == '%')
            at += (size_t)snprintf(url + at, sizeof url - at, "/%s", t->call);
        else if (c)
            url[at++] = (char)c;
    }
    url[at] = '\0';
    take(in);
    while (in->n && *in->p != '\n' && n < 4000) {
        unsigned c = take(in);

        if (c == '~')
            n += (size_t)snprintf(body + n, sizeof body - n, "%s", t->call);
        else
            body[n++] = (char)c;
    }
    if (http_request_init(&q, verb, url))
        return;
    http_set_header(&q, "Authorization", "Bearer x");
    if (n)
        http_set_body(&q, "application/json", body, n);
    if (switchboard_request(t->s, &q, t->now, &r) == 0) {
        if (r.status < 200 || r.status > 503)
            abort();
        http_fini(&r);
    }
    http_fini(&q);
}

static void pass(struct state *t, int64_t ms, unsigned how)
{
    int64_t until = t->now + ms, at;

    drain(t, how);
    for (int i = 0; i < 20000 && (at = switchboard_next_deadline(t->s)) <= until; i++) {
        t->now = at > t->now ? at : t->now;
        switchboard_tick(t->s, t->now);
        drain(t, how);
    }
    t->now = until;
}

static void step(struct state *t, struct input *in)
{
    static const char *const who[] = {"+1", "+2", "anna", "guest:Eve"};
    unsigned kind = take(in), with = take(in);
    static const int16_t samples[800] = {1};

    switch (kind % 14) {
    case 0:
        switchboard_dial(t->s, who[with % 4], who[with / 4 % 4], t->now, t->line, NULL);
        break;
    case 1:
        switchboard_register(t->s, who[with % 4], (int)(with / 4) - 10);
        break;
    case 2:
        switchboard_pick_up(t->s, t->line, t->now);
        break;
    case 3:
        switchboard_refuse(t->s, t->line, 400 + (int)with, t->now);
        break;
    case 4:
        switchboard_press(t->s, t->line, (char)with, t->now);
        break;
    case 5:
        switchboard_speak(t->s, t->line, samples, with * 3, t->now);
        break;
    case 6:
        switchboard_hang_up(t->s, t->line, t->now);
        break;
    case 7:
        switchboard_join(t->s, who[with % 4], with & 64 ? "19:a@thread.v2" : "123", t->now, t->line,
                         NULL);
        break;
    case 8:
        switchboard_observe(t->s, t->line, t->now);
        break;
    case 9:
        switchboard_share(t->s, t->line, with & 1, t->now);
        break;
    case 10:
        pass(t, with * 50, with);
        break;
    case 11:
        switchboard_unregister(t->s, who[with % 4]);
        break;
    default:
        request(t, in);
        drain(t, with);
        break;
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct switchboard_config cfg = {
        .root = "http://x", .app_id = "bot", .webhook = "http://bot/", .tenant = "t", .seed = 1};
    struct input in = {data, n};
    struct state t = {.now = 1000000};
    unsigned faults = take(&in);

    cfg.faults = (struct switchboard_faults){.drop = faults & 1 ? 0.3 : 0,
                                             .repeat = faults & 2 ? 0.3 : 0,
                                             .reorder = faults & 4 ? 0.3 : 0,
                                             .delay = faults & 8 ? 0.3 : 0,
                                             .delay_ms = 500,
                                             .early = faults & 16 ? 0.5 : 0};
    if (switchboard_new(&t.s, &cfg, NULL))
        return 0;
    while (in.n)
        step(&t, &in);
    pass(&t, 90 * 60 * 1000, 2);
    if (switchboard_calls(t.s) > 0 && switchboard_next_deadline(t.s) == INT64_MAX)
        abort(); /* a call that nothing will ever end */
    switchboard_free(t.s);
    return 0;
}
