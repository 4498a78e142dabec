/*
 * The pattern functions of `string` on our own matcher (pattern.h): the same results as the stock
 * ones, with a budget.
 */
#include "core/cell_state.h"
#include "core/pattern.h"
#include "core/sandbox_state.h"

#include <lauxlib.h>
#include <string.h>

#define ITEMS_FEW   24    /* room for these is on the C stack           */
#define PATTERN_MAX 32768 /* bytes of a pattern: nobody writes such one */

/* What a linear pass over a subject takes does not count: a budget that is fair to short subjects
 * would refuse long ones for their length. */
#define STEPS_PER_BYTE 8

struct matcher {
    struct pattern pattern;
    struct pattern_run run;
    bool anchored;
    size_t at, last; /* gmatch, gsub: where to go on; the end of the last match */
    struct pattern_item items[ITEMS_FEW]; /* may be more */
};

#define NO_MATCH ((size_t)-1)

static void set_budget(lua_State *L, struct matcher *m)
{
    m->run.steps = cell_of(L)->limits.pattern_steps + (int64_t)m->run.n * STEPS_PER_BYTE;
}

/* Whether the pattern matches at offset `at`. */
static bool match_at(lua_State *L, struct matcher *m, size_t at, size_t *end)
{
    sandbox_poll(L);
    if (pattern_match(&m->pattern, &m->run, at, end))
        return true;
    sandbox_poll(L);
    if (m->run.steps < 0)
        luaL_error(L, "pattern too costly: over limits.pattern_steps");
    return false;
}

/* Set `m` up for the subject and pattern given at 1 and 2. Pushes a value that holds the items when
 * there are many. */
static void prepare(lua_State *L, struct matcher *m, bool anchors)
{
    size_t n;
    const char *text = luaL_checklstring(L, 2, &n), *wrong;
    struct pattern_item *items = m->items;

    m->run.subject = luaL_checklstring(L, 1, &m->run.n);
    m->run.stop = cell_broken(L);
    m->anchored = anchors && n > 0 && *text == '^';
    text += m->anchored;
    n -= m->anchored;
    if (n > PATTERN_MAX)
        luaL_error(L, "pattern too long (over %d bytes)", PATTERN_MAX);
    if (pattern_room(n) > ITEMS_FEW)
        items = lua_newuserdatauv(L, pattern_room(n) * sizeof *items, 0);
    wrong = pattern_compile(&m->pattern, items, text, n);
    if (wrong)
        luaL_error(L, "%s", wrong);
    set_budget(L, m);
    m->at = 0;
    m->last = NO_MATCH;
}

/* Push capture `i` of the match from `at` to `end`; with no captures, 0 is the whole match. */
static void push_capture(lua_State *L, const struct matcher *m, int i, size_t at, size_t end)
{
    const struct pattern_capture *c = &m->run.captures[i];

    if (m->pattern.captures == 0)
        lua_pushlstring(L, m->run.subject + at, end - at);
    else if (c->n == PATTERN_POSITION)
        lua_pushinteger(L, (lua_Integer)c->at + 1);
    else
        lua_pushlstring(L, m->run.subject + c->at, c->n);
}

/* Push all captures, or the whole match when there are none and `whole`. */
static int push_captures(lua_State *L, const struct matcher *m, size_t at, size_t end, bool whole)
{
    int n = m->pattern.captures ? m->pattern.captures : whole;

    luaL_checkstack(L, n, "too many captures");
    for (int i = 0; i < n; i++)
        push_capture(L, m, i, at, end);
    return n;
}

/* --- find, match ------------------------------------------------------------------------------*/

/* The offset that argument `index` says: from 1, from the end when negative. May be over `n`. */
static size_t start_offset(lua_State *L, int index, size_t n)
{
    lua_Integer i = luaL_optinteger(L, index, 1);

    if (i > 0)
        return (size_t)i - 1;
    if (i == 0 || i < -(lua_Integer)n)
        return 0;
    return (size_t)((lua_Integer)n + i);
}

static bool is_plain(const char *pattern, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (pattern[i] && strchr("^$*+?.([%-", pattern[i]))
            return false;
    return true;
}

static int find_plain(lua_State *L, const char *s, size_t n, size_t at)
{
    size_t len;
    const char *part = lua_tolstring(L, 2, &len);
    /* memmem takes linear time, also for what nearly matches everywhere. */
    const char *found = len ? memmem(s + at, n - at, part, len) : s + at;

    if (!found) {
        luaL_pushfail(L);
        return 1;
    }
    lua_pushinteger(L, found - s + 1);
    lua_pushinteger(L, (lua_Integer)(found - s + (ptrdiff_t)len));
    return 2;
}

static int find_or_match(lua_State *L, bool find)
{
    size_t n, len, at, end;
    const char *s = luaL_checklstring(L, 1, &n), *text = luaL_checklstring(L, 2, &len);
    struct matcher m;

    at = start_offset(L, 3, n);
    if (at > n) {
        luaL_pushfail(L);
        return 1;
    }
    if (find && (lua_toboolean(L, 4) || is_plain(text, len)))
        return find_plain(L, s, n, at);
    prepare(L, &m, true);
    do {
        if (!match_at(L, &m, at, &end))
            continue;
        if (!find)
            return push_captures(L, &m, at, end, true);
        lua_pushinteger(L, (lua_Integer)at + 1);
        lua_pushinteger(L, (lua_Integer)end);
        return 2 + push_captures(L, &m, at, end, false);
    } while (at++ < n && !m.anchored);
    luaL_pushfail(L);
    return 1;
}

