/*
 * Between the files of the bindings.
 */
#ifndef IVORY_BINDINGS_INTERNAL_H
#define IVORY_BINDINGS_INTERNAL_H

#include "bindings/bindings.h"
#include "core/machine.h"
#include "core/raise.h"
#include "graph/methods.h"

#include <lauxlib.h>

/* --- objects: a leg, or a resource below it (its id is user value 1). */
struct object {
    struct handle handle;
    const char *kind; /* "call", "participant", ... as in the method table */
};

/* Push an object; `id` NULL for the leg itself. */
void object_push(lua_State *L, struct leg *leg, const char *kind, const char *id);
/* The object at `index`, its leg alive and of the running call; raises else. */
struct object *object_check(lua_State *L, int index, const char *kind);
struct leg *object_leg(lua_State *L, int index, const char *kind);
void objects_open(lua_State *L);
/* Add `call`'s methods beside the API's to the table on top of the stack. */
void call_methods(lua_State *L);
int call_continue_as(lua_State *L);
/* Push property `key` of the leg. */
int call_property(lua_State *L, struct leg *leg, const char *key);

/* --- methods */
/* Push the closure that performs `m`. */
void method_push(lua_State *L, const struct method *m);
/* Issue `m` on `leg` with the arguments at `args` and the options at `opts` (0 = none); raises. */
struct request *method_issue(lua_State *L, struct fiber *f, struct leg *leg, const struct method *m,
                             const char *id, int args, int opts);
/* Wait for `r`; the result is what the method returns. `cancels`: a timeout cancels the request. */
int method_wait(lua_State *L, struct request *r, int64_t timeout_ms, bool cancels);
/* Option `timeout` of the table at `index` in ms; -1 when there is none. Also takes a bare number.
 */
int64_t timeout_option(lua_State *L, int index, const char *what);
/* Push the operation object for `r`. */
void operation_push(lua_State *L, struct request *r);
void operation_open(lua_State *L);
/* Raise that `method` is not possible any more. */
int raise_hangup(lua_State *L, const struct leg *leg, const char *method);
/* Refuse `method` when the leg or the call is over. */
void refuse_dead(lua_State *L, struct fiber *f, const struct leg *leg, const char *method);

/* --- arguments and results */
/* Arguments of `m` from the Lua value at `index`: short forms, prompts of the catalogue, checked.
 * ERR_INVALID, ERR_UNSUPPORTED, ERR_NOTFOUND (a prompt), ERR_NOMEM; raises nothing. */
int args_read(cJSON **out, lua_State *L, int index, const struct method *m, const struct call *call,
              unsigned version, struct error *e);
/* Push the result of the ended request, or raise its failure. */
int result_push(lua_State *L, struct request *r);

unsigned bindings_version(lua_State *L);

/* --- modules: push a table */
void fiber_module(lua_State *L);
void http_module(lua_State *L);
void json_module(lua_State *L);
void log_module(lua_State *L);
void store_module(lua_State *L);

/* --- ivr.step */
/* Push the function that enters a step. */
void step_open(lua_State *L);
/* Raises when `f` is in a step. */
void step_refuse(lua_State *L, const struct fiber *f, const char *method);
/* Give an HTTP request that acts an Idempotency-Key, unless it has one. ERR_NOMEM. */
int step_key(const struct fiber *f, cJSON *request);
int log_print(lua_State *L);

#endif
