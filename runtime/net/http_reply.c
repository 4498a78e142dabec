#include "net/http_reply.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void reply_begin(struct reply *r, size_t max_body, bool bodiless)
{
    struct buf in = r->in;
    struct http_header *lines = r->lines;

    if (in.cap > 64 << 10)
        buf_fini(&in);
    buf_reset(&in);
    *r = (struct reply){.in = in, .lines = lines, .max_body = max_body, .bodiless = bodiless};
}

char *reply_room(struct reply *r, size_t n)
{
    size_t have = r->in.n;

    if (r->in.cap < have + n + 1) {
        char *p = realloc(r->in.p, have + n + 1 + have / 2);

        if (!p)
            return NULL;
        for (size_t i = 0; i < r->nlines; i++) {
            r->lines[i].name = p + (r->lines[i].name - r->in.p);
            r->lines[i].value = p + (r->lines[i].value - r->in.p);
        }
        r->in.p = p;
        r->in.cap = have + n + 1 + have / 2;
    }
    return r->in.p + have;
}

static bool refuse(struct reply *r, const char *why)
{
    r->why = why;
    return true;
}

/* The line at `at` without its end, which becomes a NUL; NULL: it is not whole. */
static char *line_at(struct reply *r, size_t at, size_t *next)
{
    char *from = r->in.p + at, *end = memchr(from, '\n', r->in.n - at);

    if (!end)
        return NULL;
    *next = (size_t)(end - r->in.p) + 1;
    if (end > from && end[-1] == '\r')
        end--;
    *end = '\0';
    return from;
}

/* --- the head -------------------------------------------------------------------------------- */

static bool has_token(const char *list, const char *token)
{
    size_t n = strlen(token);

    while (*list) {
        list += strspn(list, ", \t");
        if (strncasecmp(list, token, n) == 0 && strchr(", \t", list[n]))
            return true;
        list += strcspn(list, ",");
    }
    return false;
}

/* "name: value" becomes two texts. */
static bool split(struct reply *r, char *line)
{
    char *colon = strchr(line, ':'), *space = strpbrk(line, " \t"), *value, *end;

    if (!colon || colon == line || (space && space < colon))
        return false;
    value = colon + 1 + strspn(colon + 1, " \t");
    for (end = value + strlen(value); end > value && strchr(" \t", end[-1]);)
        *--end = '\0';
    *colon = '\0';
    r->lines[r->nlines++] = (struct http_header){line, value};
    return true;
}

static const char *header(const struct reply *r, const char *name, size_t *found)
{
    const char *value = NULL;

    *found = 0;
    for (size_t i = 0; i < r->nlines; i++) {
        if (strcasecmp(r->lines[i].name, name) == 0) {
            value = r->lines[i].value;
            ++*found;
        }
    }
    return value;
}

/* How the body is delimited: RFC 9112 §6.3. */
static bool begin_body(struct reply *r)
{
    size_t codings, lengths, any;
    const char *coding = header(r, "Transfer-Encoding", &codings);
    const char *length = header(r, "Content-Length", &lengths);
    const char *connection = header(r, "Connection", &any);

    if (connection && has_token(connection, "close"))
        r->keep = false;
    r->body = r->at;
    if (codings + lengths > 1 || (coding && strcasecmp(coding, "chunked") != 0))
        return refuse(r, "the length of the answer is ambiguous");
    if (length && (!*length || strlen(length) > 18 || length[strspn(length, "0123456789")]))
        return refuse(r, "the length of the answer is malformed");
    if (r->bodiless || r->status == 204 || r->status == 304) {
        r->state = REPLY_DONE;
    } else if (coding) {
        r->state = REPLY_CHUNK;
    } else if (length) {
        r->left = strtoull(length, NULL, 10);
        r->state = REPLY_LENGTH;
        if (r->left > r->max_body)
            return refuse(r, "the answer is too long");
    } else {
        r->keep = false;
        r->state = REPLY_UNTIL_END;
    }
    return false;
}

/* "HTTP/1.1 202 Accepted" */
static bool take_status(struct reply *r, const char *line)
{
    if (strncmp(line, "HTTP/1.", 7) != 0 || (line[7] != '0' && line[7] != '1') || line[8] != ' ' ||
        strspn(line + 9, "0123456789") != 3 || (line[12] && line[12] != ' '))
        return false;
    r->status = atoi(line + 9);
    r->keep = line[7] == '1';
    return r->status >= 100 && r->status < 600 && r->status != 101;
}

