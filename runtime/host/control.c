#include "host/control.h"

#include "base/buf.h"
#include "base/json.h"
#include "net/http_client.h"
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reply {
    struct http_message *message;
    bool came;
    int err;
};

static void keep_response(void *arg, uint64_t id, const struct http_message *response)
{
    struct reply *r = arg;

    (void)id;
    r->came = true;
    r->err = http_copy(r->message, response);
}

/* One exchange over a loop of its own. */
static int exchange(const struct config *cfg, const struct http_message *request,
                    struct http_message *response, struct error *e)
{
    const char *certificate = config_str(cfg, "admin.cert_file");
    struct reply reply = {.message = response};
    char pin[TLS_PIN_MAX];
    struct http_client_config cc = {.max_body = 16u << 20,
                                    .pin = certificate ? pin : NULL,
                                    .done = keep_response,
                                    .arg = &reply};
    struct http_client *client = NULL;
    uv_loop_t loop;
    int err = certificate ? tls_pin(pin, certificate, e) : 0;

    if (err)
        return error_prefix(e, err, "admin.cert_file");
    if (uv_loop_init(&loop))
        return error_set(e, ERR_IO, "the event loop cannot be made");
    err = http_client_new(&client, &loop, &cc, e);
    if (!err)
        err = http_client_send(client, 1, request, 10000);
    while (!err && !reply.came)
        uv_run(&loop, UV_RUN_ONCE);
    if (!err && reply.err)
        err = error_set(e, reply.err, "no memory for the answer");
    http_client_free(client);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    return err;
}

static int build(const struct config *cfg, const char *verb, const char *path, const cJSON *body,
                 struct http_message *request, struct error *e)
{
    char *text = body ? json_text(body) : NULL;
    char *token = config_secret(cfg, "admin.token_file", e);
    struct buf url = {0}, header = {0};
    int err;

    if (!token && config_str(cfg, "admin.token_file")) {
        err = ERR_IO;
        goto out;
    }
    buf_fmt(&url, "http%s://%s%s", config_str(cfg, "admin.cert_file") ? "s" : "",
            config_str(cfg, "admin.listen"), path);
    buf_fmt(&header, "Bearer %s", token ? token : "");
    err = url.err || header.err || (body && !text) ? ERR_NOMEM : 0;
    if (!err)
        err = http_request_init(request, verb, url.p);
    if (!err && token)
        err = http_set_header(request, "Authorization", header.p);
    if (!err && text)
        err = http_set_body(request, "application/json", text, strlen(text));
    if (err)
        error_set(e, err, "the request cannot be made: %s", error_name(err));
out:
    buf_fini(&url);
    buf_fini(&header);
    free(token);
    free(text);
    return err;
}

int control_request(const struct config *cfg, const char *verb, const char *path, const cJSON *body,
                    cJSON **answer, struct error *e)
{
    struct http_message request = {0}, response = {0};
    const char *listen = config_str(cfg, "admin.listen");
    cJSON *json = NULL;
    int err = build(cfg, verb, path, body, &request, e);

    if (!err)
        err = exchange(cfg, &request, &response, e);
    if (!err && !response.status)
        err = error_set(e, ERR_IO, "no service answers at %s (%s); is `ivory serve` running?",
                        listen, response.body ? response.body : "no reason");
    if (!err)
        err = json_parse(&json, response.body ? response.body : "{}",
                         response.body ? response.n : 2, e);
    if (!err && response.status >= 300) {
        const char *message = json_str(json_get(json, "error"), "message");
        err = error_set(e, ERR_INVALID, "%s", message ? message : "the service refused");
    }
    if (!err) {
        *answer = json;
        json = NULL;
    }
    cJSON_Delete(json);
    http_fini(&request);
    http_fini(&response);
    return err;
}
