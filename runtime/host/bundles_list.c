/* The list of bundles: what is known of each, and the last refusal. */
#include "host/bundles_state.h"

#include "base/json.h"
#include "host/survey.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct bundles_entry *bundles_find(struct bundles *b, const char *id)
{
    struct list *it, *tmp;

    list_each (it, tmp, &b->entries) {
        struct bundles_entry *en = list_entry(it, struct bundles_entry, link);
        if (strcmp(en->bundle->id, id) == 0)
            return en;
    }
    return NULL;
}

int bundles_enter(struct bundles *b, struct bundle *bundle)
{
    struct bundles_entry *en = bundles_find(b, bundle->id);

    if (!en) {
        en = calloc(1, sizeof *en);
        if (!en)
            return ERR_NOMEM;
        list_init(&en->link);
    }
    bundle_ref(bundle);
    bundle_unref(en->bundle);
    en->bundle = bundle;
    en->since = host_time();
    list_remove(&en->link);
    list_append(b->entries.next, &en->link); /* before the first */
    return 0;
}

static void drop(struct bundles_entry *en)
{
    list_remove(&en->link);
    bundle_unref(en->bundle);
    free(en);
}

static const char *state_of(const struct bundles *b, const struct bundles_entry *en)
{
    if (strcmp(b->active->id, en->bundle->id) == 0)
        return "active";
    if (b->trial && strcmp(b->trial->id, en->bundle->id) == 0)
        return "trial";
    return en->calls ? "draining" : "retired";
}

/* Forget what is neither run nor worth keeping. */
static void prune(struct bundles *b)
{
    struct list *it, *tmp;
    unsigned n = 0;

    list_each (it, tmp, &b->entries) {
        struct bundles_entry *en = list_entry(it, struct bundles_entry, link);
        if (strcmp(state_of(b, en), "retired") == 0 && ++n > BUNDLES_KEPT)
            drop(en);
    }
}

static void count(struct bundles *b, const struct survey_bundle *one)
{
    struct bundles_entry *en = bundles_find(b, one->bundle->id);

    /* Calls that came from an earlier process run bundles that were never taken here. */
    if (!en && bundles_enter(b, one->bundle) == 0) {
        en = bundles_find(b, one->bundle->id);
        list_remove(&en->link);
        list_append(&b->entries, &en->link);
    }
    if (en) {
        en->cells = one->cells;
        en->calls = one->calls;
        en->bytes = one->bytes;
    }
}

void bundles_counted(struct bundles *b, const struct survey *s)
{
    struct list *it, *tmp;

    list_each (it, tmp, &b->entries) {
        struct bundles_entry *en = list_entry(it, struct bundles_entry, link);
        en->calls = en->cells = en->bytes = 0;
    }
    for (size_t i = 0; i < s->nbundles; i++)
        count(b, &s->bundles[i]);
    if (!s->err)
        prune(b);
}

/* --- the refusal --------------------------------------------------------------------------------
 */

/* "flows/main.lua:3: reason" and "/srv/flows/prompts/en/a.wav: reason" name their place. */
static int add_place(cJSON *o, const char *text)
{
    const char *colon = strstr(text, ": "), *line = colon;
    char file[256];
    size_t n;

    if (!colon)
        return json_set_str(o, "reason", text);
    while (line > text && isdigit((unsigned char)line[-1]))
        line--;
    n = (size_t)((line > text && line < colon && line[-1] == ':' ? line - 1 : colon) - text);
    if (n >= sizeof file || !memchr(text, '.', n))
        return json_set_str(o, "reason", text);
    memcpy(file, text, n);
    file[n] = '\0';
    if (json_set_str(o, "file", file) || json_set_str(o, "reason", colon + 2))
        return ERR_NOMEM;
    return text + n < colon ? json_set_int(o, "line", strtol(line, NULL, 10)) : 0;
}

bool bundles_note_refusal(struct bundles *b, const char *id, const char *text)
{
    const char *old = json_str(b->refused, "text"), *old_id = json_str(b->refused, "bundle");
    cJSON *o;

    if (old && strcmp(old, text) == 0 && strcmp(old_id ? old_id : "", id) == 0)
        return false;
    o = cJSON_CreateObject();
    if (!o || json_set_int(o, "time", host_time()) || json_set_str(o, "text", text) ||
        add_place(o, text) || (*id && json_set_str(o, "bundle", id))) {
        cJSON_Delete(o);
        return true; /* without memory at least the log says it */
    }
    cJSON_Delete(b->refused);
    b->refused = o;
    return true;
}

void bundles_clear_refusal(struct bundles *b)
{
    cJSON_Delete(b->refused);
    b->refused = NULL;
}

const cJSON *bundles_refused(const struct bundles *b)
{
    return b->refused;
}

/* --- for people --------------------------------------------------------------------------------
 */

static cJSON *describe(const struct bundles *b, const struct bundles_entry *en)
{
    cJSON *o = cJSON_CreateObject();

    if (!o || json_set_str(o, "id", en->bundle->id) || json_set_str(o, "state", state_of(b, en)) ||
        json_set_int(o, "since", en->since) || json_set_int(o, "calls", (int64_t)en->calls) ||
        json_set_int(o, "cells", (int64_t)en->cells) ||
        json_set_int(o, "bytes", (int64_t)en->bytes) ||
        json_set_int(o, "files", (int64_t)en->bundle->nfiles) ||
        json_set_int(o, "prompts", (int64_t)en->bundle->nprompts)) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

static cJSON *describe_trial(struct bundles *b)
{
    cJSON *o = cJSON_CreateObject();
    struct canary c;

    pthread_mutex_lock(&b->score.lock);
    c = b->score.canary;
    pthread_mutex_unlock(&b->score.lock);
    if (!o || json_set(o, "percent", cJSON_CreateNumber(c.percent)) ||
        json_set_int(o, "good", (int64_t)c.good) || json_set_int(o, "failed", (int64_t)c.failed) ||
        json_set_int(o, "wanted", (int64_t)c.wanted)) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

cJSON *bundles_describe(struct bundles *b)
{
    cJSON *o = cJSON_CreateObject(), *all = cJSON_CreateArray();
    struct list *it, *tmp;
    int err = json_set(o, "bundles", all);

    list_each (it, tmp, &b->entries) {
        cJSON *one = err ? NULL : describe(b, list_entry(it, struct bundles_entry, link));
        if (!one || !cJSON_AddItemToArray(all, one)) {
            cJSON_Delete(one);
            err = ERR_NOMEM;
        }
    }
    if (!err && b->refused)
        err = json_set_copy(o, "refused", b->refused);
    if (!err && b->trial)
        err = json_set(o, "trial", describe_trial(b));
    if (err) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

void bundles_list_fini(struct bundles *b)
{
    while (!list_empty(&b->entries))
        drop(list_entry(b->entries.next, struct bundles_entry, link));
    bundles_clear_refusal(b);
}
