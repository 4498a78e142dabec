#include "test.h"

#include "base/buf.h"
#include "base/random.h"
#include "core/cell.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

/* --- our functions beside the stock ones ------------------------------------------------------*/

/* Runs one of the functions and gives its results, or its error, as one text. */
static const char probe[] =
    "local function text(ok, ...)\n"
    "  if not ok then return 'error' end\n"
    "  local out = {}\n"
    "  for i = 1, select('#', ...) do\n"
    "    local v = select(i, ...)\n"
    "    out[i] = type(v) .. ':' .. tostring(v)\n"
    "  end\n"
    "  return table.concat(out, '|')\n"
    "end\n"
    "local function all(s, p, init)\n"
    "  local out = {}\n"
    "  for a, b in string.gmatch(s, p, init) do\n"
    "    out[#out + 1] = tostring(a) .. ',' .. tostring(b)\n"
    "  end\n"
    "  return table.concat(out, ';')\n"
    "end\n"
    "local by = { a = 'A', [1] = 'one', b = false, ab = 7 }\n"
    "local function called(a, b) return b and a and tostring(a) .. '/' .. tostring(b) end\n"
    "return {\n"
    "  find = function(s, p, x, init) return text(pcall(string.find, s, p, init)) end,\n"
    "  match = function(s, p, x, init) return text(pcall(string.match, s, p, init)) end,\n"
    "  gmatch = function(s, p, x, init) return text(pcall(all, s, p, init)) end,\n"
    "  gsub = function(s, p, r) return text(pcall(string.gsub, s, p, r)) end,\n"
    "  limited = function(s, p, r, n) return text(pcall(string.gsub, s, p, r, n)) end,\n"
    "  table = function(s, p) return text(pcall(string.gsub, s, p, by)) end,\n"
    "  called = function(s, p) return text(pcall(string.gsub, s, p, called)) end,\n"
    "  why = function(s, p) local _, e = pcall(string.match, s, p) return tostring(e) end,\n"
    "}\n";

static const char *const functions[] = {"find",    "match", "gmatch", "gsub",
                                        "limited", "table", "called"};

struct sides {
    struct cell *c;
    lua_State *ours, *stock; /* each with the table of the probe at index 1 */
};

static void open_sides(struct sides *s, int64_t steps)
{
    struct bundle_source files[] = {{"flows/probe.lua", probe, sizeof probe - 1}, {0}};
    struct limits l = LIMITS_DEFAULT;
    struct bundle *b = NULL;
    struct error e = {""};

    l.pattern_steps = steps;
    EXPECT_INT(bundle_from(&b, files, &e), 0);
    if (!EXPECT(cell_new(&s->c, b, &l, NULL, NULL, &e) == 0))
        EXPECT_STR(e.text, "");
    bundle_unref(b);
    s->ours = cell_state(s->c);
    EXPECT(cell_push_flow(s->c, s->ours, "probe"));
    s->stock = luaL_newstate();
    luaL_openlibs(s->stock);
    EXPECT_INT(luaL_dostring(s->stock, probe), LUA_OK);
}

static void close_sides(struct sides *s)
{
    lua_settop(s->ours, 0);
    cell_free(s->c);
    lua_close(s->stock);
}

struct question {
    struct buf subject, pattern, by;
    lua_Integer number;
};

/* The answer of function `name` is left on top of the stack of `L`. */
static const char *ask(lua_State *L, const char *name, const struct question *q)
{
    lua_settop(L, 1);
    lua_getfield(L, 1, name);
    lua_pushlstring(L, q->subject.p, q->subject.n);
    lua_pushlstring(L, q->pattern.p, q->pattern.n);
    lua_pushlstring(L, q->by.p, q->by.n);
    lua_pushinteger(L, q->number);
    EXPECT_INT(lua_pcall(L, 4, 1, 0), LUA_OK);
    return lua_tostring(L, -1);
}

/* --- random patterns --------------------------------------------------------------------------*/

static const char letters[] = "aabbcAB1 2%]-^$.x\n";

static char any(struct random *r, const char *from)
{
    return from[random_below(r, strlen(from))];
}

static void add_class(struct random *r, struct buf *b)
{
    buf_char(b, '%');
    buf_char(b, any(r, "acdglpsuwxzACDGLPSUWXZ.%-]y"));
}

