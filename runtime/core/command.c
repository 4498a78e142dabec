#include "core/command.h"

#include "base/buf.h"
#include "base/json.h"

#include <stdlib.h>

static const char *const kind_names[COMMAND_KINDS] = {
    "method", "http", "cancel", "reply", "log", "store", "continue", "end",
};

int command_list_add(struct command_list *l, struct command *c)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : 8;
        struct command *items = realloc(l->items, cap * sizeof *items);
        if (!items)
            return ERR_NOMEM;
        l->items = items;
        l->cap = cap;
    }
    l->items[l->n++] = *c;
    *c = (struct command){0};
    return 0;
}

void command_list_reset(struct command_list *l)
{
    for (size_t i = 0; i < l->n; i++)
        command_fini(&l->items[i]);
    l->n = 0;
}

void command_list_fini(struct command_list *l)
{
    command_list_reset(l);
    free(l->items);
    *l = (struct command_list){0};
}

const char *command_kind_name(enum command_kind k)
{
    return (unsigned)k < COMMAND_KINDS ? kind_names[k] : "unknown";
}

/* Append `,"name":value` with its members sorted. */
static void add_canonical(struct buf *b, const char *name, const cJSON *v)
{
    char *text;

    if (!v)
        return;
    text = json_canonical(v);
    if (!text)
        b->err = ERR_NOMEM;
    else
        buf_fmt(b, ",\"%s\":%s", name, text);
    free(text);
}

static void add_text(struct buf *b, const char *name, const char *s)
{
    cJSON *v;

    if (!s || !s[0])
        return;
    v = cJSON_CreateString(s);
    if (v)
        add_canonical(b, name, v);
    else
        b->err = ERR_NOMEM;
    cJSON_Delete(v);
}

char *command_encode(const struct command *c)
{
    struct buf b = {0};
    char *text;

    buf_fmt(&b, "{\"kind\":\"%s\"", command_kind_name(c->kind));
    add_text(&b, "key", c->key);
    if (c->leg)
        buf_fmt(&b, ",\"leg\":%d", c->leg);
    buf_fmt(&b, ",\"seq\":%lu", (unsigned long)c->seq);
    add_text(&b, "method", c->method);
    add_text(&b, "fiber", c->fiber);
    add_text(&b, "where", c->where);
    add_canonical(&b, "ids", c->ids);
    add_canonical(&b, "args", c->args);
    buf_char(&b, '}');
    text = buf_take(&b);
    buf_fini(&b);
    return text;
}

int command_copy(struct command *to, const struct command *from)
{
    struct command c = *from;

    c.ids = from->ids ? json_copy(from->ids) : NULL;
    c.args = from->args ? json_copy(from->args) : NULL;
    if ((from->ids && !c.ids) || (from->args && !c.args)) {
        command_fini(&c);
        return ERR_NOMEM;
    }
    *to = c;
    return 0;
}

void command_fini(struct command *c)
{
    cJSON_Delete(c->ids);
    cJSON_Delete(c->args);
    *c = (struct command){0};
}
