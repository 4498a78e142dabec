/*
 * The configuration: the first byte says whether the rest is the text of a file, or lines of
 * "a.b=value" as after --set. What is accepted can be printed, and what was printed is accepted
 * and prints the same.
 */
#include "host/config.h"
#include "host/config_keys.h"
#include "host/config_lua.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

enum { KEYS_MAX = 512, SETS_MAX = 8 };

static void clear(struct config_value *values)
{
    for (size_t i = 0; i < config_key_count(); i++) {
        config_value_clear(&values[i]);
        free(values[i].origin);
        values[i].origin = NULL;
    }
}

/* The origins stand in remarks, and they differ. */
static void drop_remarks(char *text)
{
    char *to = text;

    for (char *line = text, *next; *line; line = next) {
        char *end = strchr(line, '\n'), *remark = strstr(line, " -- ");

        next = end ? end + 1 : line + strlen(line);
        if (remark && end && remark < end)
            end = remark;
        memmove(to, line, (size_t)((end ? end : next) - line));
        to += (end ? end : next) - line;
        *to++ = '\n';
    }
    *to = '\0';
}

static void file(const char *text, size_t n)
{
    static struct config_value first[KEYS_MAX], again[KEYS_MAX];
    struct error e;
    char *printed, *twice;

    if (config_key_count() > KEYS_MAX)
        abort();
    if (config_lua_read(first, "x.conf", text, n, &e) == 0) {
        printed = config_print_values(first);
        if (!printed || config_lua_read(again, "x.conf", printed, strlen(printed), &e))
            abort();
        twice = config_print_values(again);
        drop_remarks(printed);
        drop_remarks(twice);
        if (strcmp(printed, twice) != 0)
            abort();
        free(printed);
        free(twice);
        clear(again);
    }
    clear(first);
}

static void sets(char *text)
{
    struct config *c = NULL;
    struct error e;
    char *list[SETS_MAX];
    int count = 0;

    for (char *line = strtok(text, "\n"); line && count < SETS_MAX; line = strtok(NULL, "\n"))
        list[count++] = line;
    if (config_read(&c, NULL, list, count, &e) == 0) {
        struct limits l;

        config_limits(c, &l);
        if (l.turn_ms < 1 || l.fibers < 1 || l.string_bytes < 1024)
            abort();
        free(config_print(c));
    }
    config_free(c);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    char *text;

    if (!n)
        return 0;
    text = malloc(n);
    memcpy(text, data + 1, n - 1);
    text[n - 1] = '\0';
    if (data[0] & 1)
        sets(text);
    else
        file(text, n - 1);
    free(text);
    return 0;
}
