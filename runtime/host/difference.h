/*
 * Where a call that is run again goes another way: what was recorded and what is done now, each
 * with its place. In one line for the log, or line against line, with the source of the flow, for
 * `ivory replay`.
 */
#ifndef IVORY_HOST_DIFFERENCE_H
#define IVORY_HOST_DIFFERENCE_H

#include "core/bundle.h"
#include "core/command.h"

#include <stdio.h>

struct side {
    char what[96]; /* "playPrompt", "nothing", ...                           */
    char fiber[32];
    char where[96]; /* "flows/main.lua:12"; empty: the machine itself, or nowhere */
};

struct difference {
    struct side then, now;
    bool arguments; /* the same method, but with other arguments */
};

/* A side from a recorded command, or from one that is issued now; NULL: nothing. */
void difference_recorded(struct side *s, const cJSON *command);
void difference_issued(struct side *s, const struct command *c);

/* "recorded answer (fiber 1) at flows/main.lua:51, now ..." as a reason; returns ERR_CONFLICT. */
int difference_error(struct error *e, const struct difference *d);

/* Two lines, with the source from the bundle of each side (NULL: not known). */
void difference_write(FILE *out, const struct difference *d, const struct bundle *then,
                      const struct bundle *now);

#endif
