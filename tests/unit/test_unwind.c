#include "test.h"

#include "cell_fixture.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Turns of one flow; what it says with native.wait(text) and how it ends is written down. */
struct story {
    struct cell *c;
    struct run r;
    char text[1024];
};

static void tell(struct story *s, const char *what)
{
    size_t n = strlen(s->text);

    snprintf(s->text + n, sizeof s->text - n, "%s%s", n ? " " : "", what);
}

/* One more turn: false when that was the end. */
static bool go_on(struct story *s, int n)
{
    const char *limit;
    int status = run_turn(&s->r, n, &limit);

    if (limit)
        tell(s, limit);
    if (status == LUA_YIELD) {
        tell(s, lua_gettop(s->r.co) ? luaL_tolstring(s->r.co, 1, NULL) : "-");
        lua_settop(s->r.co, 0);
        return true;
    }
    if (status != LUA_OK)
        tell(s, "broken");
    else if (lua_toboolean(s->r.co, 1))
        tell(s, "returned");
    else if (unwind_kind(s->r.co, 2) == UNWIND_NONE)
        tell(s, sandbox_tostring(s->r.co, 2, NULL));
    else
        tell(s, unwind_kind(s->r.co, 2) == UNWIND_HANGUP   ? "HANGUP"
                : unwind_kind(s->r.co, 2) == UNWIND_CANCEL ? "CANCEL"
                                                           : "LIMIT");
    return false;
}

static const char *story(const char *body)
{
    static struct story s;
    static char flow[4096];
    struct error e;

    s.text[0] = '\0';
    snprintf(flow, sizeof flow, FLOW("%s"), body);
    s.c = fixture_flow(flow, NULL, &e);
    if (!s.c) {
        tell(&s, e.text);
        return s.text;
    }
    run_start(&s.r, s.c);
    for (int n = 1; go_on(&s, n); n = 0)
        ;
    run_stop(&s.r);
    cell_free(s.c);
    return s.text;
}

struct row {
    const char *body, *want;
};

static void expect_stories(const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const char *got = story(rows[i].body);
        test_expect(strcmp(got, rows[i].want) == 0, __FILE__, __LINE__,
                    "%s\n    gives \"%s\"\n    not   \"%s\"", rows[i].body, got, rows[i].want);
    }
}

#define ROWS(r) (r), sizeof(r) / sizeof *(r)

static void errors_are_caught_across_waits(void)
{
    static const struct row rows[] = {
        {"local a, b, c = pcall(function(...) native.wait 'w' return ... end, 1, 2)\n"
         "assert(a and b == 1 and c == 2) native.wait 'end'",
         "w end returned"},
        {"local ok, e = pcall(function() native.wait 'w' error('x', 0) end) native.wait(e)",
         "w x returned"},
        {"local ok, e = xpcall(function(a) native.wait(a) error('x', 0) end,\n"
         "function(m) return m .. '!' end, 'w') native.wait(e)",
         "w x! returned"},
        {"native.wait(select('#', pcall(error))) native.wait(select(2, pcall(error, nil)))",
         "2 nil returned"},
        {"native.wait(tostring(pcall(pcall)) .. tostring(pcall(pcall, error)))",
         "falsetrue returned"},
        {"return pcall()", "flows/main.lua:3: bad argument #1 to 'pcall' (value expected)"},
        {"return xpcall(pcall)",
         "flows/main.lua:3: bad argument #2 to 'xpcall' (function expected, got no value)"},
        {"local t = setmetatable({}, { __index = function(_, k) native.wait(k) return k end })\n"
         "local _ = t.a, pcall(function() return t.b end)",
         "a b returned"},
        {"for v in function(_, v) native.wait 'i' return not v or nil end do native.wait 'b' end",
         "i b i returned"},
        {"local t = setmetatable({}, { __pairs = function(t) native.wait 'p' return next, {}, nil\n"
         "end }) for _ in pairs(t) do end",
         "p returned"},
    };

    expect_stories(ROWS(rows));
}

