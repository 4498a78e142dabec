/*
 * One HTTP exchange of the client: an easy handle of libcurl with the request that it sends and the
 * answer that it collects. Kept and used again, since making a handle costs more than a request.
 * Internal to http_client.
 */
#ifndef IVORY_NET_HTTP_TRANSFER_H
#define IVORY_NET_HTTP_TRANSFER_H

#include "base/buf.h"
#include "base/http.h"
#include "base/list.h"

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

struct transfer {
    struct list link; /* the client's busy or idle list */
    CURL *easy;
    uint64_t id;
    bool forgotten; /* cancelled: nobody wants the answer */
    struct http_message request;
    struct curl_slist *lines; /* its header lines: an array, linked; their text is in `text` */
    size_t nlines;
    struct buf text;
    struct http_message answer;
    struct buf body;
    size_t max_body;
    size_t header_bytes;
    const char *broken; /* why we ended it, NULL if we did not */
    char reason[CURL_ERROR_SIZE];
};

/* Make one; the caller sets the options that concern sockets. NULL: no memory. */
struct transfer *transfer_new(size_t max_body, bool http2, const char *ca_file);

/* Load `request` (copied). ERR_NOMEM. */
int transfer_prepare(struct transfer *t, uint64_t id, const struct http_message *request,
                     int64_t timeout_ms);

/* The answer, complete after curl said `result`; valid until transfer_reset. */
const struct http_message *transfer_answer(struct transfer *t, CURLcode result);

/* Drop request and answer; the handle stays good. */
void transfer_reset(struct transfer *t);
void transfer_free(struct transfer *t);

#endif
