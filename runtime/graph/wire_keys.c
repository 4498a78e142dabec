#include "graph/wire_state.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    FETCH_MS = 8 * 1000,            /* one of the two documents                        */
    REFRESH_MS = 2 * 3600 * 1000,   /* as the vendor's samples do (limits §1)          */
    UNKNOWN_KEY_MS = 5 * 60 * 1000, /* between fetches for keys that we do not know    */
    FAILED_MS = 10 * 1000,          /* after a fetch that failed, old keys being there */
    FAILED_WITHOUT_MS = 1000,       /* ... and there being none                        */
    SKEW_S = 300,
    ACCEPTED_MAX = 1000,
};

/* A token whose signature and claims were found good: checked again by its hash only. */
struct accepted {
    struct list link;
    char hash[65];
    struct jwt_claims claims;
};

static void accepted_drop_first(struct keys *k)
{
    struct accepted *first = list_entry(k->accepted.next, struct accepted, link);

    list_remove(&first->link);
    map_remove(&k->by_hash, first->hash);
    free(first);
    k->n--;
}

/* Remember it; when memory is out the next one is checked in full again. */
static void accepted_add(struct keys *k, const char *hash, const struct jwt_claims *claims)
{
    struct accepted *a = map_get(&k->by_hash, hash);

    if (a)
        return;
    a = malloc(sizeof *a);
    if (!a || map_put(&k->by_hash, hash, a)) {
        free(a);
        return;
    }
    strcpy(a->hash, hash);
    a->claims = *claims;
    list_append(&k->accepted, &a->link);
    if (++k->n > ACCEPTED_MAX)
        accepted_drop_first(k);
}

static void forget_last(struct keys *k)
{
    free(k->last);
    k->last = NULL;
}

/* The service sends the same token for an hour: it need not even be hashed. How much of it is right
 * must not show in the time that comparing takes. */
static bool is_last(const struct keys *k, const char *authorization, int64_t now)
{
    size_t n = k->last && authorization ? strlen(k->last) : 0;

    return n && strlen(authorization) == n && secret_same(k->last, authorization, n) &&
           k->last_claims.expires + SKEW_S > now / 1000;
}

static void keep_last(struct keys *k, const char *authorization, const struct jwt_claims *claims)
{
    forget_last(k);
    k->last = strdup(authorization); /* without memory it is hashed again */
    k->last_claims = *claims;
}

void wire_keys_fini(struct wire *w)
{
    struct keys *k = &w->keys;

    wire_sending_forget(w, &k->sending);
    while (!list_empty(&k->accepted))
        accepted_drop_first(k);
    map_fini(&k->by_hash);
    forget_last(k);
    jwt_keys_free(k->set);
}

/* --- fetching ----------------------------------------------------------------------------------
 */

static int ask(struct wire *w, const char *url)
{
    struct http_message m = {0};
    int err = http_request_init(&m, "GET", url);

    if (!err)
        err = wire_sending_start(w, &w->keys.sending, &m, w->now + FETCH_MS);
    http_fini(&m);
    return err;
}

static void fetch_over(struct wire *w, const struct error *why)
{
    struct keys *k = &w->keys;

    k->failed = why != NULL;
    k->second = false;
    if (why) {
        k->not_before = w->now + (k->set ? FAILED_MS : FAILED_WITHOUT_MS);
        wire_log(w, "error", "the service's keys cannot be fetched: %s%s", why->text,
                 k->set ? "; the old ones stay" : "");
    } else {
        k->fetched = w->now;
        k->not_before = w->now + (w->cfg.unknown_key_ms ? w->cfg.unknown_key_ms : UNKNOWN_KEY_MS);
    }
    wire_webhooks_judge(w);
}

static int read_configuration(struct wire *w, const struct http_message *m, struct error *e)
{
    cJSON *doc = NULL;
    const char *uri;
    int err = json_parse(&doc, m->body ? m->body : "", m->n, e);

    if (err)
        return err;
    uri = json_str(doc, "jwks_uri");
    if (!uri ||
        (strncasecmp(uri, "https://", 8) != 0 &&
         (strncasecmp(uri, "http://", 7) != 0 || strncasecmp(w->cfg.openid, "https://", 8) == 0)))
        err = error_set(e, ERR_INVALID,
                        "the configuration names no address of keys that is as "
                        "safe as its own");
    else if ((err = ask(w, uri)))
        error_set(e, err, "out of memory");
    cJSON_Delete(doc);
    return err;
}

