/*
 * Checking the bearer token of a notification: inbound-auth.md, every rule. No I/O: keys are given.
 * RS256 is the only algorithm, whatever a token says. `aud` may be a list; one member that is the
 * app id suffices, letters in any case (a GUID has none). `nbf` may be absent, `exp` and `tid` may
 * not. A token with a `crit` header is refused. Certificates in a key set (x5c) are ignored.
 */
#ifndef IVORY_GRAPH_JWT_H
#define IVORY_GRAPH_JWT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jwt_keys; /* a parsed JWK set */

/* Parse a JWKS document. Keys that are not RSA signing keys of 2048 to 8192 bits with a `kid` are
 * skipped, and what comes after 100 keys; ERR_INVALID when the document is malformed or no usable
 * key is left. */
int jwt_keys_parse(struct jwt_keys **out, const char *text, size_t n, struct error *e);
bool jwt_keys_have(const struct jwt_keys *k, const char *kid);
void jwt_keys_free(struct jwt_keys *k);

struct jwt_rules {
    const char *const *issuers; /* accepted values of `iss`, exact; ends with NULL */
    const char *audience;       /* the app id */
    int64_t skew_s;             /* 300 */
};

struct jwt_claims {
    char tenant[64]; /* tid */
    int64_t expires; /* exp, seconds since the epoch */
};

enum jwt_result { JWT_OK, JWT_BAD, JWT_UNKNOWN_KEY };

/* Check `authorization` (the header's value; NULL = there was none) with `keys` (NULL = none are
 * known yet). JWT_BAD fills `e` with the rule broken (for the log,
 * not for the peer); JWT_UNKNOWN_KEY: signature not checked, the keys should be fetched again.
 * `now` in seconds. */
enum jwt_result jwt_check(const char *authorization, const struct jwt_keys *keys,
                          const struct jwt_rules *rules, int64_t now, struct jwt_claims *out,
                          struct error *e);

/* For the exchange: an RSA key of its own, its public half as a JWK set, and tokens signed with it.
 */
struct jwt_signer;
int jwt_signer_new(struct jwt_signer **out, struct error *e);
char *jwt_signer_jwks(const struct jwt_signer *s); /* free() it; NULL = no memory */
char *jwt_sign(const struct jwt_signer *s, const char *issuer, const char *audience,
               const char *tenant, int64_t now);
void jwt_signer_free(struct jwt_signer *s);

#endif
