#include "base/http.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADERS = 8 }; /* room is made for so many at a time */

int http_request_init(struct http_message *m, const char *verb, const char *url)
{
    *m = (struct http_message){.verb = strdup(verb), .url = strdup(url)};
    if (m->verb && m->url)
        return 0;
    http_fini(m);
    return ERR_NOMEM;
}

struct http_header *http_header_find(const struct http_message *m, const char *name)
{
    for (size_t i = 0; i < m->nheaders; i++) {
        /* Most differ in the first letter, whatever its case. */
        if ((m->headers[i].name[0] | 32) == (name[0] | 32) &&
            strcasecmp(m->headers[i].name, name) == 0)
            return &m->headers[i];
    }
    return NULL;
}

bool http_header_valid(const char *name, const char *value, size_t n)
{
    return !strpbrk(name, "\r\n: ") && !memchr(value, '\r', n) && !memchr(value, '\n', n);
}

int http_set_header(struct http_message *m, const char *name, const char *value)
{
    struct http_header *h = http_header_find(m, name);
    size_t n = strlen(name), length = strlen(value);
    char *both;

    if (!http_header_valid(name, value, length))
        return ERR_INVALID;
    if (!h && m->nheaders % HEADERS == 0) {
        struct http_header *all = realloc(m->headers, (m->nheaders + HEADERS) * sizeof *all);

        if (!all)
            return ERR_NOMEM;
        m->headers = all;
    }
    both = malloc(n + length + 2);
    if (!both)
        return ERR_NOMEM;
    memcpy(both, name, n + 1);
    memcpy(both + n + 1, value, length + 1);
    if (h)
        free(h->name);
    else
        h = &m->headers[m->nheaders++];
    *h = (struct http_header){both, both + n + 1};
    return 0;
}

const char *http_header(const struct http_message *m, const char *name)
{
    const struct http_header *h = http_header_find(m, name);

    return h ? h->value : NULL;
}

int http_set_body(struct http_message *m, const char *type, const void *p, size_t n)
{
    char *body = malloc(n + 1);

    if (!body)
        return ERR_NOMEM;
    if (n)
        memcpy(body, p, n);
    body[n] = '\0';
    free(m->body);
    m->body = body;
    m->n = n;
    return type ? http_set_header(m, "Content-Type", type) : 0;
}

int http_copy(struct http_message *to, const struct http_message *from)
{
    int err = 0;

    *to = (struct http_message){.status = from->status};
    if (from->verb && !(to->verb = strdup(from->verb)))
        err = ERR_NOMEM;
    if (from->url && !(to->url = strdup(from->url)))
        err = ERR_NOMEM;
    for (size_t i = 0; !err && i < from->nheaders; i++)
        err = http_set_header(to, from->headers[i].name, from->headers[i].value);
    if (!err && from->body)
        err = http_set_body(to, NULL, from->body, from->n);
    if (err)
        http_fini(to);
    return err;
}

void http_fini(struct http_message *m)
{
    for (size_t i = 0; i < m->nheaders; i++) {
        free(m->headers[i].name); /* and the value behind it */
    }
    free(m->headers);
    free(m->verb);
    free(m->url);
    free(m->body);
    *m = (struct http_message){0};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool http_unescape(char *text, bool plus)
{
    char *to = text;

    for (const char *at = text; *at; at++) {
        if (*at == '%') {
            int high = hex_digit(at[1]), low = high < 0 ? -1 : hex_digit(at[2]);

            if (low < 0 || (high | low) == 0)
                return false;
            *to++ = (char)(high << 4 | low);
            at += 2;
        } else {
            *to++ = plus && *at == '+' ? ' ' : *at;
        }
    }
    *to = '\0';
    return true;
}

bool http_query(const char *url, const char *name, char *out, size_t cap)
{
    const char *at = strchr(url, '?');
    size_t want = strlen(name);

    while (at && *at && *at != '#') {
        const char *end;

        at++;
        end = at + strcspn(at, "&#");
        if (strncmp(at, name, want) == 0 && at[want] == '=') {
            size_t n = (size_t)(end - at) - want - 1;

            if (n >= cap)
                return false;
            memcpy(out, at + want + 1, n);
            out[n] = '\0';
            return http_unescape(out, true);
        }
        at = end;
    }
    return false;
}
