#include "base/json.h"

#include "base/text.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* How many of the `n` bytes at `p` have nothing to be looked at within a string: eight at a time,
 * by the usual tests for a byte of a word that is zero (quote, backslash), small or large. */
static size_t plain(const unsigned char *p, size_t n)
{
    const uint64_t ones = UINT64_MAX / 255, tops = ones << 7;
    size_t i = 0;

    for (; n - i >= 8; i += 8) {
        uint64_t w, quote, slash, odd;

        memcpy(&w, p + i, 8);
        w = le64toh(w);
        quote = w ^ ones * '"';
        slash = w ^ ones * '\\';
        odd = ((quote - ones) | (slash - ones) | (w - ones * 0x20) | w) & tops;
        if (odd)
            return i + (size_t)__builtin_ctzll(odd) / 8;
    }
    return i;
}

/* One pass before the parser: depth, UTF-8 and \u0000, none of which cJSON looks at. */
static int scan(const unsigned char *p, size_t n, struct error *e)
{
    bool in_string = false;
    int depth = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned char c;

        if (in_string)
            i += plain(p + i, n - i);
        if (i == n)
            break;
        c = p[i];

        if (c >= 0x80) {
            size_t more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
            unsigned long rune = c & (0x3Fu >> more);

            if (c < 0xC2 || c > 0xF4 || n - i <= more)
                return error_set(e, ERR_INVALID, "JSON: invalid UTF-8 at byte %zu", i);
            for (size_t k = 1; k <= more; k++) {
                if ((p[i + k] & 0xC0) != 0x80)
                    return error_set(e, ERR_INVALID, "JSON: invalid UTF-8 at byte %zu", i);
                rune = rune << 6 | (p[i + k] & 0x3F);
            }
            if (rune < (more == 3   ? 0x10000u
                        : more == 2 ? 0x800u
                                    : 0x80u) ||
                (rune >= 0xD800 && rune < 0xE000) || rune > 0x10FFFF)
                return error_set(e, ERR_INVALID, "JSON: invalid UTF-8 at byte %zu", i);
            i += more;
        } else if (c == '\0') {
            return error_set(e, ERR_INVALID, "JSON: NUL at byte %zu", i);
        } else if (in_string) {
            if (c < 0x20)
                return error_set(e, ERR_INVALID, "JSON: control character at byte %zu", i);
            if (c == '\\') {
                if (n - i > 5 && memcmp(p + i, "\\u0000", 6) == 0)
                    return error_set(e, ERR_INVALID, "JSON: \\u0000 at byte %zu", i);
                i++;
            } else if (c == '"') {
                in_string = false;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > JSON_MAX_DEPTH)
                return error_set(e, ERR_INVALID, "JSON: nested deeper than %d at byte %zu",
                                 JSON_MAX_DEPTH, i);
        } else if (c == '}' || c == ']') {
            depth--;
        }
    }
    return 0;
}

/* cJSON does not say whether the text or the memory was bad: text that is good is good the second
 * time, when memory failed for a moment only. */
static cJSON *parse(const char *text, size_t n, const char **end, bool *no_memory)
{
    cJSON *v = cJSON_ParseWithLengthOpts(text, n, end, false);
    void *probe;

    *no_memory = false;
    if (v)
        return v;
    v = cJSON_ParseWithLengthOpts(text, n, end, false);
    if (!v) {
        probe = malloc(n + sizeof *v);
        *no_memory = !probe;
        free(probe);
    }
    return v;
}

int json_parse(cJSON **out, const char *text, size_t n, struct error *e)
{
    const char *end = NULL;
    bool no_memory;
    cJSON *v;
    int err = scan((const unsigned char *)text, n, e);

    if (err)
        return err;
    v = parse(text, n, &end, &no_memory);
    if (no_memory)
        return error_set(e, ERR_NOMEM, "no memory");
    if (!v) {
        size_t at = end ? (size_t)(end - text) : 0;
        return error_set(e, ERR_INVALID,
                         n ? "JSON: malformed at byte %zu" : "JSON: empty (byte %zu)", at);
    }
    for (; end < text + n; end++) {
        if (!strchr(" \t\r\n", *end)) {
            cJSON_Delete(v);
            return error_set(e, ERR_INVALID, "JSON: more text after the value at byte %zu",
                             (size_t)(end - text));
        }
    }
    *out = v;
    return 0;
}

