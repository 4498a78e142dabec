/* What phones ask for: the requests below /phone/v1/. */
#include "base/json.h"
#include "core/bundle.h"
#include "exchange/phone_line.h"
#include "exchange/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- what phones ask for --------------------------------------------------------------------- */

struct asking {
    struct phones *p;
    struct http_call *call;
    const struct http_message *request;
    struct phone_line *line; /* NULL for what concerns none */
    cJSON *body;             /* NULL for a body that is no JSON object */
    int64_t now;
};

static void refuse(struct asking *a, int status, const char *message)
{
    reply_error(a->call, status, reply_code(status), message, a->now);
}

/* Answer with the outcome of what the switchboard was asked to do. */
static void outcome(struct asking *a, int err, const char *message)
{
    if (!err)
        reply_empty(a->call, 204);
    else if (err == ERR_NOTFOUND)
        refuse(a, 404, "The line is gone.");
    else if (err == ERR_CONFLICT)
        refuse(a, 409, "Not possible in the state that the line is in.");
    else if (err == ERR_LIMIT)
        refuse(a, 429, "That is too much at once.");
    else
        refuse(a, err == ERR_NOMEM ? 500 : 400, message);
}

static void reply_line(struct asking *a, const struct phone_line *l)
{
    cJSON *body = cJSON_CreateObject();

    if (body && json_set_str(body, "line", l->id)) {
        cJSON_Delete(body);
        body = NULL;
    }
    reply_json(a->call, 201, body);
}

static void place_call(struct asking *a)
{
    const char *from = json_str(a->body, "from"), *to = json_str(a->body, "to"),
               *meeting = json_str(a->body, "meeting");
    struct phone_line *l;
    char id[ID_MAX];
    struct error e = {""};
    int err;

    if (!from || !*from || !to == !meeting) {
        refuse(a, 400, "The body must have from, and to or meeting.");
        return;
    }
    err = to ? switchboard_dial(a->p->board, from, to, a->now, id, &e)
             : switchboard_join(a->p->board, from, meeting, a->now, id, &e);
    if (err) {
        outcome(a, err, e.text[0] ? e.text : "The addresses are malformed.");
        return;
    }
    l = phone_line_new(a->p, id, from, "ringing", a->now);
    if (!l) {
        switchboard_hang_up(a->p->board, id, a->now);
        refuse(a, 500, "There is no room for another line.");
        return;
    }
    reply_line(a, l);
}

static void register_phone(struct asking *a)
{
    const char *address = json_str(a->body, "address");
    const cJSON *answer = json_get(a->body, "auto_answer");
    struct phone_line *l;
    int64_t ms = -1;
    int err;

    if (!address || (answer && !cJSON_IsNumber(answer))) {
        refuse(a, 400, "The body must have address, and auto_answer as a number or not at all.");
        return;
    }
    if (answer && answer->valuedouble >= 0 && answer->valuedouble <= 3600)
        ms = (int64_t)(answer->valuedouble * 1000);
    err = switchboard_register(a->p->board, address, ms);
    if (err) {
        outcome(a, err, "The address is malformed.");
        return;
    }
    l = phone_line_registered(a->p, address);
    if (!l) {
        l = phone_line_new(a->p, NULL, address, "registered", a->now);
        if (!l) {
            switchboard_unregister(a->p->board, address);
            refuse(a, 500, "There is no room for another line.");
            return;
        }
        l->registered = true;
    }
    l->asked = a->now;
    reply_line(a, l);
}

static void list_lines(struct asking *a)
{
    cJSON *all = cJSON_CreateArray();
    struct list *it, *tmp;
    bool bad = !all;

    list_each (it, tmp, &a->p->order) {
        const struct phone_line *l = list_entry(it, struct phone_line, link);
        cJSON *one = bad ? NULL : cJSON_CreateObject();

        bad = bad || !one || json_set_str(one, "line", l->id) ||
              json_set_str(one, "address", l->address) || json_set_str(one, "state", l->state) ||
              !cJSON_AddItemToArray(all, one);
        if (bad)
            cJSON_Delete(one);
    }
    if (bad) {
        cJSON_Delete(all);
        all = NULL;
    }
    reply_json(a->call, 200, all);
}

static void poll_events(struct asking *a)
{
    char text[24] = "0", *end;
    unsigned long long after;

    if (strstr(a->request->url, "after=") &&
        !http_query(a->request->url, "after", text, sizeof text))
        text[0] = '\0';
    after = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end)
        refuse(a, 400, "after must be a number.");
    else
        phone_line_poll(a->line, a->call, after, a->now);
}

static void press(struct asking *a)
{
    const char *keys = json_str(a->body, "keys");
    int err = 0;

    if (!keys || !*keys || strlen(keys) > 64 || keys[strspn(keys, "0123456789*#ABCDabcd")]) {
        refuse(a, 400, "keys must be up to 64 of 0-9 * # A-D.");
        return;
    }
    for (; *keys && !err; keys++)
        err = switchboard_press(a->p->board, a->line->id,
                                (char)(*keys >= 'a' ? *keys - 'a' + 'A' : *keys), a->now);
    outcome(a, err, "A key is none.");
}

