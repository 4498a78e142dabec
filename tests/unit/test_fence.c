/* Attacks on the fence, in tables that are easy to add to: what runs where no hook sees it, and
 * what wants memory at one stroke. */
#include "test.h"

#include "cell_fixture.h"

#include <lauxlib.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct cell *volatile watched;

static void on_alarm(int signal)
{
    (void)signal;
    if (watched)
        cell_interrupt(watched, "turn_ms");
}

/* The second turn of `text`, interrupted after 20 ms as the watchdog does it: the limit, and
 * whether that helped in seconds, where each takes half a minute and more when nothing does. */
static const char *attack(const char *text, const struct limits *l, bool *in_time)
{
    enum { PATIENCE = 5 };
    struct error e;
    struct cell *c = fixture_flow(text, l, &e);
    const char *limit;
    time_t begin;
    struct run r;

    *in_time = false;
    if (!EXPECT_STR(e.text, ""))
        return NULL;
    run_start(&r, c);
    EXPECT_INT(run_turn(&r, 1, &limit), LUA_YIELD);
    watched = c;
    ualarm(20000, 0);
    begin = time(NULL);
    EXPECT_INT(run_turn(&r, 0, &limit), LUA_OK);
    *in_time = time(NULL) - begin <= PATIENCE;
    watched = NULL;
    ualarm(0, 0);
    EXPECT_INT(unwind_kind(r.co, 2), UNWIND_LIMIT);
    run_stop(&r);
    cell_free(c);
    return limit;
}

/* Each look for an element goes through nearly 2,000 tables, in C. */
#define CHAIN                                                                                      \
    "local base, t = {}, nil for i = 1, 100000 do base[i] = '' end t = base\n"                     \
    "for _ = 1, 1990 do t = setmetatable({}, { __index = t }) end\n"                               \
    "local function n(count) return setmetatable({}, { __index = t,\n"                             \
    "__len = function() return count end }) end\n"

/* All but empty, but large: going through it is work. */
#define HOLLOW                                                                                     \
    "local t = {} for i = 1, 300000 do t['k' .. i] = 1 end\n"                                      \
    "for i = 2, 300000 do t['k' .. i] = nil end\n"

static void ends_what_runs_in_c(void)
{
    static const char *const attacks[] = {
        FLOW(CHAIN "native.wait() while true do table.move(t, 1, 999999, 1, {}) end"),
        FLOW(CHAIN "native.wait() while true do table.concat(t, '', 1, 100000) end"),
        FLOW(CHAIN "native.wait() while true do table.unpack(t, 1, 900000) end"),
        FLOW(CHAIN "native.wait() while true do table.insert(n(999999), 1, 'x') end"),
        FLOW(CHAIN "native.wait() while true do table.remove(n(999999), 1) end"),
        FLOW(CHAIN "native.wait() while true do table.sort(n(100000)) end"),
        FLOW(HOLLOW "local list = {} for i = 1, 100000 do list[i] = t end\n"
                    "native.wait() while true do pcall(native.json, list) end"),
        FLOW("local s = ('a'):rep(1 << 20) for _ = 1, 5 do s = s .. s end\n"
             "native.wait() while true do pcall(string.find, s, '.-.-.-b') end"),
        FLOW("local t = {} for i = 1, 30000 do t[#t + 1] = 'goto a' end\n"
             "for i = 1, 32000 do t[#t + 1] = '::l' .. i .. '::' end\n"
             "local s = table.concat(t, ' ') native.wait() while true do load(s) end"),
        FLOW("local s = ('%c'):rep(400000) native.wait() while true do os.date(s) end"),
    };
    struct sigaction act = {.sa_handler = on_alarm}, old;
    struct limits l = LIMITS_DEFAULT;

    l.cell_bytes = l.turn_bytes = (size_t)1 << 30;
    sigaction(SIGALRM, &act, &old);
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        bool in_time;
        const char *limit = attack(attacks[i], &l, &in_time);

        test_expect(limit && strcmp(limit, "turn_ms") == 0 && in_time, __FILE__, __LINE__,
                    "%s\n    ended by %s%s", attacks[i], limit ? limit : "nothing",
                    in_time ? "" : ", much too late");
    }
    sigaction(SIGALRM, &old, NULL);
}

