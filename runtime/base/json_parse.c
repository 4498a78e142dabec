/*
 * From text to a tree. One pass: what stands in a string is looked at once and copied once, and a
 * value is one piece of memory with its name and its text.
 */
#include "base/json.h"
#include "base/json_tree.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

struct parser {
    const unsigned char *text, *at, *end;
    int depth;
    struct error *e;
};

/* What stands between quotes. Unescaped it gets no longer. */
struct text {
    const unsigned char *at;
    size_t n;
    bool escaped;
};

static int refuse(const struct parser *p, const char *what)
{
    return error_set(p->e, ERR_INVALID, "JSON: %s at byte %zu", what, (size_t)(p->at - p->text));
}

static unsigned char look(const struct parser *p)
{
    return p->at < p->end ? *p->at : '\0';
}

static int malformed(const struct parser *p)
{
    size_t n = (size_t)(p->end - p->at);

    if (n && !*p->at)
        return refuse(p, "NUL");
    return refuse(p, n && !utf8_character(p->at, n) ? "invalid UTF-8" : "malformed");
}

static void skip_space(struct parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\n' || *p->at == '\r' || *p->at == '\t'))
        p->at++;
}

/* --- strings --------------------------------------------------------------------------------- */

/* The four hex digits at `at`, or -1. */
static long unit(const unsigned char *at)
{
    long u = 0;

    for (int i = 0; i < 4; i++) {
        unsigned char c = at[i], low = c | 32;

        if (c >= '0' && c <= '9')
            u = u << 4 | (c - '0');
        else if (low >= 'a' && low <= 'f')
            u = u << 4 | (low - 'a' + 10);
        else
            return -1;
    }
    return u;
}

/* The character of "\uXXXX" at `at`, of a pair of them for what is over U+FFFF; `*n` bytes of text.
 * -1: it is none. */
static long rune_at(const unsigned char *at, const unsigned char *end, size_t *n)
{
    long high = end - at >= 6 ? unit(at + 2) : -1, low;

    *n = 6;
    if (high < 0xD800 || high > 0xDFFF)
        return high;
    if (high > 0xDBFF || end - at < 12 || at[6] != '\\' || at[7] != 'u')
        return -1;
    low = unit(at + 8);
    *n = 12;
    return low < 0xDC00 || low > 0xDFFF ? -1 : 0x10000 + (high - 0xD800) * 0x400 + low - 0xDC00;
}

/* What a backslash and `c` stand for; NUL: nothing. */
static char escape(unsigned char c)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = c ? strchr(from, c) : NULL;

    return at ? to[at - from] : '\0';
}

/* Past a backslash and what belongs to it. */
static int pass_escape(struct parser *p)
{
    size_t n = 2;
    long rune;

    if (p->end - p->at < 2)
        return malformed(p);
    if (p->at[1] != 'u') {
        if (!escape(p->at[1]))
            return malformed(p);
    } else {
        rune = rune_at(p->at, p->end, &n);
        if (rune <= 0)
            return refuse(p, rune ? "malformed" : "\\u0000");
    }
    p->at += n;
    return 0;
}

/* The string whose quote is next; past it. */
static int read_string(struct parser *p, struct text *t)
{
    *t = (struct text){.at = ++p->at};
    for (;;) {
        unsigned char c;
        size_t n = 1;

        p->at += json_plain((const char *)p->at, (size_t)(p->end - p->at));
        c = look(p);
        if (c == '"') {
            t->n = (size_t)(p->at++ - t->at);
            return 0;
        }
        if (c == '\\') {
            int err = pass_escape(p);

            if (err)
                return err;
            t->escaped = true;
            continue;
        }
        if (p->at == p->end)
            return malformed(p);
        if (c < 0x20)
            return refuse(p, c ? "control character" : "NUL");
        if (c >= 0x80 && !(n = utf8_character(p->at, (size_t)(p->end - p->at))))
            return refuse(p, "invalid UTF-8");
        p->at += n;
    }
}

static char *put_rune(char *to, unsigned long rune)
{
    if (rune < 0x80) {
        *to++ = (char)rune;
        return to;
    }
    if (rune < 0x800) {
        *to++ = (char)(0xC0 | rune >> 6);
    } else {
        if (rune < 0x10000) {
            *to++ = (char)(0xE0 | rune >> 12);
        } else {
            *to++ = (char)(0xF0 | rune >> 18);
            *to++ = (char)(0x80 | (rune >> 12 & 0x3F));
        }
        *to++ = (char)(0x80 | (rune >> 6 & 0x3F));
    }
    *to++ = (char)(0x80 | (rune & 0x3F));
    return to;
}

/* `to` has room for t->n bytes and a NUL. */
static void copy(char *to, const struct text *t)
{
    const unsigned char *at = t->at, *end = at + t->n;

    if (!t->escaped) {
        memcpy(to, at, t->n);
        to += t->n;
        at = end;
    }
    while (at < end) {
        size_t n = 2;

        if (*at != '\\') {
            *to++ = (char)*at++;
            continue;
        }
        if (at[1] == 'u')
            to = put_rune(to, (unsigned long)rune_at(at, end, &n));
        else
            *to++ = escape(at[1]);
        at += n;
    }
    *to = '\0';
}