static void hang_up(struct asking *a)
{
    if (a->line->registered && !a->line->ended) {
        phone_line_unregister(a->p, a->line, a->now);
        reply_empty(a->call, 204);
        return;
    }
    outcome(a, switchboard_hang_up(a->p->board, a->line->id, a->now), "");
}

static void pick_up(struct asking *a)
{
    outcome(a, switchboard_pick_up(a->p->board, a->line->id, a->now), "");
}

static void refuse_call(struct asking *a)
{
    int code = (int)json_int(a->body, "code", 486);

    if (code != 480 && code != 486 && code != 603)
        refuse(a, 400, "code must be 480, 486 or 603.");
    else
        outcome(a, switchboard_refuse(a->p->board, a->line->id, code, a->now), "");
}

static void share(struct asking *a)
{
    outcome(a, switchboard_share(a->p->board, a->line->id, json_bool(a->body, "on", true), a->now),
            "");
}

static void speak(struct asking *a)
{
    struct error e = {""};
    int64_t ms;
    size_t at, n;
    int16_t *samples;

    if (wav_check(a->request->body ? a->request->body : "", a->request->n, &ms, &at, &n, &e)) {
        refuse(a, 400, e.text);
        return;
    }
    samples = malloc(n + 1); /* a copy: in the body they may be misaligned */
    if (!samples) {
        refuse(a, 500, "Out of memory.");
        return;
    }
    memcpy(samples, a->request->body + at, n);
    outcome(a, switchboard_speak(a->p->board, a->line->id, samples, n / sizeof *samples, a->now),
            "");
    free(samples);
}

/* --- routes ---------------------------------------------------------------------------------- */

struct route {
    const char *verb, *path; /* below /phone/v1/lines/<line>/, or "calls", "lines" */
    void (*handler)(struct asking *a);
    enum { NO_BODY, JSON_BODY, MAYBE_BODY } body;
    bool of_line;
};

static const struct route routes[] = {
    {"POST", "calls", place_call, JSON_BODY, false},
    {"POST", "lines", register_phone, JSON_BODY, false},
    {"GET", "lines", list_lines, NO_BODY, false},
    {"GET", "events", poll_events, NO_BODY, true},
    {"POST", "keys", press, JSON_BODY, true},
    {"POST", "hangup", hang_up, NO_BODY, true},
    {"POST", "pickup", pick_up, NO_BODY, true},
    {"POST", "refuse", refuse_call, MAYBE_BODY, true},
    {"POST", "share", share, MAYBE_BODY, true},
    {"POST", "speak", speak, NO_BODY, true},
};

/* The route of `path`; sets `line` (an id, may be empty). `other`: the path exists, the verb does
 * not. */
static const struct route *find_route(const char *verb, const char *path, char line[ID_MAX],
                                      bool *other)
{
    const char *rest = path, *slash;
    bool of_line = false;
    size_t n;

    line[0] = '\0';
    *other = false;
    if (strncmp(path, "lines/", 6) == 0) {
        rest = path + 6;
        slash = memchr(rest, '/', strcspn(rest, "?#"));
        if (!slash || slash - rest >= ID_MAX)
            return NULL;
        memcpy(line, rest, (size_t)(slash - rest));
        line[slash - rest] = '\0';
        rest = slash + 1;
        of_line = true;
    }
    n = strcspn(rest, "?#");
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const struct route *r = &routes[i];

        if (r->of_line != of_line || strlen(r->path) != n || strncmp(r->path, rest, n) != 0)
            continue;
        if (strcmp(r->verb, verb) == 0)
            return r;
        *other = true;
    }
    return NULL;
}

/* The body as the route wants it; answers when it is not so. */
static bool read_body(struct asking *a, const struct route *r)
{
    const char *type = http_header(a->request, "Content-Type");
    struct error e = {""};

    if (r->body == NO_BODY || (r->body == MAYBE_BODY && a->request->n == 0))
        return true;
    if (!type || strncasecmp(type, "application/json", 16) != 0) {
        refuse(a, 415, "The body must be application/json.");
        return false;
    }
    if (json_parse(&a->body, a->request->body ? a->request->body : "", a->request->n, &e)) {
        refuse(a, 400, e.text);
        return false;
    }
    if (!cJSON_IsObject(a->body)) {
        refuse(a, 400, "The body must be an object.");
        return false;
    }
    return true;
}

void phones_request(struct phones *p, struct http_call *call, const struct http_message *request,
                    int64_t now)
{
    struct asking a = {.p = p, .call = call, .request = request, .now = now};
    const char *path = request->url + strlen("/phone/v1/");
    char line[ID_MAX];
    bool other;
    const struct route *r = find_route(request->verb, path, line, &other);

    if (!p->anywhere && !http_call_is_local(call)) {
        refuse(&a, 403, "Phones must be on this machine.");
    } else if (!r) {
        refuse(&a, other ? 405 : 404, other ? "Not with this verb." : "There is no such resource.");
    } else if (r->of_line && !(a.line = phone_line_find(p, line))) {
        refuse(&a, 404, "There is no such line.");
    } else if (read_body(&a, r)) {
        if (a.line) {
            a.line->asked = now;
            a.line->left = 0;
        }
        r->handler(&a);
    }
    cJSON_Delete(a.body);
}
