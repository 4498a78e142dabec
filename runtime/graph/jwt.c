#include "graph/jwt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/id.h"
#include "base/json.h"

enum {
    HEADER_MAX = 16 * 1024, /* of an Authorization header; a notification's is under 2 KiB */
    KEYS_MAX = 100,
    KID_MAX = 256,
    MODULUS_LEAST = 2048,
    MODULUS_MOST = 8192, /* a longer one would let the key's publisher buy our CPU time */
};

struct key {
    char *kid;
    EVP_PKEY *pkey;
};

struct jwt_keys {
    struct key *keys;
    size_t n;
};

/* --- the key set ---------------------------------------------------------------------------- */

static BIGNUM *number(const cJSON *jwk, const char *name)
{
    unsigned char bytes[MODULUS_MOST / 8];
    const char *text = json_str(jwk, name);
    long n = text ? base64url_decode(bytes, sizeof bytes, text, strlen(text)) : -1;

    return n > 0 ? BN_bin2bn(bytes, (int)n, NULL) : NULL;
}

static EVP_PKEY *rsa_from(const BIGNUM *n, const BIGNUM *e)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY *pkey = NULL;

    if (ctx && build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) &&
        (params = OSSL_PARAM_BLD_to_param(build)) && EVP_PKEY_fromdata_init(ctx) == 1 &&
        EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

/* Whether a JWK claims to be a key for RS256 signatures; members that are absent claim nothing. */
static bool meant_for_us(const cJSON *jwk)
{
    const char *kty = json_str(jwk, "kty"), *use = json_str(jwk, "use");
    const char *alg = json_str(jwk, "alg"), *kid = json_str(jwk, "kid");
    const cJSON *ops = json_get(jwk, "key_ops"), *op;
    bool verifies = !ops;

    cJSON_ArrayForEach (op, ops)
        verifies |= cJSON_IsString(op) && strcmp(op->valuestring, "verify") == 0;
    return kty && strcmp(kty, "RSA") == 0 && (!use || strcmp(use, "sig") == 0) &&
           (!alg || strcmp(alg, "RS256") == 0) && kid && kid[0] && strlen(kid) < KID_MAX &&
           verifies;
}

/* The key of a JWK; NULL when it is not one we use. */
static EVP_PKEY *key_of(const cJSON *jwk)
{
    BIGNUM *n = NULL, *e = NULL;
    EVP_PKEY *pkey = NULL;

    if (!meant_for_us(jwk))
        return NULL;
    n = number(jwk, "n");
    e = number(jwk, "e");
    if (n && e && BN_num_bits(n) >= MODULUS_LEAST && BN_num_bits(n) <= MODULUS_MOST &&
        BN_num_bits(e) >= 2 && BN_num_bits(e) <= 64 && BN_is_odd(e) && BN_is_odd(n))
        pkey = rsa_from(n, e);
    BN_free(n);
    BN_free(e);
    return pkey;
}

int jwt_keys_parse(struct jwt_keys **out, const char *text, size_t n, struct error *e)
{
    struct jwt_keys *k = NULL;
    const cJSON *list, *jwk;
    cJSON *doc = NULL;
    int err = json_parse(&doc, text, n, e);

    if (err)
        return error_prefix(e, err, "key set");
    list = json_get(doc, "keys");
    if (!cJSON_IsArray(list)) {
        err = error_set(e, ERR_INVALID, "key set: no \"keys\"");
        goto out;
    }
    err = error_set(e, ERR_NOMEM, "out of memory");
    k = calloc(1, sizeof *k);
    if (!k || !(k->keys = calloc(KEYS_MAX, sizeof *k->keys)))
        goto out;
    cJSON_ArrayForEach (jwk, list) {
        struct key *to = &k->keys[k->n];

        if (k->n == KEYS_MAX)
            break;
        to->pkey = key_of(jwk);
        if (!to->pkey)
            continue;
        k->n++;
        if (!(to->kid = strdup(json_str(jwk, "kid"))))
            goto out;
    }
    if (!k->n) {
        err = error_set(e, ERR_INVALID, "key set: no RSA signing key of %d bits or more",
                        MODULUS_LEAST);
        goto out;
    }
    err = 0;
    *out = k;
    k = NULL;
out:
    jwt_keys_free(k);
    cJSON_Delete(doc);
    return err;
}

