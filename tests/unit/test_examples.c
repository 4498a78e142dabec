/*
 * Every HTTP example of the documentation (tests/examples): each request that a bot sends is made
 * from its arguments and must come out as printed; each answer must have the status of the method
 * table; each notification must become the events listed in expected-events.txt.
 */
#include "test.h"

#include "base/buf.h"
#include "base/json.h"
#include "graph/notify.h"
#include "graph/request.h"
#include "tests/unit/examples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much there is. Fewer would mean that the test has stopped looking. */
#define ANSWERS       95
#define NOTIFICATIONS 98

/* --- requests */

static void compare(const char *name, const struct http_message *m, const char *verb,
                    const char *url, const cJSON *body)
{
    cJSON *got = NULL;

    test_expect_str(m->verb, verb, name, __FILE__, __LINE__);
    test_expect_str(m->url, url, name, __FILE__, __LINE__);
    if (m->body)
        EXPECT_INT(json_parse(&got, m->body, m->n, NULL), 0);
    test_expect((!got && !body) || json_equal(got, body), __FILE__, __LINE__, "%s: body %s", name,
                m->body ? m->body : "none");
    cJSON_Delete(got);
}

/* From arguments to the request as a flow's call would go. */
static void reproduce(const struct example_request *r)
{
    const char *name = r->name, *path = r->url + strlen(EXAMPLES_ROOT "/");
    struct command c = {.kind = COMMAND_METHOD, .ids = cJSON_CreateObject()};
    struct request_context x = {.root = EXAMPLES_ROOT,
                                .version = examples_version(r->url),
                                .callback_uri = "https://ours.example.com/api/calls/k"};
    struct http_message m = {0};
    struct error e = {""};
    bool other;
    const struct method *method = method_route(r->verb, path + strcspn(path, "/"), c.ids, &other);
    bool ok = test_expect(method != NULL, __FILE__, __LINE__, "%s: no method of %s", name, r->url);

    if (ok) {
        c.method = method->name;
        c.args = r->body ? json_copy(r->body) : NULL;
        x.call_id = json_str(c.ids, "call");
        /* as the service would judge it, before we complete anything */
        test_expect(!r->body || method_check_body(method, x.version, c.args, &e) == 0, __FILE__,
                    __LINE__, "%s: %s", name, e.text);
        ok = test_expect(!r->body || method_check(method, x.version, c.args, &e) == 0, __FILE__,
                         __LINE__, "%s: %s", name, e.text) &&
             test_expect(request_encode(&c, &x, &m, &e) == 0, __FILE__, __LINE__, "%s: %s", name,
                         e.text);
    }
    if (ok)
        compare(name, &m, r->verb, r->url, r->body);
    http_fini(&m);
    cJSON_Delete(c.ids);
    cJSON_Delete(c.args);
}

static void reproduce_download(const struct example_request *r)
{
    struct command c = {
        .kind = COMMAND_METHOD, .method = "recording.download", .ids = cJSON_CreateObject()};
    struct request_context x = {.root = EXAMPLES_ROOT, .version = VERSION_V1};
    struct http_message m = {0};
    struct error e = {""};

    json_set_str(c.ids, "url", r->url);
    json_set_str(c.ids, "token", "<recordingAccessToken>");
    if (test_expect(request_encode(&c, &x, &m, &e) == 0, __FILE__, __LINE__, "%s: %s", r->name,
                    e.text)) {
        compare(r->name, &m, r->verb, r->url, NULL);
        EXPECT_STR(http_header(&m, "Authorization"), json_str(r->headers, "Authorization"));
    }
    http_fini(&m);
    cJSON_Delete(c.ids);
}

static void visit_request(const struct example_request *r, void *arg)
{
    if (strncmp(r->url, EXAMPLES_ROOT, strlen(EXAMPLES_ROOT)) == 0)
        reproduce(r);
    else
        reproduce_download(r);
    ++*(int *)arg;
}

static void requests_come_out_as_printed(void)
{
    int n = 0;

    examples_each_request(visit_request, &n);
    EXPECT_INT(n, EXAMPLES_REQUESTS);
}

/* --- answers */

