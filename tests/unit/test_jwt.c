#include "test.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/id.h"
#include "base/json.h"
#include "graph/jwt.h"

/* A signer of its own: unlike jwt_sign it makes tokens with anything in them. */

#define NOW    1700000000
#define APP    "11111111-2222-3333-4444-555555555555"
#define ISSUER "https://api.botframework.com"
#define HEADER "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"k1\"}"
#define CLAIMS                                                                                     \
    "{\"aud\":\"" APP "\",\"iss\":\"" ISSUER "\",\"iat\":1700000000,\"nbf\":1700000000,"           \
    "\"exp\":1700003900,\"tid\":\"2432b57b-0abd-43db-aa7b-16eadd115d34\"}"

static const char *const issuers[] = {ISSUER, "https://graph.microsoft.com", NULL};
static const struct jwt_rules rules = {issuers, APP, 300};

static void add64(struct buf *b, const void *p, size_t n)
{
    char *text = malloc(4 * ((n + 2) / 3) + 1);

    buf_add(b, text, base64url_encode(text, p, n));
    free(text);
}

static void add_number(struct buf *b, EVP_PKEY *pkey, const char *param)
{
    unsigned char bytes[512];
    BIGNUM *x = NULL;

    EVP_PKEY_get_bn_param(pkey, param, &x);
    add64(b, bytes, (size_t)BN_bn2bin(x, bytes));
    BN_free(x);
}

/* One JWK; `more` are further members, beginning with a comma. */
static void add_jwk(struct buf *b, EVP_PKEY *pkey, const char *kty, const char *more)
{
    buf_fmt(b, "{\"kty\":\"%s\"%s,\"n\":\"", kty, more);
    add_number(b, pkey, OSSL_PKEY_PARAM_RSA_N);
    buf_str(b, "\",\"e\":\"");
    add_number(b, pkey, OSSL_PKEY_PARAM_RSA_E);
    buf_str(b, "\"}");
}

static struct jwt_keys *keys_of(EVP_PKEY *pkey)
{
    struct jwt_keys *keys = NULL;
    struct buf b = {0};

    buf_str(&b, "{\"keys\":[");
    add_jwk(&b, pkey, "RSA", ",\"kid\":\"k1\",\"use\":\"sig\",\"x5c\":[\"nonsense\"]");
    buf_str(&b, "]}");
    EXPECT_INT(jwt_keys_parse(&keys, b.p, b.n, NULL), 0);
    buf_fini(&b);
    return keys;
}

static char *token(EVP_PKEY *pkey, const char *header, const char *claims)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    struct buf b = {0};
    unsigned char signature[512];
    size_t n = sizeof signature;

    buf_str(&b, "Bearer ");
    add64(&b, header, strlen(header));
    buf_char(&b, '.');
    add64(&b, claims, strlen(claims));
    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey);
    EVP_DigestSign(ctx, signature, &n, (unsigned char *)b.p + 7, b.n - 7);
    EVP_MD_CTX_free(ctx);
    buf_char(&b, '.');
    add64(&b, signature, n);
    return buf_take(&b);
}

static void takes_a_right_token(void)
{
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    struct jwt_keys *keys = keys_of(pkey);
    struct jwt_claims c = {0};
    static const struct {
        const char *claims;
        int64_t now;
    } good[] = {
        {CLAIMS, NOW},
        {CLAIMS, NOW - 300}, /* clocks may differ by the skew, and not by more */
        {CLAIMS, NOW + 3900 + 299},
        {"{\"aud\":\"11111111-2222-3333-4444-555555555555\",\"iss\":\"https://"
         "graph.microsoft.com\",\"exp\":1700003900,\"tid\":\"t\"}",
         NOW},
        {"{\"aud\":[\"other\",\"11111111-2222-3333-4444-555555555555\"],\"iss\":\"" ISSUER
         "\",\"exp\":1700003900.5,\"tid\":\"t\",\"unknown\":{}}",
         NOW},
    };

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char *t = token(pkey, HEADER, good[i].claims);
        struct error e = {""};

        EXPECT_INT(jwt_check(t, keys, &rules, good[i].now, &c, &e), JWT_OK);
        EXPECT_STR(e.text, "");
        EXPECT_INT(c.expires, 1700003900);
        if (i == 0)
            EXPECT_STR(c.tenant, "2432b57b-0abd-43db-aa7b-16eadd115d34");
        t[0] = 'b'; /* the scheme's name has no case */
        EXPECT_INT(jwt_check(t, keys, &rules, good[i].now, &c, &e), JWT_OK);
        free(t);
    }
    jwt_keys_free(keys);
    EVP_PKEY_free(pkey);
}

