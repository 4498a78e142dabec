#include "test.h"

#include "cell_fixture.h"

#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct limits defaults = LIMITS_DEFAULT;

/* --- loading ----------------------------------------------------------------------------------*/

static void loads_flows_routes_and_modules(void)
{
    struct bundle_source files[] = {
        {"flows/routes.lua", "return { { flow = 'main' } }", 28},
        {"flows/main.lua",
         "local h = require 'lib.hours' return { run = h, same = require 'lib.hours' == h }", 81},
        {"flows/lib/hours.lua", "assert(... == nil) return function() return 'hours' end", 55},
        {"flows/other.lua", "return { main = require 'main' }", 32},
        {0}};
    struct error e;
    struct cell *c;
    lua_State *L;
    int code;

    c = fixture_cell(files, NULL, &e, &code);
    if (!EXPECT_STR(e.text, ""))
        return;
    L = cell_state(c);
    EXPECT(cell_of(L) == c);
    EXPECT(!cell_push_flow(c, L, "routes") && !cell_push_flow(c, L, "hours"));
    EXPECT(!cell_push_flow(c, L, "lib/hours") && lua_gettop(L) == 0);
    EXPECT(cell_push_flow(c, L, "main"));
    EXPECT(cell_push_flow(c, L, "other"));
    lua_getfield(L, 1, "same");
    EXPECT(lua_toboolean(L, -1));
    lua_getfield(L, 2, "main");
    EXPECT(lua_rawequal(L, 1, -1)); /* a flow is the module of its name: loaded once */
    cell_push_routes(c, L);
    EXPECT_INT(lua_rawlen(L, -1), 1);
    EXPECT(cell_of(lua_newthread(L)) == c);
    EXPECT(cell_bytes(c) > 10000 && cell_bytes(c) < 200000);
    lua_settop(L, 0);
    cell_free(c);
}

static void says_why_a_bundle_does_not_load(void)
{
    static const struct {
        const char *main, *lib, *why;
    } bad[] = {
        {"return {", "", "flows/main.lua:1: "},
        {"\n\nerror 'boom'", "", "flows/main.lua:3: boom"},
        {"error { 1 }", "", "flows/main.lua: table"},
        {"error(setmetatable({}, { __tostring = function() error 'again' end }))", "",
         "flows/main.lua: it raised an error that has no text"},
        {"return 1", "", "flows/main.lua: a flow returns a table, not number"},
        {"", "", "flows/main.lua: a flow returns a table, not boolean"},
        {"return {}", "return +", "flows/lib/x.lua:1: "},
        {"require 'lib.x'", "\nx = 1", "flows/lib/x.lua:2: cannot set global 'x'"},
        {"require 'lib.x'", "require 'main'",
         "flows/lib/x.lua:1: cyclic require: flows/main.lua -> flows/lib/x.lua -> flows/main.lua"},
        {"require 'main'", "",
         "flows/main.lua:1: cyclic require: flows/main.lua -> flows/main.lua"},
        {"require 'lib.y'", "", "flows/main.lua:1: require: there is no module 'lib.y'"},
        {"return { os.time() }", "",
         "flows/main.lua:1: os.time is not available while a file loads"},
        {"return { math.random() }", "", "flows/main.lua:1: math.random is not available while"},
        {"require('native').wait()", "", "flows/main.lua: attempt to yield"},
    };
    struct error e;
    int code;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct bundle_source files[] = {{"flows/main.lua", bad[i].main, strlen(bad[i].main)},
                                        {"flows/lib/x.lua", bad[i].lib, strlen(bad[i].lib)},
                                        {0}};

        for (int compiled = 0; compiled < 2; compiled++) {
            struct cell *c = compiled ? fixture_compiled(files, &e, &code)
                                      : fixture_cell(files, NULL, &e, &code);

            EXPECT(!c);
            EXPECT_INT(code, ERR_SCRIPT);
            EXPECT_IN(e.text, bad[i].why);
            cell_free(c);
        }
    }
}