/* The same while a file loads, where the clock is looked at. */
static void ends_a_load_that_runs_in_c(void)
{
    static const char *const attacks[] = {
        CHAIN "while true do table.move(t, 1, 999999, 1, {}) end",
        CHAIN "while true do table.concat(t, '', 1, 100000) end",
        "local t = {} for i = 1, 30000 do t[#t + 1] = 'goto a' end\n"
        "for i = 1, 32000 do t[#t + 1] = '::l' .. i .. '::' end\n"
        "local s = table.concat(t, ' ') while true do load(s) end",
    };
    struct limits l = LIMITS_DEFAULT;

    l.load_ms = 100;
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        struct error e;
        time_t begin = time(NULL);

        EXPECT(!fixture_flow(attacks[i], &l, &e));
        EXPECT_IN(e.text, "limits.load_ms exceeded");
        EXPECT_IN(e.text, "flows/main.lua");
        EXPECT(time(NULL) - begin <= 5);
    }
}

/* A memory error has no place of its own; the fence knows it all the same. */
static void says_where_memory_was_out(void)
{
    static const struct {
        const char *text;
        int line;
    } rows[] = {
        {FLOW("local s = 'x'\nreturn s:rep(50000000)"), 4},
        {FLOW("\nreturn string.pack('c50000000', '')"), 4},
        {FLOW("local s = ('x'):rep(6000000)\nreturn s .. s"), 4},
        {FLOW("local s = ('x'):rep(6000000)\n\nreturn s:upper()"), 5},
        {FLOW("local s = ('x'):rep(6000000)\n\nreturn s:gsub('x', 'yy')"), 5},
        {FLOW("local t = {}\nfor i = 1, 10 do t[i] = ('x'):rep(1500000) end\n"
              "return table.concat(t, ('-'):rep(1000000))"),
         5},
        {FLOW("local ok = pcall(function()\nreturn ('x'):rep(50000000)\nend)\nreturn ok"), 4},
        {FLOW("local t = {}\nfor i = 1, 1e9 do\nt[i] = i\nend"), 5},
        {FLOW("\nlocal function f(...)\nreturn f(1, 2, 3, 4, 5, 6, 7, 8, 9, ...) end\nf()"), 5},
    };
    struct limits l = LIMITS_DEFAULT;

    l.string_bytes = 64u << 20;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct error e;
        struct cell *c = fixture_flow(rows[i].text, &l, &e);
        char want[32];
        const char *limit;
        struct run r;

        snprintf(want, sizeof want, "flows/main.lua:%d", rows[i].line);
        run_start(&r, c);
        EXPECT_INT(run_turn(&r, 1, &limit), LUA_OK);
        EXPECT_STR(limit, "turn_bytes");
        test_expect(strcmp(cell_broken_where(c), want) == 0, __FILE__, __LINE__,
                    "%s\n    is said to have failed at \"%s\", not %s", rows[i].text,
                    cell_broken_where(c), want);
        run_stop(&r);
        cell_free(c);
    }
}

/* What the turn says to the outside takes no memory of the state, and counts. */
static void counts_what_is_held_outside(void)
{
    struct error e;
    struct cell *c = fixture_flow(FLOW("native.wait() return 1"), NULL, &e);
    const char *limit;
    struct run r;

    cell_charge(c, 1u << 30); /* between turns: nothing */
    run_start(&r, c);
    EXPECT_INT(run_turn(&r, 1, &limit), LUA_YIELD);
    EXPECT_STR(limit, NULL);
    cell_enter(c, r.co);
    cell_charge(c, 15u << 20);
    EXPECT_STR(cell_leave(c), NULL);
    cell_enter(c, r.co);
    cell_charge(c, 15u << 20);
    cell_charge(c, 2u << 20);
    EXPECT_STR(cell_leave(c), "turn_bytes");
    run_stop(&r);
    cell_free(c);
}

const struct test fence_tests[] = {TEST(ends_what_runs_in_c),
                                   TEST(ends_a_load_that_runs_in_c),
                                   TEST(says_where_memory_was_out),
                                   TEST(counts_what_is_held_outside),
                                   {0}};
