/*
 * The errors that a flow can catch: a table with `code` (text), `status` (HTTP), `subcode`,
 * `message`, `method` and `where`, whose tostring is one readable line.
 */
#ifndef IVORY_CORE_RAISE_H
#define IVORY_CORE_RAISE_H

#include <lua.h>

struct raise {
    const char *code;
    int status, subcode; /* 0 = none */
    const char *message; /* may be NULL */
    const char *method;  /* may be NULL */
};

/* Push the error object; `where` is the line that runs in L. May raise on memory. */
void raise_push(lua_State *L, const struct raise *r);

/* Raise it. Does not return. */
int raise_error(lua_State *L, const struct raise *r);

#endif
