#include "net/http_lanes.h"

#include "net/http_listen.h"
#include "net/http_reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

enum {
    LANES_MOST = 256,
    SPARE_MOST = 256,
    IDLE_MS = 55000, /* a lane that was idle for longer is not trusted: servers close such */
    CONNECT_MS = 10000,
    PIECE = 4096
};

/* One request and its answer. */
struct job {
    struct list link;
    struct heap_entry deadline;
    struct lane *lane; /* NULL: it waits for one */
    uint64_t id;
    struct buf out;
    size_t sent;
    struct reply reply;
    bool bodiless;
    bool forgotten; /* cancelled after it had gone out */
};

struct lane {
    struct list link;
    struct lanes *all;
    CURL *easy;
    curl_socket_t fd;
    struct job *job;
    bool used; /* was idle before */
    uint64_t idle_since;
    char reason[CURL_ERROR_SIZE];
};

static int assign(struct lanes *l, struct job *job);

static int64_t now(const struct lanes *l)
{
    return (int64_t)uv_now(l->sockets->loop);
}

/* --- jobs ------------------------------------------------------------------------------------ */

static void job_free(struct job *job)
{
    buf_fini(&job->out);
    reply_fini(&job->reply);
    free(job);
}

/* Nobody wants it any more; its lane must have been told. */
static void drop(struct lanes *l, struct job *job)
{
    heap_remove(&l->deadlines, &job->deadline);
    list_remove(&job->link);
    if (l->closing || l->nspare >= SPARE_MOST) {
        job_free(job);
        return;
    }
    list_append(&l->spare, &job->link);
    l->nspare++;
}

/* Hand the answer over. `done` may do anything, also free the client. */
static void hand_over(struct lanes *l, struct job *job, const struct http_message *m)
{
    heap_remove(&l->deadlines, &job->deadline);
    list_remove(&job->link); /* not to be found by cancel any more */
    if (!job->forgotten)
        l->cfg.done(l->cfg.arg, job->id, m);
    drop(l, job);
}

static void fail(struct lanes *l, struct job *job, const char *why)
{
    struct http_message none = {.body = (char *)why, .n = strlen(why)};

    hand_over(l, job, &none);
}

static struct job *new_job(struct lanes *l)
{
    struct job *job;

    if (list_empty(&l->spare)) {
        job = calloc(1, sizeof *job);
        if (job)
            list_init(&job->link);
        return job;
    }
    job = list_entry(l->spare.prev, struct job, link);
    list_remove(&job->link);
    l->nspare--;
    return job;
}

/* The bytes of a request. `path` is what follows the origin. */
static int encode(const struct lanes *l, struct buf *out, const struct http_message *m)
{
    const char *path = m->url + strlen(l->origin), *host = strstr(l->origin, "://") + 3;
    bool body = m->n || strcmp(m->verb, "POST") == 0 || strcmp(m->verb, "PUT") == 0 ||
                strcmp(m->verb, "PATCH") == 0;

    buf_reset(out);
    buf_str(out, m->verb);
    buf_str(out, *path == '/' ? " " : " /");
    buf_add(out, path, strcspn(path, "#"));
    buf_str(out, " HTTP/1.1\r\nHost: ");
    buf_str(out, host);
    buf_str(out, "\r\nAccept: */*\r\n");
    for (size_t i = 0; i < m->nheaders; i++) {
        buf_str(out, m->headers[i].name);
        buf_str(out, ": ");
        buf_str(out, m->headers[i].value);
        buf_str(out, "\r\n");
    }
    if (body)
        buf_fmt(out, "Content-Length: %zu\r\n", m->n);
    buf_str(out, "\r\n");
    return buf_add(out, m->n ? m->body : "", m->n);
}

/* --- lanes ----------------------------------------------------------------------------------- */

static void lane_free(struct lane *lane)
{
    if (lane->easy) {
        curl_multi_remove_handle(lane->all->sockets->multi, lane->easy);
        curl_easy_cleanup(lane->easy); /* closes the connection */
    }
    list_remove(&lane->link);
    lane->all->nlanes--;
    free(lane);
}

