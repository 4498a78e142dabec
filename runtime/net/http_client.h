/*
 * The HTTP client: libcurl's multi interface driven by a libuv loop, one uv_poll per socket, pooled
 * handles, connections kept. One client belongs to one loop and thread, where SIGPIPE is blocked.
 *
 * Redirects are not followed; http and https only; certificates are verified, or the key pinned.
 * The proxies of the environment (https_proxy, no_proxy, ...) are used, except towards this machine
 * itself.
 */
#ifndef IVORY_NET_HTTP_CLIENT_H
#define IVORY_NET_HTTP_CLIENT_H

#include "base/error.h"
#include "base/http.h"

#include <stdint.h>
#include <uv.h>

struct http_client;

/* `response`: status, headers, body; status 0 and the reason as body when no answer came. Never
 * called from within http_client_send. It may send, cancel and free the client. */
typedef void(http_done)(void *arg, uint64_t id, const struct http_message *response);

struct http_client_config {
    size_t max_body;     /* 16 MiB: longer answers fail                     */
    bool http2;          /* ask for HTTP/2 over TLS; HTTP/1.1 by default    */
    const char *ca_file; /* PEM certificates to trust; NULL: the system's   */
    const char *pin;     /* of the only server there is, instead of checking its certificate
                            (tls_pin); outlives the client */
    const char *service; /* an address: requests to its host go by lanes (http_lanes.h), which are
                            cheaper; NULL: none. Needs HTTP/1.1 and no pin  */
    http_done *done;
    void *arg;
};

/* Fields left 0 get the values above. ERR_IO when `ca_file` cannot be read. */
int http_client_new(struct http_client **out, uv_loop_t *loop, const struct http_client_config *cfg,
                    struct error *e);

/* Send `request` (copied). `timeout_ms` bounds the whole. `id` is the caller's and comes back in
 * done. ERR_NOMEM: nothing was sent, done is not called. */
int http_client_send(struct http_client *c, uint64_t id, const struct http_message *request,
                     int64_t timeout_ms);

/* Forget request `id`: done is not called for it. What has gone out already runs to its end, so
 * that the connection stays whole. */
void http_client_cancel(struct http_client *c, uint64_t id);

/* Cancel all and free; the memory goes when the loop has run once more. NULL is allowed. */
void http_client_free(struct http_client *c);

#endif
