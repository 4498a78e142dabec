#include "graph/wire_state.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    TIMEOUT_LEAST_MS = 1,
    TIMEOUT_MOST_MS = 10 * 60 * 1000,
    URL_MAX = 8192,
};

static int check_url(const char *url, struct error *e)
{
    size_t scheme = 0;

    if (!url)
        return error_set(e, ERR_INVALID, "url: missing");
    if (strncasecmp(url, "http://", 7) == 0)
        scheme = 7;
    else if (strncasecmp(url, "https://", 8) == 0)
        scheme = 8;
    if (!scheme || !url[scheme] || url[scheme] == '/')
        return error_set(e, ERR_INVALID, "url: must be an http:// or https:// address");
    if (strlen(url) > URL_MAX)
        return error_set(e, ERR_INVALID, "url: longer than %d bytes", URL_MAX);
    for (; *url; url++) {
        if ((unsigned char)*url <= ' ' || *url == 0x7F)
            return error_set(e, ERR_INVALID, "url: holds white space or control characters");
    }
    return 0;
}

static bool is_token(const char *s)
{
    return s[0] && strlen(s) < 128 &&
           !s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                        "!#$%&'*+-.^_`|~")];
}

/* Headers that say how the message travels are the client's, not the flow's. */
static bool is_framing(const char *name)
{
    static const char *const ours[] = {
        "Content-Length", "Transfer-Encoding", "Connection", "Host",
        "Expect",         "Upgrade",           "TE",         "Trailer"};

    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) {
        if (strcasecmp(name, ours[i]) == 0)
            return true;
    }
    return false;
}

static int set_headers(const cJSON *headers, struct http_message *m, struct error *e)
{
    const cJSON *h;

    cJSON_ArrayForEach (h, headers) {
        char number[32];
        const char *value = cJSON_GetStringValue(h);
        int err;

        if (cJSON_IsNumber(h)) {
            snprintf(number, sizeof number, "%.15g", h->valuedouble);
            value = number;
        }
        if (!h->string || !is_token(h->string) || !value)
            return error_set(e, ERR_INVALID, "headers: must be names with texts");
        if (is_framing(h->string))
            return error_set(e, ERR_INVALID, "headers.%s: is set by the runtime", h->string);
        err = http_set_header(m, h->string, value);
        if (err)
            return error_set(e, err, "headers.%s: holds a line break", h->string);
    }
    return 0;
}

int wire_http_encode(const cJSON *args, struct http_message *out, struct error *e)
{
    const char *verb = json_str(args, "method"), *url = json_str(args, "url");
    const cJSON *body = json_get(args, "body");
    struct http_message m = {0};
    int err = check_url(url, e);

    if (err)
        return err;
    if (verb && !is_token(verb))
        return error_set(e, ERR_INVALID, "method: \"%.40s\" is none", verb);
    if (body && !cJSON_IsString(body))
        return error_set(e, ERR_INVALID, "body: must be a text");
    err = http_request_init(&m, verb ? verb : "GET", url);
    if (!err && body)
        err = http_set_body(&m, NULL, body->valuestring, strlen(body->valuestring));
    if (err)
        error_set(e, err, "out of memory");
    else
        err = set_headers(json_get(args, "headers"), &m, e);
    for (char *at = m.verb; at && *at; at++)
        *at = (char)toupper((unsigned char)*at);
    if (err) {
        http_fini(&m);
        return err;
    }
    *out = m;
    return 0;
}

int64_t wire_http_timeout(const cJSON *args, int64_t fallback)
{
    const cJSON *timeout = json_get(args, "timeout");
    double ms = cJSON_IsNumber(timeout) ? timeout->valuedouble * 1000 : (double)fallback;

    if (!(ms > TIMEOUT_LEAST_MS))
        return TIMEOUT_LEAST_MS;
    return ms < TIMEOUT_MOST_MS ? (int64_t)ms : TIMEOUT_MOST_MS;
}

/* Whether the bytes are UTF-8 without NUL, and so can stand in JSON. */
static bool is_text(const char *p, size_t n)
{
    static const unsigned long least[] = {1, 0x80, 0x800, 0x10000}; /* by continuation bytes */
    const unsigned char *at = (const unsigned char *)p, *end = at + n;

    while (at < end) {
        unsigned long rune = *at++;
        size_t more = rune < 0x80 ? 0 : rune < 0xE0 ? 1 : rune < 0xF0 ? 2 : 3;

        if ((rune >= 0x80 && rune < 0xC2) || rune > 0xF4 || (size_t)(end - at) < more)
            return false;
        if (more)
            rune &= 0x3Fu >> more;
        for (size_t i = 0; i < more; i++, at++) {
            if ((*at & 0xC0) != 0x80)
                return false;
            rune = rune << 6 | (*at & 0x3F);
        }
        if (rune < least[more] || (rune >= 0xD800 && rune < 0xE000) || rune > 0x10FFFF)
            return false;
    }
    return true;
}

/* Header names in lower case; a repeated header's values joined, as HTTP reads them. */
static cJSON *headers_data(const struct http_message *m)
{
    cJSON *all = cJSON_CreateObject();

    for (size_t i = 0; all && i < m->nheaders; i++) {
        char name[128];
        size_t n = strlen(m->headers[i].name);

        if (n >= sizeof name || !is_token(m->headers[i].name) ||
            !is_text(m->headers[i].value, strlen(m->headers[i].value)))
            continue;
        for (size_t k = 0; k <= n; k++)
            name[k] = (char)tolower((unsigned char)m->headers[i].name[k]);
        if (json_set_str(all, name, m->headers[i].value)) {
            cJSON_Delete(all);
            return NULL;
        }
    }
    return all;
}

static int set_body(cJSON *data, const struct http_message *m)
{
    char *text;
    int err;

    if (!m->n)
        return json_set_str(data, "body", "");
    if (is_text(m->body, m->n))
        return json_set_str(data, "body", m->body);
    text = malloc(4 * ((m->n + 2) / 3) + 1);
    if (!text)
        return ERR_NOMEM;
    base64url_encode(text, m->body, m->n);
    err = json_set_str(data, "body", text);
    free(text);
    return err ? err : json_set_str(data, "encoding", "base64url");
}

cJSON *wire_http_data(const struct http_message *response)
{
    cJSON *data;

    if (response->n > WIRE_HTTP_BODY_MAX)
        return wire_error_data("tooLarge", "the answer is longer than 1 MiB");
    data = cJSON_CreateObject();
    if (data && (json_set_int(data, "status", response->status) ||
                 json_set(data, "headers", headers_data(response)) || set_body(data, response))) {
        cJSON_Delete(data);
        return NULL;
    }
    return data;
}
