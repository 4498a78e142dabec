/* Every limit of limits.h that a flow can run into, in the whole machine: a row each with the flow
 * that does it, the limit made small, and what the log says. Those of C code are in test_fence.c.
 */
#include "tests/unit/machine_world.h"
#include "tests/unit/test.h"

#include "core/machine.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define FLOW(body)                                                                                 \
    "local ivr = require 'ivr' local http = require 'ivr.http' local kept = {}\n"                  \
    "local function closer(f) return setmetatable({}, { __close = f }) end\n"                      \
    "return { onCall = function(call)\n" body "\nend }\n"

struct row {
    const char *name; /* of the limit */
    const char *flow, *says;
    int64_t value;
};

static const struct row rows[] = {
    /* memory */
    {"turn_bytes", FLOW("local t = {}\nfor i = 1, 1e8 do t[i] = { i } end"),
     "flow main: limits.turn_bytes exceeded at flows/main.lua:5", 1 << 20},
    {"turn_bytes", FLOW("\nreturn ('x'):rep(1000000)"),
     "flow main: limits.turn_bytes exceeded at flows/main.lua:5", 1 << 20},
    {"turn_bytes", FLOW("pcall(function()\nreturn ('x'):rep(1000000) end)"),
     "flow main: limits.turn_bytes exceeded at flows/main.lua:5", 1 << 20},
    {"cell_bytes",
     FLOW("while true do\nfor i = 1, 1000 do kept[#kept + 1] = {} end\nivr.sleep(1) end"),
     "flow main: limits.cell_bytes exceeded at flows/main.lua:5", 2 << 20},
    {"string_bytes", FLOW("return ('x'):rep(3000)"), "string.rep: the result is over limits.str",
     2048},
    {"string_bytes", FLOW("return load((' '):rep(1000) .. (' '):rep(2000))"),
     "load: more than limits.string_bytes", 2048},
    {"pattern_steps", FLOW("return ('a'):rep(200):find(('.-'):rep(4) .. 'b')"),
     "pattern too costly: over limits.pattern_steps", 2000},
    /* numbers of things */
    {"fibers", FLOW("for _ = 1, 9 do ivr.spawn(function() ivr.sleep(1) end) end"),
     "limit fibers: more than 5 at once", 5},
    {"fibers", FLOW("local function f() ivr.spawn(f):await() end f()"),
     "limit fibers: more than 5 at once", 5},
    {"fibers", FLOW("call:answer() for _ = 1, 9 do call:start('keepAlive') end"),
     "keepAlive: limit requests: more than 5 methods pending", 5},
    {"fibers", FLOW("while true do ivr.spawn(function() end):await() end"),
     "flow main: limits.fibers exceeded", 64},
    {"timers", FLOW("for _ = 1, 9 do ivr.spawn(function() ivr.sleep(1) end) end"),
     "limit timers: more than 5 deadlines pending", 5},
    {"requests", FLOW("for _ = 1, 9 do ivr.spawn(function() http.get('http://x.test/') end) end"),
     "http: limit requests: more than 3 pending", 3},
    {"legs",
     FLOW("for i = 1, 9 do ivr.createCall { targets = { { phone = '+1425555010' .. i } } } end"),
     "createCall: limit legs: more than 3", 3},
    {"entries", FLOW("while true do ivr.sleep(0) end"), "limit entries: more than 100 commands",
     100},
    {"entries", FLOW("while true do pcall(ivr.sleep, 0) end"),
     "limit entries: more than 100 commands", 100},
    /* what a turn says to the outside is memory as well */
    {"turn_bytes", FLOW("while true do print 'x' end"),
     "flow main: limits.turn_bytes exceeded at flows/main.lua:4", 1 << 20},
    {"turn_bytes", FLOW("while true do pcall(print, ('x'):rep(10000)) end"),
     "flow main: limits.turn_bytes exceeded at flows/main.lua:4", 1 << 20},
    /* time */
    {"call_ms", FLOW("while true do ivr.sleep(1) end"), "limit call_ms: the call lasted longer",
     5000},
    {"wait_ms", FLOW("call:answer() print('key', call:nextTone())"), "key\tnil", 2000},
    {"wait_ms",
     FLOW("print(pcall(function() ivr.spawn(ivr.sleep, 9):await() end)"
          " and 'no' or 'given up')"),
     "given up", 2000},
    {"cleanup_ms", FLOW("call:onEnd(function() ivr.sleep(60) end)"),
     "limit cleanup_ms: an onEnd handler did not end in time", 2000},
    {"cleanup_ms",
     FLOW("ivr.first { function() local _ <close> = closer(function()"
          " ivr.sleep(60) end) ivr.sleep(9) end, function() end }"),
     "limit cleanup_ms: a fiber did not end in time", 2000},
    {"cleanup_ms",
     FLOW("ivr.first { function() ivr.shield(function() ivr.sleep(60) end) end, function() end }\n"
          "print(ivr.now() - 1764000000)"),
     "2.0", 2000},
    {"cleanup_total_ms", FLOW("for _ = 1, 9 do call:onEnd(function() ivr.sleep(3) end) end"),
     "limit cleanup_total_ms: 6 onEnd handlers are left out", 8000},
};

