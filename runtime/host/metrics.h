/*
 * What the service counts, and how it is shown to Prometheus (text format 0.0.4). One table in
 * metrics_table.c says every metric; each worker counts for itself, on its thread, and a survey
 * (survey.h) adds it up.
 */
#ifndef IVORY_HOST_METRICS_H
#define IVORY_HOST_METRICS_H

#include "base/map.h"
#include "core/command.h"
#include "core/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Durations in buckets, powers of two: bucket i holds what took at most HISTOGRAM_LEAST_NS << i. */
#define HISTOGRAM_BUCKETS  16
#define HISTOGRAM_LEAST_NS 32768

struct histogram {
    uint64_t buckets[HISTOGRAM_BUCKETS + 1]; /* the last: longer */
    uint64_t ns;
};

void histogram_add(struct histogram *h, uint64_t ns);

/* Counts by labels, as they stand in the text: `method="answer",status="200"`. */
struct tally {
    struct map counts;
};

struct metrics {
    uint64_t started[2]; /* incoming, outgoing */
    struct tally ended;  /* result             */
    uint64_t events[EVENT_KINDS];
    uint64_t commands[COMMAND_KINDS];
    struct tally requests; /* method, status   */
    struct tally retries;  /* method           */
    struct tally webhooks; /* status           */
    struct tally limits;   /* limit            */
    struct histogram turns, webhook_to_request;
    uint64_t busy;          /* new calls rejected as busy                             */
    uint64_t turn_began;    /* hrtime; 0: no turn                                     */
    uint64_t webhook_began; /* hrtime; while a webhook is handled, else 0             */
    struct map unblocked;   /* key of a call to when the webhook came that made it ask for
                             * something which has not gone out yet                   */
};

void metrics_init(struct metrics *m);
void metrics_fini(struct metrics *m);

/* Hooks of the engine (host/engine.h). */
void metrics_event(struct metrics *m, const struct event *ev, uint64_t now_ns);
void metrics_turned(struct metrics *m, uint64_t now_ns);
void metrics_command(struct metrics *m, const struct command *c);

/* A request was answered (status 0: no answer came); `again`: it will be sent once more. */
void metrics_answered(struct metrics *m, const char *method, int status, bool again);
/* The first request of a call since goes out. */
void metrics_sent(struct metrics *m, const char *key, uint64_t now_ns);
/* A webhook was answered. */
void metrics_webhook(struct metrics *m, int status);

/* Add the counts of `m` to `sum`. */
void metrics_add(struct metrics *sum, const struct metrics *m);

struct survey;
/* Everything as text; free() it. NULL = no memory. */
char *metrics_text(const struct survey *s);

#endif
