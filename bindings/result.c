/* From an ended request to what the method returns, or raises. */
#include "base/json.h"
#include "bindings/internal.h"
#include "core/luajson.h"

#include <string.h>
#include <strings.h>

static bool says(const cJSON *body, const char *name, const char *value)
{
    const char *s = json_str(body, name);

    return s && strcasecmp(s, value) == 0;
}

/* Whether the operation did what was asked (reference §3.11, §3.12). */
static bool succeeded(const struct request *r, const struct method *m)
{
    const char *reason = json_str(r->body, "completionReason");
    const char *location = json_str(r->body, "recordingLocation");

    if (r->cancelled || says(r->body, "status", "failed"))
        return false;
    if (strcmp(m->name, "recordResponse") == 0)
        return location && location[0];
    return !reason || strcasecmp(reason, "completedSuccessfully") == 0;
}

/* Failures are raised: of everything but play and record, and of those when the service broke. What
 * a caller can bring about (silence, a key, a cancelled prompt) is a result. */
static bool is_failure(const struct request *r, const struct method *m)
{
    return says(r->body, "status", "failed") && !r->cancelled &&
           (!m->media || json_int(json_get(r->body, "resultInfo"), "code", 0) >= 500);
}

static int raise_operation(lua_State *L, const struct request *r, const struct method *m)
{
    const cJSON *info = json_get(r->body, "resultInfo");
    struct raise x = {.code = "operationFailed", .method = m->name};

    x.status = (int)json_int(info, "code", 0);
    x.subcode = (int)json_int(info, "subcode", 0);
    x.message = json_str(info, "message");
    return raise_error(L, &x);
}

/* result:download([options]): upvalue 1 = the leg's object. */
static int download(lua_State *L)
{
    const struct method *m = method_find("recording.download");
    struct leg *leg = object_leg(L, lua_upvalueindex(1), "call");
    struct fiber *f = fiber_need(L, "download");
    static const struct request_spec spec = {
        .method = "recording.download", .completes = REQUEST_ANSWER, .outlives = true};
    struct request_spec mine = spec;
    const char *url, *token;
    struct request *r;
    char where[WHERE_MAX];
    cJSON *ids;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 2);
    lua_getfield(L, 1, "recordingLocation");
    lua_getfield(L, 1, "recordingAccessToken");
    url = lua_tostring(L, -2);
    token = lua_tostring(L, -1);
    if (!url || !url[0]) {
        struct raise x = {.code = "noRecording",
                          .method = "download",
                          .message = "there is nothing to download: the result is not ok"};
        return raise_error(L, &x);
    }
    if (f->call->muted)
        return raise_hangup(L, leg, "download");
    mine.about = m;
    sandbox_where(L, where, sizeof where);
    ids = cJSON_CreateObject();
    if (!ids || json_set_str(ids, "url", url) || (token && json_set_str(ids, "token", token))) {
        cJSON_Delete(ids);
        return luaL_error(L, "not enough memory");
    }
    if (request_new(&r, leg, &mine, f, where, ids, NULL))
        return luaL_error(L, "download: not enough memory, or too many methods pending");
    return method_wait(L, r, timeout_option(L, 2, "download"), true);
}

static int push_operation(lua_State *L, struct request *r, const struct method *m)
{
    luaL_checkstack(L, 6, NULL);
    if (r->body)
        luajson_push(L, r->body, false);
    else
        lua_newtable(L);
    lua_pushboolean(L, succeeded(r, m));
    lua_setfield(L, -2, "ok");
    if (r->op_id[0] && !json_str(r->body, "id")) {
        lua_pushstring(L, r->op_id);
        lua_setfield(L, -2, "id");
    }
    if (strcmp(m->name, "recordResponse") == 0) {
        object_push(L, r->leg, "call", NULL);
        lua_pushcclosure(L, download, 1);
        lua_setfield(L, -2, "download");
    }
    return 1;
}

int result_push(lua_State *L, struct request *r)
{
    const struct method *m = r->spec.about;

    if (r->failed) {
        struct raise x = {.code = r->code,
                          .status = r->status >= 300 || r->status < 200 ? r->status : 0,
                          .subcode = r->subcode,
                          .message = r->message,
                          .method = m ? m->name : "http"};
        return raise_error(L, &x);
    }
    if (m->completes == COMPLETES_OPERATION) {
        if (is_failure(r, m))
            return raise_operation(L, r, m);
        return push_operation(L, r, m);
    }
    if (m->completes == COMPLETES_ANSWER && r->body)
        luajson_push(L, r->body, false);
    else
        lua_pushboolean(L, true);
    return 1;
}
