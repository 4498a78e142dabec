/*
 * Any JSON through Lua, as ivr.json and every argument and result go: what comes back and goes
 * through once more is the same; and what the parser takes keeps its promises.
 */
#include "base/json.h"
#include "base/utf8.h"
#include "core/cell.h"
#include "core/luajson.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static struct cell *cell;

static void make_cell(void)
{
    static const struct bundle_source files[] = {{"flows/main.lua", "return {}", 9}, {0}};
    struct limits l = LIMITS_DEFAULT;
    struct bundle *b;
    struct error e;

    l.turn_bytes = 64u << 20;
    if (bundle_from(&b, files, &e) || cell_new(&cell, b, &l, NULL, NULL, &e))
        abort();
    bundle_unref(b);
}

static int push(lua_State *L)
{
    luajson_push(L, lua_touserdata(L, 1), true);
    return 1;
}

/* What the parser promises of what it takes, looked at byte by byte. */
static void check_taken(const char *text, size_t n)
{
    bool in_string = false;
    int depth = 0;

    if (utf8_check(text, n) != n)
        abort();
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c == '\0' || (in_string && c < 0x20))
            abort();
        if (in_string && c == '\\') {
            if (n - i > 5 && memcmp(text + i, "\\u0000", 6) == 0)
                abort();
            i++;
        } else if (c == '"') {
            in_string = !in_string;
        } else if (!in_string && (c == '{' || c == '[')) {
            depth++;
        } else if (!in_string && (c == '}' || c == ']')) {
            depth--;
        }
        if (depth > JSON_MAX_DEPTH)
            abort();
    }
}

/* It is printed as cJSON prints what it takes itself. */
static void check_printed(const cJSON *v, const char *text, size_t n)
{
    cJSON *theirs = cJSON_ParseWithLength(text, n);
    char *a = json_text(v), *b = theirs ? cJSON_PrintUnformatted(theirs) : NULL;

    if (!a || !b || strcmp(a, b) != 0)
        abort();
    free(a);
    cJSON_free(b);
    cJSON_Delete(theirs);
}

/* Through Lua and back, as text; NULL when it cannot be written. */
static char *through(const char *text, size_t n)
{
    lua_State *L = cell_state(cell);
    struct error e;
    cJSON *v, *back = NULL;
    char *out = NULL;

    if (json_parse(&v, text, n, &e))
        return NULL;
    check_taken(text, n);
    check_printed(v, text, n);
    lua_pushcfunction(L, push);
    lua_pushlightuserdata(L, v);
    if (lua_pcall(L, 1, 1, 0) == LUA_OK && luajson_read(&back, L, -1, &e) == 0)
        out = json_canonical(back);
    cJSON_Delete(back);
    cJSON_Delete(v);
    lua_settop(L, 0);
    return out;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    char *once, *twice;

    if (!cell)
        make_cell();
    once = through((const char *)data, n);
    if (!once)
        return 0;
    twice = through(once, strlen(once));
    if (!twice || strcmp(once, twice) != 0)
        abort();
    free(once);
    free(twice);
    return 0;
}
