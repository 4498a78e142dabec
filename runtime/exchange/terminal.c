#include "exchange/terminal.h"

#include "base/buf.h"
#include "base/http.h"
#include "base/json.h"
#include "net/http_client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { PAUSE_MS = 2000, SETTLE_MS = 500, POLL_MS = 60000, REQUEST_MS = 10000, QUEUE = 256 };

/* What a request to the exchange was for. */
enum purpose { ASK_BEGIN = 1, ASK_EVENTS, ASK_TEXT, ASK_ACT };

struct terminal {
    const struct terminal_config *cfg;
    struct error *e;
    uv_loop_t loop;
    struct http_client *client;
    uv_poll_t keyboard;
    uv_timer_t pause;
    uv_signal_t leave; /* SIGTERM, as if q were pressed: the terminal must not stay raw */
    bool polling;      /* the input can wait for keys; a plain file is read when they are wanted */
    bool eof, pausing;
    struct termios saved;
    bool raw;
    char line[64]; /* the line whose events are followed; a registration until it rings */
    bool registered, connected, done;
    int64_t after;    /* number of the last event seen     */
    char keys[QUEUE]; /* typed, not yet acted on           */
    size_t nkeys;
    unsigned acting; /* requests under way that act       */
    cJSON *events;   /* the rest of a batch, held back while a prompt's words are fetched */
    char *showing;   /* name of that prompt               */
    int err;
};

/* --- showing ---------------------------------------------------------------------------------- */

static void show(struct terminal *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void show(struct terminal *t, const char *fmt, ...)
{
    char text[2048];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text - 3, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    if (n > (int)sizeof text - 4)
        n = sizeof text - 4;
    while (n && strchr(" \r\n", text[n - 1]))
        n--;
    for (int i = 0; i < n; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 127)
            text[i] = ' '; /* what comes over the line must not move the cursor */
    }
    memcpy(text + n, t->raw ? "\r\n" : "\n", t->raw ? 2 : 1);
    n += t->raw ? 2 : 1;
    for (ssize_t done, at = 0; at<n; at += done> 0 ? done : 0) {
        done = write(t->cfg->out, text + at, (size_t)(n - at));
        if (done < 0 && errno != EINTR) {
            t->done = true;
            return;
        }
    }
}

static void fail(struct terminal *t, const char *what, const char *why)
{
    if (!t->err)
        t->err = error_set(t->e, ERR_IO, "%s at %s: %s; is `ivory serve` running?", what,
                           t->cfg->exchange, why ? why : "no answer");
    t->done = true;
}

/* --- asking the exchange ------------------------------------------------------------------------
 */

static void ask(struct terminal *t, enum purpose purpose, const char *verb, const char *path,
                const char *body, int64_t timeout_ms)
{
    struct http_message m = {0};
    struct buf url = {0};
    int err;

    if (path[0] == '/')
        buf_fmt(&url, "http://%s%s", t->cfg->exchange, path);
    else
        buf_str(&url, path);
    err = url.err ? url.err : http_request_init(&m, verb, url.p);
    if (!err && body)
        err = http_set_body(&m, "application/json", body, strlen(body));
    if (!err)
        err = http_client_send(t->client, purpose, &m, timeout_ms);
    if (err)
        fail(t, "the exchange", error_name(err));
    else if (purpose == ASK_ACT)
        t->acting++;
    http_fini(&m);
    buf_fini(&url);
}

static void ask_events(struct terminal *t)
{
    char path[160];

    snprintf(path, sizeof path, "/phone/v1/lines/%s/events?after=%lld", t->line,
             (long long)t->after);
    ask(t, ASK_EVENTS, "GET", path, NULL, POLL_MS);
}

static void act(struct terminal *t, const char *what, const char *body)
{
    char path[160];

    snprintf(path, sizeof path, "/phone/v1/lines/%s/%s", t->line, what);
    ask(t, ASK_ACT, "POST", path, body, REQUEST_MS);
}

