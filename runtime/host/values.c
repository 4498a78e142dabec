#include "host/values.h"

#include "base/json.h"
#include "base/map.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SWEEP_AT = 256, VALUE_NAME_MAX = 64 };

#define SUM_MAX 999999999999999.0 /* JSON text keeps so many digits */

/* A value that the source may not have yet. */
struct held {
    char *text;        /* NULL: removed       */
    uint64_t position; /* 0: for good         */
};

struct values {
    pthread_mutex_t lock;
    const struct values_source *source;
    struct map held; /* name → struct held */
    size_t sweep_at;
};

int values_new(struct values **out, const struct values_source *source)
{
    struct values *v = calloc(1, sizeof *v);

    if (!v)
        return ERR_NOMEM;
    pthread_mutex_init(&v->lock, NULL);
    v->source = source;
    v->sweep_at = SWEEP_AT;
    map_init(&v->held, 0);
    *out = v;
    return 0;
}

static void held_free(struct held *h)
{
    if (!h)
        return;
    free(h->text);
    free(h);
}

void values_free(struct values *v)
{
    if (!v)
        return;
    for (size_t i = 0; i < v->held.n; i++)
        held_free(v->held.entries[i].value);
    map_fini(&v->held);
    pthread_mutex_destroy(&v->lock);
    free(v);
}

void values_lock(struct values *v)
{
    pthread_mutex_lock(&v->lock);
}

void values_unlock(struct values *v)
{
    pthread_mutex_unlock(&v->lock);
}

void values_change_fini(struct values_change *change)
{
    free(change->text);
    *change = (struct values_change){0};
}

/* The present value; NULL with 0: there is none. */
static int look(const struct values *v, const char *name, cJSON **out)
{
    const struct held *h = map_get(&v->held, name);
    void *p = NULL;
    size_t n = 0;
    int err = 0;

    *out = NULL;
    if (h)
        return h->text ? json_parse(out, h->text, strlen(h->text), NULL) : 0;
    if (!v->source)
        return 0;
    err = v->source->get(v->source->arg, name, &p, &n, NULL);
    if (!err)
        err = json_parse(out, p, n, NULL);
    free(p);
    return err == ERR_NOTFOUND ? 0 : err;
}

static int add_error(cJSON *data, const char *code, const char *message)
{
    cJSON *error = data ? cJSON_AddObjectToObject(data, "error") : NULL;

    return error && !json_set_str(error, "code", code) && !json_set_str(error, "message", message)
               ? 0
               : ERR_NOMEM;
}

/* The sum as a number that is exact; ERR_INVALID: there is none, ERR_NOMEM. */
static int sum(const cJSON *old, const cJSON *by, cJSON **out)
{
    double a = old ? cJSON_GetNumberValue(old) : 0, b = cJSON_GetNumberValue(by);

    if ((old && !cJSON_IsNumber(old)) || !cJSON_IsNumber(by) || !isfinite(a + b) ||
        fabs(a + b) > SUM_MAX)
        return ERR_INVALID;
    *out = cJSON_CreateNumber(a + b);
    return *out ? 0 : ERR_NOMEM;
}

static int hold(struct values *v, const struct values_change *change)
{
    struct held *h = map_get(&v->held, change->name), *own = h;
    char *text = change->text ? strdup(change->text) : NULL;

    if (change->text && !text)
        return ERR_NOMEM;
    if (!own) {
        own = calloc(1, sizeof *own);
        if (!own || map_put(&v->held, change->name, own)) {
            free(own);
            free(text);
            return ERR_NOMEM;
        }
    }
    free(own->text);
    own->text = text;
    own->position = 0;
    return 0;
}

/* Set the value to `value` (NULL: remove it) and say so in `change`. */
static int set(struct values *v, const char *name, const cJSON *value, struct values_change *change)
{
    int err;

    snprintf(change->name, sizeof change->name, "%s", name);
    change->text = value ? json_text(value) : NULL;
    if (value && !change->text)
        return ERR_NOMEM;
    err = hold(v, change);
    if (err)
        values_change_fini(change);
    return err;
}

/* Work the operation out: `*value` becomes what is answered, `*write` whether that is the value
 * from now on; an error is said in `data`. */
static int work_out(const struct values *v, const struct command *c, cJSON *data, cJSON **value,
                    bool *write)
{
    const char *op = json_str(c->args, "op"), *name = json_str(c->args, "name");
    const cJSON *given = json_get(c->args, "value");
    cJSON *old = NULL;
    int err;

    if (!op || !name || strlen(name) > VALUE_NAME_MAX)
        return add_error(data, "badArgument", "no name, or a long one");
    *write = strcmp(op, "get") != 0;
    if (strcmp(op, "put") == 0) {
        *value = given ? json_copy(given) : NULL;
        return given && !*value ? ERR_NOMEM : 0;
    }
    err = look(v, name, &old);
    if (err) {
        *write = false;
        return err == ERR_NOMEM ? err : add_error(data, "unreadable", "it cannot be read");
    }
    if (!*write) {
        *value = old;
        return 0;
    }
    err = sum(old, given, value);
    cJSON_Delete(old);
    if (err != ERR_INVALID)
        return err;
    *write = false;
    return add_error(data, "notANumber", "it is no number, or would be too large");
}

/* Forget what the source has by now. */
static void sweep(struct values *v)
{
    uint64_t committed;

    if (!v->source || v->held.n < v->sweep_at)
        return;
    committed = v->source->committed(v->source->arg);
    for (size_t i = v->held.n; i-- > 0;) {
        struct held *h = v->held.entries[i].value;

        char name[VALUE_NAME_MAX + 1];

        snprintf(name, sizeof name, "%s", v->held.entries[i].key);
        if (h->position && h->position <= committed)
            held_free(map_remove(&v->held, name));
    }
    v->sweep_at = v->held.n * 2 > SWEEP_AT ? v->held.n * 2 : SWEEP_AT;
}

int values_apply(struct values *v, const struct command *c, struct event *answer,
                 struct values_change *change)
{
    struct event ev = {.kind = EVENT_ANSWER, .leg = c->leg, .seq = c->seq, .status = 200};
    cJSON *value = NULL;
    bool write = false;
    int err;

    *change = (struct values_change){0};
    sweep(v);
    memcpy(ev.key, c->key, sizeof ev.key);
    ev.data = cJSON_CreateObject();
    err = ev.data ? work_out(v, c, ev.data, &value, &write) : ERR_NOMEM;
    if (!err && value)
        err = json_set_copy(ev.data, "value", value);
    if (json_get(ev.data, "error"))
        ev.status = 0;
    if (!err && write) /* last, so that what fails has changed nothing */
        err = set(v, json_str(c->args, "name"), value, change);
    cJSON_Delete(value);
    if (err) {
        event_fini(&ev);
        return err;
    }
    *answer = ev;
    return 0;
}

void values_written(struct values *v, const struct values_change *change, uint64_t position)
{
    struct held *h = map_get(&v->held, change->name);

    if (h)
        h->position = position;
}
