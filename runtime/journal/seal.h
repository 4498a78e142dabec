/*
 * Sealing: AES-256-GCM for values that the journal may hold but nobody may read in it. The key is a
 * file outside the database, made with mode 0600 when it is not there. Sealed text is base64url of
 * nonce, ciphertext and tag, so it fits into JSON; `label` (the call's key) is authenticated with
 * it, so that a sealed value of one call is none of another's.
 */
#ifndef IVORY_JOURNAL_SEAL_H
#define IVORY_JOURNAL_SEAL_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

struct seal;

/* Read the 32-byte key from `path`, making it if it is missing. ERR_IO: it cannot be read or made.
 * What is wrong with the file is put right, and `wrong` says so (else it is ""): a file that others
 * may read gets mode 0600; one that is not 32 bytes is moved to "<path>.damaged-<n>" and a new key
 * is made, which opens nothing that the old one sealed. */
int seal_open(struct seal **out, const char *path, struct error *wrong, struct error *e);
/* The same, but the file stays as it is. ERR_NOTFOUND, ERR_INVALID: not 32 bytes. */
int seal_read(struct seal **out, const char *path, struct error *e);
/* From a key in memory. ERR_NOMEM. */
enum { SEAL_KEY = 32 };
int seal_new(struct seal **out, const unsigned char key[SEAL_KEY]);
void seal_close(struct seal *s);

/* Seal `text`; free() the result, NULL = no memory. */
char *seal_text(const struct seal *s, const char *label, const char *text);
/* Open what seal_text made; NULL when it was altered, is of another call or key, or memory is out.
 */
char *unseal_text(const struct seal *s, const char *label, const char *sealed);

/* A digest under the key, as text: what was digested cannot be found by trying, as it could be for
 * a few keys that were pressed. Two are comparable when the same key made them. */
enum { SEAL_DIGEST = 8 + 1 + 64 + 1 };
void seal_digest(const struct seal *s, const void *p, size_t n, char out[SEAL_DIGEST]);
bool seal_digested(const struct seal *s, const char *digest);

#endif
