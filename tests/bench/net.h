/*
 * HTTP/1.1 over epoll for the load driver and the floor bot: keep-alive connections both ways, one
 * message at a time on each, byte scanning, one read and one write a message when all goes well.
 * Loopback only, bodies with a Content-Length only; what is not that ends the program. One thread.
 */
#ifndef BENCH_NET_H
#define BENCH_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct net;
struct conn;

/* A whole message. On a connection that was accepted it is a request, to be answered with
 * conn_send(); on one of ours it is the answer to what conn_send() sent, `status` its status. All
 * texts end with a NUL and may be written to; they are gone after the call. */
struct message {
    char *head; /* "POST /path HTTP/1.1\r\n...", "HTTP/1.1 202 ...\r\n..." */
    char *body;
    size_t n; /* of the body */
    int status;
};

typedef void(net_request)(void *arg, struct conn *c, struct message *m);
typedef void(net_answer)(void *arg, void *what, struct message *m);

/* Our own connections go to `port` of 127.0.0.1, at most `most` of them; `listen` 0: accept none.
 */
struct net *net_new(unsigned listen, unsigned port, unsigned most, net_request *request,
                    net_answer *answer, void *arg);

/* Answer the request that came on `c`. */
void conn_send(struct conn *c, const char *p, size_t n);

/* Send a request on a free connection; its answer comes with `what`. false: all are in use. */
bool net_send(struct net *n, void *what, const char *p, size_t length);

/* Wait for at most `wait_ns` (-1: until something comes) and handle what came. */
void net_run(struct net *n, int64_t wait_ns);

/* Wait without sleeping from now on: what comes wakes nobody up, as with a peer on another machine,
 * and whoever sends is not charged for that. */
void net_spin(struct net *n);
/* Nanoseconds spent with what came, waiting not counted. */
uint64_t net_busy_ns(const struct net *n);

/* Nanoseconds of the steady clock. */
uint64_t now_ns(void);

/* End with a message. */
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
