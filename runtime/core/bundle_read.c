/*
 * Reading a flows folder. Links are followed (a mounted configuration is a folder of links), hidden
 * names are left out (editors' locks, version control, the far ends of such links).
 */
#include "core/bundle_state.h"

#include "base/buf.h"
#include "base/id.h"
#include "base/utf8.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LUA_MAX    (1u << 20)
#define PROMPT_MAX (64u << 20) /* half an hour */
#define FILES_MAX  10000
#define DEPTH_MAX  16 /* folders in folders; also ends a link that leads back up */

struct reading {
    struct bundle *b;
    size_t files_cap, prompts_cap;
    struct error *e;
};

static bool ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);

    return n >= m && strcmp(s + n - m, suffix) == 0;
}

static int no_memory(struct error *e)
{
    return error_set(e, ERR_NOMEM, "out of memory");
}

/* Read from `fd` to its end, `max` bytes at most. */
static int read_all(int fd, size_t max, struct buf *out, struct error *e)
{
    char piece[16384];
    ssize_t n;

    while ((n = read(fd, piece, sizeof piece)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(e, ERR_IO, "%s", strerror(errno));
        if (out->n + (size_t)n > max)
            return error_set(e, ERR_INVALID, "over %zu MiB", max >> 20);
        if (buf_add(out, piece, (size_t)n))
            return no_memory(e);
    }
    return 0;
}

/* The bytes of the file `path`, which must be a regular file. */
static int read_file(const char *path, size_t max, struct buf *out, struct error *e)
{
    /* Without O_NONBLOCK opening a pipe would wait for its other end. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err;
    struct stat st;

    if (fd < 0)
        return error_set(e, ERR_IO, "%s", strerror(errno));
    if (fstat(fd, &st) || !S_ISREG(st.st_mode))
        err = error_set(e, ERR_INVALID, "not a regular file");
    else
        err = read_all(fd, max, out, e);
    close(fd);
    return err;
}

/* Room for one more element in an array that grows by doubling. */
static int grow(void **items, size_t *cap, size_t n, size_t size)
{
    size_t want = *cap ? *cap * 2 : 16;
    void *p;

    if (n < *cap)
        return 0;
    p = realloc(*items, want * size);
    if (!p)
        return ERR_NOMEM;
    *items = p;
    *cap = want;
    return 0;
}

static int check_room(const struct reading *r)
{
    return r->b->nfiles + r->b->nprompts >= FILES_MAX
               ? error_set(r->e, ERR_LIMIT, "over %d files", FILES_MAX)
               : 0;
}

/* Add a file, taking over the bytes of `text`. */
static int add_file(struct reading *r, const char *name, struct buf *text)
{
    struct bundle_file f = {0};
    int err = check_room(r);

    if (err)
        return err;
    f.n = text->n;
    f.name = strdup(name);
    f.text = f.name ? buf_take(text) : NULL;
    if (!f.text || grow((void **)&r->b->files, &r->files_cap, r->b->nfiles, sizeof f)) {
        free(f.name);
        free(f.text);
        return no_memory(r->e);
    }
    r->b->files[r->b->nfiles++] = f;
    return 0;
}

static int read_lua(struct reading *r, const char *path, const char *rel)
{
    struct buf text = {0}, name = {0};
    int err = read_file(path, LUA_MAX, &text, r->e);

    if (!err && (buf_str(&name, "flows/") || buf_str(&name, rel)))
        err = no_memory(r->e);
    if (!err)
        err = add_file(r, name.p, &text);
    buf_fini(&text);
    buf_fini(&name);
    return err;
}

/* `rel` is "prompts/<language>/<name>.wav". */
static int read_prompt(struct reading *r, const char *path, const char *rel)
{
    const char *language = rel + strlen("prompts/");
    const char *slash = strchr(language, '/');
    struct bundle_prompt p = {0};
    size_t data_at, data_n;
    struct buf bytes = {0};
    int err;

    if (!slash || strchr(slash + 1, '/'))
        return error_set(r->e, ERR_INVALID, "a prompt stands in prompts/<language>/<name>.wav");
    err = check_room(r);
    if (!err)
        err = read_file(path, PROMPT_MAX, &bytes, r->e);
    if (!err)
        err = wav_check(bytes.p, bytes.n, &p.ms, &data_at, &data_n, r->e);
    if (!err) {
        sha256_hex(p.hash, bytes.p, bytes.n);
        p.language = strndup(language, (size_t)(slash - language));
        p.name = strndup(slash + 1, strlen(slash + 1) - strlen(".wav"));
        p.path = strdup(path);
        if (!p.language || !p.name || !p.path ||
            grow((void **)&r->b->prompts, &r->prompts_cap, r->b->nprompts, sizeof p)) {
            free(p.language);
            free(p.name);
            free(p.path);
            err = no_memory(r->e);
        } else {
            r->b->prompts[r->b->nprompts++] = p;
        }
    }
    buf_fini(&bytes);
    return err;
}

/* Names go into error texts, URLs and the bundle's manifest. */
static int check_name(const char *name, struct error *e)
{
    size_t n = strlen(name);

    if (utf8_check(name, n) != n)
        return error_set(e, ERR_INVALID, "its name is not UTF-8");
    for (; *name; name++)
        if ((unsigned char)*name < 0x20 || *name == 0x7F)
            return error_set(e, ERR_INVALID, "its name holds a control character");
    return 0;
}

static int walk(struct reading *r, const char *path, const char *rel, int depth);

/* One entry of a folder: `path` as the system finds it, `rel` as seen from the flows folder. */
static int visit(struct reading *r, const char *path, const char *rel, const char *name, int depth)
{
    bool lua = ends_with(name, ".lua") && !ends_with(name, "_test.lua");
    bool prompt = ends_with(name, ".wav") && strncmp(rel, "prompts/", 8) == 0;
    struct stat st;
    int err = 0;

    if (stat(path, &st)) {
        if (!lua && !prompt)
            return 0; /* a dangling link that is none of ours */
        err = error_set(r->e, ERR_IO, "%s", strerror(errno));
    } else if (S_ISDIR(st.st_mode)) {
        return strcmp(name, "tests") == 0 ? 0 : walk(r, path, rel, depth + 1);
    } else if (lua || prompt) {
        err = check_name(rel, r->e);
        if (!err)
            err = lua ? read_lua(r, path, rel) : read_prompt(r, path, rel);
    }
    return err ? error_prefix(r->e, err, "%s", path) : 0;
}

static int walk_entries(struct reading *r, DIR *d, const char *path, const char *rel, int depth)
{
    struct buf full = {0}, below = {0};
    const struct dirent *entry;
    int err = 0;

    while (!err && (errno = 0, entry = readdir(d))) {
        if (entry->d_name[0] == '.')
            continue;
        buf_reset(&full);
        buf_reset(&below);
        buf_fmt(&full, "%s/%s", path, entry->d_name);
        buf_fmt(&below, "%s%s%s", rel, *rel ? "/" : "", entry->d_name);
        if (full.err || below.err)
            err = no_memory(r->e);
        else
            err = visit(r, full.p, below.p, entry->d_name, depth);
    }
    if (!err && errno)
        err = error_set(r->e, ERR_IO, "%s: %s", path, strerror(errno));
    buf_fini(&full);
    buf_fini(&below);
    return err;
}

static int walk(struct reading *r, const char *path, const char *rel, int depth)
{
    DIR *d;
    int err;

    if (depth > DEPTH_MAX)
        return error_set(r->e, ERR_INVALID,
                         "%s: folders nested over %d deep (a link that leads up?)", path,
                         DEPTH_MAX);
    d = opendir(path);
    if (!d)
        return error_set(r->e, errno == ENOMEM ? ERR_NOMEM : ERR_IO, "%s: %s", path,
                         strerror(errno));
    err = walk_entries(r, d, path, rel, depth);
    closedir(d);
    return err;
}

static int add_sources(struct reading *r, const struct bundle_source *s)
{
    int err = 0;

    for (; !err && s && s->name; s++) {
        struct buf text = {0};

        if (ends_with(s->name, "_test.lua"))
            continue;
        err = buf_add(&text, s->text, s->n) ? no_memory(r->e) : add_file(r, s->name, &text);
        buf_fini(&text);
    }
    return err;
}

/* `folder` may be NULL. */
static int make(struct bundle **out, const char *folder, const struct bundle_source *sources,
                struct error *e)
{
    struct bundle *b = calloc(1, sizeof *b);
    struct reading r = {b, 0, 0, e};
    int err = 0;

    if (!b)
        return no_memory(e);
    b->refs = 1;
    b->folder = strdup(folder ? folder : "");
    if (!b->folder)
        err = no_memory(e);
    if (!err && folder)
        err = walk(&r, folder, "", 0);
    if (!err)
        err = add_sources(&r, sources);
    if (!err)
        err = bundle_seal(b, e);
    if (err) {
        bundle_unref(b);
        return err;
    }
    *out = b;
    return 0;
}

int bundle_read(struct bundle **out, const char *folder, const struct bundle_source *stdlib,
                struct error *e)
{
    return make(out, folder, stdlib, e);
}

int bundle_from(struct bundle **out, const struct bundle_source *sources, struct error *e)
{
    return make(out, NULL, sources, e);
}
