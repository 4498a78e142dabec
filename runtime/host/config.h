/*
 * The configuration: a Lua table in a file, over it the environment (IVORY_A_B), over that --set
 * a.b=value. One table in config.c declares every key with type, range, default and remark; unknown
 * keys, wrong types, values out of range and missing files are refused with file, line and key.
 * `ivory serve --print-config` prints what is in force, secrets left out.
 */
#ifndef IVORY_HOST_CONFIG_H
#define IVORY_HOST_CONFIG_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct config;

/* Read `path` (NULL: ./ivory.conf when it is there, else defaults), the environment, then `sets`
 * ("a.b=value"). */
int config_read(struct config **out, const char *path, char *const *sets, int nsets,
                struct error *e);
void config_free(struct config *c);

/* Values by key; the key must be one of the table (CHECK). Strings: NULL = not set. */
const char *config_str(const struct config *c, const char *key);
int64_t config_int(const struct config *c, const char *key);
double config_num(const struct config *c, const char *key);
bool config_bool(const struct config *c, const char *key);
/* List of strings, ends with NULL. */
const char *const *config_list(const struct config *c, const char *key);
/* Where a value comes from: "ivory.conf:12", "IVORY_LISTEN", "--set", "default". */
const char *config_origin(const struct config *c, const char *key);

/* The content of the file that a key "..._file" names, white space at its end removed; NULL when
 * not set. */
char *config_secret(const struct config *c, const char *key, struct error *e);

/* As Lua text that config_read takes; secrets replaced by a comment. free() it. */
char *config_print(const struct config *c);

#endif
