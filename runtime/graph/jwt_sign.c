#include "graph/jwt.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/json.h"

enum {
    MODULUS_BITS = 2048,
    LIFE_S = 3900, /* of a notification token, as in the published sample (limits §1) */
};

struct jwt_signer {
    EVP_PKEY *pkey;
    char n[MODULUS_BITS / 6 + 4]; /* base64url of the modulus */
    char e[16];
    char kid[33];
};

/* Read public number `param` of the key as base64url. */
static bool read_number(const EVP_PKEY *pkey, const char *param, char *out, size_t cap)
{
    unsigned char bytes[MODULUS_BITS / 8];
    BIGNUM *x = NULL;
    int n = 0;

    if (EVP_PKEY_get_bn_param(pkey, param, &x) && BN_num_bytes(x) <= (int)sizeof bytes)
        n = BN_bn2bin(x, bytes);
    BN_free(x);
    if (n <= 0 || 4 * (((size_t)n + 2) / 3) + 1 > cap)
        return false;
    base64url_encode(out, bytes, (size_t)n);
    return true;
}

int jwt_signer_new(struct jwt_signer **out, struct error *e)
{
    struct jwt_signer *s = calloc(1, sizeof *s);
    char digest[65];

    if (!s)
        return error_set(e, ERR_NOMEM, "out of memory");
    s->pkey = EVP_RSA_gen(MODULUS_BITS);
    if (!s->pkey || !read_number(s->pkey, OSSL_PKEY_PARAM_RSA_N, s->n, sizeof s->n) ||
        !read_number(s->pkey, OSSL_PKEY_PARAM_RSA_E, s->e, sizeof s->e)) {
        jwt_signer_free(s);
        return error_set(e, ERR_IO, "cannot make an RSA key");
    }
    sha256_hex(digest, s->n, strlen(s->n));
    memcpy(s->kid, digest, sizeof s->kid - 1);
    *out = s;
    return 0;
}

char *jwt_signer_jwks(const struct jwt_signer *s)
{
    struct buf b = {0};

    buf_fmt(&b,
            "{\"keys\":[{\"kty\":\"RSA\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"%s\","
            "\"n\":\"%s\",\"e\":\"%s\"}]}",
            s->kid, s->n, s->e);
    return buf_take(&b);
}

static int add_base64url(struct buf *b, const void *p, size_t n)
{
    char *text = malloc(4 * ((n + 2) / 3) + 1);

    if (!text)
        return b->err = ERR_NOMEM;
    buf_add(b, text, base64url_encode(text, p, n));
    free(text);
    return b->err;
}

static char *claims_text(const char *issuer, const char *audience, const char *tenant, int64_t now)
{
    cJSON *claims = cJSON_CreateObject();
    char *text = NULL;

    if (claims && !json_set_str(claims, "iss", issuer) && !json_set_str(claims, "aud", audience) &&
        !json_set_str(claims, "tid", tenant) && !json_set_int(claims, "iat", now) &&
        !json_set_int(claims, "nbf", now) && !json_set_int(claims, "exp", now + LIFE_S))
        text = json_text(claims);
    cJSON_Delete(claims);
    return text;
}

char *jwt_sign(const struct jwt_signer *s, const char *issuer, const char *audience,
               const char *tenant, int64_t now)
{
    char *claims = claims_text(issuer, audience, tenant, now);
    unsigned char signature[MODULUS_BITS / 8];
    size_t n = sizeof signature;
    EVP_MD_CTX *ctx = NULL;
    struct buf header = {0}, token = {0};

    buf_fmt(&header, "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", s->kid);
    if (!claims || header.err || add_base64url(&token, header.p, header.n) ||
        buf_char(&token, '.') || add_base64url(&token, claims, strlen(claims)))
        goto fail;
    ctx = EVP_MD_CTX_new();
    if (!ctx || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, s->pkey) != 1 ||
        EVP_DigestSign(ctx, signature, &n, (unsigned char *)token.p, token.n) != 1 ||
        buf_char(&token, '.') || add_base64url(&token, signature, n))
        goto fail;
    goto out;
fail:
    buf_fini(&token);
    token.err = ERR_NOMEM;
out:
    EVP_MD_CTX_free(ctx);
    buf_fini(&header);
    free(claims);
    return buf_take(&token);
}

void jwt_signer_free(struct jwt_signer *s)
{
    if (!s)
        return;
    EVP_PKEY_free(s->pkey);
    free(s);
}
