#include "exchange/phone_line.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/random.h"
#include "exchange/reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct phone_event {
    struct list link;
    uint64_t n;
    char *text; /* JSON */
};

struct phone_line *phone_line_new(struct phones *p, const char *id, const char *address,
                                  const char *state, int64_t now)
{
    struct phone_line *l;
    unsigned char bytes[16];

    if (p->lines.n >= PHONE_MAX_LINES || !(l = calloc(1, sizeof *l)))
        return NULL;
    random_bytes(bytes, sizeof bytes);
    if (id)
        snprintf(l->id, sizeof l->id, "%s", id);
    else
        hex_encode(l->id, bytes, sizeof bytes);
    snprintf(l->state, sizeof l->state, "%s", state);
    l->asked = now;
    list_init(&l->link);
    list_init(&l->events);
    l->address = strdup(address);
    if (!l->address || map_put(&p->lines, l->id, l)) {
        free(l->address);
        free(l);
        return NULL;
    }
    list_append(&p->order, &l->link);
    return l;
}

struct phone_line *phone_line_find(const struct phones *p, const char *id)
{
    return map_get(&p->lines, id);
}

/* Addresses compare as the switchboard compares them: spelling of numbers and case do not matter.
 */
static bool same_address(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strspn(a, " -()");
        b += strspn(b, " -()");
        if (strncasecmp(a, b, 1) != 0)
            return false;
        if (!*a)
            return true;
    }
}

struct phone_line *phone_line_registered(const struct phones *p, const char *address)
{
    struct list *it, *tmp;

    list_each (it, tmp, &p->order) {
        struct phone_line *l = list_entry(it, struct phone_line, link);
        if (l->registered && !l->ended && same_address(l->address, address))
            return l;
    }
    return NULL;
}

static void drop_event(struct phone_line *l, struct phone_event *ev)
{
    list_remove(&ev->link);
    l->nevents--;
    free(ev->text);
    free(ev);
}

void phone_line_free(struct phones *p, struct phone_line *l)
{
    map_remove(&p->lines, l->id);
    list_remove(&l->link);
    while (!list_empty(&l->events))
        drop_event(l, list_entry(l->events.next, struct phone_event, link));
    free(l->address);
    free(l);
}

/* The events after `after` as a JSON array; NULL = no memory. */
static char *events_after(const struct phone_line *l, uint64_t after)
{
    struct list *it, *tmp;
    struct buf b = {0};
    bool first = true;

    buf_char(&b, '[');
    list_each (it, tmp, &l->events) {
        const struct phone_event *ev = list_entry(it, struct phone_event, link);
        if (ev->n <= after)
            continue;
        buf_fmt(&b, "%s%s", first ? "" : ",", ev->text);
        first = false;
    }
    buf_char(&b, ']');
    return buf_take(&b);
}

void phone_line_poll_end(struct phone_line *l)
{
    struct http_call *call = l->poll;

    l->poll = NULL;
    if (call)
        reply_text(call, 200, events_after(l, l->after));
}

void phone_line_poll(struct phone_line *l, struct http_call *call, uint64_t after, int64_t now)
{
    phone_line_poll_end(l);
    l->poll = call;
    l->after = after;
    l->poll_end = now + PHONE_POLL_MS;
    if (l->last > after || l->ended)
        phone_line_poll_end(l);
}

void phone_line_event(struct phone_line *l, const char *kind, cJSON *what, int64_t now)
{
    struct phone_event *ev = what ? calloc(1, sizeof *ev) : NULL;

    if (ev && (json_set_int(what, "n", (int64_t)l->last + 1) || json_set_int(what, "at", now) ||
               json_set_str(what, "kind", kind) || !(ev->text = json_text(what)))) {
        free(ev);
        ev = NULL;
    }
    cJSON_Delete(what);
    if (!ev)
        return;
    ev->n = ++l->last;
    list_append(&l->events, &ev->link);
    if (++l->nevents > PHONE_MAX_EVENTS)
        drop_event(l, list_entry(l->events.next, struct phone_event, link));
    phone_line_poll_end(l);
}

void phone_line_unregister(struct phones *p, struct phone_line *l, int64_t now)
{
    switchboard_unregister(p->board, l->address);
    snprintf(l->state, sizeof l->state, "ended");
    l->ended = now;
    phone_line_poll_end(l);
}
