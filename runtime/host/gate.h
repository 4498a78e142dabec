/*
 * What must not leave before the journal holds what led to it: answers to webhooks ("202 means it
 * is safe") and commands that must not be carried out twice. First in, first out, since positions
 * only grow; a command of a call that has one waiting here waits behind it. Nothing waits longer
 * than GATE_MS: with a disk that refuses, calls in progress go on. Belongs to an engine.
 */
#ifndef IVORY_HOST_GATE_H
#define IVORY_HOST_GATE_H

#include "base/list.h"
#include "base/map.h"
#include "core/command.h"
#include "host/engine.h"

enum { GATE_MS = 2000 };

struct gated {
    struct list link;
    uint64_t position;
    int64_t until;
    bool is_answer;
    char key[KEY_MAX]; /* of the command, which may have been handed over already */
    struct command command;
    struct engine_action answer;
};

struct gate {
    struct list queue;
    struct map keys; /* calls that have commands here → how many */
};

void gate_init(struct gate *g);
void gate_fini(struct gate *g);

/* Put in what is safe once `position` is committed; moves `c` or `a` unless ERR_NOMEM. */
int gate_command(struct gate *g, struct command *c, uint64_t position, int64_t now);
int gate_answer(struct gate *g, struct engine_action *a, uint64_t position, int64_t now);

/* Whether commands of that call wait here. */
bool gate_has(const struct gate *g, const char *key);

/* The first, when it may go: `committed` has reached it, or its time is over. NULL: none. */
struct gated *gate_first(const struct gate *g, uint64_t committed, int64_t now);
/* Take it out and free it with what it still holds. */
void gate_remove(struct gate *g, struct gated *first);

/* When the first has waited long enough; INT64_MAX: nothing waits. */
int64_t gate_deadline(const struct gate *g);

#endif
