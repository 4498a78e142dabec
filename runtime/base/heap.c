#include "base/heap.h"

#include "base/error.h"

#include <stdbool.h>
#include <stdlib.h>

static bool before(const struct heap_entry *a, const struct heap_entry *b)
{
    return a->at < b->at || (a->at == b->at && a->order < b->order);
}

static void place(struct heap *h, size_t i, struct heap_entry *e)
{
    h->entries[i] = e;
    e->index = i + 1;
}

static void sift_up(struct heap *h, size_t i)
{
    struct heap_entry *e = h->entries[i];

    while (i > 0 && before(e, h->entries[(i - 1) / 2])) {
        place(h, i, h->entries[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    place(h, i, e);
}

static void sift_down(struct heap *h, size_t i)
{
    struct heap_entry *e = h->entries[i];

    for (;;) {
        size_t child = 2 * i + 1;

        if (child >= h->n)
            break;
        if (child + 1 < h->n && before(h->entries[child + 1], h->entries[child]))
            child++;
        if (!before(h->entries[child], e))
            break;
        place(h, i, h->entries[child]);
        i = child;
    }
    place(h, i, e);
}

int heap_reserve(struct heap *h, size_t n)
{
    size_t cap = h->cap ? h->cap : 16;
    struct heap_entry **entries;

    if (n <= h->cap)
        return 0;
    while (cap < n)
        cap *= 2;
    entries = realloc(h->entries, cap * sizeof *entries);
    if (!entries)
        return ERR_NOMEM;
    h->entries = entries;
    h->cap = cap;
    return 0;
}

int heap_put(struct heap *h, struct heap_entry *e, int64_t at)
{
    heap_remove(h, e);
    if (heap_reserve(h, h->n + 1))
        return ERR_NOMEM;
    e->at = at;
    e->order = h->next_order++;
    place(h, h->n++, e);
    sift_up(h, e->index - 1);
    return 0;
}

void heap_remove(struct heap *h, struct heap_entry *e)
{
    size_t i = e->index;
    struct heap_entry *last;

    if (!i--)
        return;
    CHECK(h->entries[i] == e);
    last = h->entries[--h->n];
    e->index = 0;
    if (last == e)
        return;
    place(h, i, last);
    sift_up(h, i);
    sift_down(h, last->index - 1);
}

struct heap_entry *heap_first(const struct heap *h)
{
    return h->n ? h->entries[0] : NULL;
}

void heap_fini(struct heap *h)
{
    free(h->entries);
    *h = (struct heap){0};
}
