/* Who makes many cells of one bundle compiles it once. */
#include "core/bundle.h"

#include "base/buf.h"

#include <lauxlib.h>
#include <stdlib.h>

static int keep(lua_State *L, const void *p, size_t n, void *code)
{
    (void)L;
    return buf_add(code, p, n);
}

static void compile(lua_State *L, struct bundle_file *f)
{
    struct buf code = {0};

    lua_pushfstring(L, "@%s", f->name);
    if (!f->code && luaL_loadbufferx(L, f->text, f->n, lua_tostring(L, -1), "t") == LUA_OK &&
        lua_dump(L, keep, &code, 0) == 0) {
        f->ncode = code.n;
        f->code = buf_take(&code);
    }
    buf_fini(&code);
    lua_settop(L, 0);
}

static int compile_all(lua_State *L)
{
    struct bundle *b = lua_touserdata(L, 1);

    lua_settop(L, 0);
    for (size_t i = 0; i < b->nfiles; i++)
        compile(L, &b->files[i]);
    return 0;
}

void bundle_compile(struct bundle *b)
{
    lua_State *L = luaL_newstate();

    if (!L)
        return;
    lua_pushcfunction(L, compile_all);
    lua_pushlightuserdata(L, b);
    lua_pcall(L, 1, 0, 0); /* without memory the rest is compiled where it is loaded */
    lua_close(L);
}