static CURLcode set_options(struct lane *lane)
{
    struct lanes *l = lane->all;
    CURL *c = lane->easy;
    CURLcode err = curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");

    if (!err)
        err = curl_easy_setopt(c, CURLOPT_URL, l->origin);
    if (!err && l->cfg.ca_file)
        err = curl_easy_setopt(c, CURLOPT_CAINFO, l->cfg.ca_file);
    if (!err && url_is_loopback(l->origin))
        err = curl_easy_setopt(c, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(c, CURLOPT_CONNECT_ONLY, 1L);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(c, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, lane->reason);
    return err ? err : sockets_own(l->sockets, c);
}

/* Begin a new lane for `job`. ERR_NOMEM. */
static int lane_open(struct lanes *l, struct job *job)
{
    struct lane *lane = calloc(1, sizeof *lane);

    if (!lane)
        return ERR_NOMEM;
    lane->all = l;
    list_init(&lane->link);
    l->nlanes++;
    lane->easy = curl_easy_init();
    if (!lane->easy || set_options(lane) || curl_multi_add_handle(l->sockets->multi, lane->easy)) {
        lane_free(lane);
        return ERR_NOMEM;
    }
    list_append(&l->connecting, &lane->link);
    lane->job = job;
    job->lane = lane;
    return 0;
}

static void rest(struct lane *lane)
{
    struct lanes *l = lane->all;

    lane->job = NULL;
    lane->used = true;
    lane->idle_since = uv_now(l->sockets->loop);
    list_remove(&lane->link);
    list_append(&l->idle, &lane->link);
}

/* There may be room for those that wait. */
static void serve_waiting(struct lanes *l)
{
    while (!l->closing && !list_empty(&l->waiting) &&
           (!list_empty(&l->idle) || l->nlanes < LANES_MOST)) {
        struct job *job = list_entry(l->waiting.next, struct job, link);

        list_remove(&job->link);
        list_append(&l->jobs, &job->link);
        if (assign(l, job))
            fail(l, job, "out of memory");
    }
}

static void ready(void *arg, int status, int events);

/* Curl looks its connection up among all of them for each piece, so it is asked only where the
 * bytes are not those on the socket. */
static CURLcode result_of(ssize_t done, size_t *n)
{
    *n = done > 0 ? (size_t)done : 0;
    if (done >= 0)
        return CURLE_OK;
    return errno == EAGAIN || errno == EINTR ? CURLE_AGAIN : CURLE_RECV_ERROR;
}

static CURLcode put(struct lane *lane, const char *p, size_t n, size_t *done)
{
    if (lane->all->secure)
        return curl_easy_send(lane->easy, p, n, done);
    return result_of(send(lane->fd, p, n, MSG_NOSIGNAL), done);
}

static CURLcode get(struct lane *lane, char *p, size_t n, size_t *done)
{
    if (lane->all->secure)
        return curl_easy_recv(lane->easy, p, n, done);
    return result_of(recv(lane->fd, p, n, 0), done);
}

/* Send what is unsent. ERR_IO: the connection is gone. */
static int flush(struct lane *lane)
{
    struct job *job = lane->job;
    CURLcode err = CURLE_OK;
    size_t n;

    while (!err && job->sent < job->out.n) {
        err = put(lane, job->out.p + job->sent, job->out.n - job->sent, &n);
        if (!err)
            job->sent += n;
    }
    if (err && err != CURLE_AGAIN)
        return ERR_IO;
    return sockets_watch(lane->all->sockets, lane->fd,
                         job->sent < job->out.n ? UV_READABLE | UV_WRITABLE : UV_READABLE, ready,
                         lane)
               ? ERR_IO
               : 0;
}

/* Give `job` a lane: one that is idle, the last used first, or a new one, or let it wait. */
static int assign(struct lanes *l, struct job *job)
{
    job->sent = 0;
    job->lane = NULL;
    reply_begin(&job->reply, l->cfg.max_body, job->bodiless);
    while (!list_empty(&l->idle)) {
        struct lane *lane = list_entry(l->idle.prev, struct lane, link);

        if (uv_now(l->sockets->loop) - lane->idle_since <= IDLE_MS) {
            lane->job = job;
            job->lane = lane;
            list_remove(&lane->link);
            list_append(&l->busy, &lane->link);
            if (flush(lane) == 0)
                return 0;
            job->lane = NULL;
            job->sent = 0;
        }
        lane_free(lane);
    }
    if (l->nlanes < LANES_MOST)
        return lane_open(l, job);
    list_remove(&job->link);
    list_append(&l->waiting, &job->link);
    return 0;
}

/* The answer is whole, or such that it ends the lane. */
static void answered(struct lane *lane)
{
    struct lanes *l = lane->all;
    struct job *job = lane->job;
    const char *why = job->reply.why;
    struct http_message m;

    heap_remove(&l->deadlines, &job->deadline);
    list_remove(&job->link); /* who is served now may free the client */
    if (!why && job->reply.keep && job->sent == job->out.n)
        rest(lane);
    else
        lane_free(lane);
    job->lane = NULL;
    serve_waiting(l);
    m = why ? (struct http_message){.body = (char *)why, .n = strlen(why)}
            : reply_message(&job->reply);
    hand_over(l, job, &m);
}

/* The connection has ended. A lane that was used before may have been closed by the server while it
 * was idle, just when the request was sent: then another one is tried, as curl does. */
static void ended(struct lane *lane)
{
    struct lanes *l = lane->all;
    struct job *job = lane->job;
    bool stale = lane->used && job && !job->reply.in.n;

    if (job && reply_end(&job->reply)) {
        answered(lane);
        return;
    }
    lane_free(lane);
    if (job)
        job->lane = NULL;
    if (job && (!stale || assign(l, job)))
        fail(l, job, "the connection was closed before the answer");
    serve_waiting(l);
}

static void receive(struct lane *lane)
{
    struct job *job = lane->job;

    for (;;) {
        char *room = reply_room(&job->reply, PIECE);
        CURLcode err = CURLE_OUT_OF_MEMORY;
        size_t n = 0;

        if (room)
            err = get(lane, room, PIECE, &n);
        if (err == CURLE_AGAIN)
            return;
        if (err || !n) {
            ended(lane);
            return;
        }
        job->reply.in.n += n;
        if (reply_take(&job->reply)) {
            answered(lane);
            return;
        }
    }
}

static void ready(void *arg, int status, int events)
{
    struct lane *lane = arg;

    if (!lane->job) { /* closed, or something nobody asked for */
        lane_free(lane);
        return;
    }
    if (events & UV_WRITABLE && lane->job->sent < lane->job->out.n && flush(lane)) {
        ended(lane);
        return;
    }
    if (status < 0 || events & ~UV_WRITABLE)
        receive(lane);
}

bool lanes_connected(struct lanes *l, CURL *easy, CURLcode result)
{
    struct list *it, *tmp;

    list_each (it, tmp, &l->connecting) {
        struct lane *lane = list_entry(it, struct lane, link);
        struct job *job = lane->job;
        curl_socket_t fd = CURL_SOCKET_BAD;
        char reason[CURL_ERROR_SIZE];

        if (lane->easy != easy)
            continue;
        if (!result)
            curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &fd);
        if (fd != CURL_SOCKET_BAD) {
            lane->fd = fd;
            list_remove(&lane->link);
            list_append(&l->busy, &lane->link);
            if (sockets_watch(l->sockets, fd, UV_READABLE, ready, lane) == 0) {
                if (!job)
                    rest(lane);
                else if (flush(lane))
                    ended(lane);
                serve_waiting(l);
                return true;
            }
        }
        strcpy(reason, lane->reason[0] ? lane->reason : curl_easy_strerror(result));
        lane_free(lane);
        if (job) {
            job->lane = NULL;
            fail(l, job, reason);
        }
        serve_waiting(l);
        return true;
    }
    return false;
}

