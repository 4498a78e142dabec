/*
 * The configuration: a Lua file, over it the environment (IVORY_A_B for a.b), over that --set
 * a.b=value. One table in config_keys.c declares every key with type, range, default and remark;
 * unknown keys, wrong types, values out of range and missing files are refused with file, line and
 * key. `ivory serve --print-config` prints what is in force, secrets left out.
 *
 * The file assigns (`listen = "..."`, `graph = { url = "..." }`, `graph.url = "..."`) or returns
 * one table. It sees no functions, and its running time and memory are bounded. In the environment
 * and after --set, a list is written with commas and an empty value means "not set".
 */
#ifndef IVORY_HOST_CONFIG_H
#define IVORY_HOST_CONFIG_H

#include "base/error.h"
#include "core/limits.h"

#include <stdbool.h>
#include <stdint.h>

struct config;

/* Read `path` (NULL: ./ivory.conf, else that of the installed program, else none), the environment,
 * then `sets`
 * ("a.b=value"). ERR_INVALID, ERR_IO (the file cannot be read), ERR_NOMEM. */
int config_read(struct config **out, const char *path, char *const *sets, int nsets,
                struct error *e);
void config_free(struct config *c);

/* What `serve` needs beyond well-formed values: the flows folder can be read, each "..._file" is
 * there, and the keys that Graph needs are set. ERR_INVALID, ERR_IO; names key and origin. */
int config_check(const struct config *c, struct error *e);

/* Values by key; the key must be one of the table and of that type (CHECK). Strings: NULL = not
 * set. URLs have no slash at their end. */
const char *config_str(const struct config *c, const char *key);
int64_t config_int(const struct config *c, const char *key);
double config_num(const struct config *c, const char *key);
bool config_bool(const struct config *c, const char *key);
/* List of strings, ends with NULL. */
const char *const *config_list(const struct config *c, const char *key);
/* Where a value comes from: "ivory.conf:12", "IVORY_LISTEN", "--set", "default". */
const char *config_origin(const struct config *c, const char *key);

/* Everything under "limits.". */
void config_limits(const struct config *c, struct limits *out);

/* The content of the file that a key "..._file" names, white space at its end removed; free() it.
 * NULL when the key is not set, or when the file cannot be had: then `e` says why. */
char *config_secret(const struct config *c, const char *key, struct error *e);

/* Every key with its kind, range, default and remark, a line each; or as items of a manual page in
 * mdoc. free() it; NULL = no memory. */
char *config_print_keys(bool manual);

/* As Lua text that config_read takes, with remarks and origins; the content of files is not in it.
 * free() it; NULL = no memory. */
char *config_print(const struct config *c);

#endif
