#include "core/bundle.h"

#include "core/bundle_state.h"

#include "base/buf.h"
#include "base/id.h"

#include <stdlib.h>
#include <string.h>

static int by_file(const void *a, const void *b)
{
    const struct bundle_file *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static int by_prompt(const void *a, const void *b)
{
    const struct bundle_prompt *x = a, *y = b;
    int order = strcmp(x->language, y->language);

    return order ? order : strcmp(x->name, y->name);
}

static void sort(void *items, size_t n, size_t size, int (*compare)(const void *, const void *))
{
    if (n > 1)
        qsort(items, n, size, compare);
}

/* The id is the hash of a list with one line for each file and prompt. No name holds a control
 * character, so two bundles with the same list are the same. */
int bundle_seal(struct bundle *b, struct error *e)
{
    struct buf list = {0};
    char hash[65];

    sort(b->files, b->nfiles, sizeof *b->files, by_file);
    sort(b->prompts, b->nprompts, sizeof *b->prompts, by_prompt);
    for (size_t i = 0; i < b->nfiles; i++) {
        const struct bundle_file *f = &b->files[i];
        sha256_hex(hash, f->text, f->n);
        buf_fmt(&list, "file\t%s\t%zu\t%s\n", f->name, f->n, hash);
    }
    for (size_t i = 0; i < b->nprompts; i++) {
        const struct bundle_prompt *p = &b->prompts[i];
        buf_fmt(&list, "prompt\t%s\t%s\t%s\n", p->language, p->name, p->hash);
    }
    if (buf_str(&list, "end\n")) {
        buf_fini(&list);
        return error_set(e, ERR_NOMEM, "out of memory");
    }
    sha256_hex(b->id, list.p, list.n);
    buf_fini(&list);
    return 0;
}

const struct bundle_file *bundle_file(const struct bundle *b, const char *name)
{
    struct bundle_file key = {.name = (char *)name};

    return b->nfiles ? bsearch(&key, b->files, b->nfiles, sizeof key, by_file) : NULL;
}

static const struct bundle_prompt *find(const struct bundle *b, char *language, const char *name)
{
    struct bundle_prompt key = {.language = language, .name = (char *)name};

    return b->nprompts ? bsearch(&key, b->prompts, b->nprompts, sizeof key, by_prompt) : NULL;
}

const struct bundle_prompt *bundle_prompt(const struct bundle *b, const char *language,
                                          const char *fallback, const char *name)
{
    const char *languages[] = {language, fallback};

    for (size_t i = 0; i < 2; i++) {
        char tag[64];
        size_t n = languages[i] ? strlen(languages[i]) : 0;

        if (n == 0 || n >= sizeof tag)
            continue;
        memcpy(tag, languages[i], n + 1);
        for (;;) {
            const struct bundle_prompt *p = find(b, tag, name);
            char *dash = strrchr(tag, '-');

            if (p)
                return p;
            if (!dash)
                break;
            *dash = '\0';
        }
    }
    return NULL;
}

const struct bundle_prompt *bundle_prompt_by_hash(const struct bundle *b, const char *hash)
{
    for (size_t i = 0; i < b->nprompts; i++)
        if (strcmp(b->prompts[i].hash, hash) == 0)
            return &b->prompts[i];
    return NULL;
}

struct bundle *bundle_ref(struct bundle *b)
{
    __atomic_add_fetch(&b->refs, 1, __ATOMIC_RELAXED);
    return b;
}

void bundle_unref(struct bundle *b)
{
    if (!b || __atomic_sub_fetch(&b->refs, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    for (size_t i = 0; i < b->nfiles; i++) {
        free(b->files[i].name);
        free(b->files[i].text);
        free(b->files[i].code);
    }
    for (size_t i = 0; i < b->nprompts; i++) {
        free(b->prompts[i].language);
        free(b->prompts[i].name);
        free(b->prompts[i].path);
    }
    free(b->files);
    free(b->prompts);
    free(b->folder);
    free(b);
}
