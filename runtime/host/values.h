/*
 * The flows' durable values (ivr.store): what the engine does when a flow asks for one. A value
 * that was changed is seen by every call at once and is kept here until the journal has it; the
 * rest is read from where the journal keeps them. Without a source everything stays in memory.
 *
 * Engines on several threads may share one: each holds the lock from values_apply until the change
 * is written, so that changes are written in the order in which they were made.
 */
#ifndef IVORY_HOST_VALUES_H
#define IVORY_HOST_VALUES_H

#include "core/command.h"
#include "core/event.h"

struct values;

/* Where values are that were written earlier. */
struct values_source {
    /* The value's JSON text, to be freed with free. ERR_NOTFOUND, ERR_IO, ERR_NOMEM. */
    int (*get)(void *arg, const char *name, void **p, size_t *n, struct error *e);
    uint64_t (*committed)(void *arg); /* writes up to this position are seen by `get` */
    void *arg;
};

/* What an operation wants written. `name` empty: nothing. */
struct values_change {
    char name[65];
    char *text; /* JSON, owned; NULL: the value is removed */
};

/* `source` NULL: memory only; it outlives the values. ERR_NOMEM. */
int values_new(struct values **out, const struct values_source *source);
void values_free(struct values *v);

void values_lock(struct values *v);
void values_unlock(struct values *v);

/* Carry out command `c` of kind "store": `answer` becomes its answer event, `change` what is to be
 * written. ERR_NOMEM: nothing was changed. */
int values_apply(struct values *v, const struct command *c, struct event *answer,
                 struct values_change *change);

/* That change will be where the source is with write `position`; 0: it will not. */
void values_written(struct values *v, const struct values_change *change, uint64_t position);
void values_change_fini(struct values_change *change);

#endif
