/*
 * Lua patterns (reference manual 6.4.1) with a budget. A pattern is compiled to a list of items,
 * one after another; there is no alternation and no repeated group, so at any moment each item has
 * at most one open choice, and backtracking needs no recursion and no memory beyond the items.
 * Every comparison costs a step; when the steps are used up the match gives up. Nothing here knows
 * Lua's API: Lua cannot interrupt a C function, so the flow's string functions stand on this.
 *
 * Unlike the stock matcher, a malformed pattern is refused as a whole, also where the part that is
 * wrong would not have been reached; and there is no limit on how complex a pattern may be.
 */
#ifndef IVORY_CORE_PATTERN_H
#define IVORY_CORE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_CAPTURES 32
#define PATTERN_POSITION ((size_t)-1) /* the length of a capture that is a position */

/* One item of a compiled pattern. */
struct pattern_item {
    unsigned char op;   /* what it does                                     */
    unsigned char test; /* how it tests one character                       */
    unsigned char a, b; /* its characters, or which capture                 */
    uint32_t previous;  /* the open choice before this one, index + 1       */
    size_t low, high;   /* its open choice: the ends it may still go on from */
    uint32_t set[8];    /* of a set: one bit a character                    */
};

struct pattern {
    struct pattern_item *items; /* the caller's; they also hold the state of the running match */
    size_t n;
    int captures;
};

struct pattern_capture {
    size_t at, n; /* offset and length in the subject */
};

/* One subject and what was found in it. */
struct pattern_run {
    const char *subject;
    size_t n;
    int64_t steps;              /* left; below 0 once the budget is used up */
    const char *volatile *stop; /* may be NULL; gives up when it points to something */
    struct pattern_capture captures[PATTERN_CAPTURES];
};

/* How many items a pattern of `n` bytes needs at most. */
size_t pattern_room(size_t n);

/* Compile; `items` has pattern_room(n) places. Returns NULL, or what is wrong with the pattern. A
 * leading ^ means nothing here: the caller anchors. */
const char *pattern_compile(struct pattern *p, struct pattern_item *items, const char *text,
                            size_t n);

/* Match at offset `at` exactly. True: `*end` is where the match ends, and the captures are set.
 * False: no match, or the budget is used up (r->steps < 0). */
bool pattern_match(const struct pattern *p, struct pattern_run *r, size_t at, size_t *end);

#endif
