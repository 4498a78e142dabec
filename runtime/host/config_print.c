#include "host/config_keys.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As a Lua string. */
static void print_text(struct buf *b, const char *text)
{
    buf_char(b, '"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_char(b, '\\');
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            buf_fmt(b, "\\%03d", *text);
        else
            buf_char(b, *text);
    }
    buf_char(b, '"');
}

/* The shortest form that reads back as the same number. */
static void print_number(struct buf *b, double number)
{
    char text[40];

    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number)
            break;
    }
    buf_str(b, text);
}

/* "repeat" is a word of Lua, so it cannot stand after a dot. */
static void print_name(struct buf *b, const char *name)
{
    const char *last = strrchr(name, '.');

    if (last && strcmp(last, ".repeat") == 0)
        buf_fmt(b, "%.*s[\"repeat\"] = ", (int)(last - name), name);
    else
        buf_fmt(b, "%s = ", name);
}

static void print_value(struct buf *b, const struct config_key *k, const struct config_value *v)
{
    switch (k->type) {
    case CONFIG_LIST:
        buf_str(b, "{ ");
        for (size_t i = 0; v->list && v->list[i]; i++) {
            buf_str(b, i ? ", " : "");
            print_text(b, v->list[i]);
        }
        buf_str(b, " }");
        break;
    case CONFIG_INT:
        buf_fmt(b, "%lld", (long long)v->integer);
        break;
    case CONFIG_NUMBER:
        print_number(b, v->number);
        break;
    case CONFIG_FLAG:
        buf_str(b, v->flag ? "true" : "false");
        break;
    default:
        print_text(b, v->text);
    }
}

/* --- the keys themselves ---------------------------------------------------------------------- */

static void print_kind(struct buf *b, const struct config_key *k)
{
    static const char *const kinds[] = {
        [CONFIG_TEXT] = "text",         [CONFIG_ADDRESS] = "host:port",
        [CONFIG_URL] = "URL",           [CONFIG_FILE] = "file",
        [CONFIG_FOLDER] = "folder",     [CONFIG_LIST] = "list of texts",
        [CONFIG_FLAG] = "true or false"};

    if (k->type == CONFIG_INT || k->type == CONFIG_NUMBER)
        buf_fmt(b, "%s, %.15g to %.15g", k->type == CONFIG_INT ? "integer" : "number", k->min,
                k->max);
    else if (k->type != CONFIG_CHOICE)
        buf_str(b, kinds[k->type]);
    for (const char *at = k->choices; at && *at; at++)
        buf_fmt(b, *at == '|' ? " or " : "%c", *at);
    if (k->standard)
        buf_fmt(b, "; default %s", k->standard);
}

/* "graph." of "graph.url": how long. */
static size_t group_length(const char *name)
{
    const char *dot = strchr(name, '.');

    return dot ? (size_t)(dot - name) + 1 : 0;
}

char *config_print_keys(bool manual)
{
    const char *group = "";
    struct buf b = {0};

    for (const struct config_key *k = config_keys; k->name; k++) {
        size_t n = group_length(k->name);

        if (manual && (k == config_keys || n != group_length(group) || strncmp(k->name, group, n)))
            buf_fmt(&b, "%s.Ss %.*s\n.Bl -tag -width Ds\n", k == config_keys ? "" : ".El\n",
                    n ? (int)n - 1 : 11, n ? k->name : "The service");
        group = k->name;
        buf_fmt(&b, manual ? ".It Cm %s\n(" : "%s  (", k->name);
        print_kind(&b, k);
        buf_fmt(&b, manual ? ")\n%s\n" : ")  %s\n", k->remark);
    }
    buf_str(&b, manual ? ".El\n" : "");
    return buf_take(&b);
}

char *config_print_values(const struct config_value *values)
{
    struct buf b = {0};

    for (size_t i = 0; config_keys[i].name; i++) {
        const struct config_key *k = &config_keys[i];
        const struct config_value *v = &values[i];

        if (v->set) {
            print_name(&b, k->name);
            print_value(&b, k, v);
        } else {
            buf_fmt(&b, "-- %s is not set", k->name);
        }
        buf_fmt(&b, "  -- %s", v->origin);
        if (k->type == CONFIG_FILE && v->set)
            buf_str(&b, "; its content is not shown");
        if (k->remark)
            buf_fmt(&b, "; %s", k->remark);
        buf_char(&b, '\n');
    }
    return buf_take(&b);
}