/* A head that is whole: its lines are at [at, end). */
static bool take_head(struct reply *r, size_t end)
{
    size_t at = r->at, next;
    char *line;

    if (memchr(r->in.p + at, '\0', end - at))
        return refuse(r, "the answer is malformed");
    if (!r->lines && !(r->lines = malloc(REPLY_HEADERS * sizeof *r->lines)))
        return refuse(r, "no memory for the answer");
    line = line_at(r, at, &next);
    if (!line || !take_status(r, line))
        return refuse(r, "the answer is malformed");
    r->nlines = 0;
    for (at = next; (line = line_at(r, at, &next)) && *line; at = next) {
        if (r->nlines == REPLY_HEADERS)
            return refuse(r, "the answer has too many headers");
        if (!split(r, line))
            return refuse(r, "the answer is malformed");
    }
    r->at = next;
    if (r->status / 100 == 1)
        return false; /* another head follows */
    return begin_body(r);
}

static bool look_for_head(struct reply *r, bool *whole)
{
    const char *from = r->in.p + r->at;
    size_t n = r->in.n - r->at;
    const char *end = memmem(from, n, "\r\n\r\n", 4);

    *whole = end != NULL;
    if (end)
        return take_head(r, (size_t)(end - r->in.p) + 4);
    return r->in.n > REPLY_HEADER_BYTES && refuse(r, "the answer's headers are too long");
}

/* --- the body -------------------------------------------------------------------------------- */

/* `n` bytes at `at` belong to the body. Pieces of it that are already there are before `at`. */
static void add(struct reply *r, size_t n)
{
    if (r->body + r->nbody != r->at)
        memmove(r->in.p + r->body + r->nbody, r->in.p + r->at, n);
    r->nbody += n;
    r->at += n;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* "1a;extension" */
static bool take_chunk_line(struct reply *r, const char *line)
{
    size_t digits = strspn(line, "0123456789abcdefABCDEF");

    if (!digits || digits > 15 || (line[digits] && !strchr("; \t", line[digits])))
        return refuse(r, "the answer is malformed");
    r->left = strtoull(line, NULL, 16);
    if (r->left > r->max_body - r->nbody)
        return refuse(r, "the answer is too long");
    r->state = r->left ? REPLY_DATA : REPLY_TRAILER;
    return false;
}

/* Lines around chunks; `*more`: there was one. */
static bool take_line(struct reply *r, bool *more)
{
    size_t next;
    const char *line = line_at(r, r->at, &next);

    *more = line != NULL;
    if (!line)
        return r->in.n - r->at > 4096 && refuse(r, "the answer is malformed");
    r->at = next;
    if (r->state == REPLY_CHUNK)
        return take_chunk_line(r, line);
    if (r->state == REPLY_DATA) { /* the end of line after a chunk */
        r->state = REPLY_CHUNK;
        return *line && refuse(r, "the answer is malformed");
    }
    if (!*line)
        r->state = REPLY_DONE;
    return false;
}

bool reply_take(struct reply *r)
{
    bool more = true, over = false;

    while (more && !over && r->state != REPLY_DONE) {
        size_t n = r->in.n - r->at;

        switch (r->state) {
        case REPLY_HEAD:
            over = look_for_head(r, &more);
            break;
        case REPLY_LENGTH:
        case REPLY_DATA:
            n = least(n, r->left);
            add(r, n);
            r->left -= n;
            more = !r->left;
            if (more && r->state == REPLY_LENGTH)
                r->state = REPLY_DONE;
            else if (more)
                over = take_line(r, &more);
            break;
        case REPLY_UNTIL_END:
            if (r->nbody + n > r->max_body)
                over = refuse(r, "the answer is too long");
            else
                add(r, n);
            more = false;
            break;
        default:
            over = take_line(r, &more);
            break;
        }
    }
    if (r->state == REPLY_DONE && r->at < r->in.n)
        r->keep = false; /* more was said than was asked for */
    return over || r->state == REPLY_DONE;
}

bool reply_end(struct reply *r)
{
    if (r->state == REPLY_UNTIL_END)
        r->state = REPLY_DONE;
    return r->state == REPLY_DONE;
}

struct http_message reply_message(struct reply *r)
{
    char *body = r->in.p + r->body;

    body[r->nbody] = '\0'; /* there is room: see reply_room */
    return (struct http_message){.status = r->status,
                                 .headers = r->lines,
                                 .nheaders = r->nlines,
                                 .body = r->nbody ? body : NULL,
                                 .n = r->nbody};
}

void reply_fini(struct reply *r)
{
    buf_fini(&r->in);
    free(r->lines);
    r->lines = NULL;
}
