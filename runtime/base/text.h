/*
 * Texts without formats: comparing them in searches of small tables, where most comparisons fail,
 * and with secrets; copying them.
 */
#ifndef IVORY_BASE_TEXT_H
#define IVORY_BASE_TEXT_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Whether they are the same. The first two letters decide nearly always, without a call. */
static inline bool text_same(const char *a, const char *b)
{
    return *a == *b && (!*a || (a[1] == b[1] && strcmp(a, b) == 0));
}

/* Copy what of `from` fits into `cap` bytes with the NUL; how much that is. */
static inline size_t text_copy(char *to, size_t cap, const char *from)
{
    size_t n = strnlen(from, cap - 1);

    memcpy(to, from, n);
    to[n] = '\0';
    return n;
}

/* A copy of `text` (NULL: none) takes the place of `*to`, which is freed. ERR_NOMEM: it stays. */
static inline int text_keep(char **to, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        return ERR_NOMEM;
    free(*to);
    *to = copy;
    return 0;
}

/* Whether `n` bytes are the same, in a time that does not tell where they differ. */
static inline bool secret_same(const char *a, const char *b, size_t n)
{
    uint64_t differ = 0, x, y;
    size_t i = 0;

    for (; n - i >= sizeof x; i += sizeof x) {
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        differ |= x ^ y;
    }
    for (; i < n; i++)
        differ |= (unsigned char)(a[i] ^ b[i]);
    return differ == 0;
}

#endif
