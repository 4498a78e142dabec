/*
 * A bundle as bytes, for the journal's store: a header line with the id, then one line of numbers
 * for each part, followed by its bytes. The id is computed anew when it is read, so a damaged one
 * is never run.
 */
#include "core/bundle.h"

#include "core/bundle_state.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER "ivory bundle 1 "

char *bundle_encode(const struct bundle *b, size_t *n)
{
    const char *folder = b->folder ? b->folder : "";
    struct buf out = {0};

    buf_fmt(&out, HEADER "%s\nfolder %zu\n%s\n", b->id, strlen(folder), folder);
    for (size_t i = 0; i < b->nfiles; i++) {
        const struct bundle_file *f = &b->files[i];

        buf_fmt(&out, "file %zu %zu\n%s", strlen(f->name), f->n, f->name);
        buf_add(&out, f->text, f->n);
        buf_char(&out, '\n');
    }
    for (size_t i = 0; i < b->nprompts; i++) {
        const struct bundle_prompt *p = &b->prompts[i];

        buf_fmt(&out, "prompt %lld %s %zu %zu %zu\n%s%s%s\n", (long long)p->ms, p->hash,
                strlen(p->language), strlen(p->name), strlen(p->path), p->language, p->name,
                p->path);
    }
    *n = out.n;
    return buf_take(&out);
}

struct reader {
    const char *p, *end;
};

/* The next line, without its newline, into `line`. */
static bool take_line(struct reader *r, char line[256])
{
    const char *nl = memchr(r->p, '\n', (size_t)(r->end - r->p));
    size_t n = nl ? (size_t)(nl - r->p) : 256;

    if (n >= 256)
        return false;
    memcpy(line, r->p, n);
    line[n] = '\0';
    r->p = nl + 1;
    return true;
}

/* The next `n` bytes, copied and terminated. */
static int take_bytes(struct reader *r, size_t n, char **out)
{
    if (n > (size_t)(r->end - r->p))
        return ERR_INVALID;
    *out = malloc(n + 1);
    if (!*out)
        return ERR_NOMEM;
    memcpy(*out, r->p, n);
    (*out)[n] = '\0';
    r->p += n;
    return 0;
}

static int take_newline(struct reader *r)
{
    if (r->p == r->end || *r->p != '\n')
        return ERR_INVALID;
    r->p++;
    return 0;
}

/* Room for one more of `size` bytes, zeroed; the array is counted at once, so that what is half
 * read is freed with the bundle. */
static void *add(void **items, size_t *n, size_t size)
{
    char *p = realloc(*items, (*n + 1) * size);

    if (!p)
        return NULL;
    *items = p;
    p += (*n)++ * size;
    memset(p, 0, size);
    return p;
}

static int take_file(struct bundle *b, struct reader *r, size_t name, size_t n)
{
    struct bundle_file *f = add((void **)&b->files, &b->nfiles, sizeof *f);
    int err = f ? take_bytes(r, name, &f->name) : ERR_NOMEM;

    if (!err)
        err = take_bytes(r, n, &f->text);
    if (!err)
        f->n = n;
    return err ? err : take_newline(r);
}

static int take_prompt(struct bundle *b, struct reader *r, const char *line)
{
    struct bundle_prompt *p = add((void **)&b->prompts, &b->nprompts, sizeof *p);
    size_t language, name, path;
    long long ms;
    int err;

    if (!p)
        return ERR_NOMEM;
    if (sscanf(line, "prompt %lld %64[0-9a-f] %zu %zu %zu", &ms, p->hash, &language, &name,
               &path) != 5)
        return ERR_INVALID;
    p->ms = ms;
    err = take_bytes(r, language, &p->language);
    if (!err)
        err = take_bytes(r, name, &p->name);
    if (!err)
        err = take_bytes(r, path, &p->path);
    return err ? err : take_newline(r);
}

static int take_part(struct bundle *b, struct reader *r)
{
    char line[256];
    size_t name, n;
    int err;

    if (!take_line(r, line))
        return ERR_INVALID;
    if (sscanf(line, "file %zu %zu", &name, &n) == 2)
        return take_file(b, r, name, n);
    if (sscanf(line, "folder %zu", &n) == 1 && !b->folder) {
        err = take_bytes(r, n, &b->folder);
        return err ? err : take_newline(r);
    }
    return take_prompt(b, r, line);
}

int bundle_decode(struct bundle **out, const void *p, size_t n, struct error *e)
{
    struct bundle *b = calloc(1, sizeof *b);
    struct reader r = {p, (const char *)p + n};
    char line[256], id[65] = "";
    int err = b ? 0 : ERR_NOMEM;

    if (b)
        b->refs = 1;
    if (!err && (!take_line(&r, line) || sscanf(line, HEADER "%64[0-9a-f]", id) != 1))
        err = ERR_INVALID;
    while (!err && r.p < r.end)
        err = take_part(b, &r);
    if (!err)
        err = bundle_seal(b, e);
    if (!err && strcmp(b->id, id) != 0)
        err = ERR_INVALID;
    if (err) {
        bundle_unref(b);
        return error_set(e, err, err == ERR_NOMEM ? "out of memory" : "a bundle is damaged");
    }
    *out = b;
    return 0;
}
