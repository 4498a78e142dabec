#include "test.h"

#include "core/bundle.h"
#include "core/cell.h"
#include "host/watchdog.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define FOLDER "build/test-watchdog"

/* A cell with one empty flow, whose turns the test runs itself. */
static struct cell *make_cell(void)
{
    static const struct bundle_source none[] = {{0}};
    static const struct limits limits = LIMITS_DEFAULT;
    struct bundle *b = NULL;
    struct cell *c = NULL;
    struct error e = {""};
    FILE *f;

    mkdir(FOLDER, 0755);
    f = fopen(FOLDER "/main.lua", "w");
    fputs("return {}", f);
    fclose(f);
    if (!EXPECT_INT(bundle_read(&b, FOLDER, none, &e), 0) ||
        !EXPECT_INT(cell_new(&c, b, &limits, NULL, NULL, &e), 0))
        printf("  %s\n", e.text);
    bundle_unref(b);
    return c;
}

/* Run `code` as one turn; the limit that ended it, or NULL. */
static const char *turn(struct cell *c, struct core_pulse *pulse, const char *code)
{
    lua_State *L = cell_state(c), *co = lua_newthread(L);
    const char *limit;
    int n;

    luaL_loadstring(co, code);
    cell_enter(c, co);
    pulse->running = c;
    __atomic_store_n(&pulse->turns, pulse->turns + 1, __ATOMIC_RELAXED);
    lua_resume(co, NULL, 0, &n);
    __atomic_store_n(&pulse->turns, pulse->turns + 1, __ATOMIC_RELAXED);
    pulse->running = NULL;
    limit = cell_leave(c);
    lua_resetthread(co);
    lua_pop(L, 1);
    return limit;
}

static void ends_turns_that_are_too_long(void)
{
    struct core_pulse pulse = {0};
    struct watchdog *w = NULL;
    struct cell *c = make_cell();

    EXPECT_INT(watchdog_new(&w, &pulse, 20, NULL), 0);
    EXPECT_STR(turn(c, &pulse, "while true do end"), "turn_ms");
    EXPECT_STR(turn(c, &pulse, "return 1"), NULL);
    EXPECT_STR(turn(c, &pulse, "while true do pcall(function() while true do end end) end"),
               "turn_ms");
    EXPECT_INT(watchdog_barks(w), 2);
    for (int i = 0; i < 2000; i++)
        EXPECT_STR(turn(c, &pulse, "for i = 1, 100 do end"), NULL);
    usleep(60000); /* between turns there is nothing to bark at */
    EXPECT_INT(watchdog_barks(w), 2);
    watchdog_free(w);
    EXPECT_INT(watchdog_new(&w, &pulse, 1, NULL), 0);
    EXPECT_STR(turn(c, &pulse, "while true do end"), "turn_ms");
    watchdog_free(w);
    cell_free(c);
}

/* A turn that only waits for a processor, and one that is done again. */
static void only_what_is_computed_counts(void)
{
    struct core_pulse pulse = {0};
    struct watchdog *w = NULL;
    struct cell *c = make_cell();
    clock_t began;

    EXPECT_INT(watchdog_new(&w, &pulse, 20, NULL), 0);
    pulse.turns = 1;
    usleep(100000);
    EXPECT_INT(watchdog_barks(w), 0);
    pulse.turns = 2;
    pulse.repeats = true;
    began = clock();
    EXPECT_STR(turn(c, &pulse, "while true do end"), "turn_ms");
    EXPECT(clock() - began >= CLOCKS_PER_SEC / 10); /* the limit is a fifth of that */
    watchdog_free(w);
    cell_free(c);
}

/* One machine after the other on the same thread; a turn that nobody watches may be long. */
static void turns_to_another_machine(void)
{
    static const char lengthy[] = "for i = 1, 50000000 do end";
    struct core_pulse first = {0}, second = {0};
    struct watchdog *w = NULL;
    struct cell *c = make_cell();

    EXPECT_INT(watchdog_new(&w, NULL, 20, NULL), 0);
    EXPECT_STR(turn(c, &first, lengthy), NULL);
    watchdog_turn_to(w, &first);
    EXPECT_STR(turn(c, &first, lengthy), "turn_ms");
    watchdog_turn_to(w, &second);
    EXPECT_STR(turn(c, &first, lengthy), NULL);
    EXPECT_STR(turn(c, &second, lengthy), "turn_ms");
    EXPECT_INT(watchdog_barks(w), 2);
    watchdog_turn_to(w, NULL);
    EXPECT_STR(turn(c, &second, lengthy), NULL);
    EXPECT_INT(watchdog_barks(w), 2);
    watchdog_free(w);
    cell_free(c);
}

static void survives_failing_memory(void)
{
    struct core_pulse pulse = {0};

    EVERY_ALLOCATION(n)
    {
        struct watchdog *w = NULL;
        if (watchdog_new(&w, &pulse, 10, NULL) == 0)
            watchdog_free(w);
    }
}

const struct test watchdog_tests[] = {TEST(ends_turns_that_are_too_long),
                                      TEST(only_what_is_computed_counts),
                                      TEST(turns_to_another_machine),
                                      TEST(survives_failing_memory),
                                      {0}};
