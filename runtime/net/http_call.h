/*
 * What the two halves of the HTTP server share: http_server.c has the daemon, the loop and the
 * connections, http_call.c the requests on them. Internal to net.
 */
#ifndef IVORY_NET_HTTP_CALL_H
#define IVORY_NET_HTTP_CALL_H

#include "base/list.h"
#include "net/http_server.h"

#include <microhttpd.h>

struct http_server {
    struct http_server_config cfg;
    struct MHD_Daemon *daemon;
    struct MHD_Response *empty; /* an answer that is its status only */
    uv_poll_t poll;             /* the daemon's own epoll descriptor                      */
    uv_timer_t timer;           /* when the daemon wants to run though nothing came       */
    uv_timer_t sweep;           /* looks for clients that trickle                         */
    unsigned open;              /* handles of the three not yet closed                    */
    unsigned port;
    bool local;
    bool running; /* inside MHD_run                         */
    bool again;   /* resumed a connection while inside      */
    bool closing;
    struct list peers; /* connections, the one longest without a turn first */
    unsigned npeers;
    struct list waiting; /* calls that the handler has and has not answered */
};

/* How many times the idle timeout a client has for a request, and for reading its answer. */
#define HTTP_TIMES_REQUEST 2
#define HTTP_TIMES_ANSWER  10

/* Give the client of `c` so many times the idle timeout; 0: it is our turn, no deadline. */
void http_server_give_time(struct http_server *s, struct MHD_Connection *c, unsigned times);

/* The client of `c` got an answer that was no refusal: it is not let go before those who got none.
 */
void http_server_know(struct MHD_Connection *c);

/* Whether the other end of the socket has said that nothing more will come. */
bool http_peer_has_left(int fd);

/* A connection was resumed: let the daemon run soon. */
void http_server_run_soon(struct http_server *s);

/* Callbacks of the daemon: the address of a request, the request in pieces, its end. The closure is
 * the server. */
void *http_call_begin(void *arg, const char *uri, struct MHD_Connection *connection);
enum MHD_Result http_call_take(void *arg, struct MHD_Connection *connection, const char *url,
                               const char *verb, const char *version, const char *data, size_t *n,
                               void **context);
void http_call_end(void *arg, struct MHD_Connection *connection, void **context,
                   enum MHD_RequestTerminationCode code);

/* Answer everything that waits with 503. */
void http_call_refuse_all(struct http_server *s);

#endif
