/*
 * Handles: how an object in Lua names a leg, a fiber or a request of the machine. Neither points at
 * the other: the machine's thing may go first, and Lua does not promise that an object's finalizer
 * runs before its memory goes (it fails where the stack is full or memory is out). A handle is a
 * place in a table and how often that has been given anew; so an old one finds nothing.
 *
 * The table belongs to a machine and its thread.
 */
#ifndef IVORY_CORE_HANDLE_H
#define IVORY_CORE_HANDLE_H

#include <stddef.h>
#include <stdint.h>

/* In the object. {0} names nothing. */
struct handle {
    uint32_t place, turn;
};

/* In what is named. {0}: nobody names it. */
struct named {
    uint32_t place;
    uint32_t handles; /* that name it; some may have gone without a word */
};

struct handle_table {
    struct handle_place *places; /* the first is never used */
    size_t n, cap;
    uint32_t free; /* the first of a chain, 0: none */
};

/* `out` names `target`, whose `named` it is. ERR_NOMEM. */
int handle_open(struct handle_table *t, struct named *named, void *target, struct handle *out);
/* What it names; NULL: it has gone. */
void *handle_target(const struct handle_table *t, const struct handle *h);
/* The object goes. */
void handle_close(struct handle_table *t, const struct handle *h);
/* What is named goes, or wants to be named no more. */
void named_drop(struct handle_table *t, struct named *named);

void handle_table_fini(struct handle_table *t);

#endif