static void begin(struct terminal *t)
{
    const struct terminal_config *c = t->cfg;
    cJSON *body = cJSON_CreateObject();
    char *text;
    int err;

    if (c->answer)
        err = json_set_str(body, "address", c->answer) || json_set_int(body, "auto_answer", 1);
    else
        err = json_set_str(body, "from", c->from) || json_set_str(body, "to", c->to);
    text = err ? NULL : json_text(body);
    if (text)
        ask(t, ASK_BEGIN, "POST", c->answer ? "/phone/v1/lines" : "/phone/v1/calls", text,
            REQUEST_MS);
    else
        fail(t, "the exchange", "out of memory");
    free(text);
    cJSON_Delete(body);
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static void take_keys(struct terminal *t);

static void on_pause(uv_timer_t *timer)
{
    struct terminal *t = timer->data;

    t->pausing = false;
    take_keys(t);
}

static void wait_with_keys(struct terminal *t, unsigned ms)
{
    t->pausing = true;
    uv_timer_start(&t->pause, on_pause, ms, 0);
}

static void press(struct terminal *t, char key)
{
    char body[32];

    snprintf(body, sizeof body, "{\"keys\":\"%c\"}", key);
    show(t, "pressed %c", key);
    act(t, "keys", body);
}

/* Act on one typed character; false when it has to wait for the call. */
static bool take_key(struct terminal *t, char c)
{
    if (c == 'q' || c == 3 || c == 4) { /* also ^C and ^D of a raw terminal */
        if (t->line[0])
            act(t, "hangup", NULL);
        if (!t->connected)
            t->done = !t->acting || t->registered;
        return true;
    }
    if (c == 'p' || c == 'r') {
        act(t, c == 'p' ? "pickup" : "refuse", c == 'r' ? "{\"code\":486}" : NULL);
        return true;
    }
    if (!strchr("0123456789*#ABCDabcd,", c) || !c)
        return true;
    if (!t->connected)
        return false;
    if (c == ',')
        wait_with_keys(t, PAUSE_MS);
    else
        press(t, (char)(c >= 'a' && c <= 'd' ? c - 'a' + 'A' : c));
    return true;
}

static void on_keyboard(uv_poll_t *poll, int status, int events);

/* What is there to read is read; what finds no room waits where it is. */
static void read_keys(struct terminal *t)
{
    ssize_t n = read(t->cfg->in, t->keys + t->nkeys, QUEUE - t->nkeys);

    if (n > 0)
        t->nkeys += (size_t)n;
    else if (n == 0 || errno != EINTR)
        t->eof = true;
    if (t->polling && (t->eof || t->nkeys == QUEUE))
        uv_poll_stop(&t->keyboard);
}

/* One after the other: the next key is sent when the one before has been taken. */
static void take_keys(struct terminal *t)
{
    while (!t->pausing && !t->acting && !t->done) {
        if (!t->nkeys && !t->polling && !t->eof)
            read_keys(t);
        if (!t->nkeys || !take_key(t, t->keys[0]))
            return;
        memmove(t->keys, t->keys + 1, --t->nkeys);
        if (t->polling && !t->eof && t->nkeys == QUEUE - 1)
            uv_poll_start(&t->keyboard, UV_READABLE, on_keyboard);
    }
}

static void on_keyboard(uv_poll_t *poll, int status, int events)
{
    struct terminal *t = poll->data;

    (void)status, (void)events;
    read_keys(t);
    take_keys(t);
}

static void on_leave(uv_signal_t *signal, int number)
{
    struct terminal *t = signal->data;

    (void)number;
    take_key(t, 'q');
}

/* --- events -------------------------------------------------------------------------------------
 */

/* "…/prompts/<hash>/<language>/<name>.wav" → name, taken over; other addresses as they are. */
static char *prompt_name(const char *url)
{
    const char *slash = strrchr(url, '/'), *dot = strrchr(url, '.');

    if (strstr(url, "/recordings/"))
        return strdup("a recording");
    if (!slash || !dot || dot < slash)
        return strdup(url);
    return strndup(slash + 1, (size_t)(dot - slash) - 1);
}

static void show_state(struct terminal *t, const cJSON *event)
{
    const char *state = json_str(event, "state"), *with = json_str(event, "with");
    const cJSON *result = json_get(event, "result");
    const char *message = json_str(result, "message");

    if (!state)
        return;
    if (strcmp(state, "ended") == 0) {
        show(t, "ended: %lld/%lld %s", (long long)json_int(result, "code", 0),
             (long long)json_int(result, "subcode", 0), message ? message : "");
        t->done = true;
        return;
    }
    show(t, "%s%s%s", state, with ? " with " : "", with ? with : "");
    if (strcmp(state, "connected") == 0 && !t->connected) {
        t->connected = true;
        if (!t->raw) /* faster than any finger: the far end has yet to listen for keys */
            wait_with_keys(t, SETTLE_MS);
    }
}

/* A prompt begins: its words are fetched from beside it, and shown with its name. True when they
 * are on the way. */
static bool show_play(struct terminal *t, const cJSON *event)
{
    const char *url = json_str(event, "url");
    size_t n = url ? strlen(url) : 0;
    struct buf text = {0};

    if (!url || !(t->showing = prompt_name(url)))
        return false;
    if (!strstr(url, "/prompts/") || n < 4 || strcmp(url + n - 4, ".wav") != 0) {
        show(t, "plays %s", t->showing);
        free(t->showing);
        t->showing = NULL;
        return false;
    }
    buf_add(&text, url, n - 4);
    buf_str(&text, ".txt");
    if (!text.err)
        ask(t, ASK_TEXT, "GET", text.p, NULL, REQUEST_MS);
    buf_fini(&text);
    return true;
}

/* Follow the line that rings; its registration has done its part. */
static void ring(struct terminal *t, const cJSON *event)
{
    const char *line = json_str(event, "line");

    if (!line)
        return;
    show(t, "rings");
    snprintf(t->line, sizeof t->line, "%s", line);
    t->registered = false;
    t->after = 0;
    cJSON_Delete(t->events);
    t->events = NULL;
}

/* Show one event; true when the rest has to wait. */
static bool take_event(struct terminal *t, const cJSON *event)
{
    const char *kind = json_str(event, "kind");

    t->after = json_int(event, "n", t->after);
    if (!kind)
        return false;
    if (strcmp(kind, "ring") == 0 && t->registered)
        ring(t, event);
    else if (strcmp(kind, "state") == 0)
        show_state(t, event);
    else if (strcmp(kind, "play") == 0)
        return show_play(t, event);
    else if (strcmp(kind, "stop") == 0)
        show(t, json_bool(event, "completed", true) ? "done" : "stopped");
    else if (strcmp(kind, "record") == 0)
        show(t, "records%s", json_bool(event, "beep", false) ? " after the beep" : "");
    else if (strcmp(kind, "tones") == 0)
        show(t, "hears keys %s", json_str(event, "tones") ? json_str(event, "tones") : "");
    return false;
}

static void take_events(struct terminal *t)
{
    while (!t->done && cJSON_GetArraySize(t->events)) {
        cJSON *event = cJSON_DetachItemFromArray(t->events, 0);
        bool wait = take_event(t, event);

        cJSON_Delete(event);
        if (wait)
            return;
    }
    cJSON_Delete(t->events);
    t->events = NULL;
    take_keys(t);
    if (!t->done)
        ask_events(t);
}

/* --- answers ------------------------------------------------------------------------------------
 */

static void on_begin(struct terminal *t, const cJSON *body)
{
    const char *line = json_str(body, "line");

    if (!line) {
        fail(t, "the exchange", "an answer without a line");
        return;
    }
    snprintf(t->line, sizeof t->line, "%s", line);
    t->registered = t->cfg->answer != NULL;
    if (t->registered)
        show(t, "waits at %s; q leaves", t->cfg->answer);
    else
        show(t, "calls %s; keys 0-9 * #, q hangs up", t->cfg->to);
    ask_events(t);
}

static void on_text(struct terminal *t, const struct http_message *response)
{
    bool good = response->status == 200 && response->body;

    show(t, good ? "plays %s: %s" : "plays %s%s", t->showing, good ? response->body : "");
    free(t->showing);
    t->showing = NULL;
    take_events(t);
}

static const char *reason(const struct http_message *response, const cJSON *body)
{
    const char *message = json_str(json_get(body, "error"), "message");

    if (!response->status)
        return response->body;
    return message ? message : "refused";
}

static void on_response(void *arg, uint64_t id, const struct http_message *response)
{
    struct terminal *t = arg;
    cJSON *body = NULL;

    if (id == ASK_TEXT) {
        on_text(t, response);
        return;
    }
    if (response->body)
        json_parse(&body, response->body, response->n, NULL);
    if (id == ASK_ACT)
        t->acting--;
    if (!response->status || (response->status >= 300 && id != ASK_ACT)) {
        fail(t, "the exchange", reason(response, body));
    } else if (id == ASK_BEGIN) {
        on_begin(t, body);
    } else if (id == ASK_EVENTS) {
        t->events = body;
        body = NULL;
        take_events(t);
    } else if (response->status >= 300) {
        show(t, "not done: %s", reason(response, body));
    }
    if (id == ASK_ACT)
        take_keys(t);
    cJSON_Delete(body);
}

/* --- beginning and end --------------------------------------------------------------------------
 */

/* Single keys at once, without echo, when the input is a terminal. */
static void raw_mode(struct terminal *t)
{
    struct termios raw;

    if (!isatty(t->cfg->in) || tcgetattr(t->cfg->in, &t->saved))
        return;
    raw = t->saved;
    raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
    t->raw = tcsetattr(t->cfg->in, TCSANOW, &raw) == 0;
}

/* Watch the input. libuv makes it non-blocking, which would outlive us in the shell that shares it
 * and cut our own output short; nothing is read before it is there, so that is undone. */
static void open_keyboard(struct terminal *t)
{
    int flags = fcntl(t->cfg->in, F_GETFL);

    t->polling = uv_poll_init(&t->loop, &t->keyboard, t->cfg->in) == 0;
    if (!t->polling)
        return;
    if (flags >= 0)
        fcntl(t->cfg->in, F_SETFL, flags);
    t->keyboard.data = t;
    uv_poll_start(&t->keyboard, UV_READABLE, on_keyboard);
}

int terminal_run(const struct terminal_config *cfg, struct error *e)
{
    struct terminal t = {.cfg = cfg, .e = e};
    struct http_client_config cc = {.max_body = 1u << 20, .done = on_response, .arg = &t};
    int err;

    if (uv_loop_init(&t.loop))
        return error_set(e, ERR_IO, "the event loop cannot be made");
    uv_timer_init(&t.loop, &t.pause);
    uv_signal_init(&t.loop, &t.leave);
    t.pause.data = t.leave.data = &t;
    err = http_client_new(&t.client, &t.loop, &cc, e);
    if (!err) {
        uv_signal_start(&t.leave, on_leave, SIGTERM);
        open_keyboard(&t);
        raw_mode(&t);
        begin(&t);
        while (!t.done)
            uv_run(&t.loop, UV_RUN_ONCE);
        if (t.raw)
            tcsetattr(cfg->in, TCSANOW, &t.saved);
    }
    http_client_free(t.client);
    if (t.polling)
        uv_close((uv_handle_t *)&t.keyboard, NULL);
    uv_close((uv_handle_t *)&t.pause, NULL);
    uv_close((uv_handle_t *)&t.leave, NULL);
    uv_run(&t.loop, UV_RUN_DEFAULT);
    uv_loop_close(&t.loop);
    cJSON_Delete(t.events);
    free(t.showing);
    return err ? err : t.err;
}