/* --- deadlines ------------------------------------------------------------------------------- */

static void on_timer(uv_timer_t *timer);

/* The timer is set anew only when it would come too late: most requests end long before. */
static void arm(struct lanes *l)
{
    struct heap_entry *first = heap_first(&l->deadlines);

    if (!first || first->at >= l->armed)
        return;
    l->armed = first->at;
    uv_timer_start(&l->timer, on_timer, first->at > now(l) ? (uint64_t)(first->at - now(l)) : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct lanes *l = timer->data;
    struct heap_entry *first;

    l->armed = INT64_MAX;
    while (!l->closing && (first = heap_first(&l->deadlines)) && first->at <= now(l)) {
        struct job *job = list_entry(first, struct job, deadline);

        if (job->lane)
            lane_free(job->lane);
        job->lane = NULL;
        fail(l, job, "no answer in time");
    }
    serve_waiting(l);
    if (!l->closing)
        arm(l);
}

/* --- requests -------------------------------------------------------------------------------- */

/* Headers with which the sender takes HTTP into his own hands. */
static bool is_special(const char *name)
{
    static const char *const special[] = {
        "Accept", "Connection", "Content-Length",    "Expect", "Host",
        "TE",     "Trailer",    "Transfer-Encoding", "Upgrade"};

    for (size_t i = 0; i < sizeof special / sizeof *special; i++) {
        if ((name[0] | 32) == (special[i][0] | 32) && strcasecmp(name, special[i]) == 0)
            return true;
    }
    return false;
}

bool lanes_serve(const struct lanes *l, const struct http_message *m)
{
    size_t n = l->origin ? strlen(l->origin) : 0;

    if (!n || strncmp(m->url, l->origin, n) != 0 || (m->url[n] && !strchr("/?#", m->url[n])))
        return false;
    for (const char *at = m->url; *at; at++) {
        if (*at <= ' ' || *at >= 0x7F)
            return false;
    }
    for (size_t i = 0; i < m->nheaders; i++) {
        if (is_special(m->headers[i].name))
            return false;
    }
    return m->verb[strspn(m->verb, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] == '\0';
}

int lanes_send(struct lanes *l, uint64_t id, const struct http_message *request, int64_t timeout_ms)
{
    struct job *job = new_job(l);
    int err;

    if (!job)
        return ERR_NOMEM;
    job->id = id;
    job->lane = NULL;
    job->forgotten = false;
    job->bodiless = strcmp(request->verb, "HEAD") == 0;
    err = encode(l, &job->out, request);
    if (!err)
        err = heap_put(&l->deadlines, &job->deadline, now(l) + (timeout_ms > 1 ? timeout_ms : 1));
    list_append(&l->jobs, &job->link);
    if (!err)
        err = assign(l, job);
    if (err)
        drop(l, job);
    else
        arm(l);
    return err;
}

bool lanes_cancel(struct lanes *l, uint64_t id)
{
    struct list *lists[] = {&l->jobs, &l->waiting}, *it, *tmp;

    for (size_t i = 0; i < 2; i++) {
        list_each (it, tmp, lists[i]) {
            struct job *job = list_entry(it, struct job, link);

            if (job->id != id || job->forgotten)
                continue;
            if (job->sent) {
                job->forgotten = true;
                return true;
            }
            if (job->lane)
                job->lane->job = NULL; /* the lane will be of use to another */
            drop(l, job);
            return true;
        }
    }
    return false;
}

/* --- life ------------------------------------------------------------------------------------ */

int lanes_init(struct lanes *l, struct sockets *s, const struct http_client_config *cfg)
{
    struct list *lists[] = {&l->connecting, &l->busy, &l->idle, &l->jobs, &l->waiting, &l->spare};
    const char *url = cfg->service;
    size_t n;

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        list_init(lists[i]);
    l->sockets = s;
    l->cfg = *cfg;
    l->armed = INT64_MAX;
    if (!url || cfg->http2 || cfg->pin)
        return 0;
    /* Towards a plain address of another machine a proxy may be in between, which wants to be asked
     * in its own way: curl knows how. */
    l->secure = strncmp(url, "https://", 8) == 0;
    if (!l->secure && !(strncmp(url, "http://", 7) == 0 && url_is_loopback(url)))
        return 0;
    n = (size_t)(strstr(url, "://") - url) + 3;
    n += strcspn(url + n, "/?#");
    l->origin = strndup(url, n);
    if (!l->origin)
        return ERR_NOMEM;
    uv_timer_init(s->loop, &l->timer);
    l->timer.data = l;
    sockets_hold(s);
    return 0;
}

static void free_lanes(struct list *lanes)
{
    struct list *it, *tmp;

    list_each (it, tmp, lanes)
        lane_free(list_entry(it, struct lane, link));
}

static void free_jobs(struct list *jobs)
{
    struct list *it, *tmp;

    list_each (it, tmp, jobs) {
        list_remove(it);
        job_free(list_entry(it, struct job, link));
    }
}

static void on_timer_closed(uv_handle_t *h)
{
    sockets_let_go(((struct lanes *)h->data)->sockets);
}

void lanes_fini(struct lanes *l)
{
    l->closing = true;
    if (l->origin)
        uv_close((uv_handle_t *)&l->timer, on_timer_closed);
    free_lanes(&l->connecting);
    free_lanes(&l->busy);
    free_lanes(&l->idle);
    free_jobs(&l->jobs);
    free_jobs(&l->waiting);
    free_jobs(&l->spare);
    heap_fini(&l->deadlines);
    free(l->origin);
    l->origin = NULL;
}
