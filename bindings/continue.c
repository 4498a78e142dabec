/* call:continueAs(flow, state). */
#include "base/json.h"
#include "bindings/guard.h"
#include "bindings/internal.h"
#include "core/luajson.h"

#include <stdlib.h>
#include <string.h>

enum { STATE_MAX = 64 << 10 };

static bool never(const struct fiber *f)
{
    (void)f;
    return false;
}

static int nothing(lua_State *L, struct fiber *f)
{
    (void)L, (void)f;
    return 0;
}

/* Why it cannot be done here; NULL: it can. */
static const char *obstacle(lua_State *L, const struct fiber *f, const struct leg *leg)
{
    if (leg->index)
        return "only the call itself goes on as another flow";
    if (f->role == ROLE_END || f->unwind || leg->call->phase > PHASE_ERROR)
        return "the flow has ended already";
    if (f->shield)
        return "not inside ivr.shield";
    if (!lua_isyieldable(L))
        return "nothing can wait here";
    return NULL;
}

static int bad_state(lua_State *L, const char *why)
{
    struct raise x = {.code = "badArgument", .method = "continueAs", .message = why};

    return raise_error(L, &x);
}

/* The state at `index`, into the guard. */
static void read_state(lua_State *L, int index, cJSON **state)
{
    struct error e = {{0}};
    char *text;
    size_t n;

    if (lua_isnoneornil(L, index))
        return;
    if (luajson_read(state, L, index, &e))
        bad_state(L, e.text);
    text = json_text(*state);
    n = text ? strlen(text) : 0;
    free(text);
    if (!n)
        luaL_error(L, "not enough memory");
    if (n > STATE_MAX)
        bad_state(L, "state: more than 64 KiB");
}

int call_continue_as(lua_State *L)
{
    static const struct wait end = {.what = "continueAs", .ready = never, .finish = nothing};
    struct leg *leg = object_leg(L, 1, "call");
    struct fiber *f = fiber_need(L, "continueAs");
    const char *flow = luaL_checkstring(L, 2), *why;
    cJSON **state, *given;

    lua_settop(L, 3);
    refuse_dead(L, f, leg, "continueAs");
    why = obstacle(L, f, leg);
    if (why)
        return luaL_error(L, "continueAs: %s", why);
    if (strlen(flow) >= sizeof f->call->flow || !call_push_entry(f->call, L, flow))
        return luaL_error(L, "continueAs: there is no flow \"%s\"", flow);
    state = guard_push(L);
    read_state(L, 3, state);
    given = *state;
    *state = NULL;
    if (call_continue(f->call, flow, given))
        return luaL_error(L, "not enough memory");
    return fiber_wait(L, &end);
}