/* --- values ---------------------------------------------------------------------------------- */

static int make(cJSON **out, int type, const struct text *name, const struct text *text)
{
    cJSON *v = json_node(type, name ? &name->n : NULL, text ? &text->n : NULL);

    if (!v)
        return ERR_NOMEM;
    if (name)
        copy(v->string, name);
    if (text)
        copy(v->valuestring, text);
    *out = v;
    return 0;
}

static int read_number(struct parser *p, cJSON **out, const struct text *name)
{
    char digits[64], *end;
    size_t n = 0, most = (size_t)(p->end - p->at);
    double x = 0;
    int err;

    while (n < most && n < sizeof digits - 1 && p->at[n] && strchr("0123456789+-eE.", p->at[n])) {
        digits[n] = (char)p->at[n];
        n++;
    }
    digits[n] = '\0';
    if (n < 16 && strspn(digits, "0123456789") == n) {
        for (size_t i = 0; i < n; i++)
            x = x * 10 + (digits[i] - '0');
    } else {
        x = strtod(digits, &end);
        if (end == digits)
            return malformed(p);
        n = (size_t)(end - digits);
    }
    err = make(out, cJSON_Number, name, NULL);
    if (!err)
        json_set_number(*out, x);
    p->at += n;
    return err;
}

static int read_word(struct parser *p, cJSON **out, const struct text *name)
{
    static const struct {
        const char *word;
        size_t n;
        int type;
    } words[] = {{"null", 4, cJSON_NULL}, {"true", 4, cJSON_True}, {"false", 5, cJSON_False}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if ((size_t)(p->end - p->at) >= words[i].n &&
            memcmp(p->at, words[i].word, words[i].n) == 0) {
            int err = make(out, words[i].type, name, NULL);

            p->at += words[i].n;
            if (!err)
                (*out)->valueint = words[i].type == cJSON_True; /* as the library has it */
            return err;
        }
    }
    return malformed(p);
}

static int read_value(struct parser *p, cJSON **out, const struct text *name);

/* The name of a member and its colon. */
static int read_name(struct parser *p, struct text *name)
{
    int err = look(p) == '"' ? read_string(p, name) : malformed(p);

    if (err)
        return err;
    skip_space(p);
    if (look(p) != ':')
        return malformed(p);
    p->at++;
    skip_space(p);
    return 0;
}

/* The members of an object, or the items of an array. */
static int read_inner(struct parser *p, cJSON *parent, unsigned char close)
{
    struct text name;
    cJSON *v;
    int err;

    p->at++;
    skip_space(p);
    if (look(p) == close) {
        p->at++;
        return 0;
    }
    for (;;) {
        err = close == '}' ? read_name(p, &name) : 0;
        if (!err)
            err = read_value(p, &v, close == '}' ? &name : NULL);
        if (err)
            return err;
        json_append(parent, v);
        skip_space(p);
        if (look(p) != ',')
            break;
        p->at++;
        skip_space(p);
    }
    if (look(p) != close)
        return malformed(p);
    p->at++;
    return 0;
}

static int read_container(struct parser *p, cJSON **out, const struct text *name)
{
    bool object = *p->at == '{';
    cJSON *v;
    int err;

    if (++p->depth > JSON_MAX_DEPTH)
        return error_set(p->e, ERR_INVALID, "JSON: nested deeper than %d at byte %zu",
                         JSON_MAX_DEPTH, (size_t)(p->at - p->text));
    err = make(&v, object ? cJSON_Object : cJSON_Array, name, NULL);
    if (err)
        return err;
    err = read_inner(p, v, object ? '}' : ']');
    p->depth--;
    if (err)
        cJSON_Delete(v);
    else
        *out = v;
    return err;
}

static int read_value(struct parser *p, cJSON **out, const struct text *name)
{
    unsigned char c = look(p);
    struct text text;
    int err;

    if (c == '"') {
        err = read_string(p, &text);
        return err ? err : make(out, cJSON_String, name, &text);
    }
    if (c == '{' || c == '[')
        return read_container(p, out, name);
    return c == '-' || (c >= '0' && c <= '9') ? read_number(p, out, name) : read_word(p, out, name);
}

static int parse(cJSON **out, const char *text, size_t n, struct error *e)
{
    const unsigned char *from = (const unsigned char *)text;
    struct parser p = {.text = from, .at = from, .end = from + n, .e = e};
    cJSON *v;
    int err;

    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        p.at += 3; /* a byte order mark */
    skip_space(&p);
    if (p.at == p.end)
        return refuse(&p, "empty");
    err = read_value(&p, &v, NULL);
    if (err)
        return err == ERR_NOMEM ? error_set(e, err, "no memory") : err;
    skip_space(&p);
    if (p.at < p.end) {
        cJSON_Delete(v);
        return refuse(&p, *p.at ? "more text after the value" : "NUL");
    }
    *out = v;
    return 0;
}

/* Memory that fails for a moment is asked for once more: who waits for an answer from the network
 * would wait in vain. */
int json_parse(cJSON **out, const char *text, size_t n, struct error *e)
{
    int err = parse(out, text, n, e);

    return err == ERR_NOMEM ? parse(out, text, n, e) : err;
}
