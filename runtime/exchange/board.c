#include "exchange/board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct action_item {
    struct list link;
    struct switchboard_action action;
};

void board_nomem(struct switchboard *s)
{
    s->err = ERR_NOMEM;
}

int board_leave(struct switchboard *s, int err)
{
    int result = s->err ? s->err : err;

    while (!list_empty(&s->dead)) {
        struct board_object *o = list_entry(s->dead.next, struct board_object, link);

        list_remove(&o->link);
        o->free(s, o->object);
    }
    s->err = 0;
    return result;
}

void board_timer_init(struct board_timer *t, board_fire *fire, void *owner)
{
    *t = (struct board_timer){.fire = fire, .owner = owner};
}

void board_timer_set(struct switchboard *s, struct board_timer *t, int64_t at)
{
    if (heap_put(&s->timers, &t->entry, at))
        board_nomem(s);
}

void board_timer_stop(struct switchboard *s, struct board_timer *t)
{
    heap_remove(&s->timers, &t->entry);
}

void board_bury(struct switchboard *s, struct board_object *o)
{
    list_remove(&o->link);
    list_append(&s->dead, &o->link);
}

void board_guid(struct switchboard *s, char out[BOARD_GUID])
{
    uint64_t bits[2] = {random_next(&s->random), random_next(&s->random)};
    unsigned char bytes[16];

    memcpy(bytes, bits, sizeof bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40); /* RFC 4122: version 4 */
    bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
    guid_format(out, bytes);
}

bool board_chance(struct switchboard *s, double probability)
{
    /* Draw nothing when a fault is off, so that switching one on does not move the ids. */
    return probability > 0 && random_unit(&s->random) < probability;
}

uint64_t board_action(struct switchboard *s, enum switchboard_action_kind kind, const char *line,
                      const char *url, const char *body, int64_t ms)
{
    struct action_item *item = calloc(1, sizeof *item);
    uint64_t id = ++s->next_id;

    if (!item) {
        board_nomem(s);
        return id;
    }
    item->action = (struct switchboard_action){.kind = kind, .id = id, .ms = ms};
    if (line)
        snprintf(item->action.line, sizeof item->action.line, "%s", line);
    board_set(s, &item->action.url, url);
    board_set(s, &item->action.body, body);
    list_append(&s->actions, &item->link);
    return id;
}

struct switchboard_action *board_last_action(struct switchboard *s)
{
    if (list_empty(&s->actions))
        return NULL;
    return &list_entry(s->actions.prev, struct action_item, link)->action;
}

bool switchboard_next(struct switchboard *s, struct switchboard_action *out)
{
    struct action_item *item;

    if (list_empty(&s->actions))
        return false;
    item = list_entry(s->actions.next, struct action_item, link);
    list_remove(&item->link);
    *out = item->action;
    free(item);
    return true;
}

void switchboard_action_fini(struct switchboard_action *a)
{
    free(a->url);
    free(a->body);
    *a = (struct switchboard_action){0};
}

void board_key(char out[24], uint64_t id)
{
    snprintf(out, 24, "%llu", (unsigned long long)id);
}

bool board_address(char out[BOARD_MAX_ADDRESS], const char *text)
{
    size_t n = 0;

    if (!text || strlen(text) >= BOARD_MAX_ADDRESS)
        return false;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < 0x20 || c > 0x7e)
            return false;
        if (!strchr(" -()", c))
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out[n] = '\0';
    return n > 0;
}

void board_quote(struct buf *b, const char *text)
{
    if (!text) {
        buf_str(b, "null");
        return;
    }
    buf_char(b, '"');
    while (*text) {
        size_t plain = 0;

        while ((unsigned char)text[plain] >= 0x20 && text[plain] != '"' && text[plain] != '\\')
            plain++;
        buf_add(b, text, plain);
        text += plain;
        if (*text == '"' || *text == '\\')
            buf_fmt(b, "\\%c", *text++);
        else if (*text)
            buf_fmt(b, "\\u%04x", (unsigned)(unsigned char)*text++);
    }
    buf_char(b, '"');
}

void board_texts(struct buf *b, const char *const *texts)
{
    for (; *texts; texts++)
        buf_str(b, *texts);
}

void board_time(struct buf *b, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    char text[40];

    if (!gmtime_r(&seconds, &tm) || !strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm)) {
        buf_str(b, "null"); /* a year beyond what calendars have */
        return;
    }
    buf_fmt(b, "\"%s.%03dZ\"", text, (int)(ms % 1000 < 0 ? 0 : ms % 1000));
}

void board_result(struct buf *b, int code, int subcode, const char *message)
{
    buf_fmt(b,
            "{\"@odata.type\":\"#microsoft.graph.resultInfo\",\"code\":%d,\"subcode\":%d,"
            "\"message\":",
            code, subcode);
    board_quote(b, message);
    buf_char(b, '}');
}

char *board_take(struct switchboard *s, struct buf *b)
{
    char *text = buf_take(b);

    if (!text)
        board_nomem(s);
    return text;
}

void board_set(struct switchboard *s, char **to, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        board_nomem(s);
    free(*to);
    *to = copy;
}
