/* Our tokens, and a flow's own requests, which carry none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "test.h"
#include "wire_peer.h"

static void open_with_call(struct peer *p)
{
    peer_init(p);
    p->tokens = false;
    peer_open(p);
    peer_offer(p);
}

static void one_request_for_all_that_wait(void)
{
    static struct peer p;
    uint64_t id = 0;

    open_with_call(&p);
    for (unsigned i = 1; i <= 5; i++)
        peer_method(&p, "mute", i, NULL, "{}");
    EXPECT_INT(peer_count(&p, WIRE_SEND), 1);
    EXPECT_IN(peer_request(&p, &id)->url, "/token");
    peer_answer(&p, id, 200, "{\"access_token\":\"x\"}", NULL);
    EXPECT_INT(peer_count(&p, WIRE_SEND), 5);
    for (unsigned i = 1; i <= 5; i++) {
        peer_serve(&p, "POST", "/mute", 200, "{}");
        EXPECT_INT(peer_event(&p)->seq, i); /* in the order they were asked */
    }
    peer_close(&p);
}

static void renews_early_and_behind(void)
{
    static struct peer p;
    const struct http_message *m;
    uint64_t id = 0;

    open_with_call(&p);
    p.cfg.keepalive_ms = 1;
    peer_method(&p, "mute", 1, NULL, "{}");
    peer_request(&p, &id);
    peer_answer(&p, id, 200, "{\"access_token\":\"one\",\"expires_in\":1000}", NULL);
    peer_serve(&p, "POST", "/mute", 200, "{}");
    peer_wait(&p, 749 * 1000); /* three quarters of a short life */
    peer_method(&p, "mute", 2, NULL, "{}");
    peer_serve(&p, "POST", "/mute", 200, "{}");
    EXPECT(!peer_request(&p, NULL));
    peer_wait(&p, 1000);
    peer_method(&p, "mute", 3, NULL, "{}");
    m = peer_request(&p, &id);
    EXPECT_IN(m->url, "/token");
    m = peer_request(&p, NULL); /* does not wait for the new one */
    EXPECT_STR(http_header(m, "Authorization"), "Bearer one");
    peer_answer(&p, id, 500, NULL, NULL);
    peer_wait(&p, 1000);
    peer_request(&p, &id);
    peer_answer(&p, id, 200, "{\"access_token\":\"two\",\"expires_in\":\"3600\"}", NULL);
    peer_method(&p, "mute", 4, NULL, "{}");
    m = peer_request(&p, NULL);
    EXPECT_STR(http_header(m, "Authorization"), "Bearer two");
    peer_wait(&p, 299 * 1000);
    while (peer_request(&p, NULL))
        ;
    peer_wait(&p, 3000 * 1000); /* 5 min before the end of a longer one */
    while ((m = peer_request(&p, NULL)))
        EXPECT(strstr(m->url, "/token") || strstr(m->url, "/keepAlive"));
    peer_close(&p);
}

static void tries_three_times(void)
{
    static struct peer p;
    const struct event *ev;
    uint64_t id = 0;

    open_with_call(&p);
    peer_method(&p, "mute", 1, NULL, "{}");
    for (int i = 0; i < 3; i++) {
        if (!EXPECT(peer_request(&p, &id)))
            return;
        peer_answer(&p, id, i ? 503 : 0, "down", NULL);
        EXPECT(!peer_request(&p, NULL));
        peer_wait(&p, 1000);
    }
    EXPECT(!peer_request(&p, NULL));
    ev = peer_event(&p);
    EXPECT_INT(ev->status, 0);
    EXPECT_STR(json_str(json_get(ev->data, "error"), "code"), "noToken");
    EXPECT(peer_logged(&p, "no token for tenant"));
    peer_close(&p);
}

static void believes_a_refusal(void)
{
    static struct peer p;
    const struct event *ev;

    open_with_call(&p);
    peer_method(&p, "mute", 1, NULL, "{}");
    peer_serve(&p, "POST", "/token", 401,
               "{\"error\":\"invalid_client\",\"error_description\":\"secret is wrong\"}");
    ev = peer_event(&p);
    EXPECT_IN(json_str(json_get(ev->data, "error"), "message"), "secret is wrong");
    peer_wait(&p, 5000);
    EXPECT(!peer_request(&p, NULL));
    peer_close(&p);
}

