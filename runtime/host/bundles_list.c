/* The list of bundles: what is known of each, and the last refusal. */
#include "host/bundles_state.h"

#include "base/json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int64_t now_ms(void)
{
    uv_timeval64_t t;

    uv_gettimeofday(&t);
    return t.tv_sec * 1000 + t.tv_usec / 1000;
}

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
    en->since = now_ms();
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

static void count_cell(void *arg, struct bundle *bundle, size_t calls, size_t bytes)
{
    struct bundles *b = arg;
    struct bundles_entry *en = bundles_find(b, bundle->id);

    /* Calls that came from an earlier process run bundles that were never taken here. */
    if (!en && bundles_enter(b, bundle) == 0) {
        en = bundles_find(b, bundle->id);
        list_remove(&en->link);
        list_append(&b->entries, &en->link);
    }
    if (en) {
        en->cells++;
        en->calls += calls;
        en->bytes += bytes;
    }
}

static void count(struct bundles *b)
{
    struct list *it, *tmp;

    list_each (it, tmp, &b->entries) {
        struct bundles_entry *en = list_entry(it, struct bundles_entry, link);
        en->calls = en->cells = en->bytes = 0;
    }
    core_visit_cells(b->cfg.load.core, count_cell, b);
}

static const char *state_of(const struct bundles *b, const struct bundles_entry *en)
{
    const struct bundle *trial = core_trial(b->cfg.load.core);

    if (strcmp(core_bundle(b->cfg.load.core)->id, en->bundle->id) == 0)
        return "active";
    if (trial && strcmp(trial->id, en->bundle->id) == 0)
        return "trial";
    return en->calls ? "draining" : "retired";
}

void bundles_prune(struct bundles *b)
{
    struct list *it, *tmp;
    unsigned n = 0;

    count(b);
    list_each (it, tmp, &b->entries) {
        struct bundles_entry *en = list_entry(it, struct bundles_entry, link);
        if (strcmp(state_of(b, en), "retired") == 0 && ++n > BUNDLES_KEPT)
            drop(en);
    }
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
    if (!o || json_set_int(o, "time", now_ms()) || json_set_str(o, "text", text) ||
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

static cJSON *describe_trial(const struct bundles *b)
{
    cJSON *o = cJSON_CreateObject();

    if (!o || json_set(o, "percent", cJSON_CreateNumber(b->canary.percent)) ||
        json_set_int(o, "good", (int64_t)b->canary.good) ||
        json_set_int(o, "failed", (int64_t)b->canary.failed) ||
        json_set_int(o, "wanted", (int64_t)b->canary.wanted)) {
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

    bundles_prune(b);
    list_each (it, tmp, &b->entries) {
        cJSON *one = err ? NULL : describe(b, list_entry(it, struct bundles_entry, link));
        if (!one || !cJSON_AddItemToArray(all, one)) {
            cJSON_Delete(one);
            err = ERR_NOMEM;
        }
    }
    if (!err && b->refused)
        err = json_set(o, "refused", cJSON_Duplicate(b->refused, true));
    if (!err && core_trial(b->cfg.load.core))
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
