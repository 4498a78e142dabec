/* Answers of an HTTP server: the first byte says in what pieces the rest comes. Whatever the
 * pieces, the outcome is the same. */
#include "base/error.h"
#include "net/http_reply.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static bool feed(struct reply *r, const uint8_t *p, size_t n, size_t step)
{
    bool over = false;

    for (size_t at = 0; at < n && !over; at += step) {
        size_t piece = n - at < step ? n - at : step;
        char *room = reply_room(r, piece);

        CHECK(room);
        memcpy(room, p + at, piece);
        r->in.n += piece;
        over = reply_take(r);
    }
    return over || reply_end(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct reply whole = {0}, pieces = {0};
    bool a, b;

    if (size < 1 || size > 4000) /* long lines are refused at one place or another */
        return 0;
    reply_begin(&whole, 2000, data[0] & 128);
    reply_begin(&pieces, 2000, data[0] & 128);
    a = feed(&whole, data + 1, size - 1, size);
    b = feed(&pieces, data + 1, size - 1, 1 + (data[0] & 127));
    CHECK(a == b && !whole.why == !pieces.why);
    if (a && !whole.why) {
        struct http_message m = reply_message(&whole), n = reply_message(&pieces);

        CHECK(m.status == n.status && m.n == n.n && m.nheaders == n.nheaders);
        CHECK(!m.n || memcmp(m.body, n.body, m.n) == 0);
        for (size_t i = 0; i < m.nheaders; i++)
            CHECK(strcmp(m.headers[i].name, n.headers[i].name) == 0 &&
                  strcmp(m.headers[i].value, n.headers[i].value) == 0);
    }
    reply_fini(&whole);
    reply_fini(&pieces);
    return 0;
}
