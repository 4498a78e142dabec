#include "base/buf.h"

#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int buf_reserve(struct buf *b, size_t more)
{
    size_t need = b->n + more + 1;
    size_t cap = b->cap ? b->cap : 64;
    char *p;

    if (b->err)
        return b->err;
    if (need <= b->cap)
        return 0;
    while (cap < need)
        cap *= 2;
    p = realloc(b->p, cap);
    if (!p)
        return b->err = ERR_NOMEM;
    b->p = p;
    b->cap = cap;
    return 0;
}

int buf_add(struct buf *b, const void *p, size_t n)
{
    if (buf_reserve(b, n))
        return b->err;
    if (n)
        memcpy(b->p + b->n, p, n);
    b->n += n;
    b->p[b->n] = '\0';
    return 0;
}

int buf_int(struct buf *b, long long v)
{
    char digits[24];
    size_t at = sizeof digits;
    unsigned long long left = v < 0 ? 0ull - (unsigned long long)v : (unsigned long long)v;

    do
        digits[--at] = (char)('0' + left % 10);
    while (left /= 10);
    if (v < 0)
        digits[--at] = '-';
    return buf_add(b, digits + at, sizeof digits - at);
}

int buf_fmt(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    size_t room;
    int n;

    /* Most texts fit into what room there is; only a longer one is formatted twice. */
    if (buf_reserve(b, 100))
        return b->err;
    room = b->cap - b->n;
    va_start(ap, fmt);
    n = vsnprintf(b->p + b->n, room, fmt, ap);
    va_end(ap);
    CHECK(n >= 0);
    if ((size_t)n >= room) {
        b->p[b->n] = '\0';
        if (buf_reserve(b, (size_t)n))
            return b->err;
        va_start(ap, fmt);
        vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
        va_end(ap);
    }
    b->n += (size_t)n;
    return 0;
}

static bool is_unreserved(char c)
{
    char low = (char)(c | 32);

    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == '~';
}

int buf_urlencode(struct buf *b, const char *s)
{
    static const char digits[] = "0123456789ABCDEF";

    while (*s) {
        size_t n = 0;

        while (is_unreserved(s[n]))
            n++;
        buf_add(b, s, n);
        s += n;
        if (*s) {
            buf_add(b, (char[]){'%', digits[(unsigned char)*s >> 4], digits[*s & 15]}, 3);
            s++;
        }
    }
    return b->err;
}

char *buf_take(struct buf *b)
{
    char *p;

    if (!b->p)
        buf_add(b, "", 0);
    p = b->err ? NULL : b->p;
    if (b->err)
        free(b->p);
    *b = (struct buf){0};
    return p;
}

void buf_reset(struct buf *b)
{
    b->n = 0;
    b->err = 0;
    if (b->p)
        b->p[0] = '\0';
}

void buf_fini(struct buf *b)
{
    free(b->p);
    *b = (struct buf){0};
}