#define WITH(aud, iss, exp, tid) "{" aud iss exp tid "\"nbf\":1700000000}"
#define AUD                      "\"aud\":\"" APP "\","
#define ISS                      "\"iss\":\"" ISSUER "\","
#define EXP                      "\"exp\":1700003900,"
#define TID                      "\"tid\":\"t\","

/* Claims that are wrong in one way each, rightly signed. */
static void refuses_wrong_claims(void)
{
    static const struct {
        const char *claims, *why;
    } bad[] = {
        {WITH(AUD, "", EXP, TID), "rule 4"},
        {WITH(AUD, "\"iss\":\"https://evil.example\",", EXP, TID), "rule 4"},
        {WITH(AUD, "\"iss\":\"" ISSUER "/\",", EXP, TID), "rule 4"},
        {WITH(AUD, "\"iss\":[\"" ISSUER "\"],", EXP, TID), "rule 4"},
        {WITH(AUD, "\"iss\":\"HTTPS://API.BOTFRAMEWORK.COM\",", EXP, TID), "rule 4"},
        {WITH("", ISS, EXP, TID), "rule 5"},
        {WITH("\"aud\":\"another\",", ISS, EXP, TID), "rule 5"},
        {WITH("\"aud\":\"\",", ISS, EXP, TID), "rule 5"},
        {WITH("\"aud\":[],", ISS, EXP, TID), "rule 5"},
        {WITH("\"aud\":[\"another\",{\"x\":\"" APP "\"}],", ISS, EXP, TID), "rule 5"},
        {WITH("\"aud\":{\"x\":\"" APP "\"},", ISS, EXP, TID), "rule 5"},
        {WITH(AUD, ISS, "", TID), "rule 6: no time"},
        {WITH(AUD, ISS, "\"exp\":\"1700003900\",", TID), "rule 6: no time"},
        {WITH(AUD, ISS, "\"exp\":1e300,", TID), "rule 6: no time"},
        {WITH(AUD, ISS, "\"exp\":-5,", TID), "rule 6: no time"},
        {WITH(AUD, ISS, "\"exp\":1699999700,", TID), "rule 6: expired"},
        {"{" AUD ISS EXP TID "\"nbf\":1700000301}", "rule 6: valid only"},
        {"{" AUD ISS EXP TID "\"nbf\":\"soon\"}", "rule 6: nbf"},
        {WITH(AUD, ISS, EXP, ""), "rule 7"},
        {WITH(AUD, ISS, EXP, "\"tid\":\"\","), "rule 7"},
        {WITH(AUD, ISS, EXP, "\"tid\":null,"), "rule 7"},
        {WITH(AUD, ISS, EXP, "\"tid\":\"../../common\","), "rule 7"},
        {WITH(AUD, ISS, EXP, "\"tid\":\"..\","), "rule 7"},
        {"[]", "not an object"},
        {"{\"a\":1", "payload"},
        {"\xff", "payload"},
    };
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    struct jwt_keys *keys = keys_of(pkey);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *t = token(pkey, HEADER, bad[i].claims);
        struct jwt_claims c = {.expires = 7};
        struct error e = {""};

        if (!EXPECT_INT(jwt_check(t, keys, &rules, NOW, &c, &e), JWT_BAD))
            printf("  accepted: %s\n", bad[i].claims);
        EXPECT_IN(e.text, bad[i].why);
        EXPECT_INT(c.expires, 7);
        free(t);
    }
    jwt_keys_free(keys);
    EVP_PKEY_free(pkey);
}

