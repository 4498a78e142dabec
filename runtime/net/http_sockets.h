/*
 * The sockets of libcurl on a libuv loop: one uv_poll each, kept while the socket is open. Whoever
 * uses the connections (http_client.c, http_lanes.c) makes easy handles, has them own their sockets
 * here, and hears when curl has acted. Internal to net.
 */
#ifndef IVORY_NET_HTTP_SOCKETS_H
#define IVORY_NET_HTTP_SOCKETS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

struct socket;

/* `status` as of uv_poll. */
typedef void(socket_ready)(void *arg, int status, int events);

struct sockets {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;
    struct socket **all; /* by descriptor, NULL where there is none */
    size_t n;
    size_t handles;            /* of libuv, not yet closed */
    void (*acted)(void *arg);  /* curl did something: there may be results */
    void (*closed)(void *arg); /* the last handle has gone                  */
    void *arg;
};

/* ERR_NOMEM. The three at the end of `s` are the caller's to fill in before. */
int sockets_init(struct sockets *s, uv_loop_t *loop);

/* Open and close the sockets of `easy` here. */
CURLcode sockets_own(struct sockets *s, CURL *easy);

/* Curl has left an open socket to us: watch it for `events` and tell `ready`, instead of curl. */
int sockets_watch(struct sockets *s, curl_socket_t fd, int events, socket_ready *ready, void *arg);

/* A handle of the caller's that is closed with the rest: `closed` waits for it. */
void sockets_hold(struct sockets *s);
void sockets_let_go(struct sockets *s);

/* Close the multi handle and everything that is watched; `closed` comes later. */
void sockets_close(struct sockets *s);

#endif