static int read_keys(struct wire *w, const struct http_message *m, struct error *e)
{
    struct keys *k = &w->keys;
    struct jwt_keys *set = NULL;
    int err = jwt_keys_parse(&set, m->body ? m->body : "", m->n, e);

    if (err)
        return err;
    jwt_keys_free(k->set);
    k->set = set;
    while (!list_empty(&k->accepted)) /* a key may have been withdrawn */
        accepted_drop_first(k);
    forget_last(k);
    return 0;
}

static void answered(struct wire *w, struct sending *s, const struct http_message *response)
{
    struct keys *k = list_entry(s, struct keys, sending);
    struct error e = {"no answer in time"};
    int err = ERR_TIMEOUT;

    if (response && response->status != 200) {
        err = error_set(&e, ERR_IO, "answer %d %.100s", response->status,
                        response->status || !response->body ? "" : response->body);
    } else if (response && !k->second) {
        err = read_configuration(w, response, &e);
        k->second = true;
        if (!err)
            return; /* the keys are on their way */
    } else if (response) {
        err = read_keys(w, response, &e);
    }
    fetch_over(w, err ? &e : NULL);
}

/* Begin to fetch unless that was tried too lately; whether a fetch is under way now. */
static bool fetch(struct wire *w)
{
    struct keys *k = &w->keys;

    if (k->sending.id)
        return true;
    if (w->now < k->not_before)
        return false;
    k->second = false;
    k->failed = ask(w, w->cfg.openid) != 0; /* no memory: the next one may try again */
    return !k->failed;
}

void wire_keys_init(struct wire *w)
{
    list_init(&w->keys.accepted);
    map_init(&w->keys.by_hash, 0); /* its keys are hashes */
    w->keys.sending.done = answered;
}

/* --- judging ------------------------------------------------------------------------------------
 */

static enum verdict judge_in_full(struct wire *w, const char *authorization,
                                  struct jwt_claims *claims, struct error *e)
{
    struct keys *k = &w->keys;
    struct jwt_rules rules = {(const char *const *)w->issuers, w->cfg.app_id, SKEW_S};

    switch (jwt_check(authorization, k->set, &rules, w->now / 1000, claims, e)) {
    case JWT_OK:
        return VERDICT_GOOD;
    case JWT_BAD:
        return VERDICT_BAD;
    case JWT_UNKNOWN_KEY:
        break;
    }
    if (fetch(w))
        return VERDICT_WAIT;
    return k->failed || !k->set ? VERDICT_UNSURE : VERDICT_BAD;
}

enum verdict wire_keys_judge(struct wire *w, const char *authorization,
                             char tenant[WIRE_TENANT_MAX], struct error *e)
{
    struct keys *k = &w->keys;
    const struct accepted *a;
    struct jwt_claims claims;
    enum verdict v;
    char hash[65];

    tenant[0] = '\0';
    if (!w->cfg.verify)
        return VERDICT_GOOD;
    if (k->set && w->now - k->fetched >= REFRESH_MS)
        fetch(w); /* behind; the old ones serve meanwhile */
    if (is_last(k, authorization, w->now)) {
        strcpy(tenant, k->last_claims.tenant);
        return VERDICT_GOOD;
    }
    sha256_hex(hash, authorization ? authorization : "", authorization ? strlen(authorization) : 0);
    a = map_get(&k->by_hash, hash);
    if (a && a->claims.expires + SKEW_S > w->now / 1000) {
        strcpy(tenant, a->claims.tenant);
        keep_last(k, authorization, &a->claims);
        return VERDICT_GOOD;
    }
    v = judge_in_full(w, authorization, &claims, e);
    if (v == VERDICT_GOOD) {
        accepted_add(k, hash, &claims);
        strcpy(tenant, claims.tenant);
    }
    return v;
}