/* Headers that are wrong in one way each, rightly signed. */
static void refuses_wrong_headers(void)
{
    static const struct {
        const char *header, *why;
        enum jwt_result result;
    } bad[] = {
        {"{\"alg\":\"none\",\"kid\":\"k1\"}", "rule 3", JWT_BAD},
        {"{\"alg\":\"HS256\",\"kid\":\"k1\"}", "rule 3", JWT_BAD},
        {"{\"alg\":\"RS512\",\"kid\":\"k1\"}", "rule 3", JWT_BAD},
        {"{\"alg\":\"rs256\",\"kid\":\"k1\"}", "rule 3", JWT_BAD},
        {"{\"kid\":\"k1\"}", "rule 3", JWT_BAD},
        {"{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":[\"b64\"],\"b64\":false}", "rule 3", JWT_BAD},
        {"{\"alg\":\"RS256\"}", "names no key", JWT_BAD},
        {"{\"alg\":\"RS256\",\"kid\":\"k2\"}", "unknown key", JWT_UNKNOWN_KEY},
        {"{\"alg\":\"RS256\",\"kid\":\"K1\"}", "unknown key", JWT_UNKNOWN_KEY},
        {"\"RS256\"", "not an object", JWT_BAD},
        {"{", "header", JWT_BAD},
    };
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    struct jwt_keys *keys = keys_of(pkey);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *t = token(pkey, bad[i].header, CLAIMS);
        struct jwt_claims c;
        struct error e = {""};

        EXPECT_INT(jwt_check(t, keys, &rules, NOW, &c, &e), bad[i].result);
        EXPECT_IN(e.text, bad[i].why);
        free(t);
    }
    jwt_keys_free(keys);
    EVP_PKEY_free(pkey);
}

/* The classic: an HMAC made with the public key, in the hope that it is taken as the secret. */
static void refuses_an_hmac_with_the_public_key(void)
{
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    struct jwt_keys *keys = keys_of(pkey);
    static const char header[] = "{\"alg\":\"HS256\",\"kid\":\"k1\"}";
    unsigned char mac[32], secret[1024], *end = secret;
    int secret_n = i2d_PUBKEY(pkey, &end);
    unsigned n = sizeof mac;
    struct buf b = {0};
    struct jwt_claims c;
    struct error e;

    buf_str(&b, "Bearer ");
    add64(&b, header, strlen(header));
    buf_char(&b, '.');
    add64(&b, CLAIMS, strlen(CLAIMS));
    HMAC(EVP_sha256(), secret, secret_n, (unsigned char *)b.p + 7, b.n - 7, mac, &n);
    buf_char(&b, '.');
    add64(&b, mac, n);
    EXPECT_INT(jwt_check(b.p, keys, &rules, NOW, &c, &e), JWT_BAD);
    EXPECT_IN(e.text, "rule 3");
    buf_fini(&b);
    jwt_keys_free(keys);
    EVP_PKEY_free(pkey);
}

