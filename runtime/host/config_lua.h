/*
 * The configuration file: Lua run with nothing in reach, its result walked key by key. Internal to
 * config.
 */
#ifndef IVORY_HOST_CONFIG_LUA_H
#define IVORY_HOST_CONFIG_LUA_H

#include "host/config_keys.h"

#include <stddef.h>

/* Run `text`, the content of `path`, and put what it says into `values` (one per key of the table,
 * in its order). ERR_INVALID with path, line and key; ERR_NOMEM. */
int config_lua_read(struct config_value *values, const char *path, const char *text, size_t n,
                    struct error *e);

/* The line of `text` in which key `name` ("a.b") is given a value, 0 when it cannot be told: Lua
 * does not say where a value came from, so the text is looked through for `a = { b =` and the like.
 */
int config_lua_line(const char *text, const char *name);

#endif
