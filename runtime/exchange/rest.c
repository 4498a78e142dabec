#include "exchange/rest.h"

#include "base/json.h"
#include "exchange/media.h"
#include "graph/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- answers ------------------------------------------------------------------------------- */

static void set_body(struct rest *r, const char *type, const void *p, size_t n)
{
    if (http_set_body(r->response, type, p, n))
        board_nomem(r->s);
}

static void set_header(struct rest *r, const char *name, const char *value)
{
    if (http_set_header(r->response, name, value) == ERR_NOMEM)
        board_nomem(r->s);
}

void rest_empty(struct rest *r)
{
    r->response->status = (int)r->method->success;
}

void rest_json(struct rest *r, struct buf *b)
{
    r->response->status = (int)r->method->success;
    if (b->err || !b->p)
        board_nomem(r->s);
    else
        set_body(r, "application/json", b->p, b->n);
    buf_fini(b);
}

void rest_error(struct rest *r, int status, const char *code, const char *fmt, ...)
{
    char id[BOARD_GUID], *text;
    struct error e;
    cJSON *body;
    va_list ap;

    va_start(ap, fmt);
    error_vset(&e, 0, fmt, ap);
    va_end(ap);
    board_guid(r->s, id);
    body = graph_error_body(code, e.text, id, r->now);
    text = body ? json_text(body) : NULL;
    cJSON_Delete(body);
    r->response->status = status;
    set_header(r, "request-id", id);
    if (text)
        set_body(r, "application/json", text, strlen(text));
    else
        board_nomem(r->s);
    free(text);
}

void rest_location(struct rest *r, const struct leg *leg, const char *suffix)
{
    struct buf b = {0};
    char *text;

    buf_fmt(&b, "%s/%s/communications/calls/%s%s", r->s->cfg.root, version_name(r->version),
            leg->id, suffix);
    text = board_take(r->s, &b);
    if (text)
        set_header(r, "Location", text);
    free(text);
}

struct operation *rest_operation(struct rest *r, bool done, const char *name, const char *json)
{
    struct operation *op;
    struct buf b = {0};
    char path[64];

    if (r->leg->busy >= BOARD_MAX_OPERATIONS / 2) {
        rest_error(r, 409, "quotaLimitReached", "Too many operations of this call are running.");
        return NULL;
    }
    op = operation_new(r->s, r->leg, r->method->operation, r->args);
    if (!op)
        return NULL;
    if (name)
        operation_extra(r->s, op, name, json);
    if (done)
        operation_done(op);
    operation_text(&b, op);
    snprintf(path, sizeof path, "/operations/%s", op->id);
    rest_location(r, r->leg, path);
    rest_json(r, &b);
    op->early = !done && board_chance(r->s, r->s->cfg.faults.early);
    return op;
}

char *rest_text(struct rest *r, const char *name)
{
    const cJSON *v = json_get(r->args, name);
    char *text = v ? json_text(v) : NULL;

    if (v && !text)
        board_nomem(r->s);
    return text;
}

bool rest_is_http(const char *uri)
{
    return uri && (strncasecmp(uri, "https://", 8) == 0 || strncasecmp(uri, "http://", 7) == 0);
}

/* --- from the request to the handler ------------------------------------------------------- */

static const struct rest_row *row_of(const struct method *m)
{
    static const struct rest_row *const files[] = {rest_call_rows, rest_media_rows,
                                                   rest_people_rows, rest_meeting_rows};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        for (const struct rest_row *row = files[i]; row->method; row++) {
            if (strcmp(row->method, m->name) == 0)
                return row;
        }
    }
    return NULL;
}

/* Does the call fit what the method needs? Answers when not. */
static bool fits(struct rest *r, unsigned needs)
{
    struct leg *leg = r->leg;

    if ((needs & NEEDS_TALK) && !leg_in_conversation(leg))
        rest_error(r, 409, "invalidRequest", "%s: the call is not established.", r->method->name);
    else if ((needs & NEEDS_GROUP) && !leg_is_group(leg))
        rest_error(r, 400, "invalidRequest", "%s: only in group calls and meetings.",
                   r->method->name);
    else if ((needs & NEEDS_MEDIA) && leg->app_media)
        rest_error(r, 400, "invalidRequest",
                   "%s: the call has application-hosted media; only with service-hosted media.",
                   r->method->name);
    else if ((needs & NEEDS_INSIDE) && leg->me->lobby)
        rest_error(r, 403, "accessDenied", "%s: the application waits in the lobby.",
                   r->method->name);
    else
        return true;
    return false;
}

/* Find what the path names. Answers 404 when it is not there. */
static bool find(struct rest *r)
{
    const char *call = json_str(r->ids, "call"), *who = json_str(r->ids, "participant");

    if (call && !(r->leg = leg_find(r->s, call))) {
        rest_error(r, 404, "itemNotFound", "Call not found.");
        return false;
    }
    if (who && !(r->member = r->leg->me ? conference_find(r->leg->me->conference, who) : NULL)) {
        rest_error(r, 404, "itemNotFound", "Participant not found.");
        return false;
    }
    return true;
}

