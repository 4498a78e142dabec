#include "net.h"
#include "test.h"

#include "net/http_listen.h"
#include "net/http_server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A server whose handler does what the path says, and what it saw. */
struct fixture {
    uv_loop_t loop;
    struct http_server *server;
    struct http_call *held[256];
    int nheld, handled, refused;
    size_t last_body;
    char last_url[200], last_header[200], last_refused[200];
};

static void answer(struct http_call *call, int status, const char *text)
{
    struct http_message m = {.status = status};

    http_set_body(&m, "text/plain", text, strlen(text));
    http_call_answer(call, &m);
    http_fini(&m);
}

static void on_request(void *arg, struct http_call *call, const struct http_message *r)
{
    struct fixture *f = arg;
    const char *header = http_header(r, "X-Test");

    f->handled++;
    f->last_body = r->n;
    snprintf(f->last_url, sizeof f->last_url, "%s", r->url);
    snprintf(f->last_header, sizeof f->last_header, "%s", header ? header : "");
    if (strncmp(r->url, "/hold", 5) == 0)
        f->held[f->nheld++] = call;
    else if (strncmp(r->url, "/file", 5) == 0)
        http_call_answer_file(call, r->url + 5, "text/x-test");
    else
        answer(call, 200, r->n ? r->body : r->url);
}

static void on_refusal(void *arg, const struct http_message *r, struct http_message *response)
{
    struct fixture *f = arg;

    f->refused++;
    snprintf(f->last_refused, sizeof f->last_refused, "%d %s", response->status,
             r->url ? r->url : "");
    http_set_body(response, "application/json", "{\"ours\":1}", 10);
}

static void open_limited(struct fixture *f, unsigned timeout_s, unsigned connections)
{
    struct http_server_config cfg = {.listen = "127.0.0.1:0",
                                     .max_body = 10000,
                                     .timeout_s = timeout_s,
                                     .connections = connections,
                                     .handler = on_request,
                                     .refusal = on_refusal,
                                     .arg = f};
    struct error e = {""};

    memset(f, 0, sizeof *f);
    uv_loop_init(&f->loop);
    if (!EXPECT_INT(http_server_new(&f->server, &f->loop, &cfg, &e), 0)) {
        printf("%s\n", e.text);
        exit(2);
    }
}

static void open_fixture(struct fixture *f, unsigned timeout_s)
{
    open_limited(f, timeout_s, 0);
}

static void close_fixture(struct fixture *f)
{
    http_server_free(f->server);
    EXPECT(net_close(&f->loop));
}

