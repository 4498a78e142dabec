#include "graph/request.h"

#include "base/json.h"
#include "graph/normalise.h"
#include "graph/notify.h"

#include <stdio.h>
#include <string.h>

/* A code for an answer that brought none (limits-and-errors §5 has the words). */
static const char *code_of(int status)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {{0, "noAnswer"},          {400, "invalidRequest"},
                 {401, "unauthenticated"}, {403, "accessDenied"},
                 {404, "itemNotFound"},    {405, "notAllowed"},
                 {409, "notAllowed"},      {429, "TooManyRequests"},
                 {501, "notSupported"},    {503, "serviceNotAvailable"}};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i].status == status)
            return codes[i].code;
    }
    return "generalException";
}

/* {"error":{code,message}} from whatever text came, its start at least and only what is text. */
static cJSON *error_of(const struct http_message *response)
{
    char message[201];
    size_t n = 0;
    cJSON *body = cJSON_CreateObject(), *error = cJSON_CreateObject();
    int err = body && error ? 0 : ERR_NOMEM;

    for (size_t i = 0; i < response->n && n + 1 < sizeof message; i++) {
        char ch = response->body[i];
        message[n++] = ch >= ' ' && ch < 127 ? ch : ' ';
    }
    message[n] = '\0';
    if (!n)
        snprintf(message, sizeof message, "HTTP status %d", response->status);
    if (!err)
        err = json_set_str(error, "code", code_of(response->status));
    if (!err)
        err = json_set_str(error, "message", message);
    if (!err) {
        err = json_set(body, "error", error);
        error = NULL;
    }
    cJSON_Delete(error);
    if (err) {
        cJSON_Delete(body);
        return NULL;
    }
    return body;
}

/* Which operation or call the answer is about: its own id, else the last part of Location. */
static void set_id(struct event *ev, const struct method *m, const struct http_message *response)
{
    const char *location = http_header(response, "Location");
    char call[ID_MAX], collection[32], id[ID_MAX];
    bool create = strcmp(m->name, "create") == 0;

    if (!create && m->completes != COMPLETES_OPERATION)
        return;
    if (!id_normalise(ev->id, json_str(ev->data, "id"))) {
        ev->id[0] = '\0';
        if (location && notify_resource(location, call, collection, id))
            memcpy(ev->id, create ? call : id, ID_MAX);
    }
    if (create)
        memcpy(ev->call_id, ev->id, ID_MAX);
}

/* Of what type the body is, or what its `value` lists. */
static const char *type_of(const struct method *m)
{
    static const struct {
        const char *method, *type;
    } types[] = {{"listParticipants", "participant"},
                 {"createAudioRoutingGroup", "audioRoutingGroup"},
                 {"listAudioRoutingGroups", "audioRoutingGroup"},
                 {"listContentSharingSessions", "contentSharingSession"},
                 {"listOperations", "commsOperation"},
                 {"operation.get", "commsOperation"}};

    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(types[i].method, m->name) == 0)
            return types[i].type;
    }
    if (m->operation)
        return m->operation;
    return type_find(m->object) ? m->object : "call";
}

int request_answer(const struct command *c, const struct http_message *response, struct event *out)
{
    const struct method *m = c->method ? method_find(c->method) : NULL;
    bool good = response->status >= 200 && response->status < 300;
    cJSON *body = NULL;
    int err = 0;

    *out = (struct event){.kind = EVENT_ANSWER, .leg = c->leg, .seq = c->seq};
    memcpy(out->key, c->key, sizeof out->key);
    out->status = response->status;
    if (response->n && response->status)
        err = json_parse(&body, response->body, response->n, NULL);
    if (body && (!cJSON_IsObject(body) || (!good && !cJSON_IsObject(json_get(body, "error"))))) {
        cJSON_Delete(body);
        body = NULL;
    }
    if (!body && !good) {
        body = error_of(response);
        err = body ? 0 : ERR_NOMEM;
    } else {
        err = 0;
    }
    if (!err && good && body && m) {
        cJSON *list = json_get(body, "value");
        err = normalise(list ? list : body, type_of(m));
    }
    if (err) {
        cJSON_Delete(body);
        return err;
    }
    out->data = body;
    if (good && m)
        set_id(out, m, response);
    return 0;
}
