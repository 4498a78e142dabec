#include "net.h"
#include "test.h"

#include "base/buf.h"
#include "net/http_client.h"
#include "net/http_lanes.h"
#include "net/http_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANY 400

/* The tests run twice: through curl, and through lanes to whom they talk to. */
enum way { BY_CURL, BY_LANES };

/* A client, a true server, and a peer that says the bytes it was given whatever it is asked. */
struct fixture {
    uv_loop_t loop;
    unsigned peer_port;
    struct http_client *client;
    struct http_server *server;
    struct http_call *held[MANY];
    int nheld, handled;
    uv_tcp_t peer;
    const char *peer_says;
    bool peer_stays; /* does not close after saying it */
    int peer_clients;
    int done, ok;
    int status[MANY];
    char body[MANY][200];
    char location[100];
    uint64_t on_done_send; /* what the next `done` shall do */
    bool on_done_cancel, on_done_free, sending;
};

static void send_to(struct fixture *f, uint64_t id, const char *verb, unsigned port,
                    const char *path, const char *body, int64_t timeout_ms)
{
    struct http_message m;
    char url[200];

    snprintf(url, sizeof url, "http://127.0.0.1:%u%s", port, path);
    http_request_init(&m, verb, url);
    http_set_header(&m, "X-Test", "a b");
    http_set_header(&m, "X-Empty", "");
    if (body)
        http_set_body(&m, "application/json", body, strlen(body));
    f->sending = true;
    EXPECT_INT(http_client_send(f->client, id, &m, timeout_ms), 0);
    f->sending = false;
    http_fini(&m);
}

static void get(struct fixture *f, uint64_t id, const char *path)
{
    send_to(f, id, "GET", http_server_port(f->server), path, NULL, 5000);
}

static void on_done(void *arg, uint64_t id, const struct http_message *m)
{
    struct fixture *f = arg;
    const char *location = http_header(m, "Location");

    EXPECT(!f->sending);
    EXPECT(id < MANY && f->status[id] == -1);
    f->status[id] = m->status;
    snprintf(f->body[id], sizeof f->body[id], "%s", m->body ? m->body : "");
    snprintf(f->location, sizeof f->location, "%s", location ? location : "");
    f->done++;
    f->ok += m->status == 200;
    if (f->on_done_cancel)
        http_client_cancel(f->client, id == 1 ? 2 : 1);
    if (f->on_done_send) {
        uint64_t next = f->on_done_send;
        f->on_done_send = 0;
        get(f, next, "/again");
    }
    if (f->on_done_free) {
        http_client_free(f->client);
        f->client = NULL;
    }
}

static void answer(struct http_call *call, int status, const char *location, const char *body)
{
    struct http_message m = {.status = status};

    http_set_body(&m, "text/plain", body, strlen(body));
    if (location)
        http_set_header(&m, "Location", location);
    http_call_answer(call, &m);
    http_fini(&m);
}

/* Says what it was asked, so that the test can look at it from the other end. */
static void on_request(void *arg, struct http_call *call, const struct http_message *r)
{
    struct fixture *f = arg;
    const char *type = http_header(r, "Content-Type"), *test = http_header(r, "X-Test"),
               *empty = http_header(r, "X-Empty"), *length = http_header(r, "Content-Length");
    char text[200];

    f->handled++;
    if (strncmp(r->url, "/hold", 5) == 0) {
        f->held[f->nheld++] = call;
        return;
    }
    snprintf(text, sizeof text, "%s %s type=%s test=%s empty=[%s] length=%s body=%s", r->verb,
             r->url, type ? type : "none", test ? test : "none", empty ? empty : "none",
             length ? length : "none", r->body ? r->body : "none");
    if (strcmp(r->url, "/elsewhere") == 0)
        answer(call, 302, "/target", text);
    else
        answer(call, 200, NULL, text);
}

static void on_peer_closed(uv_handle_t *h)
{
    free(h);
}

static void on_peer_alloc(uv_handle_t *h, size_t n, uv_buf_t *out)
{
    static char sink[4096];

    (void)h;
    (void)n;
    *out = uv_buf_init(sink, sizeof sink);
}

