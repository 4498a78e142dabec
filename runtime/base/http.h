/*
 * An HTTP message as plain data: what the machines hand to their drivers and get back. A request
 * has `verb` and `url`; a response has `status`. All strings are owned by the message.
 */
#ifndef IVORY_BASE_HTTP_H
#define IVORY_BASE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

/* Made by http_set_header: one piece of memory, the value behind the name. */
struct http_header {
    char *name, *value;
};

struct http_message {
    char *verb; /* "GET", ...; NULL in a response                               */
    char *url;  /* absolute, or a path with its query; NULL in a response        */
    int status; /* 0 in a request; 0 in a response = no answer, body = the reason */
    struct http_header *headers;
    size_t nheaders;
    char *body; /* NULL when empty; NUL-terminated beyond `n`                    */
    size_t n;
};

/* Start a request, copying both. ERR_NOMEM. */
int http_request_init(struct http_message *m, const char *verb, const char *url);

/* Set (replace) a header. ERR_NOMEM; ERR_INVALID for a name or value with CR, LF or NUL. */
int http_set_header(struct http_message *m, const char *name, const char *value);

/* Whether a header may be so, `n` bytes of value: no CR or LF, and nothing in the name that ends
 * it.
 */
bool http_header_valid(const char *name, const char *value, size_t n);

/* A header, name in any case; NULL when absent. */
struct http_header *http_header_find(const struct http_message *m, const char *name);

/* Value of a header, name in any case; NULL when absent. */
const char *http_header(const struct http_message *m, const char *name);

/* Set the body (copied) and its Content-Type. */
int http_set_body(struct http_message *m, const char *type, const void *p, size_t n);

int http_copy(struct http_message *to, const struct http_message *from);
void http_fini(struct http_message *m);

/* `out` becomes the decoded value of query parameter `name` in `url`; false when absent or too
 * long. */
bool http_query(const char *url, const char *name, char *out, size_t cap);

/* Decode %XX (and + as a space when `plus`) in place; false on a bad escape or %00. */
bool http_unescape(char *text, bool plus);

#endif
