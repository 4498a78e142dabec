/*
 * Comparing texts where most comparisons fail: searches of small tables.
 */
#ifndef IVORY_BASE_TEXT_H
#define IVORY_BASE_TEXT_H

#include <stdbool.h>
#include <string.h>

/* Whether they are the same. The first letters decide nearly always, without a call. */
static inline bool text_same(const char *a, const char *b)
{
    return *a == *b && strcmp(a, b) == 0;
}

#endif
