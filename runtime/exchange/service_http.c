#include "base/buf.h"
#include "base/json.h"
#include "exchange/reply.h"
#include "exchange/service_state.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void refuse(struct exchange_service *s, struct http_call *call,
                   const struct http_message *request, int status, const char *message)
{
    log_write(s->cfg.log, LOG_INFO, NULL, "exchange: %s %.100s: %d %s", request->verb, request->url,
              status, message);
    reply_error(call, status, reply_code(status), message, service_now());
}

/* --- tokens and keys ------------------------------------------------------------------------- */

static void openid(struct exchange_service *s, struct http_call *call)
{
    cJSON *body = cJSON_CreateObject(), *algorithms = cJSON_CreateArray();
    struct buf jwks = {0};
    bool bad;

    buf_fmt(&jwks, "%s/v1/.well-known/keys", s->url);
    bad = !algorithms || !cJSON_AddItemToArray(algorithms, cJSON_CreateString("RS256"));
    if (bad) {
        cJSON_Delete(algorithms);
        algorithms = NULL;
    }
    bad = !body || bad || jwks.err ||
          json_set_str(body, "issuer", "https://api.botframework.com") ||
          json_set_str(body, "jwks_uri", jwks.p);
    if (bad)
        cJSON_Delete(algorithms);
    else
        bad = json_set(body, "id_token_signing_alg_values_supported", algorithms);
    buf_fini(&jwks);
    if (bad) {
        cJSON_Delete(body);
        body = NULL;
    }
    reply_json(call, 200, body);
}

static void grant(struct exchange_service *s, struct http_call *call,
                  const struct http_message *request)
{
    struct http_message response = {0};

    if (access_grant(&s->access, request, service_now(), &response))
        response.status = 500;
    if (response.status != 200)
        log_write(s->cfg.log, LOG_INFO, NULL, "exchange: no token given: %s",
                  response.body ? response.body : "out of memory");
    http_call_answer(call, &response);
    http_fini(&response);
}

/* --- the API --------------------------------------------------------------------------------- */

static bool is_json(const struct http_message *m)
{
    const char *type = http_header(m, "Content-Type");
    size_t n = type ? strcspn(type, "; ") : 0;

    return n == 16 && strncasecmp(type, "application/json", n) == 0;
}

static void api(struct exchange_service *s, struct http_call *call,
                const struct http_message *request)
{
    bool recording = strncmp(request->url, "/recordings/", 12) == 0;
    struct http_message response = {0};
    const char *why;
    int64_t now = service_now();

    /* A recording has a token of its own, which the switchboard knows. */
    if (!recording && !access_check(&s->access, http_header(request, "Authorization"), now, &why)) {
        refuse(s, call, request, 401, why);
        return;
    }
    if (request->n && !is_json(request)) {
        refuse(s, call, request, 415, "The body must be application/json.");
        return;
    }
    if (switchboard_request(s->board, request, now, &response)) {
        refuse(s, call, request, 500, "Out of memory.");
        return;
    }
    if (response.status >= 400)
        log_write(s->cfg.log, LOG_INFO, NULL, "exchange: %s %.100s: %d %.300s", request->verb,
                  request->url, response.status, response.body ? response.body : "");
    notifier_hold_begin(s, call, &response);
    service_pump(s);
    notifier_hold_end(s);
}

/* --- routes ---------------------------------------------------------------------------------- */

static bool is_path(const char *url, const char *path)
{
    size_t n = strlen(path);

    return strncmp(url, path, n) == 0 && strchr("?#", url[n]) != NULL;
}

/* Answers 405 when the verb is another. */
static bool verb_is(struct exchange_service *s, struct http_call *call,
                    const struct http_message *request, const char *verb)
{
    if (strcmp(request->verb, verb) == 0)
        return true;
    refuse(s, call, request, 405, "Not with this verb.");
    return false;
}

void service_request(void *arg, struct http_call *call, const struct http_message *request)
{
    struct exchange_service *s = arg;
    const char *url = request->url;

    if (strncmp(url, "/phone/v1/", 10) == 0) {
        phones_request(s->phones, call, request, service_now());
        service_pump(s);
    } else if (access_is_endpoint(url)) {
        if (verb_is(s, call, request, "POST"))
            grant(s, call, request);
    } else if (is_path(url, "/v1/.well-known/OpenIdConfiguration")) {
        if (verb_is(s, call, request, "GET"))
            openid(s, call);
    } else if (is_path(url, "/v1/.well-known/keys")) {
        if (verb_is(s, call, request, "GET"))
            reply_text(call, 200, jwt_signer_jwks(s->signer));
    } else {
        api(s, call, request);
    }
}

void service_refusal(void *arg, const struct http_message *request, struct http_message *response)
{
    struct exchange_service *s = arg;
    char message[128];

    snprintf(message, sizeof message, "%.*s",
             (int)(response->body ? strcspn(response->body, "\n") : 0),
             response->body ? response->body : "");
    log_write(s->cfg.log, LOG_INFO, NULL, "exchange: %s %.100s: %d %s",
              request->verb ? request->verb : "-", request->url ? request->url : "-",
              response->status, message);
    reply_fill_error(response, reply_code(response->status), message, service_now());
}