static void refuses_malformed_tokens(void)
{
    static const struct {
        const char *header, *why;
    } bad[] = {
        {NULL, "no Authorization"},
        {"", "not Bearer"},
        {"Bearer", "not Bearer"},
        {"Bearer ", "three parts"},
        {"Basic a.b.c", "not Bearer"},
        {"Bearer a.b", "three parts"},
        {"Bearer a.b.", "three parts"},
        {"Bearer .b.c", "three parts"},
        {"Bearer a..c", "three parts"},
        {"Bearer a.b.c.d", "three parts"},
        {"Bearer e30.e30.e30.e30.e30", "three parts"},
        {"Bearer a.b.c", "not base64url"},
        {"Bearer e3+=.e30.e30", "not base64url"},
        {"Bearer e30.e30.e30", "rule 3"},
    };
    struct jwt_claims c;
    struct error e;
    char *big;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        EXPECT_INT(jwt_check(bad[i].header, NULL, &rules, NOW, &c, &e), JWT_BAD);
        EXPECT_IN(e.text, bad[i].why);
    }
    big = malloc(20000);
    memset(big, 'a', 19999);
    memcpy(big, "Bearer ", 7);
    big[19999] = '\0';
    EXPECT_INT(jwt_check(big, NULL, &rules, NOW, &c, &e), JWT_BAD);
    EXPECT_IN(e.text, "longer");
    free(big);
}

static void refuses_deep_json(void)
{
    char deep[201];
    EVP_PKEY *pkey = EVP_RSA_gen(2048);
    struct jwt_claims c;
    struct error e;
    char *t;

    memset(deep, '[', 200);
    deep[200] = '\0';
    t = token(pkey, deep, CLAIMS);
    EXPECT_INT(jwt_check(t, NULL, &rules, NOW, &c, &e), JWT_BAD);
    EXPECT_IN(e.text, "nested");
    free(t);
    EVP_PKEY_free(pkey);
}

/* Every single byte of a token counts, and the signature is that of the key it names. */
static void refuses_altered_tokens(void)
{
    EVP_PKEY *pkey = EVP_RSA_gen(2048), *other = EVP_RSA_gen(2048);
    struct jwt_keys *keys = keys_of(pkey), *wrong = keys_of(other);
    char *t = token(pkey, HEADER, CLAIMS);
    char *dot = strrchr(t, '.');
    struct jwt_claims c;
    struct error e;

    EXPECT_INT(jwt_check(t, wrong, &rules, NOW, &c, &e), JWT_BAD);
    EXPECT_IN(e.text, "wrong signature");
    EXPECT_INT(jwt_check(t, NULL, &rules, NOW, &c, &e), JWT_UNKNOWN_KEY);
    for (char *at = t + 7; at < dot + 300; at += 13) {
        char was = *at;

        if (was == '.')
            continue;
        *at = was == 'x' ? 'y' : 'x';
        EXPECT(jwt_check(t, keys, &rules, NOW, &c, &e) != JWT_OK);
        *at = was;
    }
    EXPECT_INT(jwt_check(t, keys, &rules, NOW, &c, &e), JWT_OK);
    dot[-1] = '\0';
    memmove(dot - 1, dot, strlen(dot) + 1); /* a payload one digit shorter */
    EXPECT(jwt_check(t, keys, &rules, NOW, &c, &e) != JWT_OK);
    free(t);
    jwt_keys_free(keys);
    jwt_keys_free(wrong);
    EVP_PKEY_free(pkey);
    EVP_PKEY_free(other);
}

