/*
 * The HTTP client: libcurl's multi interface driven by a libuv loop, one uv_poll per socket, pooled
 * handles, connections kept. One client belongs to one loop and thread.
 */
#ifndef IVORY_HOST_HTTP_CLIENT_H
#define IVORY_HOST_HTTP_CLIENT_H

#include "base/error.h"
#include "base/http.h"

#include <stdint.h>
#include <uv.h>

struct http_client;

/* `response`: status, headers, body; status 0 and the reason as body when no answer came. Never
 * called from within http_client_send. */
typedef void(http_done)(void *arg, uint64_t id, const struct http_message *response);

struct http_client_config {
    size_t max_body; /* 16 MiB: longer answers fail                     */
    bool http2;      /* ask for HTTP/2 over TLS; HTTP/1.1 by default    */
    http_done *done;
    void *arg;
};

int http_client_new(struct http_client **out, uv_loop_t *loop, const struct http_client_config *cfg,
                    struct error *e);

/* Send `request` (copied). `timeout_ms` bounds the whole. `id` is the caller's and comes back in
 * done. */
int http_client_send(struct http_client *c, uint64_t id, const struct http_message *request,
                     int64_t timeout_ms);

/* Forget request `id`: done is not called for it. */
void http_client_cancel(struct http_client *c, uint64_t id);

/* Cancel all and free. */
void http_client_free(struct http_client *c);

#endif