bool jwt_keys_have(const struct jwt_keys *k, const char *kid)
{
    for (size_t i = 0; k && kid && i < k->n; i++) {
        if (strcmp(k->keys[i].kid, kid) == 0)
            return true;
    }
    return false;
}

void jwt_keys_free(struct jwt_keys *k)
{
    if (!k)
        return;
    for (size_t i = 0; k->keys && i < k->n; i++) {
        free(k->keys[i].kid);
        EVP_PKEY_free(k->keys[i].pkey);
    }
    free(k->keys);
    free(k);
}

/* --- one token ------------------------------------------------------------------------------ */

struct part {
    const char *p;
    size_t n;
};

/* The three parts of the token in an Authorization header: rule 1. */
static int split(const char *authorization, struct part part[3], struct error *e)
{
    const char *at = authorization;

    if (!at)
        return error_set(e, ERR_INVALID, "rule 1: no Authorization header");
    if (strnlen(at, HEADER_MAX + 1) > HEADER_MAX)
        return error_set(e, ERR_INVALID, "rule 1: header longer than %d bytes", HEADER_MAX);
    if (strncasecmp(at, "Bearer ", 7) != 0)
        return error_set(e, ERR_INVALID, "rule 1: the scheme is not Bearer");
    at += 7 + strspn(at + 7, " ");
    for (int i = 0; i < 3; i++) {
        size_t n = strcspn(at, ".");

        if (!n || (at[n] == '.') != (i < 2))
            return error_set(e, ERR_INVALID, "rule 1: not a token of three parts");
        part[i] = (struct part){at, n};
        at += n + (i < 2);
    }
    return 0;
}

/* Parse the base64url of a JSON object. */
static int object_of(struct part part, const char *what, cJSON **out, struct error *e)
{
    char *text = malloc(part.n + 1);
    cJSON *v = NULL;
    long n;
    int err;

    if (!text)
        return error_set(e, ERR_NOMEM, "out of memory");
    n = base64url_decode(text, part.n, part.p, part.n);
    if (n < 0)
        err = error_set(e, ERR_INVALID, "rule 1: the %s is not base64url", what);
    else if ((err = json_parse(&v, text, (size_t)n, e)))
        error_prefix(e, err, "rule 1: %s", what);
    else if (!cJSON_IsObject(v))
        err = error_set(e, ERR_INVALID, "rule 1: the %s is not an object", what);
    free(text);
    if (err) {
        cJSON_Delete(v);
        return err;
    }
    *out = v;
    return 0;
}

static bool verifies(EVP_PKEY *pkey, struct part signed_part, const unsigned char *signature,
                     size_t n)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
              EVP_DigestVerify(ctx, signature, n, (const unsigned char *)signed_part.p,
                               signed_part.n) == 1;

    EVP_MD_CTX_free(ctx);
    return ok;
}

/* Rules 2 and 3. The algorithm is ours, never the token's choice. */
static enum jwt_result check_signature(const struct part part[3], const struct jwt_keys *keys,
                                       struct error *e)
{
    struct part signed_part = {part[0].p, part[0].n + 1 + part[1].n};
    unsigned char signature[MODULUS_MOST / 8];
    enum jwt_result result = JWT_BAD;
    const char *alg, *kid;
    cJSON *header = NULL;
    bool ok = false;
    long n;

