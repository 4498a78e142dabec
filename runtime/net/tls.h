/*
 * A certificate chain with its key, from two PEM files, for listeners (GnuTLS, since that is what
 * libmicrohttpd speaks). It can be read anew while it is in use: each handshake gets a copy of its
 * own, so nobody waits for another and connections in progress keep what they have. Any thread.
 */
#ifndef IVORY_NET_TLS_H
#define IVORY_NET_TLS_H

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

struct tls;

/* What is offered: TLS 1.2 and 1.3, the library's choice of ciphers. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA"

/* ERR_IO: a file cannot be read; ERR_INVALID: it holds no certificate or key, or they do not belong
 * together. An expired certificate is taken; see tls_expires. */
int tls_new(struct tls **out, const char *cert_file, const char *key_file, struct error *e);

/* Read the files anew. On an error, and when the new certificate has expired or is not valid yet,
 * the old one stays. */
int tls_reload(struct tls *t, struct error *e);

/* What a client can know the holder of that certificate by: "sha256//" and the digest of its public
 * key, as curl takes it. */
#define TLS_PIN_MAX 64
int tls_pin(char out[TLS_PIN_MAX], const char *cert_file, struct error *e);

/* Until when the certificate is valid, seconds since the epoch. */
int64_t tls_expires(struct tls *t);

void tls_free(struct tls *t);

#endif
