#include "switchboard_world.h"

#include "base/json.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int world_open(struct world *w, const struct switchboard_faults *faults)
{
    struct switchboard_config cfg = {.root = "http://127.0.0.1:8090",
                                     .app_id = "2891555a-92ff-42e6-80fa-6e1300c6b5c6",
                                     .webhook = "http://127.0.0.1:8080/api/calls",
                                     .tenant = "aa67bd4c-8475-432d-bd41-39f255720e0a",
                                     .seed = 7};

    *w = (struct world){.now = WORLD_START, .bot = 202};
    if (faults)
        cfg.faults = *faults;
    return switchboard_new(&w->s, &cfg, NULL);
}

void world_close(struct world *w)
{
    switchboard_free(w->s);
    buf_fini(&w->said);
    buf_fini(&w->told);
    cJSON_Delete(w->answer);
    w->s = NULL;
}

void world_forget(struct world *w)
{
    buf_reset(&w->said);
    buf_reset(&w->told);
    w->notifications = w->fetches = 0;
}

const char *world_said(const struct world *w)
{
    return w->said.p && w->said.n ? w->said.p : "";
}

const char *world_told(const struct world *w)
{
    return w->told.p && w->told.n ? w->told.p : "";
}

static void note_call(struct world *w, const char *body)
{
    const char *at = body ? strstr(body, "/communications/calls/") : NULL;

    if (at && strstr(body, "\"created\""))
        snprintf(w->call, sizeof w->call, "%.36s", at + 22);
}

/* ".../1500.wav" lasts 1,500 ms, anything else cannot be had. */
static int64_t length_of(const char *url)
{
    const char *name = url ? strrchr(url, '/') : NULL;
    int ms = -1;
    char rest[8] = "";

    return name && sscanf(name, "/%d.%7s", &ms, rest) == 2 && strcmp(rest, "wav") == 0 ? ms : -1;
}

static void take(struct world *w, struct switchboard_action *a)
{
    static const char *const names[] = {"notify", "fetch",  "ring",  "state", "play",
                                        "stop",   "record", "tones", "lost"};

    buf_fmt(&w->said, "%s%s %s %s %lld\n", names[a->kind], a->early ? " early" : "",
            a->url ? a->url : "-",
            a->kind == SWITCH_NOTIFY ? ""
            : a->body                ? a->body
                                     : "-",
            (long long)a->ms);
    switch (a->kind) {
    case SWITCH_NOTIFY:
        w->notifications++;
        buf_fmt(&w->told, "%s\n", a->body ? a->body : "");
        note_call(w, a->body);
        if (!w->deaf)
            switchboard_notified(w->s, a->id, w->bot, "", 0, w->now);
        break;
    case SWITCH_FETCH:
        w->fetches++;
        switchboard_fetched(w->s, a->id, length_of(a->url), w->now);
        break;
    case SWITCH_RING:
        snprintf(w->ring, sizeof w->ring, "%s", a->line);
        break;
    default:
        break;
    }
}

void world_drain(struct world *w)
{
    struct switchboard_action a;

    while (switchboard_next(w->s, &a)) {
        take(w, &a);
        switchboard_action_fini(&a);
    }
}

void world_pass(struct world *w, int64_t ms)
{
    int64_t until = w->now + ms, at;

    world_drain(w);
    while ((at = switchboard_next_deadline(w->s)) <= until) {
        w->now = at > w->now ? at : w->now;
        switchboard_tick(w->s, w->now);
        world_drain(w);
    }
    w->now = until;
}

static void keep_answer(struct world *w, const char *verb, const struct http_message *response)
{
    const char *location = http_header(response, "Location");
    const char *retry = http_header(response, "Retry-After");

    cJSON_Delete(w->answer);
    w->answer = NULL;
    if (response->n)
        json_parse(&w->answer, response->body, response->n, NULL);
    snprintf(w->location, sizeof w->location, "%s", location ? location : "");
    snprintf(w->retry_after, sizeof w->retry_after, "%s", retry ? retry : "");
    if (response->status == 201 && strcmp(verb, "POST") == 0 && json_str(w->answer, "id"))
        snprintf(w->call, sizeof w->call, "%.36s", json_str(w->answer, "id"));
}

int world_request_as(struct world *w, const char *token, const char *verb, const char *path,
                     const char *body)
{
    struct http_message request, response;
    const char *gap = strchr(path, '%');
    char url[1024];
    int status = 0;

    if (gap)
        snprintf(url, sizeof url, "%.*s%s%s", (int)(gap - path), path, w->call, gap + 1);
    else
        snprintf(url, sizeof url, "%s", path);
    if (http_request_init(&request, verb, url))
        return 0;
    if ((token && http_set_header(&request, "Authorization", token)) ||
        (body && http_set_body(&request, "application/json", body, strlen(body))))
        goto out;
    if (switchboard_request(w->s, &request, w->now, &response) == 0) {
        status = response.status;
        keep_answer(w, verb, &response);
        http_fini(&response);
    }
    world_drain(w);
out:
    http_fini(&request);
    return status;
}

int world_request(struct world *w, const char *verb, const char *path, const char *body)
{
    return world_request_as(w, "Bearer x", verb, path, body);
}

void world_call(struct world *w, char line[ID_MAX])
{
    line[0] = '\0';
    switchboard_dial(w->s, "+491701234567", "+14255550199", w->now, line, NULL);
    world_drain(w);
    world_request(w, "POST", "/v1.0/communications/calls/%/answer",
                  "{\"callbackUri\":\"http://127.0.0.1:8080/api/calls/k\",\"mediaConfig\":"
                  "{\"@odata.type\":\"#microsoft.graph.serviceHostedMediaConfig\"},"
                  "\"acceptedModalities\":[\"audio\"]}");
    world_pass(w, 100);
}

void world_join(struct world *w, const char *meeting, const char *options)
{
    char body[1024];

    snprintf(body, sizeof body,
             "{\"@odata.type\":\"#microsoft.graph.call\","
             "\"callbackUri\":\"http://127.0.0.1:8080/api/calls/k\","
             "\"requestedModalities\":[\"audio\"],\"mediaConfig\":"
             "{\"@odata.type\":\"#microsoft.graph.serviceHostedMediaConfig\"},"
             "\"chatInfo\":{\"threadId\":\"%s\",\"messageId\":\"0\"},"
             "\"meetingInfo\":{\"@odata.type\":\"#microsoft.graph.organizerMeetingInfo\","
             "\"organizer\":{\"user\":{\"id\":\"5810cede-f3cc-42eb-b2c1-e9bd5d53ec96\"}}}%s}",
             meeting, options ? options : "");
    world_request(w, "POST", "/beta/communications/calls", body);
    world_pass(w, 100);
}

int world_create(struct world *w, const char *version, const char *targets, const char *more)
{
    char body[2048], path[64];

    snprintf(path, sizeof path, "/%s/communications/calls", version);
    snprintf(body, sizeof body,
             "{\"@odata.type\":\"#microsoft.graph.call\","
             "\"callbackUri\":\"http://127.0.0.1:8080/api/calls/k\",\"targets\":[%s],"
             "\"requestedModalities\":[\"audio\"]," WORLD_SERVICE "%s}",
             targets, more ? more : "");
    return world_request(w, "POST", path, body);
}

int world_count(const char *text, const char *part)
{
    int n = 0;

    while ((text = strstr(text, part))) {
        n++;
        text += strlen(part);
    }
    return n;
}