static void on_peer_read(uv_stream_t *s, ssize_t n, const uv_buf_t *b)
{
    struct fixture *f = s->data;

    (void)b;
    if (n > 0) {
        uv_buf_t says = uv_buf_init((char *)(size_t)f->peer_says, (unsigned)strlen(f->peer_says));
        uv_try_write(s, &says, 1);
    }
    if ((n < 0 || !f->peer_stays) && !uv_is_closing((uv_handle_t *)s))
        uv_close((uv_handle_t *)s, on_peer_closed);
}

static void on_peer_connection(uv_stream_t *s, int status)
{
    struct fixture *f = s->data;
    uv_tcp_t *c = malloc(sizeof *c);

    (void)status;
    uv_tcp_init(&f->loop, c);
    c->data = f;
    f->peer_clients++;
    uv_accept(s, (uv_stream_t *)c);
    uv_read_start((uv_stream_t *)c, on_peer_alloc, on_peer_read);
}

static void open_peer(struct fixture *f)
{
    struct sockaddr_in at;
    int n = sizeof at;

    uv_ip4_addr("127.0.0.1", 0, &at);
    uv_tcp_init(&f->loop, &f->peer);
    f->peer.data = f;
    uv_tcp_bind(&f->peer, (struct sockaddr *)&at, 0);
    uv_listen((uv_stream_t *)&f->peer, 100, on_peer_connection);
    uv_tcp_getsockname(&f->peer, (struct sockaddr *)&at, &n);
    f->peer_port = ntohs(at.sin_port);
}

/* `to_peer`: what the lanes go to, else the server. */
static void open_fixture(struct fixture *f, enum way way, bool to_peer)
{
    struct http_server_config server = {.listen = "127.0.0.1:0", .handler = on_request, .arg = f};
    struct http_client_config client = {.done = on_done, .arg = f, .max_body = 1000};
    char service[64];

    memset(f, 0, sizeof *f);
    for (int i = 0; i < MANY; i++)
        f->status[i] = -1;
    uv_loop_init(&f->loop);
    EXPECT_INT(http_server_new(&f->server, &f->loop, &server, NULL), 0);
    open_peer(f);
    snprintf(service, sizeof service, "http://127.0.0.1:%u/v1.0",
             to_peer ? f->peer_port : http_server_port(f->server));
    client.service = way == BY_LANES ? service : NULL;
    EXPECT_INT(http_client_new(&f->client, &f->loop, &client, NULL), 0);
}

static void close_walk(uv_handle_t *h, void *arg)
{
    struct fixture *f = arg;

    if (h->data == f && !uv_is_closing(h))
        uv_close(h, h == (uv_handle_t *)&f->peer ? NULL : on_peer_closed);
}

static void close_fixture(struct fixture *f)
{
    http_client_free(f->client);
    http_server_free(f->server);
    uv_walk(&f->loop, close_walk, f);
    EXPECT(net_close(&f->loop));
}

static void sends_and_receives(enum way way)
{
    static const struct {
        const char *verb, *body, *want;
    } cases[] = {
        {"GET", NULL, "GET /p?q=1 type=none test=a b empty=[] length=none body=none"},
        {"POST", "{}", "POST /p?q=1 type=application/json test=a b empty=[] length=2 body={}"},
        {"DELETE", NULL, "DELETE /p?q=1 type=none test=a b empty=[] length=none body=none"},
        {"POST", NULL, "POST /p?q=1 type=none test=a b empty=[] length=0 body=none"},
        {"PATCH", "[1]", "PATCH /p?q=1 type=application/json test=a b empty=[] length=3 body=[1]"},
        {"HEAD", NULL, ""},
        {"DELETE", "{}", "DELETE /p?q=1 type=application/json test=a b empty=[] length=2 body={}"},
        {"PUT", NULL, "PUT /p?q=1 type=none test=a b empty=[] length=0 body=none"},
        {"GET", NULL, "GET /p?q=1 type=none test=a b empty=[] length=none body=none"},
    };
    int before = net_descriptors();
    struct fixture f;

    open_fixture(&f, way, false);
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
        send_to(&f, (uint64_t)i, cases[i].verb, http_server_port(f.server), "/p?q=1", cases[i].body,
                5000);
        EXPECT(net_until(&f.loop, &f.done, i + 1, 5000));
        EXPECT_INT(f.status[i], 200);
        EXPECT_STR(f.body[i], cases[i].want);
    }
    get(&f, 100, "/elsewhere");
    EXPECT(net_until(&f.loop, &f.done, f.done + 1, 5000));
    EXPECT_INT(f.status[100], 302);
    EXPECT_STR(f.location, "/target");
    close_fixture(&f);
    EXPECT_INT(net_descriptors(), before);
}

