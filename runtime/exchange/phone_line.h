/*
 * The lines of the phones over HTTP, with what happened on each. Internal to phones.
 */
#ifndef IVORY_EXCHANGE_PHONE_LINE_H
#define IVORY_EXCHANGE_PHONE_LINE_H

#include "base/list.h"
#include "base/map.h"
#include "exchange/phones.h"

enum {
    PHONE_POLL_MS = 25000,
    PHONE_KEPT_MS = 60000,   /* after the end                  */
    PHONE_ASKED_MS = 300000, /* nobody asked for so long: over */
    PHONE_LEFT_MS = 5000,    /* nobody asked for so long after one that waited had gone: over */
    PHONE_MAX_EVENTS = 1000,
    PHONE_MAX_LINES = 10000,
};

struct phones {
    struct switchboard *board;
    bool anywhere;
    struct map lines;  /* by id; owns them  */
    struct list order; /* the same, by age  */
};

struct phone_line {
    struct list link;
    char id[ID_MAX];
    char *address;
    bool registered; /* only rings */
    char state[24];
    int64_t asked; /* when anybody last asked about it  */
    int64_t left;  /* when whoever waited for its events went away; 0: nobody did, or asked since */
    int64_t ended; /* 0: it has not                     */
    uint64_t last; /* number of the last event          */
    struct list events;
    size_t nevents;
    struct http_call *poll; /* waits for an event after `after` until `poll_end` */
    uint64_t after;
    int64_t poll_end;
};

/* NULL: no memory, or too many. `id` NULL: a new one of our own making. */
struct phone_line *phone_line_new(struct phones *p, const char *id, const char *address,
                                  const char *state, int64_t now);
struct phone_line *phone_line_find(const struct phones *p, const char *id);
struct phone_line *phone_line_registered(const struct phones *p, const char *address);
void phone_line_free(struct phones *p, struct phone_line *l);

/* Something happened on `l`: `what` (taken over; NULL = no memory: lost) gets number, time and
 * kind. Whoever waits for it is answered. */
void phone_line_event(struct phone_line *l, const char *kind, cJSON *what, int64_t now);

/* Answer `call` with the events after `after`, now or when there are some. */
void phone_line_poll(struct phone_line *l, struct http_call *call, uint64_t after, int64_t now);

/* End what waits on `l`, with what there is. */
void phone_line_poll_end(struct phone_line *l);

/* End a registration. */
void phone_line_unregister(struct phones *p, struct phone_line *l, int64_t now);

#endif