static void visit_answer(const char *name, const cJSON *example, void *arg)
{
    const cJSON *request = json_get(example, "request"), *response = json_get(example, "response");
    const cJSON *body = json_get(response, "body");
    const char *location = json_str(json_get(response, "headers"), "Location");
    const struct method *m;
    struct http_message r = {.status = (int)json_int(response, "status", 0)};
    struct event ev;
    char url[600], *text;
    int *n = arg;

    if (!request || !response || strncmp(name, "concept.", 8) == 0 ||
        strstr(name, "retrieving-the-recording-file"))
        return;
    examples_url(url, request, json_str(example, "api_version"));
    m = method_route(json_str(request, "method"), strstr(url, "/communications/"), NULL, NULL);
    if (!EXPECT(m != NULL))
        return;
    test_expect_int(r.status, m->success, name, __FILE__, __LINE__);
    if (location)
        http_set_header(&r, "Location", location);
    if (body) {
        text = json_text(body);
        http_set_body(&r, NULL, text, strlen(text));
        free(text);
    }
    EXPECT_INT(request_answer(&(struct command){.method = m->name}, &r, &ev), 0);
    if (m->completes == COMPLETES_OPERATION) {
        const char *status = json_str(ev.data, "status");

        test_expect(strlen(ev.id) == 32, __FILE__, __LINE__, "%s: operation %s", name, ev.id);
        test_expect(status && (strcmp(status, "running") == 0 || strcmp(status, "completed") == 0),
                    __FILE__, __LINE__, "%s: status %s", name, status);
    }
    if (strcmp(m->name, "create") == 0)
        test_expect(strlen(ev.call_id) == 32, __FILE__, __LINE__, "%s: call %s", name, ev.call_id);
    event_fini(&ev);
    http_fini(&r);
    ++*n;
}

static void answers_are_understood(void)
{
    int n = 0;

    examples_each(visit_answer, &n);
    EXPECT_INT(n, ANSWERS);
}

/* --- notifications */

static void put(struct buf *b, const cJSON *data, const char *name)
{
    const cJSON *v = json_get(data, name);

    if (cJSON_IsString(v))
        buf_fmt(b, " %s=%s", name, v->valuestring);
    else if (cJSON_IsNumber(v))
        buf_fmt(b, " %s=%g", name, v->valuedouble);
    else if (cJSON_IsBool(v))
        buf_fmt(b, " %s=%s", name, cJSON_IsTrue(v) ? "true" : "false");
}

/* One line: what it is, then what a flow would look at. */
static void put_event(struct buf *b, const struct event *ev)
{
    static const char *const of_object[] = {
        "state",           "status",           "completionReason", "tone",
        "sequenceId",      "direction",        "clientContext",    "terminationReason",
        "replacesContext", "recordingLocation"};
    const cJSON *item, *result = json_get(ev->data, "resultInfo");

    buf_fmt(b, "    %s %s call=%s id=%s", event_kind_name(ev->kind), change_name(ev->change),
            ev->call_id, ev->id[0] ? ev->id : "-");
    for (size_t i = 0; i < sizeof of_object / sizeof *of_object; i++)
        put(b, ev->data, of_object[i]);
    put(b, result, "code");
    put(b, result, "subcode");
    if (cJSON_IsArray(ev->data))
        buf_fmt(b, " items=%d", cJSON_GetArraySize(ev->data));
    cJSON_ArrayForEach (item, ev->data) {
        if (!cJSON_IsArray(ev->data))
            break;
        buf_str(b, " [");
        put(b, item, "id");
        put(b, item, "isMuted");
        buf_str(b, " ]");
    }
    buf_char(b, '\n');
}

struct outcome {
    struct buf text;
    int n;
};

static void visit_notifications(const char *name, const cJSON *example, void *arg)
{
    struct outcome *o = arg;
    const cJSON *one;

    cJSON_ArrayForEach (one, json_get(example, "notifications")) {
        char *body = json_text(json_get(one, "body"));
        struct event_list events = {0};
        struct error e = {""};
        int err = notify_decode(body, strlen(body), &events, &e);

        test_expect(err == 0, __FILE__, __LINE__, "%s: %s", name, e.text);
        buf_fmt(&o->text, "%s %s\n", name, json_str(one, "name"));
        for (size_t i = 0; i < events.n; i++)
            put_event(&o->text, &events.items[i]);
        event_list_fini(&events);
        free(body);
        o->n++;
    }
}

static size_t line_end(const char *text)
{
    return strcspn(text, "\n");
}

static void notifications_become_events(void)
{
    struct outcome o = {0};
    char *expected = test_read_file(EXAMPLES_DIR "/expected-events.txt", NULL);
    const char *got, *want = expected;

    examples_each(visit_notifications, &o);
    EXPECT_INT(o.n, NOTIFICATIONS);
    got = o.text.p;
    for (int line = 1; got && (*got || *want); line++) {
        size_t g = line_end(got), w = line_end(want);

        if (!test_expect(g == w && memcmp(got, want, g) == 0, __FILE__, __LINE__,
                         "line %d of expected-events.txt: got \"%.*s\", expected \"%.*s\"", line,
                         (int)g, got, (int)w, want))
            break;
        got += g + (got[g] == '\n');
        want += w + (want[w] == '\n');
    }
    if (getenv("PRINT_EVENTS"))
        fputs(o.text.p, stderr);
    buf_fini(&o.text);
    free(expected);
}

const struct test examples_tests[] = {TEST(requests_come_out_as_printed),
                                      TEST(answers_are_understood),
                                      TEST(notifications_become_events),
                                      {0}};