static void answers_now_and_later(void)
{
    int before = net_descriptors(), fd;
    struct fixture f;
    char got[2000];

    open_fixture(&f, 0);
    fd = net_connect(http_server_port(f.server));
#define SEND(text) net_write(&f.loop, fd, text, strlen(text))
    SEND("GET /a%20b?c=%26&d HTTP/1.1\r\nHost: x\r\nX-Test: 1\r\nx-test: 2\r\n\r\n");
    net_read(&f.loop, fd, got, sizeof got, "c=%26&d", 2000);
    EXPECT_IN(got, "HTTP/1.1 200 OK\r\n");
    EXPECT_STR(f.last_url, "/a%20b?c=%26&d");
    EXPECT_STR(f.last_header, "1, 2");
    SEND("POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
    net_until(&f.loop, &f.nheld, 1, 2000);
    EXPECT(!net_read(&f.loop, fd, got, sizeof got, NULL, 30));
    EXPECT_STR(got, "");
    EXPECT_INT(f.last_body, 5);
    answer(f.held[0], 202, "later");
    net_read(&f.loop, fd, got, sizeof got, "later", 2000);
    EXPECT_IN(got, "HTTP/1.1 202 Accepted\r\n");
    SEND("GET http://else.where/abs HTTP/1.1\r\nHost: x\r\n\r\n");
    net_read(&f.loop, fd, got, sizeof got, "/abs", 2000);
    EXPECT_STR(f.last_url, "/abs");
    close(fd);
    close_fixture(&f);
    EXPECT_INT(net_descriptors(), before);
}

static void serves_files(void)
{
    struct fixture f;
    char got[4000];
    static const char ask[] = "GET /file%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    char request[200];

    open_fixture(&f, 0);
    snprintf(request, sizeof request, ask, "/etc/hostname");
    net_talk(&f.loop, http_server_port(f.server), request, strlen(request), got, sizeof got, 2000);
    EXPECT_IN(got, "HTTP/1.1 200 OK\r\n");
    EXPECT_IN(got, "Content-Type: text/x-test");
    snprintf(request, sizeof request, ask, "/no/such/file");
    net_talk(&f.loop, http_server_port(f.server), request, strlen(request), got, sizeof got, 2000);
    EXPECT_IN(got, "HTTP/1.1 404 Not Found\r\n");
    snprintf(request, sizeof request, ask, "/etc");
    net_talk(&f.loop, http_server_port(f.server), request, strlen(request), got, sizeof got, 2000);
    EXPECT_IN(got, "HTTP/1.1 404 Not Found\r\n");
    close_fixture(&f);
}

static void refuses_what_breaks_the_rules(void)
{
#define H "POST /x HTTP/1.1\r\nHost: x\r\n"
    static const struct {
        const char *request, *status;
        bool ours; /* the refusal was told */
    } cases[] = {
        {H "\r\n", "411", true},
        {H "Content-Length: 10001\r\nExpect: 100-continue\r\n\r\n", "413", true},
        {H "Content-Length: 1000000\r\n\r\n", "413", true},
        {H "Content-Length: 99999999999999999999\r\n\r\n", "413", false},
        {H "Content-Length: -1\r\n\r\n", "400", false},
        {H "Content-Length: 1x\r\n\r\na", "400", false},
        {H "Content-Length: 1\r\nContent-Length: 2\r\n\r\na", "400", false},
        {H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", "400",
         true},
        {H "Transfer-Encoding: gzip\r\n\r\nabc", "400", true},
        {H "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400", false},
        {"GET /x HTTP/1.1\r\n\r\n", "400", false},
    };
    struct fixture f;
    char got[4000];
    int fd;

    open_fixture(&f, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char want[32];

        snprintf(want, sizeof want, "HTTP/1.1 %s ", cases[i].status);
        f.refused = 0;
        net_talk(&f.loop, http_server_port(f.server), cases[i].request, strlen(cases[i].request),
                 got, sizeof got, 1000);
        if (!EXPECT_IN(got, want))
            printf("  request: %s\n", cases[i].request);
        if (cases[i].ours) {
            EXPECT_INT(f.refused, 1);
            EXPECT_IN(got, "{\"ours\":1}");
        }
    }
    fd = net_connect(http_server_port(f.server)); /* not even a request line: cut off */
    net_write(&f.loop, fd, "rubbish\r\n\r\n", 11);
    EXPECT(net_read(&f.loop, fd, got, sizeof got, NULL, 1000));
    close(fd);
    EXPECT_INT(f.handled, 0);
    close_fixture(&f);
}

static void bounds_bodies_and_headers(void)
{
    struct fixture f;
    char got[4000], *big = malloc(300000);
    size_t n;

    open_fixture(&f, 0);
    /* A chunked body has no length to refuse beforehand. */
    n = (size_t)sprintf(big, "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    n += (size_t)sprintf(big + n, "4e20\r\n"); /* 20,000 */
    memset(big + n, 'a', 20000);
    n += 20000;
    n += (size_t)sprintf(big + n, "\r\n0\r\n\r\n");
    net_talk(&f.loop, http_server_port(f.server), big, n, got, sizeof got, 500);
    EXPECT_IN(got, "HTTP/1.1 413 ");
    EXPECT_STR(f.last_refused, "413 /x");
    /* With a length, too, the answer is heard. */
    n = (size_t)sprintf(big, "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 30000\r\n\r\n");
    memset(big + n, 'a', 30000);
    net_talk(&f.loop, http_server_port(f.server), big, n + 30000, got, sizeof got, 500);
    EXPECT_IN(got, "HTTP/1.1 413 ");
    /* One that never ends is cut off. */
    n = (size_t)sprintf(big, "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    n += (size_t)sprintf(big + n, "fffff\r\n");
    memset(big + n, 'a', 100000);
    net_talk(&f.loop, http_server_port(f.server), big, n + 100000, got, sizeof got, 500);
    EXPECT_STR(got, "");
    n = (size_t)sprintf(big, "GET /x HTTP/1.1\r\nHost: x\r\nX-Big: ");
    memset(big + n, 'a', 50000);
    memcpy(big + n + 50000, "\r\n\r\n", 4);
    net_talk(&f.loop, http_server_port(f.server), big, n + 50004, got, sizeof got, 500);
    EXPECT_IN(got, "HTTP/1.1 431 ");
    n = (size_t)sprintf(big, "GET /x HTTP/1.1\r\nHost: x\r\n");
    while (n < 60000)
        n += (size_t)sprintf(big + n, "a%zu:\r\n", n);
    net_talk(&f.loop, http_server_port(f.server), big, n, got, sizeof got, 500);
    EXPECT_IN(got, "HTTP/1.1 431 ");
    EXPECT_INT(f.handled, 0);
    free(big);
    close_fixture(&f);
}

/* Between "fits well" and "too large" there is nothing that gets no answer. */
static void answers_whatever_size_headers_have(void)
{
    struct fixture f;
    char got[4000], *big = malloc(50000);
    int taken = 0, refused = 0;

    open_fixture(&f, 0);
    for (size_t size = 10000; size < 24000; size += 250) {
        size_t n = (size_t)sprintf(big, "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nA: ");

        memset(big + n, 'a', size);
        memcpy(big + n + size, "\r\n\r\n", 4);
        net_talk(&f.loop, http_server_port(f.server), big, n + size + 4, got, sizeof got, 500);
        taken += strncmp(got, "HTTP/1.1 200", 12) == 0;
        refused += strncmp(got, "HTTP/1.1 431", 12) == 0;
        if (!EXPECT_IN(got, "HTTP/1.1 "))
            printf("  %zu bytes\n", size);
    }
    EXPECT_INT(taken + refused, 56);
    EXPECT(taken > 10 && refused > 10);
    free(big);
    close_fixture(&f);
}

static void answers_a_pipeline_in_order(void)
{
    static const char all[] = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                              "POST /hold HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"
                              "GET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    struct fixture f;
    char got[4000];
    int fd;

    open_fixture(&f, 0);
    fd = net_connect(http_server_port(f.server));
    net_write(&f.loop, fd, all, strlen(all));
    net_until(&f.loop, &f.nheld, 1, 2000);
    net_read(&f.loop, fd, got, sizeof got, NULL, 30);
    EXPECT_IN(got, "/1");
    EXPECT_INT(f.handled, 2);
    answer(f.held[0], 200, "two");
    EXPECT(net_read(&f.loop, fd, got, sizeof got, NULL, 2000));
    EXPECT(strstr(got, "two") && strstr(got, "/3") && strstr(got, "two") < strstr(got, "/3"));
    close(fd);
    close_fixture(&f);
}

static void survives_clients_that_vanish(void)
{
    static const char *const parts[] = {
        "",
        "GE",
        "GET /x HTTP/1.1\r\nHo",
        "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
        "POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
        "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /file/bin/sh HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    int before = net_descriptors();
    struct fixture f;
    char got[1000];

    open_fixture(&f, 0);
    for (size_t i = 0; i < 3 * sizeof parts / sizeof *parts; i++) {
        const char *part = parts[i % (sizeof parts / sizeof *parts)];
        struct linger hard = {.l_onoff = 1};
        int fd = net_connect(http_server_port(f.server));

        net_write(&f.loop, fd, part, strlen(part));
        for (int k = 0; k < 5; k++)
            net_turn(&f.loop, 1);
        if (i % 2)
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); /* a reset, not an end */
        close(fd);
    }
    EXPECT_INT(f.nheld, 3);
    for (int i = 0; i < f.nheld; i++)
        answer(f.held[i], 200, "too late");
    net_talk(&f.loop, http_server_port(f.server), "GET /ok HTTP/1.0\r\n\r\n", 20, got, sizeof got,
             2000);
    EXPECT_IN(got, "200 OK");
    close_fixture(&f);
    EXPECT_INT(net_descriptors(), before);
}

static void times_out_slow_clients(void)
{
    static const char head[] = "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n";
    struct fixture f;
    char got[1000];
    int silent, half, trickle;
    long begin = net_now();
    bool ended = false;

    open_fixture(&f, 1);
    silent = net_connect(http_server_port(f.server));
    half = net_connect(http_server_port(f.server));
    trickle = net_connect(http_server_port(f.server));
    net_write(&f.loop, half, "GET /x HT", 9);
    net_write(&f.loop, trickle, head, strlen(head));
    while (!ended && net_now() < begin + 6000) {
        net_write(&f.loop, trickle, "a", 1);
        ended = net_read(&f.loop, trickle, got, sizeof got, NULL, 200);
    }
    EXPECT(ended);
    EXPECT(net_now() - begin >= 1900);
    EXPECT(net_read(&f.loop, silent, got, sizeof got, NULL, 1000));
    EXPECT(net_read(&f.loop, half, got, sizeof got, NULL, 1000));
    EXPECT_INT(f.handled, 0);
    close(silent);
    close(half);
    close(trickle);
    close_fixture(&f);
}

/* Many more connections than there may be, all silent: whoever has something to say is served. */
static void silent_clients_make_room(void)
{
    enum { SILENT = 100, MOST = 16 };
    static const char ask[] = "GET /again HTTP/1.1\r\nHost: x\r\n\r\n";
    struct fixture f;
    char got[1000];
    int known, late, silent[SILENT], before = net_descriptors();

    open_limited(&f, 30, MOST);
    known = net_connect(http_server_port(f.server));
    net_write(&f.loop, known, ask, strlen(ask));
    net_read(&f.loop, known, got, sizeof got, "/again", 2000);
    EXPECT_IN(got, "200 OK");
    for (int i = 0; i < SILENT; i++) {
        silent[i] = net_connect(http_server_port(f.server));
        net_turn(&f.loop, 10);
    }
    EXPECT(net_read(&f.loop, silent[0], got, sizeof got, NULL, 2000));
    EXPECT(!net_read(&f.loop, silent[SILENT - 1], got, sizeof got, NULL, 50));
    EXPECT(net_descriptors() < before + SILENT + MOST + 10);
    late = net_connect(http_server_port(f.server));
    net_write(&f.loop, late, ask, strlen(ask));
    net_read(&f.loop, late, got, sizeof got, "/again", 2000);
    EXPECT_IN(got, "200 OK");
    net_write(&f.loop, known, ask, strlen(ask));
    net_read(&f.loop, known, got, sizeof got, "/again", 2000);
    EXPECT_IN(got, "200 OK");
    for (int i = 0; i < SILENT; i++)
        close(silent[i]);
    close(known);
    close(late);
    close_fixture(&f);
}

static void ends_with_calls_unanswered(void)
{
    static const char ask[] = "GET /hold HTTP/1.1\r\nHost: x\r\n\r\n";
    int before = net_descriptors(), fd[20];
    struct fixture f;
    char got[1000];

    open_fixture(&f, 0);
    for (int i = 0; i < 20; i++) {
        fd[i] = net_connect(http_server_port(f.server));
        net_write(&f.loop, fd[i], ask, strlen(ask));
    }
    net_until(&f.loop, &f.nheld, 20, 2000);
    EXPECT_INT(f.nheld, 20);
    http_server_free(f.server);
    for (int i = 0; i < 20; i++) {
        EXPECT(net_read(&f.loop, fd[i], got, sizeof got, NULL, 1000));
        EXPECT_IN(got, "HTTP/1.1 503 ");
        close(fd[i]);
    }
    EXPECT_INT(f.handled, 20);
    EXPECT(net_close(&f.loop));
    EXPECT_INT(net_descriptors(), before);
}

static void parses_addresses(void)
{
    static const struct {
        const char *text, *host;
        unsigned port;
    } good[] = {{"127.0.0.1:80", "127.0.0.1", 80},
                {"[::1]:0", "::1", 0},
                {"localhost:65535", "localhost", 65535}};
    static const char *const bad[] = {"",        "127.0.0.1", ":80",     "::1:80",
                                      "[::1:80", "a:b",       "a:65536", "a:80x",
                                      "[]:80",   "a b:1",     "a:-1",    "x/y:1"};
    struct error e;
    char host[64];
    unsigned port;

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        EXPECT_INT(listen_parse(good[i].text, host, sizeof host, &port, &e), 0);
        EXPECT_STR(host, good[i].host);
        EXPECT_INT(port, good[i].port);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (!EXPECT_INT(listen_parse(bad[i], host, sizeof host, &port, &e), ERR_INVALID))
            printf("  %s\n", bad[i]);
    }
    EXPECT(host_is_loopback("127.8.9.1") && host_is_loopback("::1") &&
           host_is_loopback("a.localhost"));
    EXPECT(!host_is_loopback("128.0.0.1") && !host_is_loopback("127.0.0.1.evil.example"));
}

static void says_why_it_cannot_listen(void)
{
    struct http_server_config cfg = {.handler = on_request};
    struct http_server *other = NULL;
    int before = net_descriptors();
    struct fixture f;
    struct error e;
    char taken[32];

    open_fixture(&f, 0);
    snprintf(taken, sizeof taken, "127.0.0.1:%u", http_server_port(f.server));
    cfg.listen = taken;
    EXPECT_INT(http_server_new(&other, &f.loop, &cfg, &e), ERR_IO);
    EXPECT_IN(e.text, taken);
    EXPECT_IN(e.text, "in use");
    cfg.listen = "192.0.2.1:0";
    EXPECT_INT(http_server_new(&other, &f.loop, &cfg, &e), ERR_IO);
    EVERY_ALLOCATION(n)
    {
        cfg.listen = "127.0.0.1:0";
        if (http_server_new(&other, &f.loop, &cfg, &e) == 0)
            http_server_free(other);
    }
    close_fixture(&f);
    EXPECT_INT(net_descriptors(), before);
}

const struct test http_server_tests[] = {TEST(answers_now_and_later),
                                         TEST(serves_files),
                                         TEST(refuses_what_breaks_the_rules),
                                         TEST(bounds_bodies_and_headers),
                                         TEST(answers_whatever_size_headers_have),
                                         TEST(answers_a_pipeline_in_order),
                                         TEST(survives_clients_that_vanish),
                                         TEST(times_out_slow_clients),
                                         TEST(silent_clients_make_room),
                                         TEST(ends_with_calls_unanswered),
                                         TEST(parses_addresses),
                                         TEST(says_why_it_cannot_listen),
                                         {0}};
