/*
 * Addresses to listen on: "127.0.0.1:8080", "[::1]:8080", "localhost:0".
 */
#ifndef IVORY_NET_HTTP_LISTEN_H
#define IVORY_NET_HTTP_LISTEN_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Split `text` into host (brackets removed) and port. ERR_INVALID says what is wrong. */
int listen_parse(const char *text, char *host, size_t cap, unsigned *port, struct error *e);

/* Whether `host` is this machine only: 127.0.0.0/8, ::1, localhost. */
bool host_is_loopback(const char *host);

/* Whether the host of an absolute address is. */
bool url_is_loopback(const char *url);

/* Bind and listen; non-blocking, close-on-exec. `port` becomes the one in use. ERR_INVALID, ERR_IO.
 */
int listen_open(int *fd, const char *text, unsigned *port, struct error *e);

/* Make a socket that was bound by somebody else as listen_open's are. ERR_INVALID: it is none that
 * listens for streams over IP. */
int listen_take(int fd, unsigned *port, struct error *e);

/* Whether only this machine can connect to it. */
bool listen_is_local(int fd);

#endif
