#include "host/mailbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void mailbox_init(struct mailbox *m)
{
    *m = (struct mailbox){.letters = 0};
    map_init(&m->boxes, 0);
}

void mailbox_fini(struct mailbox *m)
{
    while (m->boxes.n)
        mailbox_close(m, m->boxes.entries[0].key);
    map_fini(&m->boxes);
}

struct box {
    struct list letters;
    bool passes;
};

int mailbox_open(struct mailbox *m, const char *key)
{
    struct box *box;

    if (mailbox_is_open(m, key))
        return 0;
    box = calloc(1, sizeof *box);
    if (!box)
        return ERR_NOMEM;
    list_init(&box->letters);
    if (map_put(&m->boxes, key, box)) {
        free(box);
        return ERR_NOMEM;
    }
    return 0;
}

bool mailbox_is_open(const struct mailbox *m, const char *key)
{
    return m->boxes.n && map_get(&m->boxes, key);
}

bool mailbox_expects(const struct mailbox *m, const char *path_key, char key[KEY_MAX])
{
    size_t n = strcspn(path_key, ".");

    if (!m->boxes.n || n >= KEY_MAX)
        return false;
    snprintf(key, KEY_MAX, "%.*s", (int)n, path_key);
    return mailbox_is_open(m, key) && !((struct box *)map_get(&m->boxes, key))->passes;
}

void mailbox_pass(struct mailbox *m, const char *key)
{
    struct box *box = map_get(&m->boxes, key);

    if (box)
        box->passes = true;
}

static struct letter *add(struct mailbox *m, const char *key, size_t bytes)
{
    struct box *box = map_get(&m->boxes, key);
    struct letter *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    l->n = bytes;
    list_append(&box->letters, &l->link);
    m->letters++;
    m->bytes += bytes;
    return l;
}

static void take_out(struct mailbox *m, struct letter *l)
{
    list_remove(&l->link);
    m->letters--;
    m->bytes -= l->n;
}

static bool full(const struct mailbox *m, size_t bytes)
{
    return m->letters >= MAILBOX_LETTERS || m->bytes + bytes > MAILBOX_BYTES;
}

int mailbox_webhook(struct mailbox *m, const char *key, uint64_t id, const char *path_key,
                    const char *authorization, const char *body, size_t n)
{
    struct letter *l = full(m, n) ? NULL : add(m, key, n);

    if (!l)
        return full(m, n) ? ERR_LIMIT : ERR_NOMEM;
    l->id = id;
    l->path_key = strdup(path_key);
    l->authorization = authorization ? strdup(authorization) : NULL;
    l->body = malloc(n + 1);
    if (!l->path_key || (authorization && !l->authorization) || !l->body) {
        take_out(m, l);
        letter_free(l);
        return ERR_NOMEM;
    }
    if (n)
        memcpy(l->body, body, n);
    l->body[n] = '\0';
    return 0;
}

int mailbox_event(struct mailbox *m, struct event *ev)
{
    struct letter *l = full(m, 0) ? NULL : add(m, ev->key, 0);

    if (!l)
        return full(m, 0) ? ERR_LIMIT : ERR_NOMEM;
    l->is_event = true;
    l->event = *ev;
    *ev = (struct event){0};
    return 0;
}

struct letter *mailbox_take(struct mailbox *m, const char *key)
{
    struct box *box = map_get(&m->boxes, key);
    struct letter *l;

    if (!box || list_empty(&box->letters))
        return NULL;
    l = list_entry(box->letters.next, struct letter, link);
    take_out(m, l);
    return l;
}

void letter_free(struct letter *l)
{
    if (!l)
        return;
    event_fini(&l->event);
    free(l->path_key);
    free(l->authorization);
    free(l->body);
    free(l);
}

void mailbox_close(struct mailbox *m, const char *key)
{
    struct letter *l;

    while ((l = mailbox_take(m, key)))
        letter_free(l);
    free(map_remove(&m->boxes, key));
}
