#include "net/http_call.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DROPPED 4 /* bodies over the limit are read up to so many times the limit */

enum { PREPARED = 8 << 10 }; /* so much room is made for a body before it is there */

/* The value of a header that was given several times. */
struct joined {
    struct joined *next;
    char text[];
};

struct http_call {
    struct list link;
    struct http_server *server;
    struct MHD_Connection *connection;
    struct http_message request; /* its verb and headers are the daemon's until the end */
    struct joined *joined;
    size_t room; /* for headers */
    struct buf body;
    size_t dropped; /* bytes of a body over the limit that were read and thrown away */
    size_t header_bytes;
    unsigned refuse; /* status with which the server itself will answer */
    bool begun;
    bool handled;   /* the handler has been called                                      */
    bool answered;  /* a response is queued, or could not be made: then `dead`          */
    bool suspended; /* the daemon does not look at the connection until it is resumed   */
    bool dead;
};

/* --- answers --------------------------------------------------------------------------------- */

static bool made_by_daemon(const char *name)
{
    return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0;
}

/* Queue `r` (NULL: no memory for one) and let the daemon go on with the connection. */
static void answer_with(struct http_call *c, unsigned status, struct MHD_Response *r)
{
    CHECK(!c->answered);
    c->answered = true;
    list_remove(&c->link);
    http_server_give_time(c->server, c->connection, HTTP_TIMES_ANSWER);
    if (status < 400)
        http_server_know(c->connection);
    c->dead = !r || MHD_queue_response(c->connection, status, r) != MHD_YES;
    if (c->suspended) {
        c->suspended = false;
        MHD_resume_connection(c->connection);
        http_server_run_soon(c->server);
    }
}

/* The same; `r` is taken over. */
static void queue(struct http_call *c, unsigned status, struct MHD_Response *r)
{
    answer_with(c, status, r);
    if (r)
        MHD_destroy_response(r);
}

void http_call_answer(struct http_call *c, const struct http_message *m)
{
    unsigned status = m->status >= 200 && m->status <= 599 ? (unsigned)m->status : 500;
    bool bare = status == 204 || status == 304 || !m->n;
    struct MHD_Response *r;

    if (bare && !m->nheaders) { /* of webhooks nearly all, and there is nothing in it to make */
        answer_with(c, status, c->server->empty);
        return;
    }
    r = MHD_create_response_from_buffer(bare ? 0 : m->n, bare ? (void *)"" : m->body,
                                        MHD_RESPMEM_MUST_COPY);
    for (size_t i = 0; r && i < m->nheaders; i++) {
        if (!made_by_daemon(m->headers[i].name))
            MHD_add_response_header(r, m->headers[i].name, m->headers[i].value);
    }
    queue(c, status, r);
}

static void refuse(struct http_call *c, int status)
{
    static const struct {
        int status;
        const char *text;
    } texts[] = {
        {400, "The request is malformed.\n"},          {404, "There is no such thing.\n"},
        {411, "The length of the body is missing.\n"}, {413, "The body is too large.\n"},
        {431, "The headers are too large.\n"},         {503, "The service is going down.\n"}};
    struct http_message m = {.status = status};
    const char *text = "The server ran out of memory.\n";

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].status == status)
            text = texts[i].text;
    }
    /* Without memory for the text the status alone goes out. */
    (void)http_set_body(&m, "text/plain; charset=utf-8", text, strlen(text));
    if (c->server->cfg.refusal)
        c->server->cfg.refusal(c->server->cfg.arg, &c->request, &m);
    m.status = status;
    http_call_answer(c, &m);
    http_fini(&m);
}

void http_call_answer_file(struct http_call *c, const char *path, const char *type)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct MHD_Response *r = NULL;
    struct stat st;

    if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        if (fd >= 0)
            close(fd);
        refuse(c, 404);
        return;
    }
    r = MHD_create_response_from_fd64((uint64_t)st.st_size, fd);
    if (r)
        MHD_add_response_header(r, "Content-Type", type);
    else
        close(fd);
    queue(c, 200, r);
}

