#include "host/testfiles.h"

#include "base/buf.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define DEPTH 8 /* folders within folders that are looked into */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcmp(name + n - m, end) == 0;
}

static int add_folder(struct test_folders *t, const char *folder)
{
    struct test_folder *p = realloc(t->items, (t->n + 1) * sizeof *p);

    if (!p)
        return ERR_NOMEM;
    t->items = p;
    memset(&p[t->n], 0, sizeof *p);
    p[t->n].folder = strdup(folder);
    if (!p[t->n].folder)
        return ERR_NOMEM;
    t->n++;
    return 0;
}

static int add_file(struct test_folder *f, const char *path)
{
    char **p = realloc(f->files, (f->nfiles + 1) * sizeof *p);

    if (!p)
        return ERR_NOMEM;
    f->files = p;
    p[f->nfiles] = strdup(path);
    if (!p[f->nfiles])
        return ERR_NOMEM;
    f->nfiles++;
    return 0;
}

static bool has(const char *folder, const char *name)
{
    struct buf path = {0};
    struct stat st;
    bool found = buf_fmt(&path, "%s/%s", folder, name) == 0 && stat(path.p, &st) == 0;

    buf_fini(&path);
    return found;
}

static int look_into(struct test_folders *t, size_t owner, const char *folder, int depth,
                     struct error *e);

static int look_at(struct test_folders *t, size_t owner, const char *path, int depth,
                   struct error *e)
{
    struct stat st;
    int rc;

    if (stat(path, &st) != 0)
        return 0;
    if (S_ISREG(st.st_mode))
        return ends_with(path, "_test.lua") ? add_file(&t->items[owner], path) : 0;
    if (!S_ISDIR(st.st_mode) || depth >= DEPTH)
        return 0;
    if (has(path, "prompts") || has(path, "routes.lua")) {
        rc = add_folder(t, path);
        if (rc < 0)
            return rc;
        owner = t->n - 1;
    }
    return look_into(t, owner, path, depth + 1, e);
}

static int look_into(struct test_folders *t, size_t owner, const char *folder, int depth,
                     struct error *e)
{
    struct dirent **names = NULL;
    int n = scandir(folder, &names, NULL, alphasort), rc = 0;

    if (n < 0)
        return error_set(e, ERR_IO, "%s: cannot be read", folder);
    for (int i = 0; i < n; i++) {
        struct buf path = {0};

        if (rc == 0 && names[i]->d_name[0] != '.')
            rc = buf_fmt(&path, "%s/%s", folder, names[i]->d_name);
        if (rc == 0 && path.n > 0)
            rc = look_at(t, owner, path.p, depth, e);
        buf_fini(&path);
        free(names[i]);
    }
    free(names);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int by_folder(const void *a, const void *b)
{
    const struct test_folder *x = a, *y = b;

    return strcmp(x->folder, y->folder);
}

int testfiles_find(struct test_folders *out, const char *folder, struct error *e)
{
    struct buf path = {0};
    int rc = buf_str(&path, folder);

    memset(out, 0, sizeof *out);
    while (rc == 0 && path.n > 1 && path.p[path.n - 1] == '/')
        path.p[--path.n] = '\0';
    if (rc == 0)
        rc = add_folder(out, path.p);
    if (rc == 0)
        rc = look_into(out, 0, path.p, 0, e);
    buf_fini(&path);
    if (rc == ERR_NOMEM)
        return error_set(e, rc, "no memory");
    for (size_t i = 0; rc == 0 && i < out->n; i++)
        if (out->items[i].nfiles > 0)
            qsort(out->items[i].files, out->items[i].nfiles, sizeof(char *), by_name);
    if (rc == 0)
        qsort(out->items, out->n, sizeof *out->items, by_folder);
    return rc;
}

void testfiles_fini(struct test_folders *t)
{
    for (size_t i = 0; i < t->n; i++) {
        for (size_t k = 0; k < t->items[i].nfiles; k++)
            free(t->items[i].files[k]);
        free(t->items[i].files);
        free(t->items[i].folder);
    }
    free(t->items);
    memset(t, 0, sizeof *t);
}