/* What is compiled is not read again, and knows its lines. */
static void loads_what_is_compiled(void)
{
    static const char text[] =
        "local x = require 'lib.x'\nreturn { x = x,\nrun = function() x() end }",
                      lib[] = "return function()\n\nerror 'boom' end";
    struct bundle_source files[] = {
        {"flows/main.lua", text, sizeof text - 1}, {"flows/lib/x.lua", lib, sizeof lib - 1}, {0}};
    struct bundle *b = NULL;
    struct cell *c = NULL;
    struct error e = {""};
    lua_State *L;

    EXPECT_INT(bundle_from(&b, files, &e), 0);
    bundle_compile(b);
    for (size_t i = 0; i < b->nfiles; i++)
        memset(b->files[i].text, '?', b->files[i].n);
    if (!EXPECT_INT(cell_new(&c, b, &defaults, NULL, NULL, &e), 0))
        printf("  %s\n", e.text);
    bundle_unref(b);
    if (!c)
        return;
    L = cell_state(c);
    EXPECT(cell_push_flow(c, L, "main"));
    lua_getfield(L, -1, "run");
    EXPECT_INT(lua_pcall(L, 0, 0, 0), LUA_ERRRUN);
    EXPECT_STR(lua_tostring(L, -1), "flows/lib/x.lua:3: boom");
    lua_settop(L, 0);
    cell_free(c);
}

/* A loop at the top of a file, in all the places where it could hide. */
static void ends_a_load_that_does_not_end(void)
{
    static const char *const loops[] = {
        "while true do end",
        "while true do pcall(error) end",
        "while true do pcall(function() while true do end end) end",
        "local function f() return f() end f()",
        "for _ in function() return 1 end do end",
        "table.sort({ 3, 2, 1 }, function() while true do end end)",
        "local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
        "string.gsub('a', 'a', function() while true do end end)",
        "xpcall(function() while true do end end, function() while true do end end)",
        "local x <close> = setmetatable({}, { __close = function() while true do end end })\n"
        "while true do end",
        "load('while true do end')()",
        "require 'lib.x'",
    };
    struct limits l = defaults;
    struct error e;
    int code;

    l.load_ms = 10;
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        struct bundle_source files[] = {{"flows/main.lua", loops[i], strlen(loops[i])},
                                        {"flows/lib/x.lua", "repeat until false", 18},
                                        {0}};

        EXPECT(!fixture_cell(files, &l, &e, &code));
        EXPECT_INT(code, ERR_SCRIPT);
        EXPECT_IN(e.text, "limits.load_ms exceeded");
        if (i != 10) /* code given to load has no file */
            EXPECT_IN(e.text, "flows/");
    }
}

static void ends_a_load_that_takes_all_memory(void)
{
    static const char *const hogs[] = {
        "local t = {} for i = 1, 1e9 do t[i] = i end",
        "local t = {} while true do pcall(function() for i = 1, 1e9 do t[#t + 1] = {} end end) end",
        "local s = 'x' while true do s = s .. s end",
    };
    struct limits l = defaults;
    struct error e;
    int code;

    l.cell_bytes = 1u << 20;
    l.load_ms = 20000;
    for (size_t i = 0; i < sizeof hogs / sizeof *hogs; i++) {
        struct bundle_source files[] = {{"flows/main.lua", hogs[i], strlen(hogs[i])}, {0}};

        EXPECT(!fixture_cell(files, &l, &e, &code));
        EXPECT_INT(code, ERR_LIMIT);
        EXPECT_IN(e.text, "limits.cell_bytes");
        EXPECT_IN(e.text, "flows/main.lua");
    }
}

/* Every size from nothing to enough: an error or a cell, never a crash. */
static void survives_tiny_cells(void)
{
    struct bundle_source files[] = {{"flows/main.lua", "return { 'x' }", 14}, {0}};
    struct limits l = defaults;
    struct cell *c = NULL;
    struct error e;
    int code, made = 0;

    for (size_t n = 0; n < 60000 && made < 20; n += 97) {
        l.cell_bytes = n;
        c = fixture_cell(files, &l, &e, &code);
        made += c != NULL;
        if (!c) {
            EXPECT_INT(code, ERR_LIMIT);
            EXPECT_IN(e.text, "limits.cell_bytes");
        }
        cell_free(c);
    }
    EXPECT_INT(made, 20);
}

static void survives_failing_memory(void)
{
    struct bundle_source files[] = {
        {"flows/main.lua", "local t = require 'lib.x' return { pcall(error, 'x'), t }", 57},
        {"flows/lib/x.lua", "local ok, e = pcall(string.rep, 'x', 1000) assert(ok, e) return {}",
         66},
        {0}};

    EVERY_ALLOCATION(n)
    {
        struct error e;
        int code;
        struct cell *c = fixture_compiled(files, &e, &code);

        test_fail_allocation(-1);
        if (!c)
            EXPECT(code == ERR_NOMEM || code == ERR_SCRIPT || code == ERR_LIMIT);
        cell_free(c);
    }
}

/* --- turns ------------------------------------------------------------------------------------*/

