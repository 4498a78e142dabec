#include "graph/wire_state.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* --- small helpers -----------------------------------------------------------------------------
 */

void wire_random(struct wire *w, void *p, size_t n)
{
    unsigned char *to = p;

    for (size_t i = 0; i < n; i++) {
        if (!w->nrandom) {
            w->nrandom = sizeof w->random;
            w->cfg.random(w->cfg.random_arg, w->random, sizeof w->random);
        }
        to[i] = w->random[--w->nrandom];
        w->random[w->nrandom] = 0; /* what was a secret is not kept */
    }
}

void wire_guid(struct wire *w, char out[37])
{
    unsigned char bytes[16];

    wire_random(w, bytes, sizeof bytes);
    bytes[6] = (unsigned char)((bytes[6] & 0x0F) | 0x40); /* version 4: random */
    bytes[8] = (unsigned char)((bytes[8] & 0x3F) | 0x80);
    guid_format(out, bytes);
}

void wire_plain(char *text)
{
    for (; *text; text++) {
        if (*text < ' ' || *text > '~')
            *text = '?';
    }
}

bool wire_tenant_valid(const char *tenant)
{
    return tenant && tenant[0] && tenant[0] != '.' && strlen(tenant) < WIRE_TENANT_MAX &&
           !tenant[strspn(tenant, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-")];
}

/* --- new and free ------------------------------------------------------------------------------
 */

static char *copy(const char *s, int *err)
{
    char *own = s ? strdup(s) : NULL;

    if (s && !own)
        *err = ERR_NOMEM;
    return own;
}

static char *joined(const char *a, const char *b, int *err)
{
    struct buf text = {0};

    buf_str(&text, a);
    if (buf_str(&text, b))
        *err = ERR_NOMEM;
    return buf_take(&text);
}

static int copy_config(struct wire *w, const struct wire_config *cfg)
{
    struct wire_config *to = &w->cfg;
    size_t n = 0;
    int err = 0;

    *to = *cfg;
    to->graph_url = copy(cfg->graph_url, &err);
    to->public_url = copy(cfg->public_url, &err);
    to->authority = copy(cfg->authority, &err);
    to->tenant = copy(cfg->tenant ? cfg->tenant : "common", &err);
    to->app_id = copy(cfg->app_id, &err);
    to->app_secret = copy(cfg->app_secret, &err);
    to->openid = copy(cfg->openid, &err);
    to->issuers = NULL;
    w->prompt_root = joined(cfg->public_url, "/prompts", &err);
    w->recording_root = joined(cfg->public_url, "/recordings", &err);
    while (cfg->issuers && cfg->issuers[n])
        n++;
    w->issuers = calloc(n + 1, sizeof *w->issuers);
    if (!w->issuers)
        return ERR_NOMEM;
    for (size_t i = 0; i < n; i++)
        w->issuers[i] = copy(cfg->issuers[i], &err);
    return err;
}

static int check_config(const struct wire_config *cfg, struct error *e)
{
    if (!cfg->graph_url || !cfg->public_url || !cfg->authority || !cfg->random)
        return error_set(e, ERR_INVALID,
                         "the wire needs the addresses of the service, of its "
                         "token authority and of this host");
    if (cfg->tenant && !wire_tenant_valid(cfg->tenant))
        return error_set(e, ERR_INVALID, "tenant: \"%s\" is no name of a tenant", cfg->tenant);
    if (cfg->verify && (!cfg->app_id || !cfg->openid || !cfg->issuers || !cfg->issuers[0]))
        return error_set(e, ERR_INVALID,
                         "checking notifications needs the app id, the address of "
                         "the OpenID configuration and an issuer");
    if (cfg->request_ms <= 0 || cfg->keepalive_ms <= 0 || cfg->early_ms < 0 || cfg->reply_ms < 0)
        return error_set(e, ERR_INVALID, "the wire's times must not be negative or zero");
    return 0;
}

int wire_new(struct wire **out, const struct wire_config *cfg, struct error *e)
{
    struct wire *w;
    unsigned long long seed;
    int err = check_config(cfg, e);

    if (err)
        return err;
    w = calloc(1, sizeof *w);
    if (!w)
        return error_set(e, ERR_NOMEM, "out of memory");
    cfg->random(cfg->random_arg, &seed, sizeof seed);
    w->next_id = 1;
    list_init(&w->actions);
    list_init(&w->over);
    list_init(&w->ended);
    map_init(&w->sendings, seed);
    map_init_borrowing(&w->calls, seed);
    map_init_borrowing(&w->ids, seed);
    map_init_borrowing(&w->ended_names, seed);
    map_init(&w->tenants, seed);
    wire_keys_init(w);
    wire_webhooks_init(w);
    wire_early_init(w);
    err = copy_config(w, cfg);
    if (!err)
        err = wire_reserve(w, 3); /* keys, waiting webhooks, early events */
    if (err) {
        wire_free(w);
        return error_set(e, err, "out of memory");
    }
    *out = w;
    return 0;
}

static void free_config(struct wire *w)
{
    free(w->cfg.graph_url);
    free(w->cfg.public_url);
    free(w->cfg.authority);
    free(w->cfg.tenant);
    free(w->cfg.app_id);
    free(w->cfg.app_secret);
    free(w->cfg.openid);
    for (size_t i = 0; w->issuers && w->issuers[i]; i++)
        free(w->issuers[i]);
    free(w->issuers);
    free(w->prompt_root);
    free(w->recording_root);
}

void wire_free(struct wire *w)
{
    if (!w)
        return;
    while (w->calls.n) {
        struct call *c = w->calls.entries[w->calls.n - 1].value;

        map_remove(&w->calls, c->key);
        wire_call_free(w, c);
    }
    while (!list_empty(&w->over))
        wire_call_free(w, list_entry(w->over.next, struct call, over_link));
    while (w->tenants.n) {
        struct map_entry *last = &w->tenants.entries[w->tenants.n - 1];
        struct tenant *t = last->value;

        map_remove(&w->tenants, last->key);
        wire_tenant_free(w, t);
    }
    wire_webhooks_fini(w);
    wire_early_fini(w);
    wire_keys_fini(w);
    wire_ended_fini(w);
    while (!list_empty(&w->actions)) {
        struct action *a = list_entry(w->actions.next, struct action, link);

        list_remove(&a->link);
        wire_action_free(a);
    }
    map_fini(&w->sendings);
    map_fini(&w->calls);
    map_fini(&w->ids);
    map_fini(&w->ended_names);
    map_fini(&w->tenants);
    heap_fini(&w->timers);
    free_config(w);
    free(w);
}

/* --- calls -------------------------------------------------------------------------------------
 */

int wire_webhook(struct wire *w, uint64_t id, const char *path_key, const char *authorization,
                 const char *body, size_t n, int64_t now)
{
    wire_advance(w, now);
    return wire_webhook_take(w, id, path_key, authorization, body, n);
}

int wire_command(struct wire *w, struct command *c, int64_t now)
{
    wire_advance(w, now);
    return wire_command_take(w, c);
}

int wire_dial(struct wire *w, const char *flow, cJSON *create, int64_t now, char key[KEY_MAX])
{
    const char *tenant = json_str(create, "tenantId");
    struct action *a = wire_action_new(WIRE_EVENT);
    struct call *c;
    int err;

    wire_advance(w, now);
    if (!a) {
        cJSON_Delete(create);
        return ERR_NOMEM;
    }
    err = wire_call_start(w, "create", create, flow,
                          wire_tenant_valid(tenant) ? tenant : w->cfg.tenant, a, &c);
    if (err) {
        wire_action_free(a);
        return err;
    }
    wire_action_push(w, a);
    strcpy(key, c->key);
    return 0;
}

bool wire_find(const struct wire *w, const char *call_id, char key[KEY_MAX], int *leg)
{
    char id[ID_MAX];
    const struct leg *l = id_normalise(id, call_id) ? wire_leg_by_id(w, id) : NULL;

    if (!l)
        return false;
    strcpy(key, l->call->key);
    *leg = l->number;
    return true;
}

size_t wire_calls(const struct wire *w)
{
    return w->live;
}
