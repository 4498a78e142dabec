#include "test.h"

#include "net/http_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OK "HTTP/1.1 200 OK\r\n"

/* Feed `text` in pieces of `step` bytes; whether the answer is over. */
static bool feed(struct reply *r, const char *text, size_t n, size_t step)
{
    for (size_t at = 0; at < n; at += step) {
        size_t piece = n - at < step ? n - at : step;
        char *room = reply_room(r, piece);

        EXPECT(room);
        memcpy(room, text + at, piece);
        r->in.n += piece;
        if (reply_take(r))
            return true;
    }
    return false;
}

static void reads_answers(void)
{
    static const struct {
        const char *text;
        bool bodiless;
        int status; /* 0: not over until the end */
        const char *body;
        bool keep;
    } cases[] = {
        {OK "Content-Length: 2\r\n\r\nhi", false, 200, "hi", true},
        {OK "content-length:2 \r\nX: y\r\n\r\nhi", false, 200, "hi", true},
        {OK "Content-Length: 0\r\n\r\n", false, 200, "", true},
        {OK "Content-Length: 2\r\nConnection: x, Close\r\n\r\nhi", false, 200, "hi", false},
        {OK "Content-Length: 2\r\nConnection: closed\r\n\r\nhi", false, 200, "hi", true},
        {OK "Content-Length: 2\r\n\r\nhi, and more", false, 200, "hi", false},
        {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", false, 200, "hi", false},
        {"HTTP/1.1 202 \r\nContent-Length: 0\r\n\r\n", false, 202, "", true},
        {"HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n", false, 202, "", true},
        {"HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", true},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 100\r\n\r\n", false, 304, "", true},
        {OK "Content-Length: 100\r\n\r\n", true, 200, "", true},
        {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\n" OK
         "Content-Length: 1\r\n\r\n!",
         false, 200, "!", true},
        {OK "Transfer-Encoding: Chunked\r\n\r\n3\r\nabc\r\n10;x=y\r\n0123456789abcdef\r\n0\r\n\r\n",
         false, 200, "abc0123456789abcdef", true},
        {OK "Transfer-Encoding: chunked\r\n\r\n00\r\nTrailer: x\r\n\r\n", false, 200, "", true},
        {OK "\r\nuntil the end", false, 0, "until the end", false},
        {OK "X: 1\r\n\r\n", false, 0, "", false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t step = 1; step <= 200; step += step < 5 ? 1 : 65) {
            struct reply r = {0};
            struct http_message m;

            reply_begin(&r, 1000, cases[i].bodiless);
            EXPECT_INT(feed(&r, cases[i].text, strlen(cases[i].text), step), cases[i].status > 0);
            EXPECT(!r.why);
            EXPECT(reply_end(&r));
            m = reply_message(&r);
            EXPECT_INT(m.status, cases[i].status ? cases[i].status : 200);
            EXPECT_STR(m.body ? m.body : "", cases[i].body);
            EXPECT_INT(m.n, strlen(cases[i].body));
            /* Bytes after the answer are seen only when they came with it. */
            EXPECT(r.keep == cases[i].keep || (step < 20 && strstr(cases[i].text, "and more")));
            reply_fini(&r);
        }
    }
}

static void keeps_headers_as_they_were(void)
{
    static const char text[] = OK "Location:  /a b \r\nRetry-After: 1.5\r\nEmpty:\r\n"
                                  "Content-Length: 5000\r\n\r\n";
    struct reply r = {0};
    struct http_message m;
    char body[5001];

    memset(body, 'x', 5000);
    body[5000] = '\0';
    for (int round = 0; round < 2; round++) { /* the memory is used again */
        reply_begin(&r, 10000, false);
        EXPECT(!feed(&r, text, sizeof text - 1, 7));
        EXPECT(feed(&r, body, 5000, 11));
        m = reply_message(&r);
        EXPECT_STR(http_header(&m, "location"), "/a b");
        EXPECT_STR(http_header(&m, "retry-after"), "1.5");
        EXPECT_STR(http_header(&m, "EMPTY"), "");
        EXPECT_STR(m.body, body);
    }
    reply_fini(&r);
}

static void refuses_what_can_be_read_in_two_ways(void)
{
    static const char *const cases[] = {
        "rubbish\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/1.1 101 Switching\r\n\r\n",
        "HTTP/1.1 099 Odd\r\n\r\n",
        OK "Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
        OK "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        OK "Transfer-Encoding: identity\r\n\r\n",
        OK "Content-Length: +2\r\n\r\nhi",
        OK "Content-Length: 2,2\r\n\r\nhi",
        OK "Content-Length:\r\n\r\n",
        OK "Content-Length: 99999999999999999999\r\n\r\n",
        OK "Content-Length: 1001\r\n\r\n",
        OK "X: a\r\n folded\r\nContent-Length: 0\r\n\r\n",
        OK "X y: a\r\n\r\n",
        OK ": a\r\n\r\n",
        OK "no colon\r\n\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n3e9\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n",
        OK "Transfer-Encoding: chunked\r\n\r\n1fffffffffffffffff\r\n",
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t step = 1; step <= 200; step += 199) {
            struct reply r = {0};

            reply_begin(&r, 1000, false);
            EXPECT(feed(&r, cases[i], strlen(cases[i]), step));
            EXPECT(r.why);
            reply_fini(&r);
        }
    }
}

static void bounds_what_it_reads(void)
{
    struct reply r = {0};
    char line[100];

    reply_begin(&r, 1000, false);
    EXPECT(!feed(&r, OK, sizeof OK - 1, 100));
    for (int i = 0; i < 200; i++) {
        int n = snprintf(line, sizeof line, "h%d: x\r\n", i);
        EXPECT(!feed(&r, line, (size_t)n, 100));
    }
    EXPECT(feed(&r, "\r\n", 2, 100));
    EXPECT_IN(r.why ? r.why : "", "too many headers");
    reply_begin(&r, 1000, false);
    for (int i = 0; i < 100 && !r.why; i++) {
        memset(line, 'a', sizeof line);
        for (int k = 0; k < 10 && !r.why; k++)
            feed(&r, line, sizeof line, 100);
    }
    EXPECT_IN(r.why ? r.why : "", "headers are too long");
    reply_begin(&r, 1000, false);
    EXPECT(!feed(&r, OK "\r\n", sizeof OK + 1, 100));
    for (int i = 0; i < 11 && !r.why; i++)
        feed(&r, line, sizeof line, 100);
    EXPECT_IN(r.why ? r.why : "", "too long");
    reply_fini(&r);
}

const struct test http_reply_tests[] = {TEST(reads_answers),
                                        TEST(keeps_headers_as_they_were),
                                        TEST(refuses_what_can_be_read_in_two_ways),
                                        TEST(bounds_what_it_reads),
                                        {0}};
