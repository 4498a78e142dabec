#include "host/mocks.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* `*` in `pattern` stands for any run of bytes. */
static bool matches(const char *pattern, const char *text)
{
    const char *star = NULL, *back = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            back = text;
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = ++back;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static int check(const cJSON *mock, struct error *e)
{
    const cJSON *item;

    if (!json_str(mock, "url"))
        return error_set(e, ERR_INVALID, "url: missing, or not text");
    cJSON_ArrayForEach (item, mock) {
        const char *k = item->string ? item->string : "";
        bool text = !strcmp(k, "url") || !strcmp(k, "method") || !strcmp(k, "body");
        bool number = !strcmp(k, "status") || !strcmp(k, "delay");

        if (!text && !number && strcmp(k, "headers") != 0 && strcmp(k, "json") != 0)
            return error_set(e, ERR_INVALID, "%s: unknown", k);
        if (text && !cJSON_IsString(item))
            return error_set(e, ERR_INVALID, "%s: not text", k);
        if (number && !(cJSON_IsNumber(item) && item->valuedouble >= 0))
            return error_set(e, ERR_INVALID, "%s: not a number", k);
    }
    return 0;
}

static int append(cJSON **list, cJSON *item)
{
    if (!*list)
        *list = cJSON_CreateArray();
    if (item && *list && cJSON_AddItemToArray(*list, item))
        return 0;
    cJSON_Delete(item);
    return ERR_NOMEM;
}

int mocks_add(struct mocks *m, cJSON *mock, struct error *e)
{
    int rc = check(mock, e);

    if (rc < 0) {
        cJSON_Delete(mock);
        return rc;
    }
    if (append(&m->answers, mock) < 0)
        return error_set(e, ERR_NOMEM, "no memory");
    return 0;
}

static int remember(struct mocks *m, const struct http_message *request)
{
    cJSON *item = cJSON_CreateObject(), *headers = cJSON_CreateObject(), *parsed = NULL;
    int rc = json_set_str(item, "method", request->verb);

    for (size_t i = 0; rc == 0 && i < request->nheaders; i++)
        rc = json_set_str(headers, request->headers[i].name, request->headers[i].value);
    if (rc == 0)
        rc = json_set_str(item, "url", request->url);
    if (rc == 0 && request->body)
        rc = json_set_str(item, "body", request->body);
    if (rc == 0 && request->body && json_parse(&parsed, request->body, request->n, NULL) == 0)
        rc = json_set(item, "json", parsed);
    if (rc == 0) {
        rc = json_set(item, "headers", headers);
        headers = NULL;
    }
    cJSON_Delete(headers);
    if (rc < 0) {
        cJSON_Delete(item);
        return rc;
    }
    return append(&m->requests, item);
}

static const cJSON *find(const struct mocks *m, const struct http_message *request)
{
    const cJSON *item, *found = NULL;

    cJSON_ArrayForEach (item, m->answers) {
        const char *method = json_str(item, "method");

        if ((!method || strcasecmp(method, request->verb) == 0) &&
            matches(json_str(item, "url"), request->url))
            found = item;
    }
    return found;
}

static int fill(const cJSON *mock, struct http_message *out)
{
    const cJSON *json = cJSON_GetObjectItemCaseSensitive(mock, "json"), *header;
    const char *body = json_str(mock, "body");
    char *text = json ? json_canonical(json) : NULL;
    int rc = json && !text ? ERR_NOMEM : 0;

    out->status = (int)json_int(mock, "status", 200);
    if (rc == 0 && text)
        rc = http_set_body(out, "application/json", text, strlen(text));
    else if (rc == 0 && body)
        rc = http_set_body(out, "text/plain", body, strlen(body));
    cJSON_ArrayForEach (header, json_get(mock, "headers")) {
        if (rc == 0 && cJSON_IsString(header) && header->string)
            rc = http_set_header(out, header->string, header->valuestring);
    }
    free(text);
    return rc;
}

int mocks_answer(struct mocks *m, const struct http_message *request, struct http_message *out,
                 int64_t *delay_ms)
{
    const cJSON *mock = find(m, request), *delay = json_get(mock, "delay");
    char why[256];
    int rc = remember(m, request);

    memset(out, 0, sizeof *out);
    *delay_ms = delay ? (int64_t)(delay->valuedouble * 1000) : 0;
    if (rc == 0 && mock)
        rc = fill(mock, out);
    if (rc == 0 && !mock) {
        snprintf(why, sizeof why, "no mock for %s %s", request->verb, request->url);
        rc = http_set_body(out, "text/plain", why, strlen(why));
    }
    if (rc < 0)
        http_fini(out);
    return rc;
}

cJSON *mocks_requests(const struct mocks *m, const char *pattern)
{
    cJSON *out = cJSON_CreateArray();
    const cJSON *item;

    cJSON_ArrayForEach (item, m->requests) {
        cJSON *copy;

        if (!out || (pattern && !matches(pattern, json_str(item, "url"))))
            continue;
        copy = json_copy(item);
        if (!copy || !cJSON_AddItemToArray(out, copy)) {
            cJSON_Delete(copy);
            cJSON_Delete(out);
            return NULL;
        }
    }
    return out;
}

void mocks_fini(struct mocks *m)
{
    cJSON_Delete(m->answers);
    cJSON_Delete(m->requests);
    m->answers = m->requests = NULL;
}
