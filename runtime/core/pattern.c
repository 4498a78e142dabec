#include "core/pattern_item.h"

#include <string.h>

/* --- characters -------------------------------------------------------------------------------
 * The classes are those of the C locale, whatever the process runs in. */

static bool is_alpha(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(unsigned char c)
{
    return c >= '0' && c <= '9';
}

bool pattern_in_class(unsigned char c, unsigned char letter)
{
    bool in;

    switch (letter | 0x20) {
    case 'a':
        in = is_alpha(c);
        break;
    case 'c':
        in = c < 0x20 || c == 0x7F;
        break;
    case 'd':
        in = is_digit(c);
        break;
    case 'g':
        in = c > 0x20 && c < 0x7F;
        break;
    case 'l':
        in = c >= 'a' && c <= 'z';
        break;
    case 'p':
        in = c > 0x20 && c < 0x7F && !is_alpha(c) && !is_digit(c);
        break;
    case 's':
        in = c == ' ' || (c >= '\t' && c <= '\r');
        break;
    case 'u':
        in = c >= 'A' && c <= 'Z';
        break;
    case 'w':
        in = is_alpha(c) || is_digit(c);
        break;
    case 'x':
        in = is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f' && is_alpha(c));
        break;
    case 'z': /* from before a pattern could hold a zero */
        in = c == 0;
        break;
    default:
        return c == letter;
    }
    return is_alpha(letter) && letter < 'a' ? !in : in;
}

/* --- compiling --------------------------------------------------------------------------------*/

struct compiler {
    struct pattern *p;
    const unsigned char *at, *end;
    int open[PATTERN_CAPTURES]; /* captures begun and not ended, a stack */
    int depth;
    bool closed[PATTERN_CAPTURES];
};

size_t pattern_room(size_t n)
{
    return n + 1;
}

static void add_to_set(struct pattern_item *it, unsigned c)
{
    it->set[c >> 5] |= (uint32_t)1 << (c & 31);
}

/* The ] that ends the set whose inside begins at `s`, or NULL. The first character is never it. */
static const unsigned char *set_end(const unsigned char *s, const unsigned char *end)
{
    const unsigned char *first;

    if (s < end && *s == '^')
        s++;
    for (first = s; s < end; s += *s == '%' && end - s > 1 ? 2 : 1)
        if (*s == ']' && s > first)
            return s;
    return NULL;
}

/* Read the set at c->at, behind its [, into `it`. */
static const char *read_set(struct compiler *c, struct pattern_item *it)
{
    const unsigned char *s = c->at, *end = set_end(s, c->end);
    bool complement;

    if (!end)
        return "malformed pattern (missing ']')";
    it->test = TEST_SET;
    memset(it->set, 0, sizeof it->set);
    complement = *s == '^';
    s += complement;
    while (s < end) {
        if (*s == '%') {
            for (unsigned x = 0; x < 256; x++)
                if (pattern_in_class((unsigned char)x, s[1]))
                    add_to_set(it, x);
            s += 2;
        } else if (s[1] == '-' && end - s > 2) {
            for (unsigned x = s[0]; x <= s[2]; x++)
                add_to_set(it, x);
            s += 3;
        } else {
            add_to_set(it, *s++);
        }
    }
    for (int i = 0; complement && i < 8; i++)
        it->set[i] = ~it->set[i];
    c->at = end + 1;
    return NULL;
}

/* ( and ). */
static const char *read_capture(struct compiler *c, struct pattern_item *it, bool opens)
{
    int which;

    if (!opens) {
        if (c->depth == 0)
            return "invalid pattern capture";
        which = c->open[--c->depth];
        c->closed[which] = true;
        it->op = OP_CLOSE;
    } else {
        which = c->p->captures;
        if (which == PATTERN_CAPTURES)
            return "too many captures";
        c->p->captures++;
        if (c->at < c->end && *c->at == ')') {
            c->at++;
            c->closed[which] = true;
            it->op = OP_PLACE;
        } else {
            c->open[c->depth++] = which;
            it->op = OP_OPEN;
        }
    }
    it->a = (unsigned char)which;
    return NULL;
}

/* %b, %f and %0 to %9; `handled` is false for what is one character's test. */
static const char *read_special(struct compiler *c, struct pattern_item *it, bool *handled)
{
    unsigned char letter = *c->at;

    *handled = letter == 'b' || letter == 'f' || is_digit(letter);
    if (!*handled)
        return NULL;
    c->at++;
    if (letter == 'b') {
        if (c->end - c->at < 2)
            return "malformed pattern (missing arguments to '%b')";
        it->op = OP_BALANCE;
        it->a = *c->at++;
        it->b = *c->at++;
        return NULL;
    }
    if (letter == 'f') {
        if (c->at == c->end || *c->at != '[')
            return "missing '[' after '%f' in pattern";
        c->at++;
        it->op = OP_FRONTIER;
        return read_set(c, it);
    }
    if (letter == '0' || letter - '1' >= c->p->captures || !c->closed[letter - '1'])
        return "invalid capture index in pattern";
    it->op = OP_AGAIN;
    it->a = letter - '1';
    return NULL;
}

/* One character's test and the suffix that says how often. */
static const char *read_one(struct compiler *c, struct pattern_item *it, unsigned char first)
{
    const char *wrong = NULL;

    if (first == '[') {
        wrong = read_set(c, it);
    } else if (first == '%') {
        it->test = TEST_CLASS;
        it->a = *c->at++;
    } else {
        it->test = first == '.' ? TEST_ANY : TEST_CHAR;
        it->a = first;
    }
    it->op = OP_ONE;
    if (wrong || c->at == c->end)
        return wrong;
    switch (*c->at) {
    case '?':
        it->op = OP_OPTIONAL;
        break;
    case '*':
        it->op = OP_MANY;
        break;
    case '+':
        it->op = OP_SOME;
        break;
    case '-':
        it->op = OP_FEW;
        break;
    default:
        return NULL;
    }
    c->at++;
    return NULL;
}

static const char *read_item(struct compiler *c, struct pattern_item *it)
{
    unsigned char first = *c->at++;

    if (first == '(' || first == ')')
        return read_capture(c, it, first == '(');
    if (first == '$' && c->at == c->end) {
        it->op = OP_END;
        return NULL;
    }
    if (first == '%') {
        bool handled;
        const char *wrong;

        if (c->at == c->end)
            return "malformed pattern (ends with '%')";
        wrong = read_special(c, it, &handled);
        if (handled)
            return wrong;
    }
    return read_one(c, it, first);
}

const char *pattern_compile(struct pattern *p, struct pattern_item *items, const char *text,
                            size_t n)
{
    struct compiler c = {.p = p};
    const char *wrong;

    c.at = (const unsigned char *)text;
    c.end = c.at + n;
    *p = (struct pattern){.items = items};
    while (c.at < c.end) {
        items[p->n].a = 0;
        wrong = read_item(&c, &items[p->n]);
        if (wrong)
            return wrong;
        p->n++;
    }
    if (c.depth)
        return "unfinished capture";
    items[p->n++].op = OP_DONE;
    return NULL;
}
