/* ivr.http: requests to other services. The driver sends them; the answer is an event. */
#include "base/id.h"
#include "base/json.h"
#include "bindings/guard.h"
#include "bindings/internal.h"
#include "core/luajson.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_DEFAULT_S = 10, TIMEOUT_MAX_S = 300 };

static bool ready(const struct fiber *f)
{
    return ((const struct request *)f->wait.object)->done;
}

static bool stop(struct fiber *f)
{
    return request_cancel(f->wait.object);
}

/* The body; one that is no text came as base64url (wire.h). */
static void push_body(lua_State *L, const cJSON *data)
{
    const char *body = json_str(data, "body"), *encoding = json_str(data, "encoding");
    size_t n = body ? strlen(body) : 0;
    luaL_Buffer b;
    long got;

    if (!encoding || strcmp(encoding, "base64url") != 0) {
        lua_pushlstring(L, body ? body : "", n);
        return;
    }
    got = base64url_decode(luaL_buffinitsize(L, &b, n), n, body, n);
    luaL_pushresultsize(&b, got > 0 ? (size_t)got : 0);
}

/* { status, headers, body, json } */
static int push_response(lua_State *L, const cJSON *data)
{
    const char *body = json_get(data, "encoding") ? NULL : json_str(data, "body");
    cJSON **json = guard_push(L);

    lua_createtable(L, 0, 4);
    lua_pushinteger(L, (lua_Integer)json_int(data, "status", 0));
    lua_setfield(L, -2, "status");
    if (json_get(data, "headers"))
        luajson_push(L, json_get(data, "headers"), false);
    else
        lua_newtable(L);
    lua_setfield(L, -2, "headers");
    push_body(L, data);
    lua_setfield(L, -2, "body");
    if (body && json_parse(json, body, strlen(body), NULL) == 0) {
        luajson_push(L, *json, true);
        lua_setfield(L, -2, "json");
    }
    guard_free(json);
    return 1;
}

static int finished(lua_State *L, struct fiber *f)
{
    struct request *r = f->wait.object;
    struct raise x = {
        .code = "timeout", .method = "http", .message = "no answer in the time given"};

    if (!r->done)
        request_cancel(r);
    else if (!r->failed)
        return push_response(L, r->body);
    else
        x = (struct raise){.code = r->code, .method = "http", .message = r->message};
    return raise_error(L, &x);
}

static bool is_http_url(const char *url)
{
    return url && (strncmp(url, "https://", 8) == 0 || strncmp(url, "http://", 7) == 0);
}

/* Complete and check what the flow asked for; `json` becomes the body. */
static int prepare(cJSON *o, struct error *e)
{
    static const char *const known[] = {"method", "url", "headers", "body", "json", "timeout"};
    cJSON *json = json_get(o, "json"), *headers = json_get(o, "headers"), *v;
    double timeout =
        json_get(o, "timeout") ? cJSON_GetNumberValue(json_get(o, "timeout")) : TIMEOUT_DEFAULT_S;
    char *text;
    int err = 0;

    cJSON_ArrayForEach (v, o) {
        size_t i = 0;
        while (i < 6 && strcmp(v->string, known[i]) != 0)
            i++;
        if (i == 6)
            return error_set(e, ERR_INVALID, "%s: unknown field", v->string);
    }
    if (!is_http_url(json_str(o, "url")))
        return error_set(e, ERR_INVALID, "url: an http or https address");
    if (!json_str(o, "method") || strspn(json_str(o, "method"), "ABCDEFGHIJKLMNOPQRSTUVWXYZ") !=
                                      strlen(json_str(o, "method")))
        return error_set(e, ERR_INVALID, "method: \"GET\", \"POST\", ...");
    if (!(timeout > 0 && timeout <= TIMEOUT_MAX_S))
        return error_set(e, ERR_INVALID, "timeout: over 0, at most %d seconds", TIMEOUT_MAX_S);
    if (headers && !cJSON_IsObject(headers))
        return error_set(e, ERR_INVALID, "headers: a table of texts");
    cJSON_ArrayForEach (v, headers)
        if (!cJSON_IsString(v) || strpbrk(v->valuestring, "\r\n") || strpbrk(v->string, "\r\n:"))
            return error_set(e, ERR_INVALID, "headers.%s: one line of text", v->string);
    if (json_get(o, "body") && (json || !json_str(o, "body")))
        return error_set(e, ERR_INVALID, "body: a string, and not beside json");
    if (!json_get(o, "timeout"))
        err = json_set(o, "timeout", cJSON_CreateNumber(timeout));
    if (!headers && !err)
        err = json_set(o, "headers", cJSON_CreateObject());
    if (json && !err) {
        text = json_text(json);
        err = text ? json_set_str(o, "body", text) : ERR_NOMEM;
        free(text);
        cJSON_DeleteItemFromObjectCaseSensitive(o, "json");
        headers = json_get(o, "headers");
        if (!err && !cJSON_GetObjectItem(headers, "content-type"))
            err = json_set_str(headers, "Content-Type", "application/json");
    }
    return err ? error_set(e, err, "not enough memory") : 0;
}

/* The request table at the top of the stack is sent. */
static int send(lua_State *L)
{
    static const struct request_spec spec = {.completes = REQUEST_ANSWER};
    struct fiber *f = fiber_need(L, "http");
    struct wait w = {.what = "http", .ready = ready, .finish = finished, .cancel = stop};
    struct raise x = {.code = "badArgument", .method = "http"};
    struct request *r;
    struct error e = {{0}};
    char where[WHERE_MAX];
    cJSON *o = NULL;
    int err;

    if (f->call->muted || !lua_isyieldable(L))
        return luaL_error(L, "http waits, and nothing can wait here");
    err = luajson_read(&o, L, -1, &e);
    if (!err && !cJSON_IsObject(o))
        err = error_set(&e, ERR_INVALID, "takes a table with names");
    if (!err)
        err = prepare(o, &e);
    if (!err && step_key(f, o))
        err = error_set(&e, ERR_NOMEM, "not enough memory");
    if (err) {
        cJSON_Delete(o);
        x.message = e.text;
        return raise_error(L, &x);
    }
    w.timeout_ms = (int64_t)ceil(cJSON_GetNumberValue(json_get(o, "timeout")) * 1000) + 1000;
    sandbox_where(L, where, sizeof where);
    err = request_new(&r, f->call->legs[0], &spec, f, where, NULL, o);
    if (err == ERR_LIMIT)
        return luaL_error(L, "http: limit requests: more than %d pending",
                          (int)f->call->core->cfg.limits.requests);
    if (err)
        return luaL_error(L, "not enough memory");
    w.object = r;
    return fiber_wait(L, &w);
}

static int request(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    return send(L);
}

/* get(url, opts): a copy of opts with url and method. */
static int with_method(lua_State *L, const char *method)
{
    luaL_checkstring(L, 1);
    lua_settop(L, 2);
    if (!lua_isnil(L, 2))
        luaL_checktype(L, 2, LUA_TTABLE);
    lua_newtable(L);
    if (lua_istable(L, 2)) {
        for (lua_pushnil(L); lua_next(L, 2);) {
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, 3);
        }
    }
    lua_pushvalue(L, 1);
    lua_setfield(L, 3, "url");
    lua_pushstring(L, method);
    lua_setfield(L, 3, "method");
    return send(L);
}

static int get(lua_State *L)
{
    return with_method(L, "GET");
}

static int post(lua_State *L)
{
    return with_method(L, "POST");
}

void http_module(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"get", get}, {"post", post}, {"request", request}, {NULL, NULL}};

    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    sandbox_freeze(L, "ivr.http");
}
