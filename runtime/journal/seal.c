#include "journal/seal.h"

#include "base/id.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_BYTES = 32, NONCE_BYTES = 12, TAG_BYTES = 16 };

struct seal {
    unsigned char key[KEY_BYTES];
    EVP_MD_CTX *inner, *outer; /* the two hashes of an HMAC, having taken the key of digests */
    char name[9];              /* which key that is; tells nothing of it */
};

static void mac(const unsigned char key[KEY_BYTES], const void *p, size_t n, unsigned char out[32])
{
    unsigned int size = 32;

    CHECK(HMAC(EVP_sha256(), key, KEY_BYTES, p, n, out, &size));
}

/* A hash that has taken the key, every byte of its block xored with `pad`. */
static EVP_MD_CTX *keyed(const unsigned char key[KEY_BYTES], unsigned char pad)
{
    unsigned char block[64] = {0};
    EVP_MD_CTX *c = EVP_MD_CTX_new();

    memcpy(block, key, KEY_BYTES);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] ^= pad;
    if (c && (EVP_DigestInit_ex(c, EVP_sha256(), NULL) != 1 ||
              EVP_DigestUpdate(c, block, sizeof block) != 1)) {
        EVP_MD_CTX_free(c);
        c = NULL;
    }
    OPENSSL_cleanse(block, sizeof block);
    return c;
}

/* The key of digests is made of the other. An HMAC costs ten times as much when it takes its key
 * each time. */
static int derive(struct seal *s)
{
    unsigned char digests[KEY_BYTES], name[32];

    mac(s->key, "ivory digests", 13, digests);
    mac(s->key, "ivory name", 10, name);
    hex_encode(s->name, name, 4);
    s->inner = keyed(digests, 0x36);
    s->outer = keyed(digests, 0x5c);
    OPENSSL_cleanse(digests, sizeof digests);
    return s->inner && s->outer ? 0 : ERR_NOMEM;
}

static int make_key(const char *path, unsigned char key[KEY_BYTES], struct error *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t n;

    if (fd < 0)
        return error_set(e, ERR_IO, "key file %s: %s", path, strerror(errno));
    random_bytes(key, KEY_BYTES);
    n = write(fd, key, KEY_BYTES);
    if (n != KEY_BYTES || fsync(fd)) {
        close(fd);
        unlink(path);
        return error_set(e, ERR_IO, "key file %s cannot be written", path);
    }
    close(fd);
    return 0;
}

static int read_key(const char *path, unsigned char key[KEY_BYTES], mode_t *mode, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), err = 0;
    struct stat st;
    char extra;

    if (fd < 0)
        return error_set(e, errno == ENOENT ? ERR_NOTFOUND : ERR_IO, "key file %s: %s", path,
                         strerror(errno));
    if (fstat(fd, &st))
        err = error_set(e, ERR_IO, "key file %s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        err = error_set(e, ERR_IO, "key file %s: no file", path);
    else if (read(fd, key, KEY_BYTES) != KEY_BYTES || read(fd, &extra, 1) != 0)
        err = error_set(e, ERR_INVALID, "key file %s: not %d bytes", path, KEY_BYTES);
    else
        *mode = st.st_mode & 0777;
    close(fd);
    return err;
}

static int move_aside(const char *path, struct error *wrong, struct error *e)
{
    char name[1200];
    int n = 1;

    do
        snprintf(name, sizeof name, "%.1100s.damaged-%d", path, n);
    while (access(name, F_OK) == 0 && ++n < 1000);
    if (rename(path, name))
        return error_set(e, ERR_IO, "key file %s cannot be moved aside: %s", path, strerror(errno));
    return error_set(wrong, 0,
                     "key file %s is not %d bytes long; it is kept as %s and a new key is made",
                     path, KEY_BYTES, name);
}

/* Whoever could read it may have: said, but no reason to take no calls. */
static void close_to_others(const char *path, mode_t mode, struct error *wrong)
{
    if (!(mode & (S_IRWXG | S_IRWXO)))
        return;
    error_set(wrong, 0, "key file %s could be read by others (mode %o)%s", path, (unsigned)mode,
              chmod(path, 0600) ? ", which cannot be changed" : "; it has mode 600 now");
}

int seal_read(struct seal **out, const char *path, struct error *e)
{
    struct seal *s = calloc(1, sizeof *s);
    mode_t mode;
    int err;

    if (!s)
        return ERR_NOMEM;
    err = read_key(path, s->key, &mode, e);
    if (!err)
        err = derive(s);
    if (err) {
        seal_close(s);
        return err;
    }
    *out = s;
    return 0;
}