static int string_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int string_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* --- gmatch -----------------------------------------------------------------------------------*/

/* Upvalues: the subject and the pattern, into which the matcher points; the matcher; its items. */
static int next_match(lua_State *L)
{
    struct matcher *m = lua_touserdata(L, lua_upvalueindex(3));
    size_t end;

    set_budget(L, m);
    for (size_t at = m->at; at <= m->run.n; at++) {
        if (match_at(L, m, at, &end) && end != m->last) {
            m->at = m->last = end;
            return push_captures(L, m, at, end, true);
        }
    }
    m->at = m->run.n + 1; /* nothing more to be found */
    return 0;
}

static int string_gmatch(lua_State *L)
{
    struct matcher *m;
    size_t n, at;

    luaL_checklstring(L, 1, &n);
    luaL_checkstring(L, 2);
    at = start_offset(L, 3, n);
    lua_settop(L, 2);
    m = lua_newuserdatauv(L, sizeof *m, 0);
    prepare(L, m, false);
    m->at = at > n ? n + 1 : at;
    lua_settop(L, 4); /* the items, or nil */
    lua_pushcclosure(L, next_match, 4);
    return 1;
}

/* --- gsub -------------------------------------------------------------------------------------*/

enum { GSUB_SUBJECT = 1, GSUB_PATTERN, GSUB_BY, GSUB_MAX };

/* Add the replacement text, in which % and a digit stand for captures. */
static void add_text(lua_State *L, const struct matcher *m, luaL_Buffer *b, size_t at, size_t end)
{
    size_t n;
    const char *p = lua_tolstring(L, GSUB_BY, &n), *stop = p + n, *percent;

    while ((percent = memchr(p, '%', (size_t)(stop - p)))) {
        char c = percent + 1 < stop ? percent[1] : '\0';

        luaL_addlstring(b, p, (size_t)(percent - p));
        if (c == '%') {
            luaL_addchar(b, c);
        } else if (c == '0') {
            luaL_addlstring(b, m->run.subject + at, end - at);
        } else if (c < '1' || c > '9') {
            luaL_error(L, "invalid use of '%%' in replacement string");
        } else if (c - '1' >= m->pattern.captures && c != '1') {
            luaL_error(L, "invalid capture index %%%c in replacement string", c);
        } else {
            push_capture(L, m, c - '1', at, end);
            lua_tolstring(L, -1, NULL);
            luaL_addvalue(b);
        }
        p = percent + 2;
    }
    luaL_addlstring(b, p, (size_t)(stop - p));
}

/* Add what the table or function says for this match; false or nil keeps what was matched. */
static void add_value(lua_State *L, const struct matcher *m, luaL_Buffer *b, size_t at, size_t end)
{
    if (lua_type(L, GSUB_BY) == LUA_TTABLE) {
        push_capture(L, m, 0, at, end);
        lua_gettable(L, GSUB_BY);
    } else {
        lua_pushvalue(L, GSUB_BY);
        lua_call(L, push_captures(L, m, at, end, true), 1);
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        lua_pushlstring(L, m->run.subject + at, end - at);
    } else if (!lua_isstring(L, -1)) {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
    luaL_addvalue(b);
}

static int string_gsub(lua_State *L)
{
    size_t n, at = 0, end;
    const char *s = luaL_checklstring(L, GSUB_SUBJECT, &n);
    lua_Integer count = 0, max;
    int by = lua_type(L, GSUB_BY);
    struct matcher m;
    luaL_Buffer b;

    luaL_checkstring(L, GSUB_PATTERN);
    if (by != LUA_TSTRING && by != LUA_TNUMBER && by != LUA_TTABLE && by != LUA_TFUNCTION)
        return luaL_typeerror(L, GSUB_BY, "string/function/table");
    max = luaL_optinteger(L, GSUB_MAX, (lua_Integer)n + 1);
    if (by == LUA_TNUMBER) /* so that it stays text while matches are added */
        lua_tolstring(L, GSUB_BY, NULL);
    lua_settop(L, GSUB_BY);
    prepare(L, &m, true);
    luaL_buffinit(L, &b);
    while (count < max) {
        if (match_at(L, &m, at, &end) && end != m.last) {
            count++;
            if (by == LUA_TTABLE || by == LUA_TFUNCTION)
                add_value(L, &m, &b, at, end);
            else
                add_text(L, &m, &b, at, end);
            at = m.last = end;
        } else if (at < n) {
            luaL_addchar(&b, s[at++]);
        } else {
            break;
        }
        if (m.anchored)
            break;
    }
    luaL_addlstring(&b, s + at, n - at);
    luaL_pushresult(&b);
    lua_pushinteger(L, count);
    return 2;
}

void sandbox_pattern(lua_State *L)
{
    static const luaL_Reg functions[] = {{"find", string_find},
                                         {"gmatch", string_gmatch},
                                         {"gsub", string_gsub},
                                         {"match", string_match},
                                         {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
}
