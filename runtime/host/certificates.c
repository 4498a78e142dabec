#include "host/certificates.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define LOOK_MS 2000

/* What tells one content of the two files from another. */
struct trace {
    struct {
        dev_t device;
        ino_t inode;
        off_t size;
        int64_t changed[2]; /* mtime and ctime, ns */
    } files[2];
};

struct certificate {
    const char *cert_file, *key_file; /* the configuration's */
    struct tls *tls;                  /* NULL: none is configured */
    struct trace read, seen;          /* when it was read; at the last look */
};

struct certificates {
    uv_timer_t timer;
    const struct log *log;
    struct certificate of[LISTENERS];
};

static const struct {
    const char *name, *cert_key, *key_key;
} listeners[LISTENERS] = {
    {"public", "tls.cert_file", "tls.key_file"},
    {"admin", "admin.cert_file", "admin.key_file"},
};

const char *listener_name(enum listener which)
{
    return listeners[which].name;
}

/* Without holes, so that it can be compared as bytes. */
static struct trace trace_of(const struct certificate *c)
{
    const char *const paths[] = {c->cert_file, c->key_file};
    struct trace t;
    struct stat st;

    memset(&t, 0, sizeof t);
    for (int i = 0; i < 2; i++) {
        if (stat(paths[i], &st))
            continue;
        t.files[i].device = st.st_dev;
        t.files[i].inode = st.st_ino;
        t.files[i].size = st.st_size;
        t.files[i].changed[0] = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
        t.files[i].changed[1] = st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
    }
    return t;
}

static bool same(const struct trace *a, const struct trace *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

static void say_until(const struct certificates *cs, enum listener which, const char *what)
{
    time_t until = (time_t)tls_expires(cs->of[which].tls);
    bool over = until < time(NULL);
    char text[32] = "";
    struct tm tm;

    strftime(text, sizeof text, "%Y-%m-%d", gmtime_r(&until, &tm));
    log_write(cs->log, over ? LOG_ERROR : LOG_INFO, NULL, "%s: %s, %s %s",
              listeners[which].cert_key, what, over ? "but it has expired on" : "valid until",
              text);
}

static void read_anew(const struct certificates *cs, enum listener which)
{
    struct error e = {""};

    if (tls_reload(cs->of[which].tls, &e))
        log_write(cs->log, LOG_ERROR, NULL, "%s: the old certificate stays: %s",
                  listeners[which].cert_key, e.text);
    else
        say_until(cs, which, "a new certificate is in use");
}

static void look(struct certificates *cs, bool now)
{
    for (int i = 0; i < LISTENERS; i++) {
        struct certificate *c = &cs->of[i];
        struct trace t;

        if (!c->tls)
            continue;
        t = trace_of(c);
        if (!same(&t, &c->read) && (now || same(&t, &c->seen))) {
            c->read = t;
            read_anew(cs, i);
        }
        c->seen = t;
    }
}

static void on_timer(uv_timer_t *timer)
{
    look(timer->data, false);
}

void certificates_reload(struct certificates *c)
{
    look(c, true);
}

struct tls *certificates_of(struct certificates *c, enum listener which)
{
    return c->of[which].tls;
}

static int open_one(struct certificates *cs, enum listener which, const struct config *cfg,
                    struct error *e)
{
    struct certificate *c = &cs->of[which];
    int err;

    c->cert_file = config_str(cfg, listeners[which].cert_key);
    c->key_file = config_str(cfg, listeners[which].key_key);
    if (!c->cert_file && !c->key_file)
        return 0;
    if (!c->cert_file || !c->key_file)
        return error_set(e, ERR_INVALID, "%s and %s need each other", listeners[which].cert_key,
                         listeners[which].key_key);
    c->read = c->seen = trace_of(c);
    err = tls_new(&c->tls, c->cert_file, c->key_file, e);
    if (err)
        return error_prefix(e, err, "%s", listeners[which].cert_key);
    say_until(cs, which, "TLS");
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

int certificates_new(struct certificates **out, uv_loop_t *loop, const struct config *cfg,
                     const struct log *log, struct error *e)
{
    struct certificates *c = calloc(1, sizeof *c);
    int err = 0;

    if (!c)
        return error_set(e, ERR_NOMEM, "no memory");
    if (uv_timer_init(loop, &c->timer)) {
        free(c);
        return error_set(e, ERR_IO, "the event loop has no timer");
    }
    c->timer.data = c;
    c->log = log;
    for (int i = 0; i < LISTENERS && !err; i++)
        err = open_one(c, i, cfg, e);
    if (err) {
        certificates_free(c);
        return err;
    }
    if (c->of[LISTENER_PUBLIC].tls || c->of[LISTENER_ADMIN].tls)
        uv_timer_start(&c->timer, on_timer, LOOK_MS, LOOK_MS);
    *out = c;
    return 0;
}

void certificates_free(struct certificates *c)
{
    if (!c)
        return;
    for (int i = 0; i < LISTENERS; i++)
        tls_free(c->of[i].tls);
    uv_close((uv_handle_t *)&c->timer, on_closed);
}
