/*
 * How a listener uses a certificate: the part of tls.h that knows GnuTLS. Internal to net.
 */
#ifndef IVORY_NET_TLS_SERVE_H
#define IVORY_NET_TLS_SERVE_H

#include "net/tls.h"

#include <gnutls/abstract.h>

/* What gnutls_certificate_retrieve_function3 is to return; the copies become the library's. */
int tls_present(struct tls *t, gnutls_pcert_st **certs, unsigned *n, gnutls_privkey_t *key,
                unsigned *flags);

#endif
