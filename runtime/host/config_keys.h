/*
 * The keys of the configuration: one table, from which reading, checking and printing are driven.
 * Internal to config.
 */
#ifndef IVORY_HOST_CONFIG_KEYS_H
#define IVORY_HOST_CONFIG_KEYS_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum config_type {
    CONFIG_TEXT,
    CONFIG_CHOICE,  /* one of `choices`                    */
    CONFIG_ADDRESS, /* host:port to listen on              */
    CONFIG_URL,     /* http or https                       */
    CONFIG_FILE,    /* a file that must be there           */
    CONFIG_FOLDER,
    CONFIG_LIST, /* of texts                            */
    CONFIG_INT,
    CONFIG_NUMBER,
    CONFIG_FLAG,
};

struct config_key {
    const char *name;
    enum config_type type;
    double min, max;      /* numbers: the range; texts: `max` is the longest, 0 = 1,000 bytes */
    const char *standard; /* the default as --set would say it; NULL: not set */
    const char *choices;  /* "a|b" */
    const char *remark;   /* for the printed configuration and the manual page */
};

/* Ends with a name of NULL. */
extern const struct config_key config_keys[];
size_t config_key_count(void);

/* The index of key `name` (of `n` bytes), -1 when there is none. */
int config_key_find(const char *name, size_t n);

/* Whether some key begins with "name.". */
bool config_key_is_group(const char *name);

/* The key most like `name`, NULL when none is like it. */
const char *config_key_like(const char *name);

/* One value. `text` is NULL for what is not text. */
struct config_value {
    bool set;
    char *text;
    char **list; /* ends with NULL */
    int64_t integer;
    double number;
    bool flag;
    char *origin;
};

/* Put a value of that type into `v` when it obeys the key's rules; else ERR_INVALID with what is
 * wanted in `e` (without key and place). What was in `v` is freed; the origin stays. */
int config_put_text(struct config_value *v, const struct config_key *k, const char *text, size_t n,
                    struct error *e);
int config_put_number(struct config_value *v, const struct config_key *k, double number,
                      struct error *e);
int config_put_flag(struct config_value *v, const struct config_key *k, bool flag, struct error *e);
int config_put_item(struct config_value *v, const struct config_key *k, size_t i, const char *text,
                    size_t n, struct error *e);
/* From outside Lua: the text is read as the key's type wants it; empty = not set. */
int config_put_parsed(struct config_value *v, const struct config_key *k, const char *text,
                      struct error *e);
void config_value_clear(struct config_value *v);

/* All values as a file of the configuration; see config_print. */
char *config_print_values(const struct config_value *values);

#endif
