#include "exchange/reply.h"

#include "base/id.h"
#include "base/json.h"
#include "base/random.h"
#include "graph/request.h"

#include <stdlib.h>
#include <string.h>

void reply_empty(struct http_call *call, int status)
{
    struct http_message m = {.status = status};

    http_call_answer(call, &m);
}

void reply_text(struct http_call *call, int status, char *text)
{
    struct http_message m = {.status = status};

    if (!text || http_set_body(&m, "application/json", text, strlen(text)))
        m.status = 500;
    http_call_answer(call, &m);
    http_fini(&m);
    free(text);
}

void reply_json(struct http_call *call, int status, cJSON *body)
{
    char *text = body ? json_text(body) : NULL;

    cJSON_Delete(body);
    reply_text(call, status, text);
}

void reply_fill_error(struct http_message *m, const char *code, const char *message, int64_t now)
{
    unsigned char bytes[16];
    char id[37], *text;
    cJSON *body;

    random_bytes(bytes, sizeof bytes);
    guid_format(id, bytes);
    body = graph_error_body(code, message, id, now);
    text = body ? json_text(body) : NULL;
    cJSON_Delete(body);
    if (text && http_set_body(m, "application/json", text, strlen(text)) == 0)
        (void)http_set_header(m, "request-id", id);
    free(text);
}

void reply_error(struct http_call *call, int status, const char *code, const char *message,
                 int64_t now)
{
    struct http_message m = {.status = status};

    reply_fill_error(&m, code, message, now);
    if (status == 401)
        (void)http_set_header(&m, "WWW-Authenticate", "Bearer");
    http_call_answer(call, &m);
    http_fini(&m);
}

const char *reply_code(int status)
{
    switch (status) {
    case 401:
        return "InvalidAuthenticationToken";
    case 403:
        return "accessDenied";
    case 404:
        return "itemNotFound";
    case 405:
        return "notAllowed";
    case 500:
        return "generalException";
    case 503:
        return "serviceNotAvailable";
    default:
        return "invalidRequest";
    }
}