int seal_open(struct seal **out, const char *path, struct error *wrong, struct error *e)
{
    struct seal *s = calloc(1, sizeof *s);
    mode_t mode = 0;
    int err;

    *wrong = (struct error){""};
    if (!s)
        return ERR_NOMEM;
    err = read_key(path, s->key, &mode, e);
    if (err == ERR_INVALID)
        err = move_aside(path, wrong, e) ? ERR_IO : ERR_NOTFOUND;
    if (err == ERR_NOTFOUND)
        err = make_key(path, s->key, e);
    if (!err)
        err = derive(s);
    if (err) {
        seal_close(s);
        return err;
    }
    close_to_others(path, mode, wrong);
    *out = s;
    return 0;
}

int seal_new(struct seal **out, const unsigned char key[SEAL_KEY])
{
    struct seal *s = calloc(1, sizeof *s);

    if (!s)
        return ERR_NOMEM;
    memcpy(s->key, key, sizeof s->key);
    if (derive(s)) {
        seal_close(s);
        return ERR_NOMEM;
    }
    *out = s;
    return 0;
}

void seal_close(struct seal *s)
{
    if (!s)
        return;
    EVP_MD_CTX_free(s->inner);
    EVP_MD_CTX_free(s->outer);
    OPENSSL_cleanse(s, sizeof *s);
    free(s);
}

char *seal_text(const struct seal *s, const char *label, const char *text)
{
    size_t n = strlen(text), size = NONCE_BYTES + n + TAG_BYTES;
    unsigned char *box = malloc(size);
    char *out = malloc(4 * ((size + 2) / 3) + 1);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int len;

    if (box && out && c) {
        random_bytes(box, NONCE_BYTES);
        CHECK(EVP_EncryptInit_ex(c, EVP_aes_256_gcm(), NULL, s->key, box) == 1 &&
              EVP_EncryptUpdate(c, NULL, &len, (const unsigned char *)label, (int)strlen(label)) ==
                  1 &&
              EVP_EncryptUpdate(c, box + NONCE_BYTES, &len, (const unsigned char *)text, (int)n) ==
                  1 &&
              EVP_EncryptFinal_ex(c, box + NONCE_BYTES + n, &len) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, box + NONCE_BYTES + n) == 1);
        base64url_encode(out, box, size);
    } else {
        free(out);
        out = NULL;
    }
    EVP_CIPHER_CTX_free(c);
    free(box);
    return out;
}

char *unseal_text(const struct seal *s, const char *label, const char *sealed)
{
    size_t cap = strlen(sealed);
    unsigned char *box = malloc(cap + 1);
    char *out = malloc(cap + 1);
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    long size = box ? base64url_decode(box, cap, sealed, cap) : -1;
    int len = 0, n = (int)size - NONCE_BYTES - TAG_BYTES;
    int good =
        box && out && c && n >= 0 &&
        EVP_DecryptInit_ex(c, EVP_aes_256_gcm(), NULL, s->key, box) == 1 &&
        EVP_DecryptUpdate(c, NULL, &len, (const unsigned char *)label, (int)strlen(label)) == 1 &&
        EVP_DecryptUpdate(c, (unsigned char *)out, &len, box + NONCE_BYTES, n) == 1 &&
        EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, box + NONCE_BYTES + n) == 1 &&
        EVP_DecryptFinal_ex(c, (unsigned char *)out + n, &len) == 1;

    if (good) {
        out[n] = '\0';
    } else {
        free(out);
        out = NULL;
    }
    EVP_CIPHER_CTX_free(c);
    free(box);
    return out;
}

void seal_digest(const struct seal *s, const void *p, size_t n, char out[SEAL_DIGEST])
{
    unsigned char bytes[32];
    EVP_MD_CTX *c = EVP_MD_CTX_new();

    CHECK(c && EVP_MD_CTX_copy_ex(c, s->inner) == 1 && EVP_DigestUpdate(c, p, n) == 1 &&
          EVP_DigestFinal_ex(c, bytes, NULL) == 1 && EVP_MD_CTX_copy_ex(c, s->outer) == 1 &&
          EVP_DigestUpdate(c, bytes, sizeof bytes) == 1 && EVP_DigestFinal_ex(c, bytes, NULL) == 1);
    EVP_MD_CTX_free(c);
    memcpy(out, s->name, 8);
    out[8] = ':';
    hex_encode(out + 9, bytes, sizeof bytes);
}

bool seal_digested(const struct seal *s, const char *digest)
{
    return strncmp(digest, s->name, 8) == 0 && digest[8] == ':';
}
