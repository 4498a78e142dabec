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

/* The only use of the machine here is its address and its configuration: core_load may run on any
 * thread. */
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

int core_load(struct core *core, struct bundle *b, struct cell **out, struct error *e)
{
    return cell_new(out, b, &core->cfg.limits, open_cell, core, e);
}

static int append(struct core *core, struct cell *loaded, struct core_cell **out)
{
    struct core_cell *cell = calloc(1, sizeof *cell);

    if (!cell)
        return ERR_NOMEM;
    cell->cell = loaded;
    list_append(&core->cells, &cell->link);
    *out = cell;
    return 0;
}

static int add(struct core *core, struct bundle *b, struct core_cell **out, struct error *e)
{
    struct cell *loaded;
    int err = core_load(core, b, &loaded, e);

    if (err)
        return err;
    err = append(core, loaded, out);
    if (err) {
        cell_free(loaded);
        return error_set(e, err, "not enough memory");
    }
    return 0;
}

static void drop(struct core_cell *cell)
{
    list_remove(&cell->link);
    cell_free(cell->cell);
    free(cell);
}

int cells_adopt(struct core *core, struct cell *cell)
{
    struct core_cell *unused;

    return append(core, cell, &unused);
}

void cells_sweep(struct core *core)
{
    struct list *it, *tmp;

    list_each (it, tmp, &core->cells) {
        struct core_cell *cell = list_entry(it, struct core_cell, link);
        if (!cell->calls && !core_keeps(core, cell_bundle(cell->cell)))
            drop(cell);
    }
}

/* Flows may keep things in their modules that grow from call to call. New calls do not go where
 * memory is nearly out, and such a cell ends with its last call. */
static bool is_full(const struct core *core, const struct core_cell *cell)
{
    return cell_bytes(cell->cell) > core->cfg.limits.cell_bytes / 4 * 3;
}

int cells_take(struct core *core, struct bundle *b, struct core_cell **out, struct error *e)
{
    struct core_cell *cell = NULL;
    struct list *it, *tmp;

    list_each (it, tmp, &core->cells) {
        struct core_cell *one = list_entry(it, struct core_cell, link);
        if (!cell && cell_bundle(one->cell) == b && one->calls < core->cfg.limits.calls_per_cell &&
            (!one->calls || !is_full(core, one)))
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
    if (--cell->calls == 0 && (is_full(core, cell) || !core_keeps(core, cell_bundle(cell->cell))))
        drop(cell);
}

void cells_fini(struct core *core)
{
    while (!list_empty(&core->cells))
        drop(list_entry(core->cells.next, struct core_cell, link));
}
