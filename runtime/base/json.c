#include "base/json.h"

#include "base/json_tree.h"
#include "base/text.h"

#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* --- values in one piece of memory ----------------------------------------------------------- */

cJSON *json_node(int type, const size_t *name, const size_t *text)
{
    size_t size = sizeof(cJSON) + (name ? *name + 1 : 0) + (text ? *text + 1 : 0);
    cJSON *v = malloc(size);
    char *at;

    if (!v)
        return NULL;
    at = (char *)(v + 1);
    *v = (cJSON){.type = type};
    if (name) {
        v->type |= cJSON_StringIsConst;
        v->string = at;
        at += *name + 1;
    }
    if (text) {
        v->type |= cJSON_IsReference;
        v->valuestring = at;
    }
    return v;
}

static cJSON *node(int type, const char *name, const char *text)
{
    size_t n = name ? strlen(name) : 0, m = text ? strlen(text) : 0;
    cJSON *v = json_node(type, name ? &n : NULL, text ? &m : NULL);

    if (v && name)
        memcpy(v->string, name, n + 1);
    if (v && text)
        memcpy(v->valuestring, text, m + 1);
    return v;
}

void json_set_number(cJSON *v, double x)
{
    v->valuedouble = x;
    v->valueint = x >= INT_MAX ? INT_MAX : x <= INT_MIN ? INT_MIN : (int)x;
}

void json_append(cJSON *parent, cJSON *v)
{
    cJSON *first = parent->child;

    v->next = NULL;
    if (first) {
        v->prev = first->prev;
        first->prev->next = v;
        first->prev = v;
    } else {
        parent->child = v->prev = v;
    }
}

static bool is_odd(unsigned char c)
{
    return c < 0x20 || c >= 0x80 || c == '"' || c == '\\';
}

/* Eight at a time, by the usual tests for a byte of a word that is zero (quote, backslash), small
 * or large. */
size_t json_plain(const char *p, size_t n)
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
    while (i < n && !is_odd((unsigned char)p[i]))
        i++;
    return i;
}

/* `as`: its name in the copy; NULL: none. */
static cJSON *copy(const cJSON *v, const char *as)
{
    cJSON *c = node(v->type & 0xFF, as, v->valuestring), *inner;

    if (!c)
        return NULL;
    c->valueint = v->valueint;
    c->valuedouble = v->valuedouble;
    for (const cJSON *m = v->child; m; m = m->next) {
        inner = copy(m, m->string);
        if (!inner) {
            cJSON_Delete(c);
            return NULL;
        }
        json_append(c, inner);
    }
    return c;
}

cJSON *json_copy(const cJSON *v)
{
    return v ? copy(v, v->string) : NULL;
}

/* --- reading --------------------------------------------------------------------------------- */

static cJSON *find(const cJSON *o, const char *key)
{
    cJSON *v = o && (o->type & 0xFF) == cJSON_Object ? o->child : NULL;

    while (v && !(v->string && text_same(v->string, key)))
        v = v->next;
    return v;
}

cJSON *json_get(const cJSON *o, const char *key)
{
    cJSON *v = find(o, key);

    return v && (v->type & 0xFF) == cJSON_NULL ? NULL : v;
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

/* --- changing -------------------------------------------------------------------------------- */

cJSON *json_take(cJSON *o, const char *key)
{
    cJSON *v = find(o, key);

    return v ? cJSON_DetachItemViaPointer(o, v) : NULL;
}

/* `v`, which has its name, becomes a member of `o`. */
static int put(cJSON *o, cJSON *v)
{
    cJSON *old;

    if (!o || !v) {
        cJSON_Delete(v);
        return ERR_NOMEM;
    }
    old = json_take(o, v->string);
    if (old)
        cJSON_Delete(old);
    json_append(o, v);
    return 0;
}

int json_set(cJSON *o, const char *key, cJSON *value)
{
    char *name = value ? strdup(key) : NULL;

    if (!name) {
        cJSON_Delete(value);
        return ERR_NOMEM;
    }
    if (!(value->type & cJSON_StringIsConst))
        cJSON_free(value->string);
    value->type &= ~cJSON_StringIsConst;
    value->string = name;
    return put(o, value);
}

int json_set_str(cJSON *o, const char *key, const char *value)
{
    return put(o, value ? node(cJSON_String, key, value) : NULL);
}

int json_set_raw(cJSON *o, const char *key, const char *text)
{
    return put(o, node(cJSON_Raw, key, text));
}

int json_set_copy(cJSON *o, const char *key, const cJSON *value)
{
    return put(o, value ? copy(value, key) : NULL);
}

int json_set_int(cJSON *o, const char *key, int64_t value)
{
    cJSON *v = node(cJSON_Number, key, NULL);

    if (v)
        json_set_number(v, (double)value);
    return put(o, v);
}

int json_merge(cJSON *into, const cJSON *from)
{
    const cJSON *v;

    cJSON_ArrayForEach (v, from) {
        int err = v->string ? json_set_copy(into, v->string, v) : 0;
        if (err)
            return err;
    }
    return 0;
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
    cJSON *sorted = json_copy(v);
    char *text = sorted && sort_members(sorted) == 0 ? json_text(sorted) : NULL;

    cJSON_Delete(sorted);
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
