#include "host/host.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool request_is_json(const struct http_message *request)
{
    static const char json[] = "application/json";
    const char *type = http_header(request, "Content-Type");

    return type && strncasecmp(type, json, sizeof json - 1) == 0 &&
           strchr("; \t", type[sizeof json - 1]);
}

void answer_status(struct http_call *call, int status)
{
    struct http_message m = {.status = status};

    http_call_answer(call, &m);
}

void answer_json(struct http_call *call, int status, cJSON *body)
{
    struct http_message m = {.status = status};
    char *text = body ? json_text(body) : NULL;

    if (!text || http_set_body(&m, "application/json", text, strlen(text)))
        m.status = 500;
    http_call_answer(call, &m);
    http_fini(&m);
    free(text);
    cJSON_Delete(body);
}

void answer_error(struct http_call *call, int status, const char *code, const char *message)
{
    cJSON *body = cJSON_CreateObject(), *error = cJSON_AddObjectToObject(body, "error");

    if (json_set_str(error, "code", code) || json_set_str(error, "message", message)) {
        cJSON_Delete(body);
        body = NULL;
    }
    answer_json(call, status, body);
}

/* One line, as for what we refuse ourselves. */
void host_refused(const struct log *log, const struct http_message *request,
                  const struct http_message *response)
{
    log_write(log, LOG_WARN, NULL, "request refused with %d: %s %.100s", response->status,
              request->verb ? request->verb : "-", request->url ? request->url : "-");
}