static void skips_keys_that_are_no_use(void)
{
    static const struct {
        const char *kty, *more;
    } skipped[] = {
        {"EC", ",\"kid\":\"k1\""},
        {"RSA", ""},
        {"RSA", ",\"kid\":\"\""},
        {"RSA", ",\"kid\":7"},
        {"RSA", ",\"kid\":\"k1\",\"use\":\"enc\""},
        {"RSA", ",\"kid\":\"k1\",\"alg\":\"HS256\""},
        {"RSA", ",\"kid\":\"k1\",\"key_ops\":[\"sign\"]"},
    };
    EVP_PKEY *pkey = EVP_RSA_gen(2048), *small = EVP_RSA_gen(1024);
    struct jwt_keys *keys = NULL;
    struct buf b = {0};
    struct error e;

    for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++) {
        buf_reset(&b);
        buf_str(&b, "{\"keys\":[");
        add_jwk(&b, pkey, skipped[i].kty, skipped[i].more);
        buf_str(&b, "]}");
        EXPECT_INT(jwt_keys_parse(&keys, b.p, b.n, &e), ERR_INVALID);
        EXPECT_IN(e.text, "no RSA signing key");
    }
    buf_reset(&b);
    buf_str(&b, "{\"keys\":[null,7,{},{\"kty\":\"RSA\",\"kid\":\"x\",\"n\":\"!\",\"e\":\"AQAB\"},"
                "{\"kty\":\"RSA\",\"kid\":\"zero\",\"n\":\"AA\",\"e\":\"AA\"},");
    add_jwk(&b, small, "RSA", ",\"kid\":\"small\"");
    buf_char(&b, ',');
    add_jwk(&b, pkey, "RSA", ",\"kid\":\"good\",\"alg\":\"RS256\",\"key_ops\":[\"verify\"]");
    buf_str(&b, "]}");
    EXPECT_INT(jwt_keys_parse(&keys, b.p, b.n, &e), 0);
    EXPECT(jwt_keys_have(keys, "good"));
    EXPECT(!jwt_keys_have(keys, "small"));
    EXPECT(!jwt_keys_have(keys, "x"));
    EXPECT(!jwt_keys_have(keys, NULL));
    jwt_keys_free(keys);
    buf_fini(&b);
    EVP_PKEY_free(pkey);
    EVP_PKEY_free(small);
}

static void refuses_documents_that_are_no_key_sets(void)
{
    static const char *const bad[] = {"", "nonsense", "[]", "{}", "{\"keys\":{}}", "{\"keys\":[]}"};
    struct jwt_keys *keys = NULL;
    struct error e;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        EXPECT_INT(jwt_keys_parse(&keys, bad[i], strlen(bad[i]), &e), ERR_INVALID);
        EXPECT_IN(e.text, "key set");
    }
}

static void signs_what_it_checks(void)
{
    struct jwt_signer *s = NULL;
    struct jwt_keys *keys = NULL;
    struct jwt_claims c = {0};
    struct buf header = {0};
    struct error e;
    char *jwks, *t;

    EXPECT_INT(jwt_signer_new(&s, &e), 0);
    jwks = jwt_signer_jwks(s);
    EXPECT_INT(jwt_keys_parse(&keys, jwks, strlen(jwks), &e), 0);
    t = jwt_sign(s, ISSUER, APP, "tenant-1", NOW);
    buf_fmt(&header, "Bearer %s", t);
    EXPECT_INT(jwt_check(header.p, keys, &rules, NOW, &c, &e), JWT_OK);
    EXPECT_STR(c.tenant, "tenant-1");
    EXPECT_INT(c.expires, NOW + 3900);
    free(t);
    free(jwks);
    buf_fini(&header);

    EVERY_ALLOCATION(i)
    {
        struct jwt_keys *again = NULL;

        t = jwt_sign(s, ISSUER, APP, "tenant-1", NOW);
        jwks = jwt_signer_jwks(s);
        if (jwks && jwt_keys_parse(&again, jwks, strlen(jwks), &e) == 0 && t) {
            buf_fmt(&header, "Bearer %s", t);
            if (!header.err)
                jwt_check(header.p, again, &rules, NOW, &c, &e);
        }
        jwt_keys_free(again);
        buf_fini(&header);
        free(jwks);
        free(t);
    }
    jwt_keys_free(keys);
    jwt_signer_free(s);
}

const struct test jwt_tests[] = {
    TEST(takes_a_right_token),
    TEST(refuses_wrong_claims),
    TEST(refuses_wrong_headers),
    TEST(refuses_an_hmac_with_the_public_key),
    TEST(refuses_malformed_tokens),
    TEST(refuses_deep_json),
    TEST(refuses_altered_tokens),
    TEST(skips_keys_that_are_no_use),
    TEST(refuses_documents_that_are_no_key_sets),
    TEST(signs_what_it_checks),
    {0},
};
