/* The pool of cells: one bundle each, a bounded number of calls each. */
#include "core/machine.h"

#include <lauxlib.h>
#include <stdlib.h>

static const char core_key; /* registry: the machine, as light userdata */

struct core *core_of(lua_State *L)
{
    struct core *core;

    lua_rawgetp(L, LUA_REGISTRYINDEX, &core_key);
    core = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return core;
}

static int64_t source_now(lua_State *L)
{
    struct fiber *f = fiber_current(L);

    return f ? f->call->now : 0;
}

static struct random *source_random(lua_State *L)
{
    return &fiber_need(L, "math.random")->random;
}

static void open_cell(lua_State *L, void *arg)
{
    static const struct sandbox_source source = {source_now, source_random};
    struct core *core = arg;

    lua_pushlightuserdata(L, core);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &core_key);
    sandbox_use(L, &source);
    if (core->cfg.open)
        core->cfg.open(L, core->cfg.open_arg);
}

static int add(struct core *core, struct bundle *b, struct core_cell **out, struct error *e)
{
    struct core_cell *cell = calloc(1, sizeof *cell);
    int err;

    if (!cell)
        return error_set(e, ERR_NOMEM, "not enough memory");
    err = cell_new(&cell->cell, b, &core->cfg.limits, open_cell, core, e);
    if (err) {
        free(cell);
        return err;
    }
    list_append(&core->cells, &cell->link);
    *out = cell;
    return 0;
}

static void drop(struct core_cell *cell)
{
    list_remove(&cell->link);
    cell_free(cell->cell);
    free(cell);
}

int cells_use(struct core *core, struct bundle *b, struct error *e)
{
    struct core_cell *first;
    struct list *it, *tmp;
    int err = add(core, b, &first, e);

    if (err)
        return err;
    list_each (it, tmp, &core->cells) {
        struct core_cell *cell = list_entry(it, struct core_cell, link);
        if (cell != first && !cell->calls)
            drop(cell);
    }
    return 0;
}

int cells_take(struct core *core, struct bundle *b, struct core_cell **out, struct error *e)
{
    struct core_cell *cell = NULL;
    struct list *it, *tmp;

    list_each (it, tmp, &core->cells) {
        struct core_cell *one = list_entry(it, struct core_cell, link);
        if (!cell && cell_bundle(one->cell) == b && one->calls < core->cfg.limits.calls_per_cell)
            cell = one;
    }
    if (!cell) {
        int err = add(core, b, &cell, e);
        if (err)
            return err;
    }
    cell->calls++;
    *out = cell;
    return 0;
}

void cells_return(struct core *core, struct core_cell *cell)
{
    if (--cell->calls == 0 && cell_bundle(cell->cell) != core->bundle)
        drop(cell);
}

void cells_fini(struct core *core)
{
    while (!list_empty(&core->cells))
        drop(list_entry(core->cells.next, struct core_cell, link));
}
