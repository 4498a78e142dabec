#include "host/difference.h"

#include "base/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { SOURCE_MAX = 100 };

static void fill(struct side *s, const char *what, const char *fiber, const char *where)
{
    snprintf(s->what, sizeof s->what, "%s", what ? what : "?");
    snprintf(s->fiber, sizeof s->fiber, "%s", fiber ? fiber : "");
    snprintf(s->where, sizeof s->where, "%s", where ? where : "");
}

void difference_recorded(struct side *s, const cJSON *command)
{
    const char *method = json_str(command, "method");

    if (!command)
        fill(s, "nothing", NULL, NULL);
    else
        fill(s, method ? method : json_str(command, "kind"), json_str(command, "fiber"),
             json_str(command, "where"));
}

void difference_issued(struct side *s, const struct command *c)
{
    if (!c)
        fill(s, "nothing", NULL, NULL);
    else
        fill(s, c->method ? c->method : command_kind_name(c->kind), c->fiber, c->where);
}

/* "answer (fiber 1) at flows/main.lua:51" */
static void in_words(char *out, size_t n, const struct side *s)
{
    int at = snprintf(out, n, "%s", s->what);

    if (s->fiber[0])
        at += snprintf(out + at, n - (size_t)at, " (fiber %s)", s->fiber);
    if (s->where[0] || s->fiber[0])
        snprintf(out + at, n - (size_t)at, " at %s", s->where[0] ? s->where : "the machine itself");
}

int difference_error(struct error *e, const struct difference *d)
{
    char then[256], now[256];

    in_words(then, sizeof then, &d->then);
    in_words(now, sizeof now, &d->now);
    return error_set(e, ERR_CONFLICT, "%sit does not repeat what it did: recorded %s, now %s",
                     d->arguments ? "other arguments: " : "", then, now);
}

/* The line that `where` names, without the blanks around it; "" when it is not known. */
static void source_of(char out[SOURCE_MAX], const struct bundle *b, const char *where)
{
    const char *colon = strrchr(where, ':'), *at, *end;
    const struct bundle_file *file;
    char name[96];
    long line;
    size_t n = 0;

    out[0] = '\0';
    if (!b || !colon)
        return;
    snprintf(name, sizeof name, "%.*s", (int)(colon - where), where);
    file = bundle_file(b, name);
    line = strtol(colon + 1, NULL, 10);
    at = file ? file->text : NULL;
    end = file ? file->text + file->n : NULL;
    while (at && --line > 0) {
        at = memchr(at, '\n', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    while (at && at < end && (*at == ' ' || *at == '\t'))
        at++;
    for (; at && at < end && *at != '\n' && n < SOURCE_MAX - 1; at++)
        out[n++] = iscntrl((unsigned char)*at) ? ' ' : *at;
    while (n && out[n - 1] == ' ')
        n--;
    out[n] = '\0';
}

static int longer(const char *a, const char *b)
{
    size_t x = strlen(a), y = strlen(b);

    return (int)(x > y ? x : y);
}

void difference_write(FILE *out, const struct difference *d, const struct bundle *then,
                      const struct bundle *now)
{
    const struct side *sides[] = {&d->then, &d->now};
    int what = longer(d->then.what, d->now.what), fiber = longer(d->then.fiber, d->now.fiber),
        where = longer(d->then.where, d->now.where);

    for (int i = 0; i < 2; i++) {
        const struct side *s = sides[i];
        char source[SOURCE_MAX], line[512];
        int n;

        source_of(source, i ? now : then, s->where);
        n = snprintf(line, sizeof line, "%-8s  %-*s  %s%-*s  %-*s  %s", i ? "now" : "recorded",
                     what, s->what, s->fiber[0] ? "fiber " : "      ", fiber, s->fiber, where,
                     s->where, source);
        while (n && line[n - 1] == ' ')
            n--;
        fprintf(out, "    %.*s\n", n, line);
    }
}
