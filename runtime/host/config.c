#include "host/config.h"

#include "host/config_keys.h"
#include "host/config_lua.h"
#include "host/installed.h"
#include "net/http_listen.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE   (1u << 20)
#define MAX_SECRET (64u << 10)

struct config {
    struct config_value *values; /* one per key, in the table's order */
};

/* --- reading --------------------------------------------------------------------------------- */

/* The whole of a regular file, terminated; `what` names it in the reason. */
static int read_file(char **out, size_t *n, const char *path, size_t max, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
    struct stat st;
    char *text = NULL;
    ssize_t got = 0;

    if (fd < 0 || fstat(fd, &st)) {
        err = error_set(e, ERR_IO, "cannot read %s: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        err = error_set(e, ERR_IO, "cannot read %s: not a file", path);
        goto out;
    }
    if ((uint64_t)st.st_size > max) {
        err = error_set(e, ERR_INVALID, "%s is longer than %zu bytes", path, max);
        goto out;
    }
    text = malloc((size_t)st.st_size + 1);
    if (!text) {
        err = error_set(e, ERR_NOMEM, "no memory to read %s", path);
        goto out;
    }
    for (*n = 0; *n < (size_t)st.st_size; *n += (size_t)got) {
        got = read(fd, text + *n, (size_t)st.st_size - *n);
        if (got < 0 && errno == EINTR)
            got = 0;
        else if (got <= 0)
            break;
    }
    if (got < 0) {
        err = error_set(e, ERR_IO, "cannot read %s: %s", path, strerror(errno));
        goto out;
    }
    text[*n] = '\0';
    *out = text;
    text = NULL;
out:
    free(text);
    if (fd >= 0)
        close(fd);
    return err;
}

static int set_origin(struct config_value *v, const char *origin, struct error *e)
{
    free(v->origin);
    v->origin = strdup(origin);
    return v->origin ? 0 : error_set(e, ERR_NOMEM, "no memory");
}

static int put_defaults(struct config *c, struct error *e)
{
    int err = 0;

    for (size_t i = 0; config_keys[i].name && !err; i++) {
        err = set_origin(&c->values[i], "default", e);
        if (!err && config_keys[i].standard)
            err = config_put_parsed(&c->values[i], &config_keys[i], config_keys[i].standard, e);
    }
    return err;
}

static int put_file(struct config *c, const char *path, struct error *e)
{
    char *text = NULL, *installed = NULL;
    size_t n;
    int err;

    if (!path && access("ivory.conf", F_OK) == 0)
        path = "ivory.conf";
    if (!path)
        path = installed = installed_config();
    if (!path)
        return 0;
    err = read_file(&text, &n, path, MAX_FILE, e);
    if (!err && strlen(text) != n)
        err = error_set(e, ERR_INVALID, "%s: is not text", path);
    if (!err)
        err = config_lua_read(c->values, path, text, n, e);
    free(text);
    free(installed);
    return err;
}

static int put_environment(struct config *c, struct error *e)
{
    for (size_t i = 0; config_keys[i].name; i++) {
        char name[100];
        const char *value;
        int n = snprintf(name, sizeof name, "IVORY_%s", config_keys[i].name), err;

        for (char *at = name; at < name + n; at++)
            *at = *at == '.' ? '_' : (char)toupper((unsigned char)*at);
        value = getenv(name);
        if (!value)
            continue;
        err = config_put_parsed(&c->values[i], &config_keys[i], value, e);
        if (err)
            return error_prefix(e, err, "%s", name);
        err = set_origin(&c->values[i], name, e);
        if (err)
            return err;
    }
    return 0;
}

static int put_set(struct config *c, const char *set, struct error *e)
{
    const char *equals = strchr(set, '=');
    char name[64];
    int i, err;

    if (!equals)
        return error_set(e, ERR_INVALID, "--set %s: must be of the form a.b=value", set);
    i = config_key_find(set, (size_t)(equals - set));
    if (i < 0) {
        const char *like;

        snprintf(name, sizeof name, "%.*s", (int)(equals - set), set);
        like = config_key_like(name);
        return error_set(e, ERR_INVALID, "--set %s: no such key%s%s%s", name,
                         like ? " (did you mean " : "", like ? like : "", like ? "?)" : "");
    }
    err = config_put_parsed(&c->values[i], &config_keys[i], equals + 1, e);
    if (err)
        return error_prefix(e, err, "--set %s", config_keys[i].name);
    return set_origin(&c->values[i], "--set", e);
}

static struct config_value *value_of(const struct config *c, const char *key)
{
    int i = config_key_find(key, strlen(key));

    CHECK(i >= 0);
    return &c->values[i];
}

/* The examples stand in for a folder that nobody named. */
static void complete(struct config *c)
{
    struct config_value *flows = value_of(c, "flows");
    char *examples;

    if (strcmp(flows->origin, "default") == 0 && access(flows->text, F_OK) &&
        (examples = installed_flows())) {
        free(flows->text);
        flows->text = examples;
    }
}

/* A key with a default keeps it when it is set to nothing from outside. */
static int refuse_unset(const struct config *c, struct error *e)
{
    for (size_t i = 0; config_keys[i].name; i++) {
        if (config_keys[i].standard && !c->values[i].set)
            return error_set(e, ERR_INVALID, "%s: %s: is empty", c->values[i].origin,
                             config_keys[i].name);
    }
    return 0;
}

int config_read(struct config **out, const char *path, char *const *sets, int nsets,
                struct error *e)
{
    struct config *c = calloc(1, sizeof *c);
    int err;

    if (!c || !(c->values = calloc(config_key_count(), sizeof *c->values))) {
        free(c);
        return error_set(e, ERR_NOMEM, "no memory for the configuration");
    }
    err = put_defaults(c, e);
    if (!err)
        err = put_file(c, path, e);
    if (!err)
        err = put_environment(c, e);
    for (int i = 0; i < nsets && !err; i++)
        err = put_set(c, sets[i], e);
    if (!err)
        err = refuse_unset(c, e);
    if (!err)
        complete(c);
    if (err) {
        config_free(c);
        return err;
    }
    *out = c;
    return 0;
}

void config_free(struct config *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < config_key_count(); i++) {
        config_value_clear(&c->values[i]);
        free(c->values[i].origin);
    }
    free(c->values);
    free(c);
}

