#include "graph/request.h"

#include "base/buf.h"
#include "base/json.h"
#include "graph/expand.h"
#include "graph/value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- address */

/* "{participant}" at `at` → its value, percent-encoded. */
static int add_parameter(struct buf *url, const char *at, size_t n, const cJSON *ids,
                         const char *call_id, struct error *e)
{
    char name[32];
    const char *value;

    CHECK(n < sizeof name);
    memcpy(name, at, n);
    name[n] = '\0';
    value = strcmp(name, "call") == 0 ? call_id : json_str(ids, name);
    if (!value || !*value)
        return strcmp(name, "call") == 0 ? error_set(e, ERR_CONFLICT, "the call has no id yet")
                                         : error_set(e, ERR_INVALID, "%s: no id", name);
    if (strcmp(value, ".") == 0 || strcmp(value, "..") == 0)
        return error_set(e, ERR_INVALID, "%s: \"%s\" is no id", name, value);
    return buf_urlencode(url, value);
}

static int add_path(struct buf *url, const struct method *m, const cJSON *ids, const char *call_id,
                    struct error *e)
{
    int err = 0;

    for (const char *at = m->path; *at && !err;) {
        size_t n = strcspn(at, "{");

        err = buf_add(url, at, n);
        at += n;
        if (!err && *at == '{') {
            n = strcspn(at, "}");
            err = add_parameter(url, at + 1, n - 1, ids, call_id, e);
            at += n + 1;
        }
    }
    return err;
}

/* --- body */

/* "<root>/<hash>/<language>/<name>.wav", "<root>/<hash>.wav"; a name may lie in folders. */
static int media_address(struct buf *uri, const char *key, const cJSON *ref,
                         const struct request_context *x)
{
    const char *language = json_str(ref, "language"), *name = json_str(ref, "name");
    bool prompt = strcmp(key, "prompt") == 0;
    const char *root = prompt ? x->prompt_root : x->recording_root;

    if (!root || (prompt && (!language || !name)))
        return ERR_INVALID;
    buf_fmt(uri, "%s/", root);
    buf_urlencode(uri, json_str(ref, "hash"));
    if (prompt) {
        buf_char(uri, '/');
        buf_urlencode(uri, language);
        buf_char(uri, '/');
        for (size_t n; *name; name += n + (name[n] == '/')) {
            char part[128];

            n = strcspn(name, "/");
            if (n >= sizeof part)
                return ERR_INVALID;
            memcpy(part, name, n);
            part[n] = '\0';
            buf_urlencode(uri, part);
            if (name[n] == '/')
                buf_char(uri, '/');
        }
    }
    return buf_str(uri, ".wav");
}

/* Replace the reference `v` by what the service can fetch. */
static int resolve(cJSON *v, const char *key, bool bare, const struct request_context *x,
                   struct error *e)
{
    const cJSON *ref = json_get(v, key);
    cJSON *info = value_object("mediaInfo"), *full = bare ? NULL : value_object("mediaPrompt");
    struct buf uri = {0};
    int err = info && (bare || full) ? media_address(&uri, key, ref, x) : ERR_NOMEM;

    if (err == ERR_INVALID)
        error_set(e, err, "%s: the reference is incomplete", key);
    if (!err)
        err = uri.err ? uri.err : json_set_str(info, "uri", uri.p);
    if (!err)
        err = json_set_str(info, "resourceId", json_str(ref, "hash"));
    if (!err && !bare) {
        err = json_set(full, "mediaInfo", info);
        info = NULL;
    }
    if (!err) {
        value_become(v, bare ? info : full);
        info = full = NULL;
    }
    buf_fini(&uri);
    cJSON_Delete(info);
    cJSON_Delete(full);
    return err;
}

/* Resolve the references below `v`; where a mediaInfo is due (`bare`) instead of a prompt. */
static int resolve_all(cJSON *v, bool bare, const struct request_context *x, struct error *e)
{
    int err = 0;

    for (cJSON *m = v->child; m && !err; m = m->next) {
        const char *key;

        if (expand_is_reference(m, &key))
            err = resolve(m, key, bare, x, e);
        else
            err = resolve_all(m, m->string ? strcmp(m->string, "preFetchMedia") == 0 : bare, x, e);
    }
    return err;
}

/* Put in what the flow left to us. */
static int fill(const struct method *m, cJSON *body, const struct request_context *x)
{
    int err = 0;

    for (const struct field *f = m->fields; f->name && !err; f++) {
        if (!f->filled || json_get(body, f->name))
            continue;
        if (strcmp(f->type, "uri") == 0)
            err = x->callback_uri ? json_set_str(body, f->name, x->callback_uri) : 0;
        else if (strcmp(f->type, "mediaConfig") == 0)
            err = json_set(body, f->name, value_object("serviceHostedMediaConfig"));
        else
            err = json_set(body, f->name, cJSON_CreateStringArray((const char *[]){"audio"}, 1));
    }
    if (!err && m->body && !value_type(body))
        err = value_set_type(body, m->body);
    return err;
}

static int set_body(struct http_message *out, const struct method *m, const cJSON *args,
                    const struct request_context *x, struct error *e)
{
    cJSON *body = args ? json_copy(args) : cJSON_CreateObject();
    char *text = NULL;
    int err = body ? fill(m, body, x) : ERR_NOMEM;

    if (!err)
        err = resolve_all(body, false, x, e);
    if (!err && body->child) {
        text = json_text(body);
        err = text ? http_set_body(out, "application/json", text, strlen(text)) : ERR_NOMEM;
    }
    cJSON_free(text);
    cJSON_Delete(body);
    return err;
}

/* --- the request */

/* The address came with the record operation and so did the token (reference 3.12). */
static int download(const struct command *c, struct http_message *out, struct error *e)
{
    const char *url = json_str(c->ids, "url"), *token = json_str(c->ids, "token");
    struct buf value = {0};
    int err;

    if (!url || (strncasecmp(url, "https://", 8) != 0 && strncasecmp(url, "http://", 7) != 0) ||
        strpbrk(url, " \r\n\t"))
        return error_set(e, ERR_INVALID, "the recording has no address");
    if (!token || !*token)
        return error_set(e, ERR_INVALID, "the recording has no access token");
    err = http_request_init(out, "GET", url);
    if (!err)
        err = buf_fmt(&value, "Bearer %s", token);
    if (!err)
        err = http_set_header(out, "Authorization", value.p);
    if (err == ERR_INVALID)
        error_set(e, err, "the recording's access token is malformed");
    if (err)
        http_fini(out);
    buf_fini(&value);
    return err;
}

int request_encode(const struct command *c, const struct request_context *x,
                   struct http_message *out, struct error *e)
{
    const struct method *m = c->method ? method_find(c->method) : NULL;
    struct buf url = {0};
    int err;

    if (!m || !m->verb)
        return error_set(e, ERR_INVALID, "%s is no request", c->method ? c->method : "?");
    if (m->path[0] != '/')
        return download(c, out, e);
    *out = (struct http_message){0};
    err = buf_fmt(&url, "%s/%s", x->root, version_name(x->version));
    if (!err)
        err = add_path(&url, m, c->ids, x->call_id, e);
    if (!err)
        err = http_request_init(out, m->verb, url.p);
    if (!err)
        err = set_body(out, m, c->args, x, e);
    if (err)
        http_fini(out);
    buf_fini(&url);
    return err == ERR_NOMEM ? error_set(e, err, "out of memory") : err;
}