cJSON *json_get(const cJSON *o, const char *key)
{
    cJSON *v = cJSON_IsObject(o) ? o->child : NULL;

    while (v && !(v->string && text_same(v->string, key)))
        v = v->next;
    return cJSON_IsNull(v) ? NULL : v;
}

const char *json_str(const cJSON *o, const char *key)
{
    return cJSON_GetStringValue(json_get(o, key));
}

int64_t json_int(const cJSON *o, const char *key, int64_t fallback)
{
    const cJSON *v = json_get(o, key);

    if (cJSON_IsNumber(v))
        return v->valuedouble >= -9e15 && v->valuedouble <= 9e15 ? (int64_t)v->valuedouble
                                                                 : fallback;
    if (cJSON_IsString(v) && v->valuestring[0]) {
        char *end;
        long long x;

        errno = 0;
        x = strtoll(v->valuestring, &end, 10);
        if (!errno && !*end)
            return x;
    }
    return fallback;
}

bool json_bool(const cJSON *o, const char *key, bool fallback)
{
    const cJSON *v = json_get(o, key);

    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : fallback;
}

int json_set(cJSON *o, const char *key, cJSON *value)
{
    if (!value)
        return ERR_NOMEM;
    cJSON_DeleteItemFromObjectCaseSensitive(o, key);
    if (!cJSON_AddItemToObject(o, key, value)) {
        cJSON_Delete(value);
        return ERR_NOMEM;
    }
    return 0;
}

int json_set_str(cJSON *o, const char *key, const char *value)
{
    return json_set(o, key, cJSON_CreateString(value));
}

int json_set_int(cJSON *o, const char *key, int64_t value)
{
    return json_set(o, key, cJSON_CreateNumber((double)value));
}

int json_merge(cJSON *into, const cJSON *from)
{
    const cJSON *v;

    cJSON_ArrayForEach (v, from) {
        int err = v->string ? json_set(into, v->string, cJSON_Duplicate(v, true)) : 0;
        if (err)
            return err;
    }
    return 0;
}

char *json_text(const cJSON *v)
{
    return cJSON_PrintUnformatted(v);
}

static int by_name(const void *a, const void *b)
{
    return strcmp((*(cJSON *const *)a)->string, (*(cJSON *const *)b)->string);
}

/* Relink the members of every object in name order; cJSON keeps the last in first->prev. */
static int sort_members(cJSON *v)
{
    cJSON **items, *it;
    size_t n = 0, i = 0;

    cJSON_ArrayForEach (it, v) {
        int err = sort_members(it);
        if (err)
            return err;
        n++;
    }
    if (!cJSON_IsObject(v) || n < 2)
        return 0;
    items = malloc(n * sizeof *items);
    if (!items)
        return ERR_NOMEM;
    cJSON_ArrayForEach (it, v)
        items[i++] = it;
    qsort(items, n, sizeof *items, by_name);
    for (i = 0; i < n; i++) {
        items[i]->prev = items[i ? i - 1 : n - 1];
        items[i]->next = i + 1 < n ? items[i + 1] : NULL;
    }
    v->child = items[0];
    free(items);
    return 0;
}

char *json_canonical(const cJSON *v)
{
    cJSON *copy = cJSON_Duplicate(v, true);
    char *text = copy && sort_members(copy) == 0 ? json_text(copy) : NULL;

    cJSON_Delete(copy);
    return text;
}

size_t json_bytes(const cJSON *v)
{
    const cJSON *it;
    size_t n = 0;

    if (!v)
        return 0;
    if (v->string)
        n += strlen(v->string) + 1;
    if (v->valuestring)
        n += strlen(v->valuestring) + 1;
    cJSON_ArrayForEach (it, v)
        n += json_bytes(it);
    return n + sizeof *v;
}

size_t json_width(const cJSON *v)
{
    const cJSON *it;
    size_t n = 0, most = 0;

    cJSON_ArrayForEach (it, v) {
        size_t inner = json_width(it);

        most = inner > most ? inner : most;
        n++;
    }
    return n > most ? n : most;
}

bool json_equal(const cJSON *a, const cJSON *b)
{
    return cJSON_Compare(a, b, true);
}