static void carries_many_at_once(enum way way)
{
    int before = net_descriptors();
    struct fixture f;

    open_fixture(&f, way, false);
    for (int round = 0; round < 2; round++) {
        f.done = f.nheld = 0;
        for (uint64_t i = 0; i < MANY; i++) {
            f.status[i] = -1;
            get(&f, i, i % 2 ? "/hold" : "/x");
        }
        EXPECT(net_until(&f.loop, &f.nheld, MANY / 2, 5000));
        for (int i = 0; i < f.nheld; i++)
            answer(f.held[i], 200, NULL, "held");
        EXPECT(net_until(&f.loop, &f.done, MANY, 5000));
    }
    EXPECT_INT(f.ok, 2 * MANY);
    close_fixture(&f);
    EXPECT_INT(net_descriptors(), before);
}

static void keeps_its_connections(enum way way)
{
    struct fixture f;

    open_fixture(&f, way, true);
    f.peer_says = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    f.peer_stays = true;
    for (int i = 0; i < 20; i++) {
        send_to(&f, (uint64_t)i, "POST", f.peer_port, "/", "{}", 5000);
        EXPECT(net_until(&f.loop, &f.done, i + 1, 5000));
    }
    EXPECT_INT(f.ok, 20);
    EXPECT_INT(f.peer_clients, 1);
    close_fixture(&f);
}

static void tells_why_no_answer_came(enum way way)
{
    static const struct {
        const char *says;
        bool stays;
        const char *why, *lanes_why;
    } cases[] = {
        {"", false, "", ""},
        {"rubbish\r\n\r\n", false, "", ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", false, "", ""},
        {"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", true, "file size", "too long"},
        {"HTTP/1.1 200 OK\r\nContent-Le", true, "timed out", "in time"},
        {"", true, "timed out", "in time"},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", false, "", ""},
    };
    struct fixture f;
    char *endless = malloc(200000);
    size_t n;

    open_fixture(&f, way, true);
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
        f.peer_says = cases[i].says;
        f.peer_stays = cases[i].stays;
        send_to(&f, (uint64_t)i, "GET", f.peer_port, "/", NULL, 200);
        EXPECT(net_until(&f.loop, &f.done, i + 1, 5000));
        EXPECT_INT(f.status[i], 0);
        EXPECT(f.body[i][0]);
        EXPECT_IN(f.body[i], way == BY_LANES ? cases[i].lanes_why : cases[i].why);
    }
    f.peer_stays = true;
    n = (size_t)sprintf(endless, "HTTP/1.1 200 OK\r\n\r\n");
    memset(endless + n, 'a', 50000);
    endless[n + 50000] = '\0';
    f.peer_says = endless;
    send_to(&f, 20, "GET", f.peer_port, "/", NULL, 5000);
    EXPECT(net_until(&f.loop, &f.done, f.done + 1, 6000));
    EXPECT_INT(f.status[20], 0);
    EXPECT_IN(f.body[20], "too long");
    n = (size_t)sprintf(endless, "HTTP/1.1 200 OK\r\n");
    while (n < 190000)
        n += (size_t)sprintf(endless + n, "h%zu: x\r\n", n);
    send_to(&f, 21, "GET", f.peer_port, "/", NULL, 5000);
    EXPECT(net_until(&f.loop, &f.done, f.done + 1, 6000));
    EXPECT_INT(f.status[21], 0);
    EXPECT_IN(f.body[21], "headers are too long");
    send_to(&f, 22, "GET", 1, "/", NULL, 5000); /* nobody listens there */
    EXPECT(net_until(&f.loop, &f.done, f.done + 1, 6000));
    EXPECT_INT(f.status[22], 0);
    close_fixture(&f);
    free(endless);
}