/* Arguments from the body, checked and completed. Answers 400 when they are none. */
static bool arguments(struct rest *r, const struct http_message *request)
{
    bool none = request->n == 0 || strcmp(r->method->verb, "GET") == 0 ||
                strcmp(r->method->verb, "DELETE") == 0;
    struct error e = {{0}};
    int err;

    err = json_parse(&r->args, none ? "{}" : request->body, none ? 2 : request->n, &e);
    if (!err && !cJSON_IsObject(r->args))
        err = error_set(&e, ERR_INVALID, "The body must be a JSON object.");
    if (!err)
        err = method_check_body(r->method, r->version, r->args, &e);
    if (err == ERR_NOMEM)
        board_nomem(r->s);
    else if (err)
        rest_error(r, 400, "invalidRequest", "%s", e.text);
    return err == 0;
}

static void dispatch(struct rest *r, const struct http_message *request, const char *path)
{
    const struct rest_row *row;
    bool other_verb = false;

    r->method = method_route(request->verb, path, r->ids, &other_verb);
    if (!r->method && other_verb) {
        rest_error(r, 405, "notAllowed", "The resource does not have this method.");
    } else if (!r->method) {
        rest_error(r, 404, "itemNotFound", "There is no such resource.");
    } else if (!(r->method->versions & r->version)) {
        rest_error(r, 400, "invalidRequest", "%s: only in %s.", r->method->name,
                   version_name(r->method->versions));
    } else if (!(row = row_of(r->method))) {
        rest_error(r, 501, "notSupported", "%s is not offered here.", r->method->name);
    } else if (find(r) && arguments(r, request) && fits(r, row->needs)) {
        row->handler(r);
    }
}

/* Faults that take the place of an answer. */
static bool refused_on_purpose(struct rest *r)
{
    const struct switchboard_faults *f = &r->s->cfg.faults;
    char seconds[16];

    if (board_chance(r->s, f->throttle)) {
        snprintf(seconds, sizeof seconds, "%.3f", 0.1 + 2 * random_unit(&r->s->random));
        rest_error(r, 429, "TooManyRequests", "Too many requests.");
        set_header(r, "Retry-After", seconds);
        return true;
    }
    if (board_chance(r->s, f->fail)) {
        rest_error(r, 500, "UnknownError", "Something went wrong, on purpose.");
        return true;
    }
    return false;
}

/* GET /recordings/<id> with the recording's own token. */
static void download(struct rest *r, const struct http_message *request, const char *path)
{
    const char *given = http_header(request, "Authorization");
    char id[BOARD_GUID];
    struct recording *found;

    snprintf(id, sizeof id, "%.*s", (int)strcspn(path, "?#"), path);
    found = strcspn(path, "?#") < sizeof id ? map_get(&r->s->recordings, id) : NULL;
    if (strcmp(request->verb, "GET") != 0) {
        rest_error(r, 405, "notAllowed", "A recording can only be read.");
    } else if (!found) {
        rest_error(r, 404, "itemNotFound", "There is no such recording, or no longer.");
    } else if (!given || strncasecmp(given, "Bearer ", 7) != 0 ||
               strcmp(given + 7, found->token) != 0) {
        rest_error(r, 401, "unauthenticated", "The recording's own token is required.");
    } else {
        r->response->status = 200;
        set_body(r, "application/octet-stream", found->wav, found->n);
    }
}

static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://");

    if (host && host < url + strcspn(url, "/?#") + 1) {
        url = host + 3;
        url += strcspn(url, "/?#");
    }
    return *url == '/' ? url : "/";
}

static void handle(struct rest *r, const struct http_message *request)
{
    const char *path = path_of(request->url);
    char version[8];
    size_t n = strcspn(path + 1, "/?#");

    snprintf(version, sizeof version, "%.*s", (int)n, path + 1);
    if (strncmp(path, "/recordings/", 12) == 0) {
        download(r, request, path + 12);
        return;
    }
    r->version = n < sizeof version ? version_parse(version) : 0;
    if (!r->version)
        rest_error(r, 404, "itemNotFound", "Paths begin with /v1.0 or /beta.");
    else if (!http_header(request, "Authorization") || !*http_header(request, "Authorization"))
        rest_error(r, 401, "unauthenticated", "A bearer token is required.");
    else if (!refused_on_purpose(r))
        dispatch(r, request, path + 1 + n);
}

int switchboard_request(struct switchboard *s, const struct http_message *request, int64_t now,
                        struct http_message *response)
{
    struct rest r = {.s = s, .now = now, .response = response, .ids = cJSON_CreateObject()};
    int err;

    *response = (struct http_message){0};
    if (!r.ids)
        board_nomem(s);
    else
        handle(&r, request);
    cJSON_Delete(r.ids);
    cJSON_Delete(r.args);
    err = board_leave(s, 0);
    if (err)
        http_fini(response);
    return err;
}
