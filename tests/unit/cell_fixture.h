/*
 * A cell of one flow and coroutines in it, for the tests of the fence. The flow is the file
 * flows/main.lua and returns a table with a function `run`; FLOW(body) makes one, its body begins
 * on line 3. Native functions for it: native.wait(...) yields and returns what it is resumed with,
 * native.hang() yields and then raises a hang-up, native.raise(kind) raises an unwind,
 * native.interrupt() breaks a limit from inside, native.json(v) reads a value as bindings do.
 */
#ifndef IVORY_TESTS_UNIT_CELL_FIXTURE_H
#define IVORY_TESTS_UNIT_CELL_FIXTURE_H

#include "core/cell.h"
#include "core/sandbox.h"

#define FLOW(body) "local native = require 'native'\nreturn { run = function()\n" body "\nend }"

/* Make a cell of these files; NULL when it fails, with the reason in `e` and its code in `*code`.
 */
struct cell *fixture_cell(const struct bundle_source *files, const struct limits *l,
                          struct error *e, int *code);
struct cell *fixture_compiled(const struct bundle_source *files, struct error *e, int *code);
struct cell *fixture_flow(const char *text, const struct limits *l, struct error *e);

/* A coroutine of the flow's `run`. */
struct run {
    struct cell *c;
    lua_State *co;
    int ref;
};

void run_start(struct run *r, struct cell *c);

/* One turn, with the `n` values on top of r->co (1, the function, the first time): what lua_resume
 * returned; `*limit` what cell_leave returned. */
int run_turn(struct run *r, int n, const char **limit);
void run_stop(struct run *r);

/* Run `text` as flow main to its end in one turn: its first result, or the error, as text:
 * "hello", "error: flows/main.lua:3: boom", "error: unwind: gone", with " (limit)" behind when one
 * was broken; "load: ..." when it does not load. */
const char *outcome(const char *text, const struct limits *l);

#endif