static void refuses_answers_that_hold_no_token(void)
{
    static const char *const bad[] = {
        "",
        "nonsense",
        "[]",
        "{}",
        "{\"access_token\":\"\"}",
        "{\"access_token\":7}",
        "{\"access_token\":\"a\\r\\nX-Evil: 1\"}",
        "{\"access_token\":\"x\",\"token_type\":\"mac\"}",
    };
    static struct peer p;
    uint64_t id;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const struct event *ev;

        open_with_call(&p);
        peer_method(&p, "mute", 1, NULL, "{}");
        while (peer_request(&p, &id)) {
            peer_answer(&p, id, 200, bad[i], NULL);
            peer_wait(&p, 1000);
        }
        ev = peer_event(&p);
        EXPECT_STR(ev ? json_str(json_get(ev->data, "error"), "code") : NULL, "noToken");
        peer_close(&p);
    }
}

static void forgets_tenants_rather_than_growing(void)
{
    static struct peer p;
    char id[32], data[96];

    peer_init(&p);
    peer_open(&p);
    for (int i = 0; i < 1100; i++) {
        snprintf(id, sizeof id, "call-%d", i);
        snprintf(data, sizeof data, "{\"state\":\"incoming\",\"tenantId\":\"tenant-%d\"}", i);
        EXPECT_INT(peer_notify(&p, "", "created", id, data), 202);
        strcpy(p.key, peer_event(&p)->key);
        peer_method(&p, "mute", 1, NULL, "{}");
        peer_serve(&p, "POST", "/mute", 200, "{}");
        EXPECT_INT(peer_event(&p)->status, 200);
        peer_command(&p, COMMAND_END, 2, NULL, NULL);
    }
    EXPECT_INT(p.tokens_given, 1100);
    /* A name that is no tenant's stays out of addresses. */
    EXPECT_INT(peer_notify(&p, "", "created", "call-x",
                           "{\"state\":\"incoming\",\"tenantId\":\"../evil\"}"),
               202);
    EXPECT_STR(json_str(peer_event(&p)->data, "tenant"), "home");
    peer_close(&p);
}

/* --- a flow's own requests
 * ------------------------------------------------------------------------ */

static const char *http_error(struct peer *p, const char *args)
{
    static char message[256];
    const struct event *ev;

    peer_command(p, COMMAND_HTTP, 9, NULL, args);
    EXPECT(!peer_request(p, NULL));
    ev = peer_event(p);
    snprintf(message, sizeof message, "%s",
             ev ? json_str(json_get(ev->data, "error"), "message") : "(no event)");
    return message;
}

static void carries_a_flows_request(void)
{
    static struct peer p;
    struct http_message answer = {.status = 500, .body = "caf\xC3\xA9", .n = 5};
    const struct wire_action *a;
    const struct event *ev;
    uint64_t id;

    open_with_call(&p);
    peer_command(&p, COMMAND_HTTP, 1, NULL,
                 "{\"method\":\"post\",\"url\":\"https://crm.example/x?y=1\",\"headers\":{"
                 "\"X-A\":\"b\",\"X-N\":7},\"body\":\"hello\",\"timeout\":2.5}");
    a = peer_next(&p, WIRE_SEND);
    EXPECT_STR(a->message.verb, "POST");
    EXPECT_STR(a->message.url, "https://crm.example/x?y=1");
    EXPECT_STR(a->message.body, "hello");
    EXPECT_STR(http_header(&a->message, "X-A"), "b");
    EXPECT_STR(http_header(&a->message, "X-N"), "7");
    EXPECT(!http_header(&a->message, "Authorization"));
    EXPECT_INT(a->deadline, p.now + 2500);
    id = a->id;
    http_set_header(&answer, "X-Reply", "yes");
    wire_response(p.w, id, &answer, p.now);
    answer.body = NULL; /* not its own */
    http_fini(&answer);
    ev = peer_event(&p); /* not tried again: the flow knows what a repetition does */
    EXPECT_INT(ev->kind, EVENT_ANSWER);
    EXPECT_INT(ev->status, 500);
    EXPECT_INT(json_int(ev->data, "status", 0), 500);
    EXPECT_STR(json_str(ev->data, "body"), "caf\xC3\xA9");
    EXPECT_STR(json_str(json_get(ev->data, "headers"), "x-reply"), "yes");
    peer_wait(&p, 10000);
    EXPECT(!peer_request(&p, NULL));

    peer_command(&p, COMMAND_HTTP, 2, NULL, "{\"url\":\"http://x/\",\"timeout\":0}");
    a = peer_next(&p, WIRE_SEND);
    EXPECT_STR(a->message.verb, "GET");
    EXPECT_INT(a->deadline, p.now + 1);
    peer_wait(&p, 1);
    ev = peer_event(&p);
    EXPECT_STR(json_str(json_get(ev->data, "error"), "code"), "timeout");
    peer_close(&p);
}

