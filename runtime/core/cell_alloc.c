#include "core/cell_state.h"

#include <stdlib.h>

/* What may be used beyond a limit once it is broken: enough to raise the error that ends the turn.
 */
#define SLACK (64u << 10)

/* A request no larger than this is granted even when it breaks a limit: the hook then ends the turn
 * at the next instruction and can say where, which a memory error cannot. */
#define SMALL (8u << 10)

/* The limit that growing by `more` would break, or NULL. */
static const char *over(const struct cell *c, size_t more)
{
    size_t slack = c->broken ? SLACK : 0;
    size_t room = c->limits.cell_bytes + slack;

    if (c->bytes > room || more > room - c->bytes)
        return "cell_bytes";
    if (!c->running || c->load_deadline)
        return NULL;
    room = c->turn_base + c->limits.turn_bytes + slack;
    more += c->outside;
    return c->bytes > room || more > room - c->bytes ? "turn_bytes" : NULL;
}

void cell_charge(struct cell *c, size_t n)
{
    if (!c->running)
        return;
    c->outside += n;
    if (over(c, 0) && !c->broken)
        cell_interrupt(c, "turn_bytes");
}

/* Lua's core answers a refusal with a full collection and the same request again; only when that is
 * refused too is memory really out. Its buffers do not ask twice: then another request comes next,
 * or none in this turn. Either way the turn is over: `pcall` could stop the memory error, so the
 * hook sees to it that the turn ends. */
static void refused(struct cell *c, const char *limit, void *p, size_t n)
{
    /* A memory error has no place. Looking at the frames allocates nothing. */
    if (c->running && !c->where[0])
        sandbox_where(c->running, c->where, sizeof c->where);
    if (c->asked) {
        cell_interrupt(c, limit);
        return;
    }
    c->asked = limit;
    c->asked_p = p;
    c->asked_n = n;
}

static void granted(struct cell *c, void *p, size_t n)
{
    if (!c->asked)
        return;
    if (c->asked_p != p || c->asked_n != n)
        cell_interrupt(c, c->asked);
    else if (!c->broken)
        c->where[0] = '\0';
    c->asked = NULL;
}

void *cell_alloc(void *ud, void *p, size_t old, size_t n)
{
    struct cell *c = ud;
    const char *limit;
    void *q;

    if (!p)
        old = 0; /* then it says what kind of object this will be */
    if (n == 0) {
        free(p);
        c->bytes -= old;
        return NULL;
    }
    if (n > old) {
        limit = over(c, n - old);
        if (limit && c->running && !c->broken && !c->load_deadline && n - old <= SMALL) {
            cell_interrupt(c, limit);
            limit = NULL;
        }
        if (limit) {
            refused(c, limit, p, n);
            return NULL;
        }
    }
    if (n > old)
        granted(c, p, n);
    q = realloc(p, n);
    if (!q)
        return n <= old ? p : NULL; /* Lua counts on it that shrinking never fails */
    c->bytes += n;
    c->bytes -= old;
    return q;
}
