/*
 * Sockets for tests: a loop that never blocks for long, and raw clients that live in the same
 * thread as the server they annoy.
 */
#ifndef IVORY_TESTS_UNIT_NET_H
#define IVORY_TESTS_UNIT_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

/* Open descriptors of this process. */
int net_descriptors(void);

/* Milliseconds of a clock that only goes forward. */
long net_now(void);

/* Run the loop for what is there, waiting at most `ms` for something. */
void net_turn(uv_loop_t *loop, int ms);

/* Run the loop until `*flag` is at least `want`, at most `ms`; whether it became so. */
bool net_until(uv_loop_t *loop, const int *flag, int want, int ms);

/* Run until all handles are closed, then close the loop; false when something is left in it. */
bool net_close(uv_loop_t *loop);

/* A non-blocking connection to a port of 127.0.0.1. */
int net_connect(unsigned port);

/* Write all, running the loop; false when the peer ended it first. */
bool net_write(uv_loop_t *loop, int fd, const char *p, size_t n);

/* Read into `out` (terminated) until it holds `stop` (may be NULL), the peer ends, or `ms` are
 * over. Whether the peer ended. */
bool net_read(uv_loop_t *loop, int fd, char *out, size_t cap, const char *stop, int ms);

/* Connect, write `request`, read to the end (or until `ms` are over), close. */
void net_talk(uv_loop_t *loop, unsigned port, const char *request, size_t n, char *out, size_t cap,
              int ms);

#endif
