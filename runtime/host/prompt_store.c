#include "host/prompt_store.h"

#include "base/buf.h"
#include "base/id.h"
#include "base/random.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TEXT (64u << 10) /* the words of a prompt */

struct prompt_store {
    char *prompts, *recordings;
};

/* --- files ----------------------------------------------------------------------------------- */

/* Make `path` and what is above it. */
static int make_folders(const char *path, struct error *e)
{
    char *copy = strdup(path), *slash = copy;
    int err = copy ? 0 : error_set(e, ERR_NOMEM, "no memory");
    struct stat st;

    while (!err && slash) {
        slash = strchr(slash + 1, '/');
        if (slash)
            *slash = '\0';
        if (mkdir(copy, 0700) && errno != EEXIST)
            err = error_set(e, ERR_IO, "cannot make the folder %s: %s", copy, strerror(errno));
        if (slash)
            *slash = '/';
    }
    if (!err && (stat(path, &st) || !S_ISDIR(st.st_mode) || access(path, R_OK | W_OK | X_OK)))
        err = error_set(e, ERR_IO, "cannot write to the folder %s", path);
    free(copy);
    return err;
}

static int write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = write(fd, p, n);

        if (done < 0 && errno != EINTR)
            return -1;
        if (done > 0) {
            p += done;
            n -= (size_t)done;
        }
    }
    return 0;
}

/* Under a temporary name first, so that nobody finds half a file; `path` then appears at once. */
static int put_file(const char *path, const void *p, size_t n, struct error *e)
{
    unsigned char bytes[8];
    char unique[17];
    struct buf temp = {0};
    int fd = -1, err = 0;

    random_bytes(bytes, sizeof bytes);
    hex_encode(unique, bytes, sizeof bytes);
    if (buf_fmt(&temp, "%s.%s.part", path, unique)) {
        err = error_set(e, ERR_NOMEM, "no memory");
        goto out;
    }
    fd = open(temp.p, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        err = error_set(e, ERR_IO, "cannot write %s: %s", temp.p, strerror(errno));
        goto out;
    }
    /* What is acknowledged after this must be there after a power failure too. */
    if (write_all(fd, p, n) || fsync(fd) || rename(temp.p, path)) {
        err = error_set(e, ERR_IO, "cannot write %s: %s", path, strerror(errno));
        unlink(temp.p);
    }
    close(fd);
out:
    buf_fini(&temp);
    return err;
}

/* The whole of `path`; ERR_NOTFOUND without a reason when there is no such file. */
static int get_file(struct buf *out, const char *path, size_t max, struct error *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), err = 0;
    char piece[16384];
    ssize_t got = 1;

    if (fd < 0)
        return errno == ENOENT ? ERR_NOTFOUND
                               : error_set(e, ERR_IO, "cannot read %s: %s", path, strerror(errno));
    while (!err && got) {
        got = read(fd, piece, sizeof piece);
        if (got < 0 && errno != EINTR)
            err = error_set(e, ERR_IO, "cannot read %s: %s", path, strerror(errno));
        else if (got > 0 && out->n + (size_t)got > max)
            err = error_set(e, ERR_LIMIT, "%s is longer than %zu bytes", path, max);
        else if (got > 0 && buf_add(out, piece, (size_t)got))
            err = error_set(e, ERR_NOMEM, "no memory to read %s", path);
    }
    close(fd);
    return err;
}

/* --- names ----------------------------------------------------------------------------------- */

static bool is_hash(const char *hash)
{
    return strlen(hash) == 64 && strspn(hash, "0123456789abcdef") == 64;
}

static char *name_of(const struct prompt_store *s, enum store_kind kind, const char *hash)
{
    struct buf b = {0};

    buf_fmt(&b, "%s/%s.%s", kind == STORE_RECORDING ? s->recordings : s->prompts, hash,
            kind == STORE_TEXT ? "txt" : "wav");
    return buf_take(&b);
}

char *prompt_store_path(const struct prompt_store *s, enum store_kind kind, const char *hash)
{
    char *path = is_hash(hash) ? name_of(s, kind, hash) : NULL;
    struct stat st;

    if (path && stat(path, &st) == 0 && S_ISREG(st.st_mode))
        return path;
    free(path);
    return NULL;
}

/* Whether it is there already: what is named by its content need not be written twice. */
static bool have(const struct prompt_store *s, enum store_kind kind, const char *hash)
{
    char *path = prompt_store_path(s, kind, hash);

    free(path);
    return path != NULL;
}