static void refuses_other_schemes(void)
{
    static const char *const urls[] = {"file:///etc/passwd", "ftp://127.0.0.1/",    "", "http://",
                                       "http://[::1",        "gopher://127.0.0.1/x"};
    struct fixture f;

    open_fixture(&f, BY_CURL, false);
    for (int i = 0; i < (int)(sizeof urls / sizeof *urls); i++) {
        struct http_message m;

        http_request_init(&m, "GET", urls[i]);
        EXPECT_INT(http_client_send(f.client, (uint64_t)i, &m, 1000), 0);
        http_fini(&m);
        EXPECT(net_until(&f.loop, &f.done, i + 1, 3000));
        EXPECT_INT(f.status[i], 0);
        EXPECT(f.body[i][0]);
    }
    close_fixture(&f);
}

/* The proxy of the environment is not asked for what is on this machine. */
static void goes_past_the_proxy_to_this_machine(void)
{
    struct fixture f;

    setenv("http_proxy", "http://127.0.0.1:1", 1);
    open_fixture(&f, BY_CURL, false);
    get(&f, 0, "/");
    EXPECT(net_until(&f.loop, &f.done, 1, 5000));
    EXPECT_INT(f.status[0], 200);
    send_to(&f, 1, "GET", http_server_port(f.server), "@192.0.2.1/", NULL, 5000);
    EXPECT(net_until(&f.loop, &f.done, 2, 6000));
    EXPECT_INT(f.status[1], 0); /* the refusing proxy */
    EXPECT_IN(f.body[1], "127.0.0.1 port 1 ");
    unsetenv("http_proxy");
    close_fixture(&f);
}

static void forgets_what_is_cancelled(enum way way)
{
    struct fixture f;

    open_fixture(&f, way, false);
    get(&f, 1, "/x");
    http_client_cancel(f.client, 1); /* nothing was sent yet */
    get(&f, 2, "/hold");
    EXPECT(net_until(&f.loop, &f.nheld, 1, 5000));
    http_client_cancel(f.client, 2);
    http_client_cancel(f.client, 77);
    answer(f.held[0], 200, NULL, "late");
    get(&f, 3, "/y");
    EXPECT(net_until(&f.loop, &f.done, 1, 5000));
    for (int i = 0; i < 10; i++)
        net_turn(&f.loop, 5);
    EXPECT_INT(f.done, 1);
    EXPECT_INT(f.status[3], 200);
    EXPECT_INT(f.handled, 2);
    close_fixture(&f);
}

static void lets_done_do_anything(enum way way)
{
    int before = net_descriptors();
    struct fixture f;

    open_fixture(&f, way, false);
    get(&f, 1, "/hold");
    get(&f, 2, "/hold");
    EXPECT(net_until(&f.loop, &f.nheld, 2, 5000));
    f.on_done_send = 3;
    get(&f, 4, "/x");
    EXPECT(net_until(&f.loop, &f.done, 2, 5000));
    EXPECT_INT(f.status[3], 200);
    f.on_done_cancel = true; /* whichever comes first cancels the other */
    answer(f.held[1], 200, NULL, "b");
    answer(f.held[0], 200, NULL, "a");
    EXPECT(net_until(&f.loop, &f.done, 3, 5000));
    f.on_done_cancel = false;
    for (uint64_t i = 10; i < 20; i++)
        get(&f, i, "/x");
    f.on_done_free = true;
    EXPECT(net_until(&f.loop, &f.done, 4, 5000));
    for (int i = 0; i < 20; i++)
        net_turn(&f.loop, 5);
    EXPECT(f.client == NULL);
    EXPECT_INT(f.done, 4);
    close_fixture(&f);
    EXPECT_INT(net_descriptors(), before);
}

static void ends_in_the_middle(enum way way)
{
    int before = net_descriptors();
    struct fixture f;

    open_fixture(&f, way, false);
    f.peer_says = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal";
    f.peer_stays = true;
    for (uint64_t i = 0; i < 30; i++) {
        send_to(&f, i, "POST", i % 2 ? f.peer_port : http_server_port(f.server), "/hold", "{}",
                5000);
        net_turn(&f.loop, 1);
    }
    close_fixture(&f);
    EXPECT_INT(f.done, 0);
    EXPECT_INT(net_descriptors(), before);
}