/* --- checking -------------------------------------------------------------------------------- */

static int check_paths(const struct config *c, struct error *e)
{
    for (size_t i = 0; config_keys[i].name; i++) {
        const struct config_value *v = &c->values[i];
        bool folder = config_keys[i].type == CONFIG_FOLDER;
        struct stat st;

        if (!v->set || (!folder && config_keys[i].type != CONFIG_FILE))
            continue;
        if (stat(v->text, &st) || access(v->text, folder ? R_OK | X_OK : R_OK))
            return error_set(e, ERR_IO, "%s: %s: cannot read %s: %s", v->origin,
                             config_keys[i].name, v->text, strerror(errno));
        if (folder ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode))
            return error_set(e, ERR_IO, "%s: %s: %s is not a %s", v->origin, config_keys[i].name,
                             v->text, folder ? "folder" : "file");
    }
    return 0;
}

/* An exchange on this machine needs neither public_url nor secret. */
int config_check(const struct config *c, struct error *e)
{
    static const char *const needed[] = {"public_url", "graph.tenant", "graph.app_id",
                                         "graph.secret_file"};
    const char *url = config_str(c, "graph.url");

    for (size_t i = 0; url && !url_is_loopback(url) && i < sizeof needed / sizeof *needed; i++) {
        if (!config_str(c, needed[i]))
            return error_set(e, ERR_INVALID, "%s: graph.url is set, so %s is needed too",
                             config_origin(c, "graph.url"), needed[i]);
    }
    return check_paths(c, e);
}

/* --- values ---------------------------------------------------------------------------------- */

static const struct config_value *typed(const struct config *c, const char *key,
                                        enum config_type from, enum config_type to)
{
    const struct config_value *v = value_of(c, key);
    enum config_type is = config_keys[v - c->values].type;

    CHECK(is >= from && is <= to);
    return v;
}

const char *config_str(const struct config *c, const char *key)
{
    return typed(c, key, CONFIG_TEXT, CONFIG_FOLDER)->text;
}

int64_t config_int(const struct config *c, const char *key)
{
    return typed(c, key, CONFIG_INT, CONFIG_INT)->integer;
}

double config_num(const struct config *c, const char *key)
{
    return typed(c, key, CONFIG_INT, CONFIG_NUMBER)->number;
}

bool config_bool(const struct config *c, const char *key)
{
    return typed(c, key, CONFIG_FLAG, CONFIG_FLAG)->flag;
}

const char *const *config_list(const struct config *c, const char *key)
{
    return (const char *const *)typed(c, key, CONFIG_LIST, CONFIG_LIST)->list;
}

const char *config_origin(const struct config *c, const char *key)
{
    return value_of(c, key)->origin;
}

void config_limits(const struct config *c, struct limits *out)
{
    *out = (struct limits){
        .turn_ms = config_int(c, "limits.turn_ms"),
        .load_ms = config_int(c, "limits.load_ms"),
        .cell_bytes = (size_t)config_int(c, "limits.cell_bytes"),
        .turn_bytes = (size_t)config_int(c, "limits.turn_bytes"),
        .string_bytes = (size_t)config_int(c, "limits.string_bytes"),
        .pattern_steps = config_int(c, "limits.pattern_steps"),
        .calls_per_cell = (unsigned)config_int(c, "limits.calls_per_cell"),
        .fibers = (unsigned)config_int(c, "limits.fibers"),
        .timers = (unsigned)config_int(c, "limits.timers"),
        .requests = (unsigned)config_int(c, "limits.requests"),
        .tones = (unsigned)config_int(c, "limits.tones"),
        .legs = (unsigned)config_int(c, "limits.legs"),
        .entries = (uint32_t)config_int(c, "limits.entries"),
        .call_ms = config_int(c, "limits.call_ms"),
        .cleanup_ms = config_int(c, "limits.cleanup_ms"),
        .cleanup_total_ms = config_int(c, "limits.cleanup_total_ms"),
        .wait_ms = config_int(c, "limits.wait_ms"),
    };
}

char *config_secret(const struct config *c, const char *key, struct error *e)
{
    const char *path = config_str(c, key);
    char *text = NULL;
    size_t n;
    int err;

    if (!path)
        return NULL;
    err = read_file(&text, &n, path, MAX_SECRET, e);
    while (!err && n && isspace((unsigned char)text[n - 1]))
        text[--n] = '\0';
    if (!err && (n == 0 || strlen(text) != n))
        err = error_set(e, ERR_INVALID, "%s %s", path, n ? "is not text" : "is empty");
    if (!err)
        return text;
    error_prefix(e, err, "%s: %s", config_origin(c, key), key);
    free(text);
    return NULL;
}

char *config_print(const struct config *c)
{
    return config_print_values(c->values);
}
