#include "graph/request.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

/* Copy at most `cap` - 1 bytes, not cutting a UTF-8 character. */
static void copy(char *to, size_t cap, const char *text)
{
    size_t n = strlen(text);

    if (n >= cap) {
        n = cap - 1;
        while (n && ((unsigned char)text[n] & 0xC0) == 0x80)
            n--;
    }
    memcpy(to, text, n);
    to[n] = '\0';
}

/* limits-and-errors §5. Others may come, but a more specific one counts only if we know it. */
static bool known_code(const char *code)
{
    static const char *const codes[] = {
        "accessDenied",      "activityLimitReached", "extensionError",    "generalException",
        "invalidRange",      "invalidRequest",       "itemNotFound",      "malwareDetected",
        "nameAlreadyExists", "notAllowed",           "notSupported",      "resourceModified",
        "resyncRequired",    "serviceNotAvailable",  "syncStateNotFound", "quotaLimitReached",
        "unauthenticated",   "TooManyRequests",      "BridgeGone",        "ChatGone",
    };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (strcasecmp(codes[i], code) == 0)
            return true;
    }
    return false;
}

static const cJSON *inner_of(const cJSON *error)
{
    const cJSON *inner = json_get(error, "innerError");

    return inner ? inner : json_get(error, "innererror");
}

static void walk(const cJSON *error, char code[64], char message[256])
{
    for (bool outer = true; cJSON_IsObject(error); error = inner_of(error), outer = false) {
        const char *c = json_str(error, "code"), *m = json_str(error, "message");

        if (!outer && (!c || !known_code(c)))
            continue;
        if (c)
            copy(code, 64, c);
        if (m && *m)
            copy(message, 256, m);
    }
}

void graph_error_read(const cJSON *body, char code[64], char message[256])
{
    const cJSON *error = json_get(body, "error");
    const char *text = json_str(error, "message");
    cJSON *nested = NULL;

    code[0] = message[0] = '\0';
    if (cJSON_IsString(error)) { /* the token authority: {"error":text,"error_description":text} */
        copy(code, 64, error->valuestring);
        if (json_str(body, "error_description"))
            copy(message, 256, json_str(body, "error_description"));
        return;
    }
    walk(error, code, message);
    /* The message of the calling service can be a JSON text of its own (reference 1.6). */
    if (text && *text == '{' && json_parse(&nested, text, strlen(text), NULL) == 0) {
        const cJSON *in = json_get(nested, "error");
        const char *c = json_str(cJSON_IsObject(in) ? in : nested, "code");
        const char *m = json_str(cJSON_IsObject(in) ? in : nested, "message");

        if (c && known_code(c))
            copy(code, 64, c);
        if (m && *m)
            copy(message, 256, m);
    }
    cJSON_Delete(nested);
}

cJSON *graph_error_body(const char *code, const char *message, const char *request_id, int64_t now)
{
    cJSON *body = cJSON_CreateObject(), *error = cJSON_CreateObject();
    cJSON *inner = cJSON_CreateObject();
    time_t s = (time_t)(now / 1000);
    struct tm tm = {0};
    char date[32] = "";
    int err = body && error && inner ? 0 : ERR_NOMEM;

    if (gmtime_r(&s, &tm))
        strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm);
    if (!err)
        err = json_set_str(inner, "date", date);
    if (!err && request_id)
        err = json_set_str(inner, "request-id", request_id);
    if (!err)
        err = json_set_str(error, "code", code);
    if (!err)
        err = json_set_str(error, "message", message);
    if (!err) {
        err = json_set(error, "innerError", inner);
        inner = NULL;
    }
    if (!err) {
        err = json_set(body, "error", error);
        error = NULL;
    }
    cJSON_Delete(inner);
    cJSON_Delete(error);
    if (err) {
        cJSON_Delete(body);
        return NULL;
    }
    return body;
}