/* Curl closes the sockets of connections that do not come about by itself. */
static void leaves_nothing_of_failed_connections(enum way way)
{
    int before = net_descriptors();

    for (int turns = 0; turns < 8; turns++) {
        struct fixture f;

        open_fixture(&f, way, true);
        f.peer_stays = true;
        f.peer_says = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
        for (uint64_t i = 0; i < 30; i++)
            send_to(&f, i, "GET", i % 3 == 0 ? 1 : f.peer_port, "/", NULL, 5000);
        for (int i = 0; i < turns; i++)
            net_turn(&f.loop, 0);
        for (uint64_t i = 0; i < 30; i += 2)
            http_client_cancel(f.client, i);
        for (int i = 0; i < turns; i++)
            net_turn(&f.loop, turns % 2);
        if (turns > 4)
            net_until(&f.loop, &f.done, 15, 5000);
        close_fixture(&f);
    }
    EXPECT_INT(net_descriptors(), before);
}

static void survives_failing_memory(void)
{
    struct http_client_config cfg = {
        .done = on_done, .ca_file = "/etc/hostname", .service = "http://127.0.0.1:1"};
    struct http_message m;
    uv_loop_t loop;

    uv_loop_init(&loop);
    http_request_init(&m, "POST", "http://127.0.0.1:1/");
    http_set_body(&m, "application/json", "{}", 2);
    EVERY_ALLOCATION(n)
    {
        struct http_client *c = NULL;

        if (http_client_new(&c, &loop, &cfg, NULL) == 0 && http_client_send(c, 1, &m, 1000) == 0)
            http_client_cancel(c, 1);
        http_client_free(c);
    }
    http_fini(&m);
    cfg.ca_file = "/no/such/file";
    EXPECT_INT(http_client_new(&(struct http_client *){NULL}, &loop, &cfg, NULL), ERR_IO);
    EXPECT(net_close(&loop));
}

/* Closed by the peer while it was idle: the next request takes another connection. */
static void does_not_trust_an_idle_connection(enum way way)
{
    struct fixture f;

    open_fixture(&f, way, true);
    f.peer_says = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    for (int i = 0; i < 6; i++) {
        send_to(&f, (uint64_t)i, "POST", f.peer_port, "/", "{}", 5000);
        EXPECT(net_until(&f.loop, &f.done, i + 1, 5000));
        if (i % 2)
            net_turn(&f.loop, 20); /* it may or may not have been noticed */
    }
    EXPECT_INT(f.ok, 6);
    EXPECT_INT(f.peer_clients, 6);
    close_fixture(&f);
}

/* Cancelled before the connection was there: the next request gets it. */
static void keeps_what_it_began_to_connect(void)
{
    struct fixture f;

    open_fixture(&f, BY_LANES, true);
    f.peer_says = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    f.peer_stays = true;
    send_to(&f, 1, "POST", f.peer_port, "/", "{}", 5000);
    http_client_cancel(f.client, 1);
    for (int i = 0; i < 5; i++)
        net_turn(&f.loop, 5);
    send_to(&f, 2, "POST", f.peer_port, "/", "{}", 5000);
    EXPECT(net_until(&f.loop, &f.done, 1, 5000));
    EXPECT_INT(f.status[2], 200);
    EXPECT_INT(f.peer_clients, 1);
    close_fixture(&f);
}

/* What a lane does not do by itself is curl's: it would be wrong on the wire otherwise. */
static void leaves_the_unusual_to_curl(void)
{
    static const struct {
        const char *verb, *path, *header;
    } cases[] = {{"GET", "/a b", NULL},
                 {"GET", "/a\r\nX-Smuggled: 1", NULL},
                 {"G T", "/", NULL},
                 {"POST", "/", "Transfer-Encoding"},
                 {"POST", "/", "content-length"},
                 {"GET", "@192.0.2.1/", NULL}};
    struct fixture f;

    open_fixture(&f, BY_LANES, true);
    f.peer_says = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    f.peer_stays = true;
    for (int i = 0; i < (int)(sizeof cases / sizeof *cases); i++) {
        struct http_message m;
        struct lanes l = {.origin = NULL};
        char url[200], origin[64];

        snprintf(origin, sizeof origin, "http://127.0.0.1:%u", f.peer_port);
        snprintf(url, sizeof url, "%s%s", origin, cases[i].path);
        l.origin = origin;
        http_request_init(&m, cases[i].verb, url);
        if (cases[i].header)
            http_set_header(&m, cases[i].header, "1");
        EXPECT(!lanes_serve(&l, &m));
        http_fini(&m);
        http_request_init(&m, "GET", origin);
        EXPECT(lanes_serve(&l, &m));
        http_fini(&m);
    }
    close_fixture(&f);
}

