/*
 * Notifications on their way to the bot: one outbox per leg, so that one leg's arrive in order and
 * a slow or dead bot holds up nobody else's. One notification at a time is in the air; it is sent
 * again after 1, 2 and 4 s, then dropped. The faults of switchboard.h are put in here.
 */
#ifndef IVORY_EXCHANGE_OUTBOX_H
#define IVORY_EXCHANGE_OUTBOX_H

#include "exchange/board.h"

struct outbox;

/* The bot took the notification (with the body of its answer) or, after all tries, did not. */
typedef void outbox_done(struct switchboard *s, void *owner, bool delivered, const char *body,
                         size_t n, int64_t now);

struct outbox {
    struct list queue; /* struct notice; the first may be in the air */
    size_t n;
    bool flying; /* the first is */
    bool held;   /* the first waits for the second (a fault), or to be sent again */
    struct board_timer timer;
    void (*drained)(struct switchboard *s, void *owner); /* nothing is left */
    void *owner;
};

void outbox_init(struct outbox *o, void (*drained)(struct switchboard *, void *), void *owner);
void outbox_fini(struct switchboard *s, struct outbox *o);
bool outbox_empty(const struct outbox *o);

/* Send `body` to `url`. `done` may be NULL. A full outbox (1,000) drops what is not `must`. */
void outbox_add(struct switchboard *s, struct outbox *o, const char *url, const char *body,
                bool must, outbox_done *done, int64_t now);

/* Send at once and once, before everything that waits: the fault `early`. */
void outbox_early(struct switchboard *s, const char *url, const char *body);

#endif
