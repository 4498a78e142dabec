/*
 * A binary heap of deadlines: the machines keep their timers here and tell their driver only the
 * earliest one. An entry is embedded in the object that waits. Equal deadlines come out in the
 * order in which they were put in, so that two runs agree.
 */
#ifndef IVORY_BASE_HEAP_H
#define IVORY_BASE_HEAP_H

#include <stddef.h>
#include <stdint.h>

struct heap_entry {
    int64_t at;     /* deadline, ms since the epoch, UTC */
    uint64_t order; /* set by heap_put                   */
    size_t index;   /* place + 1 in the heap; 0 = not in */
};

struct heap {
    struct heap_entry **entries;
    size_t n, cap;
    uint64_t next_order;
};

/* Make room for `n` entries: while no more than that are in, heap_put does not fail. ERR_NOMEM. */
int heap_reserve(struct heap *h, size_t n);

/* Put `e` in with deadline `at`; one that is in already is moved. ERR_NOMEM leaves it out. */
int heap_put(struct heap *h, struct heap_entry *e, int64_t at);

/* Take `e` out; harmless when it is not in. */
void heap_remove(struct heap *h, struct heap_entry *e);

/* The earliest entry, or NULL. */
struct heap_entry *heap_first(const struct heap *h);

/* Free the heap's own memory; entries belong to their objects. */
void heap_fini(struct heap *h);

#endif