    if (object_of(part[0], "header", &header, e))
        return JWT_BAD;
    alg = json_str(header, "alg");
    kid = json_str(header, "kid");
    n = base64url_decode(signature, sizeof signature, part[2].p, part[2].n);
    if (!alg || strcmp(alg, "RS256") != 0) {
        error_set(e, ERR_INVALID, "rule 3: the algorithm is \"%.20s\", not RS256", alg ? alg : "");
    } else if (json_get(header, "crit")) {
        error_set(e, ERR_INVALID, "rule 3: a critical extension that we do not know");
    } else if (!kid) {
        error_set(e, ERR_INVALID, "rule 2: the token names no key");
    } else if (n < 0) {
        error_set(e, ERR_INVALID, "rule 1: the signature is not base64url");
    } else if (!jwt_keys_have(keys, kid)) {
        error_set(e, ERR_NOTFOUND, "rule 2: unknown key \"%.80s\"", kid);
        result = JWT_UNKNOWN_KEY;
    } else {
        for (size_t i = 0; !ok && i < keys->n; i++)
            ok = strcmp(keys->keys[i].kid, kid) == 0 &&
                 verifies(keys->keys[i].pkey, signed_part, signature, (size_t)n);
        if (ok)
            result = JWT_OK;
        else
            error_set(e, ERR_INVALID, "rule 2: wrong signature");
    }
    cJSON_Delete(header);
    return result;
}

/* `aud` is one text or a list (RFC 7519 §4.1.3): one of a list suffices. A GUID has no case. */
static bool has_audience(const cJSON *aud, const char *audience)
{
    const cJSON *one;

    if (cJSON_IsString(aud))
        return strcasecmp(aud->valuestring, audience) == 0;
    if (!cJSON_IsArray(aud))
        return false;
    cJSON_ArrayForEach (one, aud) {
        if (cJSON_IsString(one) && strcasecmp(one->valuestring, audience) == 0)
            return true;
    }
    return false;
}

static bool is_time(const cJSON *v)
{
    return cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble < 1e12;
}

/* A tenant goes into the address of a token request, so its form is checked here already. */
static bool is_tenant(const char *tid, size_t cap)
{
    char normal[ID_MAX];

    return tid && strlen(tid) < cap && id_normalise(normal, tid) && normal[0] != '.';
}

/* Rules 4 to 7. */
static int check_claims(const cJSON *claims, const struct jwt_rules *rules, int64_t now,
                        struct jwt_claims *out, struct error *e)
{
    const char *iss = json_str(claims, "iss"), *tid = json_str(claims, "tid");
    const cJSON *exp = json_get(claims, "exp"), *nbf = json_get(claims, "nbf");
    bool issuer = false;

    for (size_t i = 0; iss && rules->issuers[i]; i++)
        issuer |= strcmp(iss, rules->issuers[i]) == 0;
    if (!issuer)
        return error_set(e, ERR_INVALID, "rule 4: wrong issuer \"%.120s\"", iss ? iss : "");
    if (!has_audience(json_get(claims, "aud"), rules->audience))
        return error_set(e, ERR_INVALID, "rule 5: not for this app");
    if (!is_time(exp))
        return error_set(e, ERR_INVALID, "rule 6: no time of expiry");
    if ((int64_t)exp->valuedouble + rules->skew_s <= now)
        return error_set(e, ERR_INVALID, "rule 6: expired %lld s ago",
                         (long long)(now - (int64_t)exp->valuedouble));
    if (nbf && !is_time(nbf))
        return error_set(e, ERR_INVALID, "rule 6: nbf is no time");
    if (nbf && (int64_t)nbf->valuedouble - rules->skew_s > now)
        return error_set(e, ERR_INVALID, "rule 6: valid only in %lld s",
                         (long long)((int64_t)nbf->valuedouble - now));
    if (!is_tenant(tid, sizeof out->tenant))
        return error_set(e, ERR_INVALID, "rule 7: no tenant");
    out->expires = (int64_t)exp->valuedouble;
    strcpy(out->tenant, tid);
    return 0;
}

enum jwt_result jwt_check(const char *authorization, const struct jwt_keys *keys,
                          const struct jwt_rules *rules, int64_t now, struct jwt_claims *out,
                          struct error *e)
{
    struct jwt_claims claims = {0};
    enum jwt_result result;
    struct part part[3];
    cJSON *payload = NULL;

    if (split(authorization, part, e))
        return JWT_BAD;
    result = check_signature(part, keys, e);
    if (result != JWT_OK)
        return result;
    if (object_of(part[1], "payload", &payload, e) || check_claims(payload, rules, now, &claims, e))
        result = JWT_BAD;
    else
        *out = claims;
    cJSON_Delete(payload);
    return result;
}
