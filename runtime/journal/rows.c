#include "journal/rows.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 5 };

void row_add(struct buf *row, int kind, const void *p, size_t n)
{
    const unsigned char head[HEAD] = {(unsigned char)kind, (unsigned char)n,
                                      (unsigned char)(n >> 8), (unsigned char)(n >> 16),
                                      (unsigned char)(n >> 24)};

    buf_add(row, head, HEAD);
    buf_add(row, p, n);
}

int row_each(int kind, const void *p, size_t n, journal_entry_cb *cb, void *arg)
{
    const unsigned char *at = p, *end = at + n;
    int err = 0;

    if (kind != ROW_PACKED)
        return cb(arg, (enum journal_kind)kind, p, n);
    while (!err && end - at >= HEAD) {
        size_t length = at[1] | (size_t)at[2] << 8 | (size_t)at[3] << 16 | (size_t)at[4] << 24;

        if (length > (size_t)(end - at) - HEAD)
            break;
        err = cb(arg, (enum journal_kind)at[0], at + HEAD, length);
        at += HEAD + length;
    }
    return err || at == end ? err : cb(arg, JOURNAL_MARK, ROW_TORN, sizeof ROW_TORN - 1);
}

struct search {
    int kind;
    const void *p;
    size_t n;
};

static int look(void *arg, enum journal_kind kind, const void *p, size_t n)
{
    struct search *s = arg;

    if ((int)kind != s->kind)
        return 0;
    s->p = p;
    s->n = n;
    return 1;
}

const void *row_find(const void *p, size_t n, int kind, size_t *found_n)
{
    struct search s = {kind, "", 0};

    row_each(ROW_PACKED, p, n, look, &s);
    *found_n = s.n;
    return s.p;
}

struct wiping {
    struct buf *out;
    bool packed, any;
};

/* The text without the member, NULL when it is none of ours. */
static int without(const void *p, size_t n, enum journal_kind kind, char **text)
{
    struct error unused;
    cJSON *o;
    int err = json_parse(&o, p, n, &unused);

    *text = NULL;
    if (err)
        return err == ERR_NOMEM ? err : 0;
    cJSON_DeleteItemFromObjectCaseSensitive(kind == JOURNAL_EVENT ? json_get(o, "data") : o,
                                            kind == JOURNAL_EVENT ? "sealed" : "digest");
    *text = json_text(o);
    cJSON_Delete(o);
    return *text ? 0 : ERR_NOMEM;
}

/* Whether an entry tells of keys; in place of a mark there may have been one that does. */
static int tells(void *arg, enum journal_kind kind, const void *p, size_t n)
{
    (void)arg;
    if (kind == JOURNAL_EVENT)
        return memmem(p, n, "\"sealed\":", 9) != NULL;
    if (kind == JOURNAL_COMMAND)
        return memmem(p, n, "\"digest\":", 9) != NULL;
    return kind == JOURNAL_MARK;
}

static int wipe(void *arg, enum journal_kind kind, const void *p, size_t n)
{
    struct wiping *w = arg;
    char *text = NULL;
    int err = kind != JOURNAL_MARK && tells(NULL, kind, p, n) ? without(p, n, kind, &text) : 0;

    if (err)
        return err;
    w->any |= text != NULL || kind == JOURNAL_MARK;
    if (text) {
        p = text;
        n = strlen(text);
    }
    if (w->packed)
        row_add(w->out, kind, p, n);
    else
        buf_add(w->out, p, n);
    free(text);
    return w->out->err;
}

int row_wipe(int kind, const void *p, size_t n, struct buf *out)
{
    struct wiping w = {out, kind == ROW_PACKED, false};
    int err;

    buf_reset(out);
    if (!row_each(kind, p, n, tells, NULL))
        return 0;
    err = row_each(kind, p, n, wipe, &w);
    if (!w.any)
        buf_reset(out);
    return err;
}
