#include "host/places.h"

#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINKS_MAX  40 /* links after links, as the system has it */
#define DEPTH_MAX  16 /* as far down as a bundle is read         */
#define PLACES_MAX 20000

/* Never IN_MODIFY: the file is half written then. */
#define MASK                                                                                       \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_ONLYDIR |           \
     IN_EXCL_UNLINK)

/* Watch `path`; `*out` stays NULL when that cannot be (it has gone, too many watches). */
static int watch(struct places *p, int fd, const char *path, struct place **out)
{
    int wd;
    char *copy;

    *out = NULL;
    if (p->n >= PLACES_MAX)
        return 0;
    wd = inotify_add_watch(fd, path, MASK);
    if (wd < 0) {
        if (!p->failed && errno != ENOENT && errno != ENOTDIR)
            p->failed = errno;
        return 0;
    }
    *out = (struct place *)places_find(p, wd);
    if (*out)
        return 0;
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 16;
        struct place *items = realloc(p->items, cap * sizeof *items);

        if (!items)
            return ERR_NOMEM;
        p->items = items;
        p->cap = cap;
    }
    copy = strdup(path);
    if (!copy)
        return ERR_NOMEM;
    *out = &p->items[p->n++];
    **out = (struct place){.path = copy, .wd = wd};
    return 0;
}

/* `name` in the folder `path` lies on the way. */
static int watch_name(struct places *p, int fd, const char *path, const char *name)
{
    struct place *at;
    int err = watch(p, fd, path, &at);

    if (err || !at)
        return err;
    for (size_t i = 0; i < at->nnames; i++)
        if (strcmp(at->names[i], name) == 0)
            return 0;
    if (at->nnames == at->cap) {
        size_t cap = at->cap ? 2 * at->cap : 4;
        char **names = realloc(at->names, cap * sizeof *names);

        if (!names)
            return ERR_NOMEM;
        at->names = names;
        at->cap = cap;
    }
    at->names[at->nnames] = strdup(name);
    if (!at->names[at->nnames])
        return ERR_NOMEM;
    at->nnames++;
    return 0;
}

/* Put what the link `path` says before `rest`, and begin at the root when it does. */
static int expand_link(const char *path, struct buf *done, struct buf *rest)
{
    char target[4096];
    ssize_t n = readlink(path, target, sizeof target);
    struct buf all = {0};

    if (n <= 0 || n == sizeof target)
        return ERR_IO;
    buf_add(&all, target, (size_t)n);
    buf_char(&all, '/');
    buf_str(&all, rest->p ? rest->p : "");
    if (target[0] == '/')
        buf_reset(done);
    buf_fini(rest);
    *rest = all;
    return all.err;
}

static void drop_last(struct buf *path)
{
    char *slash = path->n ? strrchr(path->p, '/') : NULL;

    if (slash) {
        *slash = '\0';
        path->n = (size_t)(slash - path->p);
    }
}

/* One name after the other, as the system does: `done` is the way so far, without links. */
static int step(struct places *p, int fd, struct buf *done, struct buf *rest, unsigned *links)
{
    const char *at = rest->p + strspn(rest->p, "/");
    size_t n = strcspn(at, "/"), before = done->n;
    struct buf left = {0};
    char name[256];
    struct stat st;
    int err;

    if (n == 0 || n >= sizeof name) {
        buf_reset(rest);
        return 0;
    }
    memcpy(name, at, n);
    name[n] = '\0';
    buf_str(&left, at + n);
    buf_fini(rest);
    *rest = left;
    if (strcmp(name, ".") == 0)
        return left.err;
    if (strcmp(name, "..") == 0) {
        drop_last(done);
        return left.err;
    }
    err = left.err ? left.err : watch_name(p, fd, done->n ? done->p : "/", name);
    if (err || buf_fmt(done, "/%s", name))
        return ERR_NOMEM;
    if (lstat(done->p, &st)) {
        buf_reset(rest); /* not there: its coming will be seen */
    } else if (S_ISLNK(st.st_mode)) {
        char *link = strdup(done->p);

        if (!link)
            return ERR_NOMEM;
        done->p[before] = '\0';
        done->n = before;
        if (++*links > LINKS_MAX || expand_link(link, done, rest) == ERR_IO)
            buf_reset(rest);
        free(link);
    }
    return done->err ? done->err : rest->err;
}

/* Watch the whole way to `path`. */
static int follow(struct places *p, int fd, const char *path)
{
    struct buf done = {0}, rest = {0};
    unsigned links = 0;
    char cwd[4096];
    int err = 0;

    if (path[0] != '/' && getcwd(cwd, sizeof cwd))
        buf_fmt(&rest, "%s/", cwd);
    if (buf_str(&rest, path))
        err = ERR_NOMEM;
    while (!err && rest.n)
        err = step(p, fd, &done, &rest, &links);
    buf_fini(&done);
    buf_fini(&rest);
    return err;
}

static int walk(struct places *p, int fd, const char *path, int depth);

/* The same names as bundle_read passes over. */
static int visit(struct places *p, int fd, const char *path, const char *name, int depth)
{
    struct buf full = {0};
    struct stat st;
    int err = 0;

    if (name[0] == '.')
        return 0;
    if (buf_fmt(&full, "%s/%s", path, name))
        err = ERR_NOMEM;
    if (!err && lstat(full.p, &st) == 0 && S_ISLNK(st.st_mode))
        err = follow(p, fd, full.p);
    if (!err && strcmp(name, "tests") != 0 && stat(full.p, &st) == 0 && S_ISDIR(st.st_mode))
        err = walk(p, fd, full.p, depth + 1);
    buf_fini(&full);
    return err;
}

static int walk(struct places *p, int fd, const char *path, int depth)
{
    const struct dirent *entry;
    struct place *at;
    DIR *d;
    int err = depth > DEPTH_MAX ? 0 : watch(p, fd, path, &at);

    if (err || depth > DEPTH_MAX)
        return err;
    if (at && at->tree)
        return 0; /* a link has led back here */
    if (at)
        at->tree = true;
    d = opendir(path);
    if (!d)
        return errno == ENOMEM ? ERR_NOMEM : 0;
    while (!err && (entry = readdir(d)))
        err = visit(p, fd, path, entry->d_name, depth);
    closedir(d);
    return err;
}

int places_scan(struct places *out, int fd, const char *folder)
{
    int err = follow(out, fd, folder);

    return err ? err : walk(out, fd, folder, 0);
}

const struct place *places_find(const struct places *p, int wd)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->items[i].wd == wd)
            return &p->items[i];
    return NULL;
}

bool places_concern(const struct places *p, int wd, const char *name)
{
    const struct place *at = places_find(p, wd);

    if (!at || at->tree)
        return true;
    for (size_t i = 0; i < at->nnames; i++)
        if (strcmp(at->names[i], name) == 0)
            return true;
    return false;
}

void places_replace(struct places *old, const struct places *p, int fd)
{
    for (size_t i = 0; i < old->n; i++)
        if (!places_find(p, old->items[i].wd))
            inotify_rm_watch(fd, old->items[i].wd);
    places_fini(old);
    *old = *p;
}

void places_fini(struct places *p)
{
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = 0; j < p->items[i].nnames; j++)
            free(p->items[i].names[j]);
        free(p->items[i].names);
        free(p->items[i].path);
    }
    free(p->items);
    *p = (struct places){0};
}