static void add_set(struct random *r, struct buf *b)
{
    buf_str(b, random_below(r, 3) ? "[" : "[^");
    if (random_below(r, 6) == 0)
        buf_char(b, ']');
    for (uint64_t n = 1 + random_below(r, 3); n > 0; n--) {
        switch (random_below(r, 4)) {
        case 0:
            buf_str(b, "a-c");
            break;
        case 1:
            add_class(r, b);
            break;
        default:
            buf_char(b, any(r, "abcAB12 -."));
        }
    }
    if (random_below(r, 8) == 0)
        buf_char(b, '-');
    buf_char(b, ']');
}

/* A pattern made by the rules, so that nobody may refuse it. */
static void well_formed(struct random *r, struct buf *b)
{
    int captures = 0, open[8], depth = 0;
    bool closed[8] = {0};

    if (random_below(r, 6) == 0)
        buf_char(b, '^');
    for (uint64_t n = 1 + random_below(r, 6); n > 0; n--) {
        uint64_t kind = random_below(r, 14);

        if (kind == 0 && captures < 8) {
            open[depth++] = captures++;
            buf_char(b, '(');
            buf_char(b, any(r, "abc.")); /* so that it is no position capture */
        } else if (kind == 1 && depth) {
            closed[open[--depth]] = true;
            buf_char(b, ')');
        } else if (kind == 2 && captures < 8) {
            closed[captures++] = true;
            buf_str(b, "()");
        } else if (kind == 3 && captures && closed[captures - 1]) {
            buf_fmt(b, "%%%d", captures);
        } else if (kind == 4) {
            buf_str(b, random_below(r, 2) ? "%bab" : "%baa");
        } else if (kind == 5) {
            buf_str(b, "%f");
            add_set(r, b);
        } else {
            if (kind < 8)
                add_class(r, b);
            else if (kind < 10)
                add_set(r, b);
            else
                buf_char(b, any(r, "aabbc1. AB]"));
            if (random_below(r, 2))
                buf_char(b, any(r, "?*+-"));
        }
    }
    while (depth-- > 0)
        buf_char(b, ')');
    if (random_below(r, 6) == 0)
        buf_char(b, '$');
}

static void garbage(struct random *r, struct buf *b)
{
    for (uint64_t n = random_below(r, 9); n > 0; n--)
        buf_char(b, any(r, "ab1.%%[]()^$*+-?fb\001z"));
    if (random_below(r, 10) == 0)
        buf_add(b, "\0a", 2);
}

static void make_question(struct random *r, struct question *q, bool good)
{
    buf_reset(&q->subject);
    buf_reset(&q->pattern);
    buf_reset(&q->by);
    buf_str(&q->subject, "");
    buf_str(&q->pattern, "");
    for (uint64_t n = random_below(r, 16); n > 0; n--)
        buf_char(&q->subject, any(r, letters));
    if (random_below(r, 10) == 0)
        buf_add(&q->subject, "\0b\xFF", 3);
    if (good)
        well_formed(r, &q->pattern);
    else
        garbage(r, &q->pattern);
    buf_str(&q->by, random_below(r, 3) ? "<" : "");
    for (uint64_t n = random_below(r, 4); n > 0; n--)
        buf_str(&q->by, random_below(r, 2)    ? "%0"
                        : random_below(r, 3)  ? "%1"
                        : any(r, "ab") == 'a' ? "%%"
                                              : "%2");
    if (random_below(r, 30) == 0)
        buf_str(&q->by, "%x");
    q->number = (lua_Integer)random_below(r, 12) - 4;
}

/* The text with what cannot be printed as \ddd. */
static const char *shown(const struct buf *b)
{
    static char out[4][256];
    static int turn;
    char *p = out[turn = (turn + 1) % 4];
    size_t n = 0;

    for (size_t i = 0; i < b->n && n < 250; i++)
        n += (size_t)snprintf(p + n, 256 - n, b->p[i] >= ' ' && b->p[i] <= '~' ? "%c" : "\\%d",
                              b->p[i]);
    p[n] = '\0';
    return p;
}

static void agrees_with_the_stock_functions(void)
{
    struct question q = {0};
    struct sides s;
    struct random r;
    int refused = 0, matched = 0;

    open_sides(&s, 10000000);
    random_seed(&r, 20260101);
    for (int i = 0; i < 20000; i++) {
        bool good = i % 3 != 0;

        make_question(&r, &q, good);
        for (size_t f = 0; f < sizeof functions / sizeof *functions; f++) {
            const char *ours = ask(s.ours, functions[f], &q);
            const char *stock = ask(s.stock, functions[f], &q);
            bool same = strcmp(ours, stock) == 0;

            refused += strcmp(stock, "error") == 0;
            matched += strncmp(stock, "nil", 3) != 0;
            /* Ours refuses as a whole what stock Lua refuses when it gets there. */
            if (!same && !good && strcmp(ours, "error") == 0)
                continue;
            if (!test_expect(same, __FILE__, __LINE__,
                             "string.%s(\"%s\", \"%s\", \"%s\", %lld) is %s, stock Lua says %s",
                             functions[f], shown(&q.subject), shown(&q.pattern), shown(&q.by),
                             (long long)q.number, ours, stock))
                i = 20000;
        }
    }
    EXPECT(refused > 1000);
    EXPECT(matched > 20000);
    close_sides(&s);
    buf_fini(&q.subject);
    buf_fini(&q.pattern);
    buf_fini(&q.by);
}

