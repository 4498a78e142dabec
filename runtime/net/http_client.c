#include "net/http_client.h"

#include "net/http_lanes.h"
#include "net/http_sockets.h"
#include "net/http_transfer.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_IDLE    256  /* handles kept for later */
#define CONNECTIONS 256L /* to one host           */

struct http_client {
    struct http_client_config cfg;
    char *ca_file, *service;
    struct sockets sockets;
    struct lanes lanes;     /* for requests to the service */
    struct list busy, idle; /* transfers, for all others   */
    size_t nidle;
    bool closing;
};

static void on_closed(void *arg)
{
    struct http_client *c = arg;

    free(c->ca_file);
    free(c->service);
    free(c);
    curl_global_cleanup();
}

/* --- results --------------------------------------------------------------------------------- */

static void put_back(struct http_client *c, struct transfer *t)
{
    list_remove(&t->link);
    if (c->nidle >= MAX_IDLE) {
        transfer_free(t);
        return;
    }
    transfer_reset(t);
    list_append(&c->idle, &t->link);
    c->nidle++;
}

/* Hand out what has ended. `done` may do anything, also free the client; its memory stays until the
 * loop runs again. */
static void drain(void *arg)
{
    struct http_client *c = arg;
    CURLMsg *m;
    int left;

    while (!c->closing && (m = curl_multi_info_read(c->sockets.multi, &left))) {
        CURLcode result = m->data.result;
        struct transfer *t = NULL;

        if (m->msg != CURLMSG_DONE || lanes_connected(&c->lanes, m->easy_handle, result))
            continue;
        curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        curl_multi_remove_handle(c->sockets.multi, t->easy);
        list_remove(&t->link); /* not to be found by cancel any more */
        if (!t->forgotten)
            c->cfg.done(c->cfg.arg, t->id, transfer_answer(t, result));
        if (c->closing)
            transfer_free(t);
        else
            put_back(c, t);
    }
}

/* --- requests -------------------------------------------------------------------------------- */

static struct transfer *take(struct http_client *c)
{
    struct transfer *t;

    if (!list_empty(&c->idle)) {
        t = list_entry(c->idle.prev, struct transfer, link); /* the warmest */
        list_remove(&t->link);
        c->nidle--;
        return t;
    }
    t = transfer_new(c->cfg.max_body, c->cfg.http2, c->ca_file);
    if (!t)
        return NULL;
    if (c->cfg.pin) {
        if (curl_easy_setopt(t->easy, CURLOPT_PINNEDPUBLICKEY, c->cfg.pin)) {
            transfer_free(t);
            return NULL;
        }
        curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(t->easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    sockets_own(&c->sockets, t->easy);
    return t;
}

int http_client_send(struct http_client *c, uint64_t id, const struct http_message *request,
                     int64_t timeout_ms)
{
    struct transfer *t;
    int err;

    if (lanes_serve(&c->lanes, request))
        return lanes_send(&c->lanes, id, request, timeout_ms);
    t = take(c);
    if (!t)
        return ERR_NOMEM;
    err = transfer_prepare(t, id, request, timeout_ms);
    if (!err && curl_multi_add_handle(c->sockets.multi, t->easy))
        err = ERR_NOMEM;
    if (err)
        put_back(c, t);
    else
        list_append(&c->busy, &t->link);
    return err;
}

void http_client_cancel(struct http_client *c, uint64_t id)
{
    struct list *it, *tmp;

    if (lanes_cancel(&c->lanes, id))
        return;
    list_each (it, tmp, &c->busy) {
        struct transfer *t = list_entry(it, struct transfer, link);
        curl_off_t begun = 0;

        if (t->id != id || t->forgotten)
            continue;
        curl_easy_getinfo(t->easy, CURLINFO_PRETRANSFER_TIME_T, &begun);
        if (begun) {
            t->forgotten = true;
        } else {
            curl_multi_remove_handle(c->sockets.multi, t->easy);
            put_back(c, t);
        }
        return;
    }
}

/* --- life ------------------------------------------------------------------------------------ */

static void block_sigpipe(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static int open_parts(struct http_client *c, uv_loop_t *loop)
{
    int err;

    c->sockets.acted = drain;
    c->sockets.closed = on_closed;
    c->sockets.arg = c;
    if ((c->cfg.ca_file && !(c->cfg.ca_file = c->ca_file = strdup(c->cfg.ca_file))) ||
        (c->cfg.service && !(c->cfg.service = c->service = strdup(c->cfg.service))))
        return ERR_NOMEM;
    err = sockets_init(&c->sockets, loop);
    if (err)
        return err;
    curl_multi_setopt(c->sockets.multi, CURLMOPT_MAXCONNECTS, 2 * CONNECTIONS);
    curl_multi_setopt(c->sockets.multi, CURLMOPT_MAX_HOST_CONNECTIONS, CONNECTIONS);
    err = lanes_init(&c->lanes, &c->sockets, &c->cfg);
    return err;
}

int http_client_new(struct http_client **out, uv_loop_t *loop, const struct http_client_config *cfg,
                    struct error *e)
{
    struct http_client *c = calloc(1, sizeof *c);
    int err;

    if (!c || curl_global_init(CURL_GLOBAL_DEFAULT)) {
        free(c);
        return error_set(e, ERR_NOMEM, "no memory for the HTTP client");
    }
    c->cfg = *cfg;
    if (!c->cfg.max_body)
        c->cfg.max_body = 16 << 20;
    list_init(&c->busy);
    list_init(&c->idle);
    block_sigpipe();
    err = cfg->ca_file && access(cfg->ca_file, R_OK)
              ? error_set(e, ERR_IO, "cannot read %s: %s", cfg->ca_file, strerror(errno))
              : 0;
    if (!err && open_parts(c, loop))
        err = error_set(e, ERR_NOMEM, "no memory for the HTTP client");
    if (err && c->sockets.multi)
        sockets_close(&c->sockets); /* the rest goes with the last handle */
    else if (err)
        on_closed(c);
    else
        *out = c;
    return err;
}

void http_client_free(struct http_client *c)
{
    struct list *it, *tmp;

    if (!c || c->closing)
        return;
    c->closing = true;
    list_each (it, tmp, &c->busy) {
        struct transfer *t = list_entry(it, struct transfer, link);
        curl_multi_remove_handle(c->sockets.multi, t->easy);
        list_remove(it);
        transfer_free(t);
    }
    list_each (it, tmp, &c->idle) {
        list_remove(it);
        transfer_free(list_entry(it, struct transfer, link));
    }
    lanes_fini(&c->lanes);
    sockets_close(&c->sockets);
}
