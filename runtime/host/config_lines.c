#include "host/config_lua.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define MAX_DEPTH 16
#define MAX_NAME  200

struct scan {
    const char *at;
    const char *name; /* the key looked for */
    int line, found;
    bool indexed;             /* the last [ came after a name */
    char last;                /* the character before, white space and comments left out  */
    char chain[2 * MAX_NAME]; /* "a.b", as far as it has been read                         */
    int chain_line;
    char pending[2 * MAX_NAME];     /* the key whose value comes next, "" for none               */
    char path[MAX_DEPTH][MAX_NAME]; /* the key of each open table                              */
    int depth;
};

/* Move on by `n` bytes, counting lines. */
static void skip(struct scan *s, size_t n)
{
    for (; n && *s->at; n--)
        s->line += *s->at++ == '\n';
}

/* The length of a long bracket with its content, "[==[...]==]"; 0 when there is none here. */
static size_t long_bracket(const char *at)
{
    size_t level = strspn(at + 1, "=");
    const char *end;

    if (*at != '[' || at[1 + level] != '[')
        return 0;
    for (end = strchr(at, ']'); end; end = strchr(end + 1, ']')) {
        if (strspn(end + 1, "=") == level && end[1 + level] == ']')
            return (size_t)(end - at) + level + 2;
    }
    return strlen(at);
}

static void comment(struct scan *s)
{
    size_t n = s->at[2] == '[' ? long_bracket(s->at + 2) : 0;

    skip(s, 2 + (n ? n : strcspn(s->at + 2, "\n")));
}

static void quoted(struct scan *s)
{
    const char *from = s->at + 1, *end = from;

    while (*end && *end != *s->at && *end != '\n')
        end += *end == '\\' && end[1] ? 2 : 1;
    if (s->last == '[') { /* ["name"] = or a["name"] = */
        size_t old = s->indexed ? strlen(s->chain) : 0;

        snprintf(s->chain + old, sizeof s->chain - old, "%s%.*s", old ? "." : "", (int)(end - from),
                 from);
        s->chain_line = s->line;
    }
    skip(s, (size_t)(end - s->at) + (*end != '\0'));
    s->last = '"';
}

static void word(struct scan *s)
{
    size_t n = 0, old = strlen(s->chain);

    while (isalnum((unsigned char)s->at[n]) || s->at[n] == '_')
        n++;
    if (s->last != '.')
        old = 0;
    if (old == 0)
        s->chain_line = s->line;
    if (old + n + 2 < sizeof s->chain)
        snprintf(s->chain + old, sizeof s->chain - old, "%s%.*s", old ? "." : "", (int)n, s->at);
    if (n == 6 && strncmp(s->at, "return", 6) == 0)
        s->pending[0] = '\0';
    skip(s, n);
    s->last = 'a';
}

static void equals(struct scan *s)
{
    const char *in = s->path[s->depth < MAX_DEPTH ? s->depth : MAX_DEPTH - 1];

    if (s->at[1] == '=' || strchr("<>~", s->last)) {
        skip(s, s->at[1] == '=' ? 2 : 1);
        return;
    }
    snprintf(s->pending, sizeof s->pending, "%.*s%s%.*s", MAX_NAME, in, *in ? "." : "",
             MAX_NAME - 2, s->chain);
    if (strcmp(s->pending, s->name) == 0)
        s->found = s->chain_line; /* the last one wins, as it does in Lua */
    skip(s, 1);
}

static void brace(struct scan *s)
{
    if (*s->at == '}') {
        s->depth -= s->depth > 0;
    } else {
        const char *from = s->pending[0] ? s->pending : s->path[s->depth];

        if (s->depth + 1 < MAX_DEPTH) {
            char copy[MAX_NAME];

            snprintf(copy, sizeof copy, "%.*s", MAX_NAME - 1, from);
            strcpy(s->path[++s->depth], copy);
        }
    }
    s->pending[0] = '\0';
    skip(s, 1);
}

int config_lua_line(const char *text, const char *name)
{
    struct scan s = {.at = text, .name = name, .line = 1, .last = ' '};

    while (*s.at) {
        char c = *s.at;
        size_t n;

        if (isspace((unsigned char)c)) {
            skip(&s, 1);
            continue;
        }
        if (c == '-' && s.at[1] == '-') {
            comment(&s);
            continue;
        }
        if (isalpha((unsigned char)c) || c == '_') {
            word(&s);
            continue;
        }
        if (c == '"' || c == '\'') {
            quoted(&s);
            continue;
        }
        n = c == '[' ? long_bracket(s.at) : 0;
        s.indexed = c == '[' && s.last == 'a';
        if (n)
            skip(&s, n);
        else if (c == '=')
            equals(&s);
        else if (c == '{' || c == '}')
            brace(&s);
        else
            skip(&s, 1);
        if (c == ',' || c == ';')
            s.pending[0] = '\0';
        s.last = c;
    }
    return s.found;
}
