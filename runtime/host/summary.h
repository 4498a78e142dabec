/*
 * What remains of a call when it is over: a summary (who, when, what was played, how it ended) and
 * a trimmed timeline. Gathered while the call runs, as text, because many calls are parked for
 * long.
 */
#ifndef IVORY_HOST_SUMMARY_H
#define IVORY_HOST_SUMMARY_H

#include "base/buf.h"
#include "core/command.h"
#include "core/event.h"

struct summary {
    char id[ID_MAX]; /* what the service calls it, when that was known from the beginning */
    int64_t began;
    char bundle[65];
    unsigned entries, keys, prompts;
    struct buf played;   /* names of prompts, as members of a JSON array               */
    struct buf timeline; /* one line each: JSON, but for a key the part before a tab, then its
                            sealed value */
    size_t cut;          /* where lines were taken out of it:                          */
    unsigned trimmed;    /* so many                                                    */
    int64_t cut_time;    /* the first of them was of then                              */
};

void summary_fini(struct summary *s);

void summary_event(struct summary *s, const struct event *ev, const char *sealed);
void summary_command(struct summary *s, const struct command *c, int64_t now);

/* `,"prompts":[names]` of a command's arguments, or nothing when it has none. */
void summary_prompts(struct buf *b, const cJSON *args);

/* The texts for the end of the call, to be freed; NULL = no memory. `keep`: sealed values stay,
 * unless `end` says that the call took a secret. */
char *summary_text(const struct summary *s, const struct command *end, int64_t now);
char *summary_timeline(const struct summary *s, const struct command *end, bool keep);

#endif
