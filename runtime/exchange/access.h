/*
 * Who may use the exchange's API: the token endpoint of OAuth 2.0 client credentials (reference
 * §1.3) and the check of what it gave out. A token is opaque to its holder: who, of which tenant
 * and until when, under a MAC whose key dies with the process. No I/O, no clock.
 */
#ifndef IVORY_EXCHANGE_ACCESS_H
#define IVORY_EXCHANGE_ACCESS_H

#include "base/http.h"

#include <stdbool.h>
#include <stdint.h>

struct access {
    unsigned char key[32]; /* random */
    const char *app_id;    /* compared only when there is a secret                 */
    const char *secret;    /* NULL: every application with any secret is let in    */
};

/* Whether `path` is a tenant's token endpoint, /<tenant>/oauth2/v2.0/token. */
bool access_is_endpoint(const char *path);

/* Answer a POST to it: a token good for 3,599 s, or an error body as OAuth has it. ERR_NOMEM. */
int access_grant(const struct access *a, const struct http_message *request, int64_t now,
                 struct http_message *response);

/* Whether `authorization` (the header's value, may be NULL) is "Bearer" and a token of ours that
 * has not expired; else `why` says what is wrong. */
bool access_check(const struct access *a, const char *authorization, int64_t now, const char **why);

#endif