static void sends_and_receives_by_curl(void)
{
    sends_and_receives(BY_CURL);
}

static void sends_and_receives_by_lanes(void)
{
    sends_and_receives(BY_LANES);
}

static void carries_many_at_once_by_curl(void)
{
    carries_many_at_once(BY_CURL);
}

static void carries_many_at_once_by_lanes(void)
{
    carries_many_at_once(BY_LANES);
}

static void keeps_its_connections_by_curl(void)
{
    keeps_its_connections(BY_CURL);
}

static void keeps_its_connections_by_lanes(void)
{
    keeps_its_connections(BY_LANES);
}

static void tells_why_no_answer_came_by_curl(void)
{
    tells_why_no_answer_came(BY_CURL);
}

static void tells_why_no_answer_came_by_lanes(void)
{
    tells_why_no_answer_came(BY_LANES);
}

static void forgets_what_is_cancelled_by_curl(void)
{
    forgets_what_is_cancelled(BY_CURL);
}

static void forgets_what_is_cancelled_by_lanes(void)
{
    forgets_what_is_cancelled(BY_LANES);
}

static void lets_done_do_anything_by_curl(void)
{
    lets_done_do_anything(BY_CURL);
}

static void lets_done_do_anything_by_lanes(void)
{
    lets_done_do_anything(BY_LANES);
}

static void ends_in_the_middle_by_curl(void)
{
    ends_in_the_middle(BY_CURL);
}

static void ends_in_the_middle_by_lanes(void)
{
    ends_in_the_middle(BY_LANES);
}

static void leaves_nothing_of_failed_connections_by_curl(void)
{
    leaves_nothing_of_failed_connections(BY_CURL);
}

static void leaves_nothing_of_failed_connections_by_lanes(void)
{
    leaves_nothing_of_failed_connections(BY_LANES);
}

static void does_not_trust_an_idle_connection_by_curl(void)
{
    does_not_trust_an_idle_connection(BY_CURL);
}

static void does_not_trust_an_idle_connection_by_lanes(void)
{
    does_not_trust_an_idle_connection(BY_LANES);
}

const struct test http_client_tests[] = {TEST(sends_and_receives_by_curl),
                                         TEST(sends_and_receives_by_lanes),
                                         TEST(carries_many_at_once_by_curl),
                                         TEST(carries_many_at_once_by_lanes),
                                         TEST(keeps_its_connections_by_curl),
                                         TEST(keeps_its_connections_by_lanes),
                                         TEST(tells_why_no_answer_came_by_curl),
                                         TEST(tells_why_no_answer_came_by_lanes),
                                         TEST(forgets_what_is_cancelled_by_curl),
                                         TEST(forgets_what_is_cancelled_by_lanes),
                                         TEST(lets_done_do_anything_by_curl),
                                         TEST(lets_done_do_anything_by_lanes),
                                         TEST(ends_in_the_middle_by_curl),
                                         TEST(ends_in_the_middle_by_lanes),
                                         TEST(leaves_nothing_of_failed_connections_by_curl),
                                         TEST(leaves_nothing_of_failed_connections_by_lanes),
                                         TEST(does_not_trust_an_idle_connection_by_curl),
                                         TEST(does_not_trust_an_idle_connection_by_lanes),
                                         TEST(refuses_other_schemes),
                                         TEST(goes_past_the_proxy_to_this_machine),
                                         TEST(keeps_what_it_began_to_connect),
                                         TEST(leaves_the_unusual_to_curl),
                                         TEST(survives_failing_memory),
                                         {0}};
