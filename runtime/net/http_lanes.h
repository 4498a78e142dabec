/*
 * Lanes: kept connections to the one service that most requests go to. Libcurl makes them (names,
 * proxies, TLS, certificates) and carries the bytes; HTTP/1.1 on them is ours, one request at a
 * time on each. A request costs a fifth of what it costs through curl's own HTTP, which formats
 * every byte of a header by itself, and bearer tokens are long. Internal to net: http_client.c
 * decides what goes here.
 */
#ifndef IVORY_NET_HTTP_LANES_H
#define IVORY_NET_HTTP_LANES_H

#include "base/heap.h"
#include "base/list.h"
#include "net/http_client.h"
#include "net/http_sockets.h"

struct lanes {
    struct sockets *sockets;
    struct http_client_config cfg; /* `service`, `ca_file`, `max_body`, `done` */
    char *origin; /* "https://graph.microsoft.com", no slash at its end; NULL: none */
    bool secure;
    struct list connecting, busy, idle; /* struct lane */
    size_t nlanes;
    struct list jobs, waiting, spare; /* struct job: on a lane, not yet on one, unused */
    size_t nspare;
    struct heap deadlines;
    uv_timer_t timer;
    int64_t armed; /* when the timer fires; INT64_MAX: it does not */
    bool closing;
};

/* `cfg` is the client's, its texts outlive the lanes. ERR_NOMEM. */
int lanes_init(struct lanes *l, struct sockets *s, const struct http_client_config *cfg);

/* Whether `request` goes here: it is for the service, and asks for nothing special. */
bool lanes_serve(const struct lanes *l, const struct http_message *request);

/* As http_client_send; `done` is called likewise. */
int lanes_send(struct lanes *l, uint64_t id, const struct http_message *request,
               int64_t timeout_ms);
/* As http_client_cancel; false when the request is none of these. */
bool lanes_cancel(struct lanes *l, uint64_t id);

/* Curl says how the connecting of `easy` ended; false when it is none of these. */
bool lanes_connected(struct lanes *l, CURL *easy, CURLcode result);

/* Drop everything; before sockets_close. */
void lanes_fini(struct lanes *l);

#endif
