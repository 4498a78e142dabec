/*
 * Whether one more call is let in: caps on calls in progress, on new calls a second and on the
 * calls of one tenant. Refusing early keeps what is in progress unharmed. Numbers only, no I/O;
 * all workers ask the same one.
 */
#ifndef IVORY_HOST_ADMISSION_H
#define IVORY_HOST_ADMISSION_H

#include "core/command.h"
#include "core/event.h"

#include <stdbool.h>
#include <stddef.h>

struct admission;

struct admission_config {
    int64_t calls, per_second, per_tenant; /* 0: no cap */
};

enum admission_cap {
    ADMISSION_FREE,
    ADMISSION_CALLS,
    ADMISSION_CALLS_PER_SECOND,
    ADMISSION_PER_TENANT,
    ADMISSION_CAPS
};

/* "calls", "calls_per_second", "per_tenant". */
const char *admission_cap_name(enum admission_cap cap);

int admission_new(struct admission **out, const struct admission_config *cfg, struct error *e);

/* Ask for one more call of `tenant` (NULL: not known) while `calls` are in progress. FREE: it is
 * let in, and counts from now on. Else the cap it would break, and in `after_s` when to try again.
 */
enum admission_cap admission_ask(struct admission *a, const char *tenant, size_t calls, int64_t now,
                                 int *after_s);

/* Refusals so far, by cap. */
uint64_t admission_refused(struct admission *a, enum admission_cap cap);

/* Calls that begin and end, for the counts by tenant. */
void admission_event(struct admission *a, const struct event *ev);
void admission_command(struct admission *a, const struct command *c);

void admission_free(struct admission *a);

#endif
