/*
 * The HTTP server: libmicrohttpd in external epoll mode, driven by a libuv loop. A handler gets a
 * whole request (headers and body within the limits) and answers it now or later, exactly once.
 * What breaks a limit or the protocol never reaches the handler: the server answers 400, 411, 413,
 * 431 or 503 itself. Everything here runs on the loop's thread, where SIGPIPE is blocked.
 *
 * A client has `timeout_s` between any two bytes and twice that for a whole request, so that one
 * which trickles is not served for ever; for reading its answer it has ten times that. One that
 * ends its side in the middle of a request is let go within two seconds. When there are nearly as
 * many connections as there may be, each new one ends the one that has kept silent for longest,
 * first of those that were never given more than a refusal.
 */
#ifndef IVORY_NET_HTTP_SERVER_H
#define IVORY_NET_HTTP_SERVER_H

#include "base/error.h"
#include "base/http.h"
#include "net/tls.h"

#include <stdbool.h>
#include <uv.h>

struct http_server;
struct http_call; /* one request waiting for its answer */

/* `request`: verb, url (path and query), headers, body. It stays valid until the answer. A header
 * given several times is one, its values joined with ", ". */
typedef void(http_handler)(void *arg, struct http_call *call, const struct http_message *request);

/* The server is about to refuse by itself: `response` holds status and a plain body, which may be
 * replaced. `request` holds what is known so far (never the body). */
typedef void(http_refusal)(void *arg, const struct http_message *request,
                           struct http_message *response);

struct http_server_config {
    const char *listen; /* "127.0.0.1:8080", "[::1]:8080"; port 0 picks one               */
    struct tls *tls;    /* NULL: plain HTTP; outlives the server */
    bool given;         /* `fd` is a listening socket to use instead; taken over           */
    int fd;
    size_t max_body;      /* 1 MiB: more is answered 413                                    */
    size_t max_headers;   /* 16 KiB: more is answered 431                                   */
    unsigned timeout_s;   /* 30: an idle or slow connection is closed                       */
    unsigned connections; /* 4,096, at most a quarter of the process's descriptors           */
    http_handler *handler;
    http_refusal *refusal; /* NULL: a line of plain text */
    void *arg;
};

/* Fields left 0 get the values above. ERR_INVALID: `listen` is not host:port; ERR_IO: cannot bind.
 */
int http_server_new(struct http_server **out, uv_loop_t *loop, const struct http_server_config *cfg,
                    struct error *e);
/* The port in use. */
unsigned http_server_port(const struct http_server *s);
/* Whether only this machine can reach it. */
bool http_server_is_local(const struct http_server *s);

/* Whether the client is on this machine. */
bool http_call_is_local(const struct http_call *call);

/* Whether the client of a call not yet answered has closed its end: it will hardly read the answer.
 */
bool http_call_peer_left(const struct http_call *call);

/* Answer `call`, now or later, on the loop's thread; `response` is copied. An answer to a client
 * that has gone is dropped. */
void http_call_answer(struct http_call *call, const struct http_message *response);
/* Answer with a file of the disk (200, or 404 when it cannot be read). */
void http_call_answer_file(struct http_call *call, const char *path, const char *type);

/* Stop listening, answer what waits with 503, close. The handler is not called again. Not from
 * within the handler. The memory goes when the loop has run once more. NULL is allowed. */
void http_server_free(struct http_server *s);

#endif
