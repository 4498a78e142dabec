#include "net/http_transfer.h"

#include "base/error.h"
#include "net/http_listen.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_HEADER_BYTES (64 << 10)

/* --- the answer ------------------------------------------------------------------------------ */

static size_t on_body(char *data, size_t one, size_t n, void *arg)
{
    struct transfer *t = arg;

    (void)one;
    if (t->body.n + n > t->max_body) {
        t->broken = "the answer is too long";
        return 0;
    }
    if (!t->forgotten && buf_add(&t->body, data, n)) {
        t->broken = "no memory for the answer";
        return 0;
    }
    return n;
}

static void trim(const char **from, const char **to)
{
    while (*from < *to && strchr(" \t\r\n", **from))
        ++*from;
    while (*to > *from && strchr(" \t\r\n", (*to)[-1]))
        --*to;
}

static int add_line(struct http_message *m, const char *line, size_t n)
{
    const char *colon = memchr(line, ':', n), *value, *end = line + n;
    char *name, *copy;
    int err;

    if (!colon || colon == line)
        return 0; /* not ours to judge */
    value = colon + 1;
    trim(&value, &end);
    name = strndup(line, (size_t)(colon - line));
    copy = strndup(value, (size_t)(end - value));
    err = name && copy ? http_set_header(m, name, copy) : ERR_NOMEM;
    free(name);
    free(copy);
    return err == ERR_INVALID ? 0 : err;
}

static size_t on_header(char *data, size_t one, size_t n, void *arg)
{
    struct transfer *t = arg;

    (void)one;
    t->header_bytes += n;
    if (t->header_bytes > MAX_HEADER_BYTES) {
        t->broken = "the answer's headers are too long";
        return 0;
    }
    if (n > 5 && strncasecmp(data, "HTTP/", 5) == 0) {
        http_fini(&t->answer); /* what came before was an interim answer (1xx) */
        return n;
    }
    if (add_line(&t->answer, data, n)) {
        t->broken = "no memory for the answer";
        return 0;
    }
    return n;
}

const struct http_message *transfer_answer(struct transfer *t, CURLcode result)
{
    long status = 0;
    const char *why = t->broken;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result == CURLE_OK && status > 0) {
        t->answer.status = (int)status;
        t->answer.body = t->body.n ? t->body.p : NULL;
        t->answer.n = t->body.n;
        return &t->answer;
    }
    if (!why)
        why = t->reason[0] ? t->reason : curl_easy_strerror(result);
    http_fini(&t->answer);
    buf_reset(&t->body);
    if (buf_str(&t->body, why) == 0) {
        t->answer.body = t->body.p;
        t->answer.n = t->body.n;
    }
    return &t->answer;
}

/* --- the request ----------------------------------------------------------------------------- */

/* The header lines as curl wants them. The text is one block and the links an array, both kept from
 * request to request. */
static int make_lines(struct transfer *t)
{
    const struct http_message *m = &t->request;
    size_t n = m->nheaders + 2, at = 0;

    if (n > t->nlines) {
        struct curl_slist *all = realloc(t->lines, n * sizeof *all);

        if (!all)
            return ERR_NOMEM;
        t->lines = all;
        t->nlines = n;
    }
    buf_reset(&t->text);
    for (size_t i = 0; i < m->nheaders; i++) {
        const char *value = m->headers[i].value;

        buf_str(&t->text, m->headers[i].name);
        if (*value)
            buf_fmt(&t->text, ": %s", value);
        else
            buf_char(&t->text, ';'); /* curl's spelling of an empty header */
        buf_char(&t->text, '\0');
    }
    buf_add(&t->text, "Expect:", 8); /* never wait for a 100 */
    if (!http_header(m, "Content-Type"))
        buf_add(&t->text, "Content-Type:", 14); /* nor claim that a body is a form */
    if (t->text.err)
        return t->text.err;
    for (size_t i = 0; at < t->text.n; i++) {
        t->lines[i].data = t->text.p + at;
        at += strlen(t->text.p + at) + 1;
        t->lines[i].next = at < t->text.n ? &t->lines[i + 1] : NULL;
    }
    return 0;
}

static CURLcode set_verb(struct transfer *t)
{
    const struct http_message *m = &t->request;
    bool head = strcmp(m->verb, "HEAD") == 0, get = strcmp(m->verb, "GET") == 0,
         post = strcmp(m->verb, "POST") == 0;
    bool body = m->n || post || strcmp(m->verb, "PUT") == 0 || strcmp(m->verb, "PATCH") == 0;
    CURLcode err;

    /* HTTPGET first: it clears what an earlier request of the handle left. */
    err = curl_easy_setopt(t->easy, CURLOPT_HTTPGET, 1L);
    if (!err && body) {
        err = curl_easy_setopt(t->easy, CURLOPT_POST, 1L);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)m->n);
        curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, m->n ? m->body : "");
    } else if (!err && head) {
        err = curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    }
    if (!err)
        err =
            curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST,
                             (get && !body) || (post && body) || (head && !body) ? NULL : m->verb);
    return err;
}

int transfer_prepare(struct transfer *t, uint64_t id, const struct http_message *request,
                     int64_t timeout_ms)
{
    int err = http_copy(&t->request, request);

    if (err)
        return err;
    t->id = id;
    err = make_lines(t);
    if (err)
        return err;
    if (curl_easy_setopt(t->easy, CURLOPT_URL, t->request.url) ||
        curl_easy_setopt(t->easy, CURLOPT_NOPROXY, url_is_loopback(t->request.url) ? "*" : NULL) ||
        curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->lines) || set_verb(t))
        return ERR_NOMEM;
    if (timeout_ms < 1)
        timeout_ms = 1; /* 0 would mean no limit */
    if (timeout_ms > 24 * 3600 * 1000)
        timeout_ms = 24 * 3600 * 1000;
    curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
    return 0;
}

/* --- life ------------------------------------------------------------------------------------ */

static CURLcode set_options(struct transfer *t, bool http2, const char *ca_file)
{
    CURL *c = t->easy;
    CURLcode err = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");

    if (!err && ca_file)
        err = curl_easy_setopt(c, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    /* Ending a transfer must not wait for a name lookup in its thread. */
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, 10000L);
    curl_easy_setopt(c, CURLOPT_MAXAGE_CONN, 55L);
    curl_easy_setopt(c, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)t->max_body);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
                     http2 ? (long)CURL_HTTP_VERSION_2TLS : (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_PIPEWAIT, http2 ? 1L : 0L);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, t->reason);
    curl_easy_setopt(c, CURLOPT_PRIVATE, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    return err;
}

struct transfer *transfer_new(size_t max_body, bool http2, const char *ca_file)
{
    struct transfer *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    list_init(&t->link);
    t->max_body = max_body;
    t->easy = curl_easy_init();
    if (!t->easy || set_options(t, http2, ca_file)) {
        transfer_free(t);
        return NULL;
    }
    return t;
}

void transfer_reset(struct transfer *t)
{
    http_fini(&t->request);
    t->answer.body = NULL; /* lies in t->body */
    http_fini(&t->answer);
    if (t->body.cap > 64 << 10)
        buf_fini(&t->body);
    buf_reset(&t->body);
    t->header_bytes = 0;
    t->broken = NULL;
    t->reason[0] = '\0';
    t->forgotten = false;
}

void transfer_free(struct transfer *t)
{
    if (!t)
        return;
    curl_easy_cleanup(t->easy);
    transfer_reset(t);
    buf_fini(&t->body);
    buf_fini(&t->text);
    free(t->lines);
    free(t);
}