bool http_call_is_local(const struct http_call *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = info ? info->client_addr : NULL;

    if (a && a->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)a)->sin_addr.s_addr) >> 24 == 127;
    return a && a->sa_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)a)->sin6_addr);
}

bool http_call_peer_left(const struct http_call *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    return info && http_peer_has_left(info->connect_fd);
}

/* --- requests -------------------------------------------------------------------------------- */

/* The daemon's earliest sight of a request; what we return is the request's context from then on.
 * It is here because only here is the address as it was sent, with its query. */
void *http_call_begin(void *arg, const char *uri, struct MHD_Connection *connection)
{
    struct http_call *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->server = arg;
    c->connection = connection;
    list_init(&c->link);
    if (strncasecmp(uri, "http://", 7) == 0 || strncasecmp(uri, "https://", 8) == 0) {
        uri = strchr(uri, ':') + 3; /* absolute form, RFC 9112 §3.2.2 */
        uri += strcspn(uri, "/?");
        if (*uri != '/')
            uri = "/";
    }
    c->request.url = strdup(uri);
    if (!c->request.url)
        c->refuse = 500;
    c->header_bytes = strlen(uri) + 16; /* the request line */
    return c;
}

void http_call_end(void *arg, struct MHD_Connection *connection, void **context,
                   enum MHD_RequestTerminationCode code)
{
    struct http_call *c = *context;

    (void)code;
    if (!c)
        return;
    /* A connection whose call the handler holds is suspended, and the daemon leaves it alone. */
    CHECK(!c->handled || c->answered);
    http_server_give_time(arg, connection, HTTP_TIMES_REQUEST);
    while (c->joined) {
        struct joined *next = c->joined->next;

        free(c->joined);
        c->joined = next;
    }
    free(c->request.headers);
    free(c->request.url);
    free(c->request.body);
    buf_fini(&c->body);
    free(c);
    *context = NULL;
}

/* Append a further value to that of `h`. ERR_NOMEM. */
static int join(struct http_call *c, struct http_header *h, const char *value)
{
    size_t n = strlen(h->value), more = strlen(value);
    struct joined *both = malloc(sizeof *both + n + 2 + more + 1);

    if (!both)
        return ERR_NOMEM;
    memcpy(both->text, h->value, n);
    memcpy(both->text + n, ", ", 2);
    memcpy(both->text + n + 2, value, more + 1);
    both->next = c->joined;
    c->joined = both;
    h->value = both->text;
    return 0;
}

static enum MHD_Result on_header(void *arg, enum MHD_ValueKind kind, const char *key, size_t nkey,
                                 const char *value, size_t nvalue)
{
    struct http_call *c = arg;
    struct http_header *old;

    (void)kind;
    if (!value)
        value = "";
    c->header_bytes += nkey + nvalue + 4;
    if (c->header_bytes > c->server->cfg.max_headers) {
        c->refuse = 431;
        return MHD_NO;
    }
    /* A NUL inside, or what is no name or value. */
    if (strlen(key) != nkey || strlen(value) != nvalue || !http_header_valid(key, value, nvalue)) {
        c->refuse = 400;
        return MHD_NO;
    }
    old = http_header_find(&c->request, key);
    if (old && join(c, old, value))
        c->refuse = 500;
    else if (!old && c->request.nheaders < c->room)
        c->request.headers[c->request.nheaders++] =
            (struct http_header){(char *)key, (char *)value};
    return c->refuse ? MHD_NO : MHD_YES;
}

/* The headers, where the daemon has them. */
static void take_headers(struct http_call *c)
{
    int n = MHD_get_connection_values_n(c->connection, MHD_HEADER_KIND, NULL, NULL);

    if (n <= 0)
        return;
    c->room = (size_t)n;
    c->request.headers = malloc(c->room * sizeof *c->request.headers);
    if (c->request.headers)
        MHD_get_connection_values_n(c->connection, MHD_HEADER_KIND, on_header, c);
    else
        c->refuse = 500;
}