/* A hang-up ends the coroutine, however the flow is wrapped. */
static void an_unwind_is_not_caught(void)
{
    static const struct row rows[] = {
        {"pcall(native.hang) native.wait 'went on'", "- HANGUP"},
        {"while true do pcall(native.hang) end", "- HANGUP"},
        {"pcall(pcall, pcall, native.hang) native.wait 'went on'", "- HANGUP"},
        {"pcall(function() native.hang() end) native.wait 'went on'", "- HANGUP"},
        {"xpcall(native.hang, function() return 'handled' end) native.wait 'went on'", "- HANGUP"},
        {"xpcall(native.raise, function(e) seen(e) end, 1) native.wait 'went on'", "HANGUP"},
        {"pcall(native.raise, 2) native.wait 'went on'", "CANCEL"},
        {"pcall(native.raise, 3) native.wait 'went on'", "LIMIT"},
        {"pcall(table.sort, { 2, 1 }, function() native.raise(1) end) native.wait 'went on'",
         "HANGUP"},
        {"pcall(string.gsub, 'a', 'a', function() native.raise(1) end) native.wait 'went on'",
         "HANGUP"},
        {"pcall(tostring, setmetatable({}, { __tostring = function() native.raise(1) end }))\n"
         "native.wait 'went on'",
         "HANGUP"},
        {"pcall(load, function() native.raise(1) end) native.wait 'went on'", "HANGUP"},
        {"load(function() native.raise(1) end) native.wait 'went on'", "HANGUP"},
        {"local t = setmetatable({}, { __index = function() native.hang() end })\n"
         "pcall(function() return t.x end) native.wait 'went on'",
         "- HANGUP"},
        {"error(native)", "table"},
        {"native.raise(0)", "gone"},
    };

    expect_stories(ROWS(rows));
}

#define CLOSE(body) "setmetatable({}, { __close = function(_, e) " body " end })"

static void close_handlers_run_and_may_wait(void)
{
    static const struct row rows[] = {
        {"local a <close> = " CLOSE("native.wait 'a'") "\n"
                                                       "local b <close> = " CLOSE(
                                                           "native.wait 'b'") "\nnative.hang()",
         "- b a HANGUP"},
        {"pcall(function() local a <close> = " CLOSE(
             "native.wait 'a' native.wait 'aa'") "\n"
                                                 "native.hang() end) native.wait 'went on'",
         "- a aa HANGUP"},
        /* an error in a handler takes the place of the unwind, as in stock Lua, until the next
           protected call on the way */
        {"local a <close> = " CLOSE("error 'x'") " native.hang()", "- flows/main.lua:3: x"},
        {"pcall(function() local a <close> = " CLOSE("error 'x'") " native.hang() end)\n"
                                                                  "native.wait 'went on'",
         "- HANGUP"},
        {"xpcall(function() local a <close> = " CLOSE(
             "native.nothing.x = 1") " native.hang() end,\n"
                                     "tostring) native.wait 'went on'",
         "- HANGUP"},
        {"pcall(function() local a <close> = " CLOSE(
             "native.wait(select(2, pcall(error, 'in', 0))) error 'x'") " native.hang() end)\n"
                                                                        "native.wait 'went on'",
         "- in HANGUP"},
        {"local a <close> = " CLOSE("error(e)") " native.hang()", "- HANGUP"},
        {"pcall(function() local a <close> = " CLOSE("error(e)") " native.hang() end)\n"
                                                                 "native.wait 'went on'",
         "- HANGUP"},
        {"local a <close> = " CLOSE("native.wait(tostring(e))") " native.hang()", "- gone HANGUP"},
        {"local a <close> = " CLOSE("pcall(error, 'inner') native.wait 'a'") " native.hang()",
         "- a HANGUP"},
        {"local a <close> = " CLOSE("pcall(error, e) native.wait 'a'") " native.hang()",
         "- HANGUP"},
        {"local a <close> = " CLOSE("native.hang() native.wait 'a'") " native.hang()",
         "- - HANGUP"},
        {"do local a <close> = " CLOSE("native.wait(tostring(e))") " end native.wait 'on'",
         "nil on returned"},
    };

    expect_stories(ROWS(rows));
}

