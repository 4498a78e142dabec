/* The public listener: webhooks, and what the service fetches from us. */
#include "host/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A webhook whose answer the engine has not given yet. */
struct webhook {
    struct list link;
    uint64_t id;
    struct http_call *call;
};

#define CALLS_PATH       "/api/calls"
#define CALLBACK_KEY_MAX 64

/* Split "/api/calls[/<key>][?...]"; false when it is another path. */
static bool callback_key(const char *url, char key[CALLBACK_KEY_MAX])
{
    size_t n;

    if (strncmp(url, CALLS_PATH, strlen(CALLS_PATH)) != 0)
        return false;
    url += strlen(CALLS_PATH);
    if (*url == '/')
        url++;
    else if (*url && *url != '?')
        return false;
    n = strcspn(url, "?");
    if (n >= CALLBACK_KEY_MAX || memchr(url, '/', n))
        return false;
    memcpy(key, url, n);
    key[n] = '\0';
    return true;
}

static void refuse_webhook(struct host *s, struct http_call *call, int status)
{
    metrics_webhook(&s->metrics, status);
    answer_status(call, status);
}

static void take_webhook(struct host *s, struct http_call *call, const struct http_message *request,
                         const char *key)
{
    struct webhook *w;
    int err;

    if (!request_is_json(request)) {
        log_write(&s->log, LOG_WARN, NULL,
                  "webhook refused: its Content-Type is not application/json");
        refuse_webhook(s, call, 415);
        return;
    }
    w = malloc(sizeof *w);
    if (!w) {
        refuse_webhook(s, call, 503);
        return;
    }
    *w = (struct webhook){.id = ++s->next_webhook, .call = call};
    list_append(&s->webhooks, &w->link);
    s->metrics.webhook_began = uv_hrtime();
    err = engine_webhook(s->engine, w->id, key, http_header(request, "Authorization"),
                         request->body ? request->body : "", request->n, host_now(s));
    if (err)
        log_write(&s->log, LOG_ERROR, NULL, "webhook not taken: %s", error_name(err));
    host_pump(s);
    s->metrics.webhook_began = 0;
}

void public_answer(struct host *s, uint64_t id, const struct http_message *response)
{
    struct list *it, *next;

    metrics_webhook(&s->metrics, response->status);
    list_each (it, next, &s->webhooks) {
        struct webhook *w = list_entry(it, struct webhook, link);

        if (w->id != id)
            continue;
        http_call_answer(w->call, response);
        list_remove(&w->link);
        free(w);
        return;
    }
}

void public_forget(struct host *s)
{
    struct list *it, *next;

    list_each (it, next, &s->webhooks) {
        list_remove(it);
        free(list_entry(it, struct webhook, link));
    }
}

/* GET /prompts/<hash>/<language>/<name>.wav|.txt and /recordings/<hash>.wav: the hash alone finds
 * the file. */
static void serve_audio(struct host *s, struct http_call *call, const char *url)
{
    bool recording = strncmp(url, "/recordings/", 12) == 0;
    const char *hash = url + (recording ? 12 : 9);
    size_t n = strcspn(url, "?"), length = strcspn(hash, "/.?");
    bool text = n > 4 && strncmp(url + n - 4, ".txt", 4) == 0;
    char name[65], *path;

    if (length != 64) {
        answer_status(call, 404);
        return;
    }
    memcpy(name, hash, 64);
    name[64] = '\0';
    path = prompt_store_path(s->store,
                             recording ? STORE_RECORDING
                             : text    ? STORE_TEXT
                                       : STORE_PROMPT,
                             name);
    if (path)
        http_call_answer_file(call, path, text ? "text/plain; charset=utf-8" : "audio/wav");
    else
        answer_status(call, 404);
    free(path);
}

void public_handle(void *arg, struct http_call *call, const struct http_message *request)
{
    struct host *s = arg;
    char key[CALLBACK_KEY_MAX];
    bool get = strcmp(request->verb, "GET") == 0 || strcmp(request->verb, "HEAD") == 0;
    bool audio = strncmp(request->url, "/prompts/", 9) == 0 ||
                 strncmp(request->url, "/recordings/", 12) == 0;

    if (callback_key(request->url, key)) {
        if (strcmp(request->verb, "POST") == 0)
            take_webhook(s, call, request, key);
        else
            refuse_webhook(s, call, 405);
    } else if (audio) {
        if (get)
            serve_audio(s, call, request->url);
        else
            answer_status(call, 405);
    } else {
        answer_status(call, 404);
    }
}

/* The server refused by itself (411, 413, 431, ...): one line, as for what we refuse. */
void host_refused(void *arg, const struct http_message *request, struct http_message *response)
{
    struct host *s = arg;

    log_write(&s->log, LOG_WARN, NULL, "request refused with %d: %s %.100s", response->status,
              request->verb ? request->verb : "-", request->url ? request->url : "-");
}