static void runs_a_flow(void)
{
    EXPECT_STR(outcome(FLOW("return 'hello'"), NULL), "hello");
    EXPECT_STR(outcome(FLOW("error('boom')"), NULL), "error: flows/main.lua:3: boom");
    EXPECT_STR(outcome(FLOW("return x"), NULL), "error: flows/main.lua:3: undefined global 'x'");
    EXPECT_STR(outcome(FLOW("local a\nreturn a.b"), NULL),
               "error: flows/main.lua:4: attempt to index a nil value (local 'a')");
}

/* native.interrupt() stands for the watchdog; afterwards nothing of the flow may go on. */
static void ends_an_interrupted_turn(void)
{
    static const char *const loops[] = {
        FLOW("native.interrupt() while true do end"),
        FLOW("native.interrupt() return 'went on'"),
        FLOW("while true do pcall(native.interrupt) end"),
        FLOW("while true do pcall(function() native.interrupt() end) end"),
        FLOW("while true do xpcall(native.interrupt, function() return 1 end) end"),
        FLOW("xpcall(function() native.interrupt() local x = 1 end,\n"
             "function() while true do end end)"),
        FLOW("for _ in function() native.interrupt() return 1 end do end"),
        FLOW("local t = setmetatable({}, { __add = function(a) native.interrupt() return a end })\n"
             "while true do t = t + 1 end"),
        FLOW("table.sort({ 1, 2, 3 }, function() native.interrupt() while true do end end)"),
        FLOW("string.gsub('aaa', 'a', function() native.interrupt() while true do end end)"),
        FLOW("tostring(setmetatable({}, { __tostring = function() native.interrupt()\n"
             "while true do end end }))"),
        FLOW("local x <close> = setmetatable({}, { __close = function() while true do end end })\n"
             "native.interrupt() while true do end"),
        FLOW("local x <close> = setmetatable({}, { __close = function() native.interrupt()\n"
             "while true do end end })\nerror 'first'"),
        FLOW("native.interrupt() load('while true do end')()"),
        FLOW("native.interrupt() while true do local f <const> = pcall(pcall, pcall, pcall) end"),
        FLOW("native.interrupt() for k in pairs { 1, 2, 3 } do while true do end end"),
        FLOW("local function f() f() end native.interrupt() f()"),
        FLOW("native.interrupt() goto a ::a:: goto a"),
    };

    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        const char *got = outcome(loops[i], NULL);
        EXPECT_IN(got, "error: unwind: flows/main.lua:");
        EXPECT_IN(got, "limits.turn_ms exceeded (limit)");
    }
}

/* The same from a signal, as the watchdog does it, in code that calls nothing. */
static struct cell *volatile watched;

static void on_alarm(int signal)
{
    (void)signal;
    if (watched)
        cell_interrupt(watched, "turn_ms");
}

static void ends_a_turn_from_a_signal(void)
{
    static const char *const loops[] = {
        FLOW("while true do end"),
        FLOW("while true do pcall(function() while true do end end) end"),
        FLOW("local t = {} for i = 1, 1e15 do t[1] = i end"),
        FLOW("local n = 0 table.sort({ 1, 2, 3 }, function() while true do n = n + 1 end end)"),
        FLOW("while true do local t = setmetatable({}, { __index = function() end }) local _ = t.x "
             "end"),
        FLOW("local t = {} for i = 1, 300000 do t[i] = i * 7919 % 300007 end\n"
             "while true do table.sort(t) end"),
        FLOW("local s = string.rep('a', 100000) while true do pcall(string.find, s, '.-.-b') end"),
    };
    struct sigaction act = {.sa_handler = on_alarm}, old;
    struct limits l = defaults;

    l.turn_bytes = 64u << 20;
    sigaction(SIGALRM, &act, &old);
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        struct error e;
        struct cell *c = fixture_flow(loops[i], &l, &e);
        struct timespec begin, end;
        const char *limit;
        struct run r;

        if (!EXPECT_STR(e.text, ""))
            continue;
        run_start(&r, c);
        watched = c;
        ualarm(20000, 0);
        clock_gettime(CLOCK_MONOTONIC, &begin);
        EXPECT_INT(run_turn(&r, 1, &limit), LUA_OK);
        clock_gettime(CLOCK_MONOTONIC, &end);
        watched = NULL;
        EXPECT_STR(limit, "turn_ms");
        EXPECT_INT(unwind_kind(r.co, 2), UNWIND_LIMIT);
        EXPECT((end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000 < 2000);
        run_stop(&r);
        cell_free(c);
    }
    sigaction(SIGALRM, &old, NULL);
}

