/*
 * Time and random numbers of the machine: `os` and the random part of `math`. Everything is UTC;
 * the time zone of the process would differ between the machine that took a call and the desk that
 * replays it.
 */
#include "core/cell_state.h"
#include "core/sandbox_state.h"

#include <lauxlib.h>
#include <string.h>
#include <time.h>

static const struct sandbox_source *source(lua_State *L, const char *what)
{
    const struct cell *c = cell_of(L);

    if (c->loading || !c->source)
        luaL_error(L,
                   "%s is not available while a file loads: only a call has a time and numbers "
                   "of its own",
                   what);
    return c->source;
}

static int64_t now_ms(lua_State *L, const char *what)
{
    return source(L, what)->now_ms(L);
}

/* --- os ---------------------------------------------------------------------------------------*/

static void set_field(lua_State *L, const char *name, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

/* Put the fields of `t` into the table on top. */
static void set_fields(lua_State *L, const struct tm *t)
{
    set_field(L, "year", (lua_Integer)t->tm_year + 1900);
    set_field(L, "month", t->tm_mon + 1);
    set_field(L, "day", t->tm_mday);
    set_field(L, "hour", t->tm_hour);
    set_field(L, "min", t->tm_min);
    set_field(L, "sec", t->tm_sec);
    set_field(L, "yday", t->tm_yday + 1);
    set_field(L, "wday", t->tm_wday + 1);
    lua_pushboolean(L, false);
    lua_setfield(L, -2, "isdst");
}

/* Integer field of the table at 1, less `base`; `fallback` < 0 means that it must be there. */
static int get_field(lua_State *L, const char *name, int fallback, int base)
{
    int type = lua_getfield(L, 1, name), is_integer;
    lua_Integer v = lua_tointegerx(L, -1, &is_integer);

    if (!is_integer) {
        if (type != LUA_TNIL)
            return luaL_error(L, "field '%s' is not an integer", name);
        if (fallback < 0)
            return luaL_error(L, "field '%s' missing in date table", name);
        v = fallback;
    } else {
        if (v < -1000000000 || v > 1000000000)
            return luaL_error(L, "field '%s' is out-of-bound", name);
        v -= base;
    }
    lua_pop(L, 1);
    return (int)v;
}

/* os.time(): now, in whole seconds; os.time(table): of that date, and the table's fields are put
 * right. */
static int os_time(lua_State *L)
{
    struct tm t = {0};
    time_t when;

    if (lua_isnoneornil(L, 1)) {
        lua_pushinteger(L, now_ms(L, "os.time") / 1000);
        return 1;
    }
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    t.tm_year = get_field(L, "year", -1, 1900);
    t.tm_mon = get_field(L, "month", -1, 1);
    t.tm_mday = get_field(L, "day", -1, 0);
    t.tm_hour = get_field(L, "hour", 12, 0);
    t.tm_min = get_field(L, "min", 0, 0);
    t.tm_sec = get_field(L, "sec", 0, 0);
    when = timegm(&t);
    if (!gmtime_r(&when, &t))
        return luaL_error(L, "time result cannot be represented");
    set_fields(L, &t);
    lua_pushinteger(L, (lua_Integer)when);
    return 1;
}

/* The conversion at `p` (after its %) as C99 has it: its length, 0 when it is none. */
static size_t conversion(const char *p, size_t n)
{
    static const char plain[] = "aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%";

    if (n >= 1 && *p && strchr(plain, *p))
        return 1;
    if (n >= 2 && p[1] &&
        ((*p == 'E' && strchr("cCxXyY", p[1])) || (*p == 'O' && strchr("deHImMSuUVwWy", p[1]))))
        return 2;
    return 0;
}

static int format_date(lua_State *L, const char *p, size_t n, const struct tm *t)
{
    const char *end = p + n;
    luaL_Buffer b;

    luaL_buffinit(L, &b);
    while (p < end) {
        char one[4] = "%", out[256];
        size_t len;

        if (*p != '%') {
            luaL_addchar(&b, *p++);
            continue;
        }
        p++;
        sandbox_poll(L);
        len = conversion(p, (size_t)(end - p));
        if (!len)
            return luaL_argerror(L, 1, "invalid conversion specifier in os.date");
        memcpy(one + 1, p, len);
        one[len + 1] = '\0';
        p += len;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        luaL_addlstring(&b, out, strftime(out, sizeof out, one, t));
#pragma GCC diagnostic pop
    }
    luaL_pushresult(&b);
    return 1;
}

static int os_date(lua_State *L)
{
    size_t n;
    const char *format = luaL_optlstring(L, 1, "%c", &n);
    time_t when;
    struct tm t;

    if (lua_isnoneornil(L, 2))
        when = (time_t)(now_ms(L, "os.date") / 1000);
    else
        when = (time_t)luaL_checkinteger(L, 2);
    if (!gmtime_r(&when, &t))
        return luaL_error(L, "date result cannot be represented");
    if (*format == '!') {
        format++;
        n--;
    }
    if (strncmp(format, "*t", 2) != 0)
        return format_date(L, format, n, &t);
    lua_createtable(L, 0, 9);
    set_fields(L, &t);
    return 1;
}

/* No processor time, which no two runs share: seconds of the call's clock, with fractions. */
static int os_clock(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)now_ms(L, "os.clock") / 1000);
    return 1;
}

static int os_difftime(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)luaL_checkinteger(L, 1) - (lua_Number)luaL_checkinteger(L, 2));
    return 1;
}

void sandbox_os(lua_State *L)
{
    static const luaL_Reg functions[] = {{"clock", os_clock},
                                         {"date", os_date},
                                         {"difftime", os_difftime},
                                         {"time", os_time},
                                         {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
}

/* --- math -------------------------------------------------------------------------------------*/

/* random(): [0, 1); random(0): any integer; random(m): [1, m]; random(m, n): [m, n]. */
static int math_random(lua_State *L)
{
    struct random *r = source(L, "math.random")->random(L);
    lua_Integer lo = 1, hi;
    uint64_t span;

    switch (lua_gettop(L)) {
    case 0:
        lua_pushnumber(L, random_unit(r));
        return 1;
    case 1:
        hi = luaL_checkinteger(L, 1);
        if (hi == 0) {
            lua_pushinteger(L, (lua_Integer)random_next(r));
            return 1;
        }
        break;
    case 2:
        lo = luaL_checkinteger(L, 1);
        hi = luaL_checkinteger(L, 2);
        break;
    default:
        return luaL_error(L, "wrong number of arguments");
    }
    if (lo > hi)
        return luaL_argerror(L, lua_gettop(L), "interval is empty");
    span = (uint64_t)hi - (uint64_t)lo + 1; /* 0: all integers */
    lua_pushinteger(L,
                    (lua_Integer)((uint64_t)lo + (span ? random_below(r, span) : random_next(r))));
    return 1;
}

/* Begins a known sequence for this call; without a number, another one that follows from the seed
 * of the call. */
static int math_randomseed(lua_State *L)
{
    struct random *r = source(L, "math.randomseed")->random(L);
    lua_Number x;

    if (lua_isnone(L, 1)) {
        random_seed(r, random_next(r));
    } else if (lua_isinteger(L, 1)) {
        random_seed(r, (uint64_t)lua_tointeger(L, 1));
    } else {
        uint64_t bits;
        x = luaL_checknumber(L, 1);
        memcpy(&bits, &x, sizeof bits);
        random_seed(r, bits);
    }
    return 0;
}

void sandbox_math(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"random", math_random}, {"randomseed", math_randomseed}, {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
}
