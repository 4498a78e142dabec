#include "core/event.h"

#include "base/buf.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_names[EVENT_KINDS] = {
    "start",   "call", "operation", "roster", "sharing", "routing", "tone",
    "joining", "left", "answer",    "timer",  "overrun", "signal",
};
static const char *const change_names[] = {"none", "created", "updated", "deleted"};

int event_list_add(struct event_list *l, struct event *ev)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 1;
        struct event *items = realloc(l->items, cap * sizeof *items);
        if (!items)
            return ERR_NOMEM;
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = *ev;
    *ev = (struct event){0};
    return 0;
}

void event_list_fini(struct event_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        event_fini(&l->items[i]);
    free(l->items);
    *l = (struct event_list){0};
}

const char *event_kind_name(enum event_kind k)
{
    return (unsigned)k < EVENT_KINDS ? kind_names[k] : "unknown";
}

const char *change_name(enum change c)
{
    return (unsigned)c <= CHANGE_DELETED ? change_names[c] : "unknown";
}

static void add_text(struct buf *b, const char *name, const char *value)
{
    if (!*value)
        return;
    buf_str(b, name);
    buf_str(b, value);
    buf_char(b, '"');
}

static void add_number(struct buf *b, const char *name, long long value)
{
    if (!value)
        return;
    buf_str(b, name);
    buf_int(b, value);
}

/* A journal is made of these: they are put together without formats, which cost four times as much.
 */
char *event_encode(const struct event *ev)
{
    struct buf b = {0};
    char *text;

    buf_reserve(&b, 500);
    add_text(&b, "{\"kind\":\"", event_kind_name(ev->kind));
    if (ev->change)
        add_text(&b, ",\"change\":\"", change_name(ev->change));
    buf_str(&b, ",\"time\":");
    buf_int(&b, ev->time);
    add_text(&b, ",\"key\":\"", ev->key);
    add_number(&b, ",\"leg\":", ev->leg);
    add_text(&b, ",\"call_id\":\"", ev->call_id);
    add_number(&b, ",\"seq\":", ev->seq);
    add_number(&b, ",\"status\":", ev->status);
    add_text(&b, ",\"id\":\"", ev->id);
    if (ev->data) {
        buf_str(&b, ",\"data\":");
        json_add(&b, ev->data);
    }
    buf_char(&b, '}');
    text = buf_take(&b);
    buf_fini(&b);
    return text;
}

static int name_index(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; name && i < n; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

/* Copy string member `key` of `o` into `out`; an absent one is empty. */
static int take_text(char *out, size_t cap, const cJSON *o, const char *key, struct error *e)
{
    const cJSON *v = json_get(o, key);

    if (v && (!cJSON_IsString(v) || strlen(v->valuestring) >= cap))
        return error_set(e, ERR_INVALID, "event: %s: a string of at most %zu bytes", key, cap - 1);
    if (v && v->valuestring[strspn(v->valuestring, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
                                                   "UVWXYZ0123456789._:@-")])
        return error_set(e, ERR_INVALID, "event: %s: no id", key);
    strcpy(out, v ? v->valuestring : "");
    return 0;
}

static int take_int(int64_t *out, const cJSON *o, const char *key, int64_t max, struct error *e)
{
    const cJSON *v = json_get(o, key);

    if (v && (!cJSON_IsNumber(v) || v->valuedouble < 0 || v->valuedouble > (double)max ||
              v->valuedouble != (double)(int64_t)v->valuedouble))
        return error_set(e, ERR_INVALID, "event: %s: an integer from 0 to %lld", key,
                         (long long)max);
    *out = v ? (int64_t)v->valuedouble : 0;
    return 0;
}

static int read_members(struct event *ev, const cJSON *o, struct error *e)
{
    int64_t leg = 0, seq = 0, status = 0;
    const char *change = json_str(o, "change");
    int kind = name_index(kind_names, EVENT_KINDS, json_str(o, "kind"));
    int changed = change ? name_index(change_names, 4, change) : 0;
    int err;

    if (kind < 0)
        return error_set(e, ERR_INVALID, "event: kind: missing or unknown");
    if (changed < 0)
        return error_set(e, ERR_INVALID, "event: change: unknown");
    ev->kind = (enum event_kind)kind;
    ev->change = (enum change)changed;
    if ((err = take_int(&ev->time, o, "time", INT64_C(9007199254740991), e)) ||
        (err = take_int(&leg, o, "leg", 1000, e)) ||
        (err = take_int(&seq, o, "seq", UINT32_MAX, e)) ||
        (err = take_int(&status, o, "status", 999, e)) ||
        (err = take_text(ev->key, sizeof ev->key, o, "key", e)) ||
        (err = take_text(ev->call_id, sizeof ev->call_id, o, "call_id", e)) ||
        (err = take_text(ev->id, sizeof ev->id, o, "id", e)))
        return err;
    ev->leg = (int)leg;
    ev->seq = (uint32_t)seq;
    ev->status = (int)status;
    return 0;
}

int event_decode(struct event *out, const char *text, size_t n, struct error *e)
{
    struct event ev = {0};
    cJSON *o = NULL;
    int err = json_parse(&o, text, n, e);

    if (err)
        return err;
    if (!cJSON_IsObject(o))
        err = error_set(e, ERR_INVALID, "event: not an object");
    else
        err = read_members(&ev, o, e);
    if (!err) {
        ev.data = json_take(o, "data");
        *out = ev;
    }
    cJSON_Delete(o);
    return err;
}

int event_copy(struct event *to, const struct event *from)
{
    cJSON *data = from->data ? json_copy(from->data) : NULL;

    if (from->data && !data)
        return ERR_NOMEM;
    *to = *from;
    to->data = data;
    return 0;
}

void event_fini(struct event *ev)
{
    cJSON_Delete(ev->data);
    *ev = (struct event){0};
}
