/*
 * How base/json*.c make values: one piece of memory with the name and the text behind the value,
 * which cJSON's own flags say are not to be freed by themselves. Used inside base only.
 */
#ifndef IVORY_BASE_JSON_TREE_H
#define IVORY_BASE_JSON_TREE_H

#include <cjson/cJSON.h>
#include <stddef.h>

/* A value with room for a name of `*name` bytes and a text of `*text` bytes, and a NUL each. NULL:
 * it has none; also the result without memory. */
cJSON *json_node(int type, const size_t *name, const size_t *text);

void json_set_number(cJSON *v, double x);

/* Make `v` the last member or item of `parent`. */
void json_append(cJSON *parent, cJSON *v);

/* How many of the `n` bytes at `p` have nothing to be looked at within a string: no quote, no
 * backslash, no control character, nothing that is not ASCII. */
size_t json_plain(const char *p, size_t n);

#endif