/* One turn that is ended leaves the others alone, in the same cell. */
static void an_interrupt_concerns_its_turn_only(void)
{
    struct error e;
    struct cell *c = fixture_flow(FLOW("if native.wait() then native.interrupt() end\n"
                                       "native.wait() return 'done'"),
                                  NULL, &e);
    struct run bad, good;
    const char *limit;

    cell_interrupt(c, "turn_ms"); /* between turns: nothing */
    run_start(&bad, c);
    run_start(&good, c);
    EXPECT_INT(run_turn(&bad, 1, &limit), LUA_YIELD);
    EXPECT_INT(run_turn(&good, 1, &limit), LUA_YIELD);
    lua_pushboolean(bad.co, true);
    EXPECT_INT(run_turn(&bad, 1, &limit), LUA_OK);
    EXPECT_STR(limit, "turn_ms");
    lua_pushboolean(good.co, false);
    EXPECT_INT(run_turn(&good, 1, &limit), LUA_YIELD);
    EXPECT_STR(limit, NULL);
    EXPECT_INT(run_turn(&good, 0, &limit), LUA_OK);
    EXPECT_STR(limit, NULL);
    EXPECT_STR(lua_tostring(good.co, 2), "done");
    run_stop(&bad);
    run_stop(&good);
    cell_free(c);
}

static void bounds_the_growth_of_a_turn(void)
{
    static const char *const hogs[] = {
        FLOW("local t = {} for i = 1, 1e9 do t[i] = i end"),
        FLOW("local t = {} while true do pcall(function() while true do t[#t + 1] = {} end end) "
             "end"),
        FLOW("local s = 'x' while true do s = s .. s end"),
        FLOW("local ok = pcall(function() local s = 'x' while true do s = s .. s end end)\n"
             "return 'went on'"),
        FLOW("return table.concat({ string.rep('x', 1000000), string.rep('y', 1000000) },\n"
             "string.rep('z', 1000000))"),
        FLOW("local function f(...) return f(1, ...) end f()"),
        FLOW("local function f() return 1 + f() end f()"),
        FLOW("return string.pack('c2000000000', '')"),
        FLOW("return select('#', table.unpack({}, 1, 900000))"),
        FLOW("local x <close> = setmetatable({}, { __close = function() local t = {}\n"
             "while true do t[#t + 1] = {} end end })\nerror 'first'"),
    };
    struct limits l = defaults;

    l.turn_bytes = 1u << 20;
    for (size_t i = 0; i < sizeof hogs / sizeof *hogs; i++) {
        struct error e;
        struct cell *c = fixture_flow(hogs[i], &l, &e);
        const char *limit;
        struct run r;

        run_start(&r, c);
        EXPECT_INT(run_turn(&r, 1, &limit), LUA_OK);
        EXPECT_STR(limit, "turn_bytes");
        EXPECT(!lua_toboolean(r.co, 1));
        EXPECT(cell_bytes(c) < 2u << 20);
        run_stop(&r);
        cell_free(c);
    }
}

/* Garbage is no growth: a turn may use much more in all than it may hold. */
static void garbage_is_no_growth(void)
{
    struct limits l = defaults;

    l.turn_bytes = 1u << 20;
    EXPECT_STR(outcome(FLOW("for i = 1, 200 do local s = string.rep('x', 100000 + i) end\n"
                            "return 'done'"),
                       &l),
               "done");
}

static void bounds_the_cell(void)
{
    struct limits l = defaults;
    struct error e;
    struct cell *c;
    struct run r;
    const char *limit = NULL;
    int turns = 0;

    l.cell_bytes = 4u << 20;
    l.turn_bytes = 1u << 20;
    c = fixture_flow(FLOW("local t = {} while true do\n"
                          "for i = 1, 5000 do t[#t + 1] = {} end native.wait() end"),
                     &l, &e);
    run_start(&r, c);
    while (run_turn(&r, turns == 0, &limit) == LUA_YIELD && turns < 100)
        turns++;
    EXPECT(turns > 3);
    EXPECT_STR(limit, "cell_bytes");
    run_stop(&r);
    cell_free(c);
}

const struct test cell_tests[] = {TEST(loads_flows_routes_and_modules),
                                  TEST(says_why_a_bundle_does_not_load),
                                  TEST(loads_what_is_compiled),
                                  TEST(ends_a_load_that_does_not_end),
                                  TEST(ends_a_load_that_takes_all_memory),
                                  TEST(survives_tiny_cells),
                                  TEST(survives_failing_memory),
                                  TEST(runs_a_flow),
                                  TEST(ends_an_interrupted_turn),
                                  TEST(ends_a_turn_from_a_signal),
                                  TEST(an_interrupt_concerns_its_turn_only),
                                  TEST(bounds_the_growth_of_a_turn),
                                  TEST(garbage_is_no_growth),
                                  TEST(bounds_the_cell),
                                  {0}};
