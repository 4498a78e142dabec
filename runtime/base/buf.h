/*
 * A growing byte buffer. The owner embeds a `struct buf`, starts it as `{0}` and ends it with
 * buf_fini. The bytes are always followed by a NUL that is not counted. A failed allocation is
 * remembered: later appends do nothing and `err` says so, so that a chain of appends needs one
 * test at its end.
 */
#ifndef IVORY_BASE_BUF_H
#define IVORY_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

struct buf {
    char *p;  /* NULL when nothing was ever appended */
    size_t n; /* bytes used, without the final NUL   */
    size_t cap;
    int err; /* 0 or ERR_NOMEM                      */
};

/* Make room for `more` bytes, so that adding them in pieces moves nothing. */
int buf_reserve(struct buf *b, size_t more);

int buf_add(struct buf *b, const void *p, size_t n);

static inline int buf_str(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

static inline int buf_char(struct buf *b, char c)
{
    if (b->err || b->cap - b->n < 2)
        return buf_add(b, &c, 1);
    b->p[b->n++] = c;
    b->p[b->n] = '\0';
    return 0;
}

int buf_int(struct buf *b, long long v);
int buf_fmt(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Append `s` percent-encoded for use as one path segment or query value (RFC 3986 unreserved kept).
 */
int buf_urlencode(struct buf *b, const char *s);

/* Hand the bytes to the caller (to be freed with free) and empty the buffer; NULL after a failure.
 */
char *buf_take(struct buf *b);

/* Forget the content, keep the memory. */
void buf_reset(struct buf *b);
void buf_fini(struct buf *b);

#endif