/* What a handler was shown is no unwind anywhere else. */
static void an_unwind_cannot_be_forged(void)
{
    static const char text[] =
        "local native = require 'native'\nlocal box = {}\nreturn { run = function()\n"
        "  if box.e then\n"
        "    assert(getmetatable(box.e) == false)\n"
        "    assert(not pcall(setmetatable, box.e, {}))\n"
        "    assert(not pcall(function() box.e.kind = 1 end))\n"
        "    assert(not pcall(function() return box.e.kind end))\n"
        "    assert(tostring(box.e) == 'gone')\n"
        "    local ok, e = pcall(error, box.e)\n"
        "    assert(not ok and e == box.e)\n"
        "    native.wait 'caught'\n"
        "    error(box.e)\n"
        "  end\n"
        "  local a <close> = setmetatable({}, { __close = function(_, e) box.e = e end })\n"
        "  native.raise(1)\n"
        "end }\n";
    struct error e;
    struct story s = {.text = ""};

    s.c = fixture_flow(text, NULL, &e);
    if (!EXPECT_STR(e.text, ""))
        return;
    run_start(&s.r, s.c);
    EXPECT(!go_on(&s, 1));
    EXPECT_STR(s.text, "HANGUP");
    run_stop(&s.r);
    s.text[0] = '\0';
    for (int i = 0; i < 20; i++) { /* let the collector try to reuse the first one's memory */
        lua_newthread(cell_state(s.c));
        lua_gc(cell_state(s.c), LUA_GCCOLLECT);
        lua_settop(cell_state(s.c), 0);
    }
    run_start(&s.r, s.c);
    EXPECT(go_on(&s, 1));
    EXPECT(!go_on(&s, 0));
    EXPECT_STR(s.text, "caught gone");
    EXPECT_INT(unwind_kind(s.r.co, 2), UNWIND_NONE);
    EXPECT_STR(unwind_text(s.r.co, 2), "");
    run_stop(&s.r);
    cell_free(s.c);
}

/* --- closing a coroutine from outside ---------------------------------------------------------*/

static struct cell *volatile watched;

static void on_alarm(int signal)
{
    (void)signal;
    if (watched)
        cell_interrupt(watched, "turn_ms");
}

static void a_closed_coroutine_runs_its_handlers(void)
{
    static const char text[] = FLOW("local done = {}\n"
                                    "local a <close> = setmetatable({}, { __close = function()\n"
                                    "native.wait('no') end })\n"
                                    "local b <close> = setmetatable({}, { __close = function()\n"
                                    "while true do end end })\n"
                                    "while true do pcall(native.wait, 'w') end");
    struct sigaction act = {.sa_handler = on_alarm}, old;
    struct story s = {.text = ""};
    struct error e;
    int status;

    s.c = fixture_flow(text, NULL, &e);
    run_start(&s.r, s.c);
    EXPECT(go_on(&s, 1));
    EXPECT(go_on(&s, 0));
    EXPECT_STR(s.text, "w w");
    sigaction(SIGALRM, &act, &old);
    watched = s.c;
    cell_enter(s.c, s.r.co);
    ualarm(20000, 0);
    status = lua_resetthread(s.r.co);
    EXPECT_STR(cell_leave(s.c), "turn_ms");
    watched = NULL;
    sigaction(SIGALRM, &old, NULL);
    EXPECT_INT(status, LUA_ERRRUN);
    luaL_unref(cell_state(s.c), LUA_REGISTRYINDEX, s.r.ref);
    cell_free(s.c);
}

static void says_where_it_is(void)
{
    static const char main[] = FLOW("local m = require 'ivr.m'\n\nreturn m(native)");
    static const char lib[] = "return function(native)\n native.wait('m') return 1 end";
    struct bundle_source files[] = {
        {"flows/main.lua", main, sizeof main - 1}, {"stdlib/ivr/m.lua", lib, sizeof lib - 1}, {0}};
    struct story s = {.text = ""};
    struct error e;
    char where[96];
    int code;

    s.c = fixture_cell(files, NULL, &e, &code);
    if (!EXPECT_STR(e.text, ""))
        return;
    run_start(&s.r, s.c);
    EXPECT(go_on(&s, 1));
    sandbox_where(s.r.co, where, sizeof where);
    EXPECT_STR(where, "stdlib/ivr/m.lua:2"); /* a tail call leaves no line of the flow behind */
    sandbox_where(cell_state(s.c), where, sizeof where);
    EXPECT_STR(where, "");
    run_stop(&s.r);
    cell_free(s.c);
}

const struct test unwind_tests[] = {TEST(errors_are_caught_across_waits),
                                    TEST(an_unwind_is_not_caught),
                                    TEST(close_handlers_run_and_may_wait),
                                    TEST(an_unwind_cannot_be_forged),
                                    TEST(a_closed_coroutine_runs_its_handlers),
                                    TEST(says_where_it_is),
                                    {0}};
