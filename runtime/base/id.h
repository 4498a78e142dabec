/*
 * Identifiers. The service spells one id in two ways (dashed lower case, plain upper case:
 * reference §1.1), so ids are compared normalised: dashes removed, lower case.
 */
#ifndef IVORY_BASE_ID_H
#define IVORY_BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_MAX  128 /* longest normalised id that is kept, with its NUL */
#define KEY_MAX 33  /* a call key: 32 lower-case hexadecimal digits and a NUL */

/* Normalise `id` into `out`. False when it is empty, too long, or holds anything but letters,
 * digits and . _ - : @ (an id never holds a slash, a quote or white space). */
bool id_normalise(char out[ID_MAX], const char *id);

/* Whether two ids name the same thing. NULL equals nothing. */
bool id_equal(const char *a, const char *b);

/* Which of `shards` (1 or more) an id or key falls to: the same in every process. A key may be
 * followed by "." and more, which does not count. */
unsigned id_shard(const char *id, unsigned shards);

/* Lower-case hexadecimal of `n` bytes into `out`, which holds 2 n + 1. */
void hex_encode(char *out, const void *p, size_t n);

/* SHA-256 of `n` bytes as 64 hexadecimal digits. */
void sha256_hex(char out[65], const void *p, size_t n);

/* Format 16 bytes as a dashed GUID (8-4-4-4-12). */
void guid_format(char out[37], const unsigned char bytes[16]);

/* Base64url without padding (RFC 7515). decode: returns bytes written or -1; `out` holds `cap`. */
long base64url_decode(void *out, size_t cap, const char *text, size_t n);
/* `out` holds at least 4 * ((n + 2) / 3) + 1. Returns the length. */
size_t base64url_encode(char *out, const void *p, size_t n);

#endif
