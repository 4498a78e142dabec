/*
 * An intrusive doubly linked list. A head is a `struct list` that points at itself when empty; a
 * link is a `struct list` inside the object. An unlinked link also points at itself, so removing
 * twice is harmless. Nothing here allocates.
 */
#ifndef IVORY_BASE_LIST_H
#define IVORY_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
    l->next = l->prev = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

static inline void list_append(struct list *head, struct list *link)
{
    link->prev = head->prev;
    link->next = head;
    head->prev->next = link;
    head->prev = link;
}

static inline void list_remove(struct list *link)
{
    link->prev->next = link->next;
    link->next->prev = link->prev;
    list_init(link);
}

/* The object of type `type` whose member `member` is `ptr`. */
#define list_entry(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* Walk the links; `tmp` holds the next one, so the current object may be removed. */
#define list_each(it, tmp, head)                                                                   \
    for ((it) = (head)->next, (tmp) = (it)->next; (it) != (head); (it) = (tmp), (tmp) = (it)->next)

#endif