/* --- prompts --------------------------------------------------------------------------------- */

static int put_wav(struct prompt_store *s, const struct bundle_prompt *p, struct error *e)
{
    struct buf bytes = {0};
    char hash[65], *to = NULL;
    int err;

    if (have(s, STORE_PROMPT, p->hash))
        return 0;
    err = get_file(&bytes, p->path, 256u << 20, e);
    if (err == ERR_NOTFOUND)
        error_set(e, err, "cannot read %s: it has gone", p->path);
    if (!err) {
        sha256_hex(hash, bytes.p ? bytes.p : "", bytes.n);
        if (strcmp(hash, p->hash) != 0)
            err = error_set(e, ERR_CONFLICT, "%s has changed since it was read", p->path);
    }
    if (!err && !(to = name_of(s, STORE_PROMPT, p->hash)))
        err = error_set(e, ERR_NOMEM, "no memory");
    if (!err)
        err = put_file(to, bytes.p, bytes.n, e);
    buf_fini(&bytes);
    free(to);
    return err;
}

/* The words beside the WAV: name.txt. They may be put right without the WAV being spoken anew, so
 * the last ones win. */
static int put_text(struct prompt_store *s, const struct bundle_prompt *p, struct error *e)
{
    struct buf from = {0}, text = {0}, old = {0};
    char *to = name_of(s, STORE_TEXT, p->hash);
    size_t n = strlen(p->path);
    int err = 0;

    buf_add(&from, p->path, n > 4 && strcmp(p->path + n - 4, ".wav") == 0 ? n - 4 : n);
    buf_str(&from, ".txt");
    if (from.err || !to)
        err = error_set(e, ERR_NOMEM, "no memory");
    if (!err)
        err = get_file(&text, from.p, MAX_TEXT, e);
    if (err == ERR_NOTFOUND) {
        err = 0;
        goto out; /* a prompt without words is fine */
    }
    if (!err && get_file(&old, to, MAX_TEXT, NULL) == 0 && old.n == text.n &&
        (text.n == 0 || memcmp(old.p, text.p, text.n) == 0))
        goto out;
    if (!err)
        err = put_file(to, text.p, text.n, e);
out:
    buf_fini(&from);
    buf_fini(&text);
    buf_fini(&old);
    free(to);
    return err;
}

int prompt_store_add(struct prompt_store *s, const struct bundle *b, struct error *e)
{
    int err = 0;

    for (size_t i = 0; i < b->nprompts && !err; i++) {
        err = put_wav(s, &b->prompts[i], e);
        if (!err)
            err = put_text(s, &b->prompts[i], e);
    }
    return err;
}

/* --- recordings ------------------------------------------------------------------------------ */

int prompt_store_put_recording(struct prompt_store *s, const char *hash, const void *p, size_t n,
                               struct error *e)
{
    char is[65], *to;
    int err;

    sha256_hex(is, p ? p : "", n);
    if (strcmp(is, hash) != 0)
        return error_set(e, ERR_INVALID, "the recording is not what its hash says");
    if (have(s, STORE_RECORDING, hash))
        return 0;
    to = name_of(s, STORE_RECORDING, hash);
    err = to ? put_file(to, p, n, e) : error_set(e, ERR_NOMEM, "no memory");
    free(to);
    return err;
}

/* --- life ------------------------------------------------------------------------------------ */

static char *join(const char *data, const char *name)
{
    struct buf b = {0};

    buf_fmt(&b, "%s/%s", data, name);
    return buf_take(&b);
}

int prompt_store_new(struct prompt_store **out, const char *data, struct error *e)
{
    struct prompt_store *s = calloc(1, sizeof *s);
    int err = 0;

    if (s) {
        s->prompts = join(data, "prompts");
        s->recordings = join(data, "recordings");
    }
    if (!s || !s->prompts || !s->recordings)
        err = error_set(e, ERR_NOMEM, "no memory for the store of prompts");
    if (!err)
        err = make_folders(s->prompts, e);
    if (!err)
        err = make_folders(s->recordings, e);
    if (err) {
        prompt_store_free(s);
        return err;
    }
    *out = s;
    return 0;
}

void prompt_store_free(struct prompt_store *s)
{
    if (!s)
        return;
    free(s->prompts);
    free(s->recordings);
    free(s);
}