static const char *why(struct sides *s, const char *subject, const char *pattern)
{
    struct question q = {.subject = {.p = (char *)subject, .n = strlen(subject)},
                         .pattern = {.p = (char *)pattern, .n = strlen(pattern)}};

    return ask(s->ours, "why", &q);
}

static void refuses_malformed_patterns_as_a_whole(void)
{
    static const struct {
        const char *pattern, *why;
    } bad[] = {{"x%", "malformed pattern (ends with '%')"},
               {"x[a", "malformed pattern (missing ']')"},
               {"x[]", "malformed pattern (missing ']')"},
               {"x[^]", "malformed pattern (missing ']')"},
               {"x[a%]", "malformed pattern (missing ']')"},
               {"x%b", "malformed pattern (missing arguments to '%b')"},
               {"x%ba", "malformed pattern (missing arguments to '%b')"},
               {"x%f", "missing '[' after '%f' in pattern"},
               {"x%fa", "missing '[' after '%f' in pattern"},
               {"x)", "invalid pattern capture"},
               {"x(", "unfinished capture"},
               {"x(a%1)", "invalid capture index"},
               {"x%1", "invalid capture index"},
               {"x(a)%2", "invalid capture index"},
               {"x%0", "invalid capture index"},
               {"x()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()()",
                "too many captures"}};
    struct sides s;

    open_sides(&s, 1000);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_IN(why(&s, "", bad[i].pattern), bad[i].why);
    close_sides(&s);
}

/* What runs for minutes in stock Lua. */
static void gives_up_what_is_too_costly(void)
{
    char subject[301], pattern[200] = "";
    struct sides s;

    open_sides(&s, 1000000);
    memset(subject, 'a', 300);
    subject[300] = '\0';
    EXPECT_IN(why(&s, subject, ".-.-.-.-b"), "pattern too costly");
    for (int i = 0; i < 28; i++)
        strcat(pattern, "a?");
    strcat(pattern, "b");
    EXPECT_IN(why(&s, subject, pattern), "pattern too costly");
    EXPECT_IN(why(&s, subject, "(.*)(.*)(.*)%1%2%3b"), "pattern too costly");
    EXPECT_STR(why(&s, subject, "^(a*)$"), subject);
    close_sides(&s);
}

/* A pass over a long subject is no reason to give up, and a long pattern is no reason to crash. */
static void takes_long_subjects_and_patterns(void)
{
    static const char text[] =
        "local long = string.rep('ab ', 100000)\n"
        "assert(select(2, string.gsub(long, '%s+', '')) == 100000)\n"
        "assert(string.find(long, 'c') == nil and #string.match(long, '.*') == 300000)\n"
        "local n = 0 for _ in string.gmatch(long, 'a') do n = n + 1 end assert(n == 100000)\n"
        "local many = string.rep('a', 10000)\n"
        "assert(string.find(many, string.rep('a', 9999) .. '+') == 1)\n"
        "assert(string.find(many, string.rep('a?', 5000)) == 1)\n"
        "assert(not pcall(string.find, many, string.rep('a?', 100000)))\n"
        "assert(string.find(string.rep('a', 500000), string.rep('a', 250000) .. 'b', 1, true) == "
        "nil)\n"
        "return {}\n";
    struct bundle_source files[] = {{"flows/long.lua", text, sizeof text - 1}, {0}};
    struct limits l = LIMITS_DEFAULT;
    struct bundle *b = NULL;
    struct cell *c = NULL;
    struct error e = {""};

    EXPECT_INT(bundle_from(&b, files, &e), 0);
    l.load_ms = 20000;
    cell_new(&c, b, &l, NULL, NULL, &e);
    EXPECT_STR(e.text, "");
    cell_free(c);
    bundle_unref(b);
}

const struct test pattern_tests[] = {TEST(agrees_with_the_stock_functions),
                                     TEST(refuses_malformed_patterns_as_a_whole),
                                     TEST(gives_up_what_is_too_costly),
                                     TEST(takes_long_subjects_and_patterns),
                                     {0}};
