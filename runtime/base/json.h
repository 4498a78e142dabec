/*
 * JSON as trees of cJSON: what we add is a parser with limits on what comes from the network, typed
 * getters that never fail, and one canonical spelling, so that equal values have equal bytes.
 *
 * A value that is made here is one piece of memory with its name and its text. cJSON_Delete and
 * what adds and detaches know that by the value's flags, cJSON_Duplicate does not: json_copy.
 */
#ifndef IVORY_BASE_JSON_H
#define IVORY_BASE_JSON_H

#include "base/buf.h"
#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 64

/* Parse exactly one value of `n` bytes. ERR_INVALID (with the offset) for malformed text, nesting
 * over JSON_MAX_DEPTH, an embedded \u0000, invalid UTF-8, or anything after the value. ERR_NOMEM.
 */
int json_parse(cJSON **out, const char *text, size_t n, struct error *e);

/* Member `key` (exact spelling) of object `o`; NULL when absent, null, or `o` is no object. */
cJSON *json_get(const cJSON *o, const char *key);

/* String member; NULL when absent or not a string. */
const char *json_str(const cJSON *o, const char *key);

/* Integer member, from a number or from decimal text (the service sends both). `fallback` else. */
int64_t json_int(const cJSON *o, const char *key, int64_t fallback);
bool json_bool(const cJSON *o, const char *key, bool fallback);

/* Take member `key` out of object `o`, also a null; NULL when absent. */
cJSON *json_take(cJSON *o, const char *key);

/* Set `key` of `o` to `value`, taking it over, replacing what was there. ERR_NOMEM when `value` is
 * NULL or memory is out; `value` is freed then, so calls nest. */
int json_set(cJSON *o, const char *key, cJSON *value);
int json_set_str(cJSON *o, const char *key, const char *value);
int json_set_int(cJSON *o, const char *key, int64_t value);
int json_set_raw(cJSON *o, const char *key, const char *text); /* a text that is JSON itself */
int json_set_copy(cJSON *o, const char *key, const cJSON *value);

/* A copy of `v`, its name too; NULL: no memory, or of NULL. */
cJSON *json_copy(const cJSON *v);

/* Copy each property of `from` into `into`, replacing same-named ones. Null values replace too. */
int json_merge(cJSON *into, const cJSON *from);

/* The value as text without white space, members in the order they stand; free with free. NULL = no
 * memory. */
char *json_text(const cJSON *v);
/* The same behind what `b` holds. */
void json_add(struct buf *b, const cJSON *v);

/* The same with members sorted by name: equal values give equal bytes. */
char *json_canonical(const cJSON *v);

/* About how many bytes of memory the value takes. NULL takes none. */
size_t json_bytes(const cJSON *v);

/* The most members or items that any object or array in the value has. */
size_t json_width(const cJSON *v);

/* Equality of values; the order of members does not matter. */
bool json_equal(const cJSON *a, const cJSON *b);

#endif