/* What the headers alone tell: 0 or the status to refuse with. */
static unsigned check_headers(const struct http_call *c)
{
    const char *length = http_header(&c->request, "Content-Length");
    const char *coding = http_header(&c->request, "Transfer-Encoding");
    const char *verb = c->request.verb;

    if (coding && (length || strcasecmp(coding, "chunked") != 0))
        return 400; /* two lengths are how requests are smuggled past a proxy */
    if (length) {
        if (!*length || length[strspn(length, "0123456789")])
            return 400;
        if (strlen(length) > 15 || strtoull(length, NULL, 10) > c->server->cfg.max_body)
            return 413;
    } else if (!coding && (strcmp(verb, "POST") == 0 || strcmp(verb, "PUT") == 0 ||
                           strcmp(verb, "PATCH") == 0)) {
        return 411;
    }
    return 0;
}

/* Whether a body over the limit, its length given, can be read and thrown away. */
static bool is_endurable(const struct http_call *c)
{
    const char *length = http_header(&c->request, "Content-Length");

    return length && strlen(length) <= 15 &&
           strtoull(length, NULL, 10) <= MAX_DROPPED * c->server->cfg.max_body &&
           !http_header(&c->request, "Expect");
}

/* Room for the body that was promised, as far as a promise is to be believed; without memory now
 * it is made when the body is there. */
static void prepare(struct http_call *c)
{
    const char *length = http_header(&c->request, "Content-Length");
    unsigned long long n = length ? strtoull(length, NULL, 10) : 0;

    if (n && buf_reserve(&c->body, n < PREPARED ? (size_t)n : PREPARED))
        buf_reset(&c->body);
}

static enum MHD_Result begin(struct http_call *c, const char *verb)
{
    c->begun = true;
    c->request.verb = (char *)verb;
    if (!c->refuse)
        take_headers(c);
    if (!c->refuse)
        c->refuse = check_headers(c);
    if (!c->refuse)
        prepare(c);
    /* Answered now, before the body, the connection is closed with bytes unread, and the reset that
     * this is may reach the client before the answer. So a body that is not too much too large is
     * read first. */
    if (c->refuse && !(c->refuse == 413 && is_endurable(c)))
        refuse(c, (int)c->refuse);
    return c->dead ? MHD_NO : MHD_YES;
}

/* A piece of the body. The daemon takes no answer in the middle, so a body over the limit is read
 * on and thrown away, but not without end. */
static enum MHD_Result take(struct http_call *c, const char *data, size_t *n)
{
    size_t max = c->server->cfg.max_body;

    if (!c->refuse && c->body.n + *n > max)
        c->refuse = 413;
    if (!c->refuse && buf_add(&c->body, data, *n))
        c->refuse = 500;
    if (c->refuse) {
        buf_fini(&c->body);
        c->dropped += *n;
        if (c->dropped > MAX_DROPPED * max)
            return MHD_NO;
    }
    *n = 0;
    return MHD_YES;
}

enum MHD_Result http_call_take(void *arg, struct MHD_Connection *connection, const char *url,
                               const char *verb, const char *version, const char *data, size_t *n,
                               void **context)
{
    struct http_server *s = arg;
    struct http_call *c = *context;

    (void)connection;
    (void)url;
    (void)version;
    if (!c || c->dead)
        return MHD_NO;
    if (!c->begun)
        return begin(c, verb);
    if (*n)
        return take(c, data, n);
    if (c->answered)
        return MHD_YES;
    if (!c->refuse && s->closing)
        c->refuse = 503;
    if (c->refuse) {
        refuse(c, (int)c->refuse);
        return c->dead ? MHD_NO : MHD_YES;
    }
    c->request.n = c->body.n;
    c->request.body = c->body.n ? buf_take(&c->body) : NULL;
    http_server_give_time(s, connection, 0);
    c->handled = true;
    list_append(&s->waiting, &c->link);
    s->cfg.handler(s->cfg.arg, c, &c->request);
    if (!c->answered) {
        c->suspended = true;
        MHD_suspend_connection(connection);
    }
    return c->dead ? MHD_NO : MHD_YES;
}

void http_call_refuse_all(struct http_server *s)
{
    struct list *it, *tmp;

    list_each (it, tmp, &s->waiting)
        refuse(list_entry(it, struct http_call, link), 503);
}
