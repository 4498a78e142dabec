#include "exchange/access.h"

#include "base/buf.h"
#include "base/id.h"
#include "base/json.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    LIFETIME_S = 3599,
    MAX_FIELD = 2048,
    MAX_TENANT = 100,
    MAX_TOKEN = 1024,
    MAC = 32,
};

/* --- tokens ---------------------------------------------------------------------------------- */

/* A token is "<expiry>.<tenant>.<mac>", the last two in base64url, the MAC over what is before. */
static void sign(const struct access *a, const char *text, size_t n, char out[64])
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned length = 0;

    CHECK(HMAC(EVP_sha256(), a->key, sizeof a->key, (const unsigned char *)text, n, mac, &length) &&
          length == MAC);
    base64url_encode(out, mac, MAC);
}

static void make_token(const struct access *a, const char *tenant, int64_t now, struct buf *out)
{
    char coded[4 * MAX_TENANT / 3 + 8], mac[64];

    base64url_encode(coded, tenant, strlen(tenant));
    buf_fmt(out, "%lld.%s", (long long)(now / 1000 + LIFETIME_S), coded);
    if (out->err)
        return;
    sign(a, out->p, out->n, mac);
    buf_fmt(out, ".%s", mac);
}

bool access_check(const struct access *a, const char *authorization, int64_t now, const char **why)
{
    const char *token, *dot;
    char mac[64];

    *why = "Access token is missing.";
    if (!authorization || strncasecmp(authorization, "Bearer ", 7) != 0)
        return false;
    token = authorization + 7 + strspn(authorization + 7, " ");
    *why = "Access token validation failure.";
    dot = strrchr(token, '.');
    if (!dot || strlen(token) > MAX_TOKEN)
        return false;
    sign(a, token, (size_t)(dot - token), mac);
    if (strlen(dot + 1) != strlen(mac) || CRYPTO_memcmp(dot + 1, mac, strlen(mac)) != 0)
        return false;
    *why = "Access token has expired.";
    return strtoll(token, NULL, 10) > now / 1000;
}

/* --- the endpoint ---------------------------------------------------------------------------- */

static const char endpoint[] = "/oauth2/v2.0/token";

bool access_is_endpoint(const char *path)
{
    size_t n = strcspn(path, "?#"), end = sizeof endpoint - 1;
    const char *slash = strchr(path + 1, '/');

    return n > end + 1 && strncmp(path + n - end, endpoint, end) == 0 && slash == path + n - end;
}

static int answer(struct http_message *response, int status, cJSON *body)
{
    char *text = body ? json_text(body) : NULL;
    int err = text ? http_set_body(response, "application/json", text, strlen(text)) : ERR_NOMEM;

    free(text);
    cJSON_Delete(body);
    response->status = status;
    if (!err)
        err = http_set_header(response, "Cache-Control", "no-store");
    return err;
}

static int refuse(struct http_message *response, int status, const char *error, const char *why)
{
    cJSON *body = cJSON_CreateObject();

    if (body &&
        (json_set_str(body, "error", error) || json_set_str(body, "error_description", why))) {
        cJSON_Delete(body);
        body = NULL;
    }
    return answer(response, status, body);
}

static int grant(const struct access *a, const char *tenant, int64_t now,
                 struct http_message *response)
{
    cJSON *body = cJSON_CreateObject();
    struct buf token = {0};
    int err;

    make_token(a, tenant, now, &token);
    err = !body || token.err || json_set_str(body, "token_type", "Bearer") ||
          json_set_int(body, "expires_in", LIFETIME_S) ||
          json_set_int(body, "ext_expires_in", LIFETIME_S) ||
          json_set_str(body, "access_token", token.p);
    buf_fini(&token);
    if (err) {
        cJSON_Delete(body);
        body = NULL;
    }
    return answer(response, 200, body);
}

static bool same(const char *a, const char *b)
{
    size_t n = strlen(a);

    return n == strlen(b) && CRYPTO_memcmp(a, b, n) == 0;
}

int access_grant(const struct access *a, const struct http_message *request, int64_t now,
                 struct http_message *response)
{
    static const char form[] = "application/x-www-form-urlencoded";
    const char *type = http_header(request, "Content-Type"), *path = request->url + 1;
    char grant_type[64], client[MAX_FIELD], secret[MAX_FIELD], scope[MAX_FIELD];
    char tenant[MAX_TENANT];
    struct buf fields = {0};
    bool complete, has_secret;

    if (!type || strncasecmp(type, form, sizeof form - 1) != 0)
        return refuse(response, 400, "invalid_request", "The body must be a form.");
    if (strcspn(path, "/") >= sizeof tenant)
        return refuse(response, 400, "invalid_request", "The tenant is malformed.");
    snprintf(tenant, sizeof tenant, "%.*s", (int)strcspn(path, "/"), path);
    buf_char(&fields, '?');
    buf_add(&fields, request->body ? request->body : "", request->n);
    if (fields.err)
        return ERR_NOMEM;
    if (!http_query(fields.p, "grant_type", grant_type, sizeof grant_type))
        grant_type[0] = '\0';
    complete = http_query(fields.p, "client_id", client, sizeof client) && client[0] &&
               http_query(fields.p, "scope", scope, sizeof scope) && scope[0];
    has_secret = http_query(fields.p, "client_secret", secret, sizeof secret) && secret[0];
    buf_fini(&fields);
    if (!grant_type[0])
        return refuse(response, 400, "invalid_request", "The field grant_type is missing.");
    if (strcmp(grant_type, "client_credentials") != 0)
        return refuse(response, 400, "unsupported_grant_type",
                      "Only client_credentials is supported.");
    if (!complete)
        return refuse(response, 400, "invalid_request", "The field client_id or scope is missing.");
    if (!has_secret || (a->secret && !(same(client, a->app_id) && same(secret, a->secret))))
        return refuse(response, 401, "invalid_client", "The client or its secret is wrong.");
    return grant(a, tenant, now, response);
}
