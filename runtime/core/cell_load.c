#include "core/cell_state.h"

#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

/* "flows/a.lua -> flows/b.lua -> flows/a.lua": how loading `file` came back to itself. The chain is
 * kept innermost first, so it is pushed from the far end. Returns how many pieces were pushed. */
static int push_chain(lua_State *L, const struct loading *at, const char *file)
{
    int n = 0;

    luaL_checkstack(L, 4, "cyclic require");
    if (strcmp(at->file, file) != 0)
        n = push_chain(L, at->up, file);
    lua_pushfstring(L, "%s -> ", at->file);
    return n + 1;
}

static void refuse_cycle(lua_State *L, const struct loading *innermost, const char *file)
{
    for (const struct loading *at = innermost; at; at = at->up) {
        if (strcmp(at->file, file) == 0) {
            luaL_where(L, 1);
            lua_pushliteral(L, "cyclic require: ");
            lua_concat(L, push_chain(L, innermost, file) + 2);
            lua_pushstring(L, file);
            lua_concat(L, 2);
            lua_error(L);
        }
    }
}

/* --- compiling --------------------------------------------------------------------------------
 * The compiler takes time that grows with the square of some texts (labels and gotos) and sees no
 * hook. It is fed in pieces, and between two of them is the place to end it. */

#define PIECE 1024

struct source {
    const char *text;
    size_t n;
};

static const char *next_piece(lua_State *L, void *arg, size_t *n)
{
    struct source *s = arg;
    const char *text = s->text;

    sandbox_poll(L);
    *n = s->n < PIECE ? s->n : PIECE;
    s->text += *n;
    s->n -= *n;
    return text;
}

int cell_compile(lua_State *L, const char *text, size_t n, const char *name)
{
    struct source s = {text, n};

    return lua_load(L, next_piece, &s, name, "t");
}

void cell_compile_file(lua_State *L, const struct bundle_file *f)
{
    struct source code = {f->code, f->ncode};
    const char *name = lua_pushfstring(L, "@%s", f->name);

    if ((f->code ? lua_load(L, next_piece, &code, name, "b")
                 : cell_compile(L, f->text, f->n, name)) != LUA_OK)
        lua_error(L);
}

/* Compile and run `f`; its result is left on the stack. */
static int run_file(lua_State *L)
{
    const struct bundle_file *f = lua_touserdata(L, 1);

    cell_compile_file(L, f);
    lua_call(L, 0, 1);
    /* The runtime's own modules are shared by all calls; none may change them for the others. */
    if (strncmp(f->name, "stdlib/", 7) == 0 && lua_istable(L, -1)) {
        lua_pushfstring(L, "module '%s'", f->name);
        lua_insert(L, -2);
        sandbox_freeze(L, lua_tostring(L, -2));
    }
    return 1;
}

void cell_load_file(lua_State *L, const struct bundle_file *f)
{
    struct cell *c = cell_of(L);
    struct loading here = {f->name, c->loading};
    int status;

    luaL_checkstack(L, 6, "require");
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cell_keys.loaded);
    if (lua_getfield(L, -1, f->name) == LUA_TNIL) {
        lua_pop(L, 1);
        refuse_cycle(L, c->loading, f->name);
        lua_pushcfunction(L, run_file);
        lua_pushlightuserdata(L, (void *)f);
        c->loading = &here;
        status = lua_pcall(L, 1, 1, 0);
        c->loading = here.up;
        if (status != LUA_OK) {
            c->failed = f->name;
            lua_error(L);
        }
        if (lua_isnil(L, -1)) {
            lua_pop(L, 1);
            lua_pushboolean(L, true);
        }
        lua_pushvalue(L, -1);
        lua_setfield(L, -3, f->name);
    }
    lua_remove(L, -2);
}

/* Words of letters, digits, _ and -, with dots between them: nothing that could climb. */
static bool is_module_name(const char *name, size_t n)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

    if (n == 0 || n > 128 || strlen(name) != n || name[n - 1] == '.')
        return false;
    for (const char *p = name; *p; p++)
        if (!strchr(word, *p) && (*p != '.' || p == name || p[-1] == '.'))
            return false;
    return true;
}

/* The runtime's own names come first: a flows folder cannot stand in for `ivr`. */
static const struct bundle_file *find_module(const struct bundle *b, const char *name)
{
    static const char *const forms[] = {"stdlib/%s.lua", "stdlib/%s/init.lua", "flows/%s.lua",
                                        "flows/%s/init.lua"};
    char path[160], file[192];
    const struct bundle_file *f;

    snprintf(path, sizeof path, "%s", name);
    for (char *p = path; *p; p++)
        if (*p == '.')
            *p = '/';
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(file, sizeof file, forms[i], path);
#pragma GCC diagnostic pop
        f = bundle_file(b, file);
        if (f)
            return f;
    }
    return NULL;
}

int cell_require(lua_State *L)
{
    size_t n;
    const char *name = luaL_checklstring(L, 1, &n);
    const struct bundle_file *f;

    if (!is_module_name(name, n)) {
        lua_pushlstring(L, name, n < 60 ? n : 60);
        return luaL_error(L, "require: '%s' is not a module name (words with dots between them)",
                          lua_tostring(L, -1));
    }
    lua_rawgetp(L, LUA_REGISTRYINDEX, &cell_keys.natives);
    if (lua_getfield(L, -1, name) != LUA_TNIL)
        return 1;
    f = find_module(cell_of(L)->bundle, name);
    if (!f)
        return luaL_error(L,
                          "require: there is no module '%s', neither of the runtime nor in the "
                          "flows folder",
                          name);
    cell_load_file(L, f);
    return 1;
}