static void set(struct limits *l, const char *name, int64_t value)
{
#define LIMIT(key)                                                                                 \
    if (strcmp(name, #key) == 0)                                                                   \
    l->key = (__typeof__(l->key))value
    LIMIT(cell_bytes);
    LIMIT(turn_bytes);
    LIMIT(string_bytes);
    LIMIT(pattern_steps);
    LIMIT(fibers);
    LIMIT(timers);
    LIMIT(requests);
    LIMIT(legs);
    LIMIT(entries);
    LIMIT(call_ms);
    LIMIT(wait_ms);
    LIMIT(cleanup_ms);
    LIMIT(cleanup_total_ms);
#undef LIMIT
}

static void each_has_its_error(void)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *r = &rows[i];
        struct limits l = LIMITS_DEFAULT;
        struct flow_world w;

        set(&l, r->name, r->value);
        flow_init(&w, r->flow, &l);
        w.serves = true;
        flow_start(&w);
        flow_pass(&w, 3600000);
        test_expect(strstr(flow_logs(&w), r->says) != NULL, __FILE__, __LINE__,
                    "limits.%s = %lld:\n%s    logs \"%.500s\"\n    and not \"%s\"", r->name,
                    (long long)r->value, r->flow, flow_logs(&w), r->says);
        EXPECT(w.ended);
        EXPECT_INT(core_calls(w.core), 0);
        flow_fini(&w);
    }
}

/* --- cells ------------------------------------------------------------------------------------*/

static void begin(struct flow_world *w, int number)
{
    char json[300];
    struct event ev = {0};
    struct error e;

    snprintf(json, sizeof json,
             "{\"kind\":\"start\",\"key\":\"%032d\",\"call_id\":\"c%d\",\"data\":{\"direction\":"
             "\"incoming\",\"seed\":\"00000000000000ff\",\"call\":{\"state\":\"incoming\"}}}",
             number, number);
    EXPECT_INT(event_decode(&ev, json, strlen(json), &e), 0);
    snprintf(ev.key, sizeof ev.key, "%032d", number);
    ev.time = w->now;
    EXPECT_INT(core_handle(w->core, &ev, &w->out), 0);
    event_fini(&ev);
    command_list_reset(&w->out);
}

static unsigned cells(const struct flow_world *w)
{
    unsigned n = 0;

    for (struct list *it = w->core->cells.next; it != &w->core->cells; it = it->next)
        n++;
    return n;
}

static void a_cell_holds_so_many_calls(void)
{
    struct limits l = LIMITS_DEFAULT;
    struct flow_world w;

    l.calls_per_cell = 3;
    flow_init(&w, FLOW("ivr.sleep(100)"), &l);
    for (int i = 1; i <= 7; i++)
        begin(&w, i);
    EXPECT_INT(core_calls(w.core), 7);
    EXPECT_INT(cells(&w), 3);
    flow_fini(&w);
}

/* A flow that keeps something of every call fills its cell in the end: not for new calls. */
static void a_full_cell_takes_no_new_calls(void)
{
    struct limits l = LIMITS_DEFAULT;
    struct flow_world w;

    l.cell_bytes = 8 << 20;
    flow_init(&w, FLOW("kept[#kept + 1] = ('x'):rep(1000000) ivr.sleep(#kept)"), &l);
    for (int i = 1; i <= 24; i++)
        begin(&w, i);
    EXPECT_INT(core_calls(w.core), 24);
    EXPECT(cells(&w) >= 4 && cells(&w) <= 6);
    for (struct list *it = w.core->cells.next; it != &w.core->cells; it = it->next)
        EXPECT(list_entry(it, struct core_cell, link)->calls > 1);
    flow_fini(&w);
}

const struct test limits_tests[] = {TEST(each_has_its_error),
                                    TEST(a_cell_holds_so_many_calls),
                                    TEST(a_full_cell_takes_no_new_calls),
                                    {0}};
