#include "core/pattern_item.h"

#include <string.h>

struct match {
    const struct pattern *p;
    struct pattern_run *r;
    size_t item;   /* the item to try          */
    size_t at;     /* where in the subject     */
    uint32_t open; /* the last open choice + 1 */
};

static bool test(const struct pattern_item *it, unsigned char c)
{
    switch (it->test) {
    case TEST_ANY:
        return true;
    case TEST_CHAR:
        return c == it->a;
    case TEST_CLASS:
        return pattern_in_class(c, it->a);
    default:
        return it->set[c >> 5] >> (c & 31) & 1;
    }
}

static unsigned char character(const struct pattern_run *r, size_t at)
{
    return (unsigned char)r->subject[at];
}

/* Whether `it` takes the character at `at`. */
static bool takes(const struct match *m, const struct pattern_item *it, size_t at)
{
    return at < m->r->n && test(it, character(m->r, at));
}

/* Leave a choice open: `it` may also end anywhere from `low` to `high`. */
static void open_choice(struct match *m, struct pattern_item *it, size_t low, size_t high)
{
    it->low = low;
    it->high = high;
    it->previous = m->open;
    m->open = (uint32_t)(it - m->p->items) + 1;
}

/* As many as there are, then fewer and fewer. */
static bool take_many(struct match *m, struct pattern_item *it, size_t least)
{
    size_t end = m->at;

    while (takes(m, it, end))
        end++;
    m->r->steps -= (int64_t)(end - m->at);
    if (end - m->at < least)
        return false;
    if (end > m->at + least)
        open_choice(m, it, m->at + least, end - 1);
    m->at = end;
    return true;
}

static bool take_again(struct match *m, size_t which)
{
    const struct pattern_capture *c = &m->r->captures[which];

    if (c->n == PATTERN_POSITION || c->n > m->r->n - m->at)
        return false;
    m->r->steps -= (int64_t)(c->n / 8);
    if (memcmp(m->r->subject + c->at, m->r->subject + m->at, c->n) != 0)
        return false;
    m->at += c->n;
    return true;
}

static bool take_balanced(struct match *m, const struct pattern_item *it)
{
    size_t at = m->at, depth = 1;

    if (at == m->r->n || character(m->r, at) != it->a)
        return false;
    while (++at < m->r->n) {
        unsigned char c = character(m->r, at);
        if (c == it->b) { /* before the other, for when both are the same */
            if (--depth == 0)
                break;
        } else if (c == it->a) {
            depth++;
        }
    }
    m->r->steps -= (int64_t)(at - m->at);
    if (at >= m->r->n)
        return false;
    m->at = at + 1;
    return true;
}

/* Beyond both ends of the subject there is a zero. */
static bool at_frontier(const struct match *m, const struct pattern_item *it)
{
    unsigned char before = m->at ? character(m->r, m->at - 1) : 0;
    unsigned char after = m->at < m->r->n ? character(m->r, m->at) : 0;

    return !test(it, before) && test(it, after);
}

/* Try the present item at the present place, for the first time. */
static bool take(struct match *m)
{
    struct pattern_item *it = &m->p->items[m->item];
    struct pattern_capture *c = &m->r->captures[it->a % PATTERN_CAPTURES];

    switch (it->op) {
    case OP_ONE:
        return takes(m, it, m->at) && (m->at++, true);
    case OP_OPTIONAL:
        if (takes(m, it, m->at)) {
            open_choice(m, it, m->at, m->at);
            m->at++;
        }
        return true;
    case OP_MANY:
        return take_many(m, it, 0);
    case OP_SOME:
        return take_many(m, it, 1);
    case OP_FEW:
        open_choice(m, it, m->at, m->at);
        return true;
    case OP_OPEN:
        c->at = m->at;
        return true;
    case OP_CLOSE:
        c->n = m->at - c->at;
        return true;
    case OP_PLACE:
        *c = (struct pattern_capture){m->at, PATTERN_POSITION};
        return true;
    case OP_AGAIN:
        return take_again(m, it->a);
    case OP_BALANCE:
        return take_balanced(m, it);
    case OP_FRONTIER:
        return at_frontier(m, it);
    default: /* OP_END */
        return m->at == m->r->n;
    }
}

/* Go back to the last open choice and take its next end; false when there is none. What was
 * captured before that item still holds, and what comes after it will be captured anew. */
static bool retry(struct match *m)
{
    while (m->open) {
        struct pattern_item *it = &m->p->items[m->open - 1];

        m->r->steps--;
        if (it->op == OP_FEW) {
            if (takes(m, it, it->high)) {
                m->at = ++it->high;
                m->item = m->open;
                return true;
            }
            m->open = it->previous;
        } else {
            m->at = it->high;
            m->item = m->open;
            if (it->high-- == it->low)
                m->open = it->previous;
            return true;
        }
    }
    return false;
}

bool pattern_match(const struct pattern *p, struct pattern_run *r, size_t at, size_t *end)
{
    struct match m = {p, r, 0, at, 0};

    while (p->items[m.item].op != OP_DONE) {
        if (--r->steps < 0 || (r->stop && *r->stop))
            return false;
        if (take(&m))
            m.item++;
        else if (!retry(&m))
            return false;
    }
    *end = m.at;
    return true;
}