static void refuses_an_answer_that_is_too_long(void)
{
    static struct peer p;
    struct http_message answer = {.status = 200, .n = (1 << 20) + 1};
    const struct event *ev;
    uint64_t id = 0;

    open_with_call(&p);
    answer.body = malloc(answer.n + 1);
    memset(answer.body, 'a', answer.n);
    answer.body[answer.n] = '\0';
    peer_command(&p, COMMAND_HTTP, 1, NULL, "{\"url\":\"http://x/\"}");
    peer_request(&p, &id);
    wire_response(p.w, id, &answer, p.now);
    ev = peer_event(&p);
    EXPECT_INT(ev->status, 0);
    EXPECT_STR(json_str(json_get(ev->data, "error"), "code"), "tooLarge");
    free(answer.body);
    peer_close(&p);
}

static void gives_bytes_that_are_no_text(void)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *body;
    } cases[] = {
        {"\xff\x00\x01", 3, "_wAB"}, {"a\0b", 3, "YQBi"},
        {"\xC0\x80", 2, "wIA"},      {"\xED\xA0\x80", 3, "7aCA"},
        {"\xF0\x9F", 2, "8J8"},      {"\x80", 1, "gA"},
        {"\xE0\x80\x80", 3, "4ICA"}, {"\xF4\x90\x80\x80", 4, "9JCAgA"},
    };
    static struct peer p;

    open_with_call(&p);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_message answer = {
            .status = 200, .body = (char *)cases[i].bytes, .n = cases[i].n};
        const struct event *ev;
        uint64_t id = 0;

        peer_command(&p, COMMAND_HTTP, 1, NULL, "{\"url\":\"http://x/\"}");
        peer_request(&p, &id);
        wire_response(p.w, id, &answer, p.now);
        ev = peer_event(&p);
        EXPECT_STR(json_str(ev->data, "body"), cases[i].body);
        EXPECT_STR(json_str(ev->data, "encoding"), "base64url");
    }
    peer_close(&p);
}

static void refuses_requests_that_break_rules(void)
{
    static struct peer p;

    open_with_call(&p);
    EXPECT_IN(http_error(&p, "{}"), "url: missing");
    EXPECT_IN(http_error(&p, NULL), "url: missing");
    EXPECT_IN(http_error(&p, "{\"url\":\"file:///etc/passwd\"}"), "http://");
    EXPECT_IN(http_error(&p, "{\"url\":\"http://\"}"), "http://");
    EXPECT_IN(http_error(&p, "{\"url\":\"http://a b/\"}"), "white space");
    EXPECT_IN(http_error(&p, "{\"url\":\"http://a/\\r\\nX: y\"}"), "white space");
    EXPECT_IN(http_error(&p, "{\"url\":\"http://a/\",\"method\":\"GET / HTTP/1.1\\r\\nX:\"}"),
              "method");
    EXPECT_IN(http_error(&p, "{\"url\":\"http://a/\",\"headers\":{\"X\":\"a\\r\\nb\"}}"),
              "line break");
    EXPECT_IN(http_error(&p, "{\"url\":\"http://a/\",\"headers\":{\"X Y\":\"a\"}}"), "headers");
    EXPECT_IN(http_error(&p, "{\"url\":\"http://a/\",\"headers\":{\"host\":\"a\"}}"), "host");
    EXPECT_IN(http_error(&p, "{\"url\":\"http://a/\",\"body\":{}}"), "body");
    peer_close(&p);
}

const struct test token_tests[] = {
    TEST(one_request_for_all_that_wait),
    TEST(renews_early_and_behind),
    TEST(tries_three_times),
    TEST(believes_a_refusal),
    TEST(refuses_answers_that_hold_no_token),
    TEST(forgets_tenants_rather_than_growing),
    TEST(carries_a_flows_request),
    TEST(refuses_an_answer_that_is_too_long),
    TEST(gives_bytes_that_are_no_text),
    TEST(refuses_requests_that_break_rules),
    {0},
};
