/*
 * Mail for calls that are being recovered: their webhooks, unopened, and events that fall due
 * meanwhile. A box is open for a call from the moment its recovery is intended until it goes on.
 * Belongs to an engine.
 */
#ifndef IVORY_HOST_MAILBOX_H
#define IVORY_HOST_MAILBOX_H

#include "base/list.h"
#include "base/map.h"
#include "core/event.h"

#include <stdbool.h>

enum { MAILBOX_LETTERS = 20000, MAILBOX_BYTES = 64 << 20 };

struct letter {
    struct list link;
    bool is_event;
    struct event event;
    uint64_t id; /* of the webhook */
    char *path_key, *authorization, *body;
    size_t n;
};

struct mailbox {
    struct map boxes; /* call key → struct box */
    size_t letters, bytes;
};

void mailbox_init(struct mailbox *m);
void mailbox_fini(struct mailbox *m);

/* ERR_NOMEM. */
int mailbox_open(struct mailbox *m, const char *key);
bool mailbox_is_open(const struct mailbox *m, const char *key);
/* The call that a webhook's path names ("<key>" or "<key>.<leg>") has an open box. */
bool mailbox_expects(const struct mailbox *m, const char *path_key, char key[KEY_MAX]);

/* From now on webhooks of that call are opened at once; events still wait. */
void mailbox_pass(struct mailbox *m, const char *key);

/* Copies; ERR_LIMIT, ERR_NOMEM. */
int mailbox_webhook(struct mailbox *m, const char *key, uint64_t id, const char *path_key,
                    const char *authorization, const char *body, size_t n);
/* Moves `ev` unless it fails. */
int mailbox_event(struct mailbox *m, struct event *ev);

/* The next letter, oldest first, to be freed with letter_free; NULL: the box is empty. */
struct letter *mailbox_take(struct mailbox *m, const char *key);
void letter_free(struct letter *l);
/* Close the box; what is in it is lost. */
void mailbox_close(struct mailbox *m, const char *key);

#endif
