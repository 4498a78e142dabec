/*
 * Reading the answer of an HTTP/1.1 server: bytes go in as they come, a message comes out. Strict:
 * what could be read in two ways (two lengths, folded headers, a coding other than chunked) is
 * refused, and the connection with it. Interim answers (1xx) are passed over. No I/O; the message
 * lies in the reply's own buffer, nothing is copied. Internal to net.
 */
#ifndef IVORY_NET_HTTP_REPLY_H
#define IVORY_NET_HTTP_REPLY_H

#include "base/buf.h"
#include "base/http.h"

#include <stdbool.h>

#define REPLY_HEADER_BYTES (64 << 10)
#define REPLY_HEADERS      100

enum reply_state {
    REPLY_HEAD,
    REPLY_LENGTH, /* a body of known length: `left` bytes of it are missing */
    REPLY_CHUNK,  /* the line before a chunk                               */
    REPLY_DATA,   /* a chunk, and the end of line after it                 */
    REPLY_TRAILER,
    REPLY_UNTIL_END, /* the body ends with the connection */
    REPLY_DONE
};

struct reply {
    struct buf in; /* all that came */
    enum reply_state state;
    bool bodiless; /* the answer to a HEAD                                 */
    bool keep;     /* the connection may be used again                     */
    int status;
    size_t at;          /* what of `in` was looked at                           */
    size_t body, nbody; /* the body so far; pieces are moved together           */
    size_t left;
    size_t max_body;
    const char *why;           /* it was refused, or NULL                              */
    struct http_header *lines; /* what the message's headers are made of               */
    size_t nlines;
};

/* Be ready for the answer to another request; memory is kept. */
void reply_begin(struct reply *r, size_t max_body, bool bodiless);
/* Room for `n` more bytes at in.p + in.n; NULL: no memory. The caller adds to in.n what came. */
char *reply_room(struct reply *r, size_t n);
/* Look at what has come: true when the answer is whole or refused (`why`). */
bool reply_take(struct reply *r);
/* The connection has ended: whether the answer is whole. */
bool reply_end(struct reply *r);
/* The whole answer, valid until reply_begin. */
struct http_message reply_message(struct reply *r);
void reply_fini(struct reply *r);

#endif
