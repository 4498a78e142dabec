#include "net/tls.h"

#include "net/tls_serve.h"

#include <errno.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHAIN_MAX 16

/* One content of the files. */
struct identity {
    gnutls_x509_crt_t *chain; /* the server's own first */
    unsigned n;
    gnutls_x509_privkey_t key;
};

struct tls {
    char *cert_file, *key_file;
    pthread_mutex_t lock;
    struct identity identity; /* under the lock */
};

static void identity_fini(struct identity *id)
{
    for (unsigned i = 0; i < id->n; i++)
        gnutls_x509_crt_deinit(id->chain[i]);
    gnutls_free(id->chain);
    if (id->key)
        gnutls_x509_privkey_deinit(id->key);
    *id = (struct identity){0};
}

/* --- reading ---------------------------------------------------------------------------------- */

static int read_pem(gnutls_datum_t *out, const char *path, struct error *e)
{
    int err = gnutls_load_file(path, out);

    if (err == GNUTLS_E_MEMORY_ERROR)
        return error_set(e, ERR_NOMEM, "no memory to read %s", path);
    return err ? error_set(e, ERR_IO, "cannot read %s: %s", path, strerror(errno)) : 0;
}

static int read_chain(struct identity *id, const char *path, struct error *e)
{
    gnutls_datum_t pem;
    int err = read_pem(&pem, path, e);

    if (err)
        return err;
    err = gnutls_x509_crt_list_import2(&id->chain, &id->n, &pem, GNUTLS_X509_FMT_PEM,
                                       GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
    gnutls_free(pem.data);
    if (err < 0) {
        id->chain = NULL;
        id->n = 0;
        return error_set(e, ERR_INVALID, "%s holds no certificates in PEM, the server's first: %s",
                         path, gnutls_strerror(err));
    }
    if (id->n > CHAIN_MAX)
        return error_set(e, ERR_INVALID, "%s holds more than %d certificates", path, CHAIN_MAX);
    return 0;
}

static int read_key(struct identity *id, const char *path, struct error *e)
{
    gnutls_datum_t pem;
    int err = read_pem(&pem, path, e);

    if (err)
        return err;
    err = gnutls_x509_privkey_init(&id->key);
    if (!err)
        err = gnutls_x509_privkey_import2(id->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_memset(pem.data, 0, pem.size);
    gnutls_free(pem.data);
    return err < 0 ? error_set(e, ERR_INVALID, "%s holds no key in PEM without a password: %s",
                               path, gnutls_strerror(err))
                   : 0;
}

static int check_pair(const struct tls *t, const struct identity *id, struct error *e)
{
    unsigned char certs[64], keys[64];
    size_t n = sizeof certs, m = sizeof keys;

    if (gnutls_x509_crt_get_key_id(id->chain[0], GNUTLS_KEYID_USE_SHA256, certs, &n) ||
        gnutls_x509_privkey_get_key_id(id->key, GNUTLS_KEYID_USE_SHA256, keys, &m) || n != m ||
        memcmp(certs, keys, n) != 0)
        return error_set(e, ERR_INVALID, "%s is not the key of the certificate in %s", t->key_file,
                         t->cert_file);
    return 0;
}

static int identity_read(struct identity *id, const struct tls *t, struct error *e)
{
    int err = read_chain(id, t->cert_file, e);

    if (!err)
        err = read_key(id, t->key_file, e);
    if (!err)
        err = check_pair(t, id, e);
    return err;
}

static int check_dates(const struct tls *t, const struct identity *id, struct error *e)
{
    time_t now = time(NULL), from = gnutls_x509_crt_get_activation_time(id->chain[0]);
    time_t until = gnutls_x509_crt_get_expiration_time(id->chain[0]), when;
    char text[32] = "";
    struct tm tm;

    if (now >= from && now <= until)
        return 0;
    when = now < from ? from : until;
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", gmtime_r(&when, &tm));
    return error_set(e, ERR_INVALID, "the certificate in %s is %s %s", t->cert_file,
                     now < from ? "not valid before" : "not valid after", text);
}

/* --- use -------------------------------------------------------------------------------------- */

int tls_new(struct tls **out, const char *cert_file, const char *key_file, struct error *e)
{
    struct tls *t = calloc(1, sizeof *t);
    int err;

    if (!t)
        return error_set(e, ERR_NOMEM, "no memory");
    pthread_mutex_init(&t->lock, NULL);
    t->cert_file = strdup(cert_file);
    t->key_file = strdup(key_file);
    err = t->cert_file && t->key_file ? identity_read(&t->identity, t, e)
                                      : error_set(e, ERR_NOMEM, "no memory");
    if (err) {
        tls_free(t);
        return err;
    }
    *out = t;
    return 0;
}

int tls_reload(struct tls *t, struct error *e)
{
    struct identity id = {0}, old;
    int err = identity_read(&id, t, e);

    if (!err)
        err = check_dates(t, &id, e);
    if (!err) {
        pthread_mutex_lock(&t->lock);
        old = t->identity;
        t->identity = id;
        pthread_mutex_unlock(&t->lock);
        id = old;
    }
    identity_fini(&id);
    return err;
}

int tls_pin(char out[TLS_PIN_MAX], const char *cert_file, struct error *e)
{
    struct identity id = {0};
    unsigned char digest[32];
    gnutls_datum_t raw = {digest, sizeof digest}, text = {0};
    size_t n = sizeof digest;
    int err = read_chain(&id, cert_file, e);

    if (!err && (gnutls_x509_crt_get_key_id(id.chain[0], GNUTLS_KEYID_USE_SHA256, digest, &n) ||
                 gnutls_base64_encode2(&raw, &text)))
        err = error_set(e, ERR_INVALID, "%s has no public key", cert_file);
    if (!err)
        snprintf(out, TLS_PIN_MAX, "sha256//%.*s", (int)text.size, (const char *)text.data);
    gnutls_free(text.data);
    identity_fini(&id);
    return err;
}

int64_t tls_expires(struct tls *t)
{
    int64_t at;

    pthread_mutex_lock(&t->lock);
    at = (int64_t)gnutls_x509_crt_get_expiration_time(t->identity.chain[0]);
    pthread_mutex_unlock(&t->lock);
    return at;
}

static int copy(const struct identity *id, gnutls_pcert_st *certs, unsigned *n,
                gnutls_privkey_t *key)
{
    int err = gnutls_privkey_init(key);

    if (!err)
        err = gnutls_privkey_import_x509(*key, id->key, GNUTLS_PRIVKEY_IMPORT_COPY);
    for (*n = 0; !err && *n < id->n; *n += !err)
        err = gnutls_pcert_import_x509(&certs[*n], id->chain[*n], 0);
    return err;
}

int tls_present(struct tls *t, gnutls_pcert_st **certs, unsigned *n, gnutls_privkey_t *key,
                unsigned *flags)
{
    int err = GNUTLS_E_MEMORY_ERROR;

    *n = 0;
    *key = NULL;
    pthread_mutex_lock(&t->lock);
    *certs = gnutls_calloc(t->identity.n, sizeof **certs);
    if (*certs)
        err = copy(&t->identity, *certs, n, key);
    pthread_mutex_unlock(&t->lock);
    if (!err) {
        *flags = GNUTLS_CERT_RETR_DEINIT_ALL;
        return 0;
    }
    while (*n)
        gnutls_pcert_deinit(&(*certs)[--*n]);
    gnutls_free(*certs);
    if (*key)
        gnutls_privkey_deinit(*key);
    return -1;
}

void tls_free(struct tls *t)
{
    if (!t)
        return;
    identity_fini(&t->identity);
    pthread_mutex_destroy(&t->lock);
    free(t->cert_file);
    free(t->key_file);
    free(t);
}
