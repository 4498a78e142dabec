/*
 * Which call is taken up when. Newest first, RECOVERY_AT_ONCE at a time. Before a call is built the
 * journal is told, and after it went on once more; so a call in between when the process ends may
 * be what ended it. Such suspects come after all others and one at a time, of all engines of the
 * process: should it end again, then it is known which of them it was. Only that counts as a
 * failure of the call, and two are enough (RECOVERY_FAILURES).
 */
#include "host/recover_state.h"

#include <string.h>

enum { BLOCKED_MS = 20 }; /* how often to look whether another engine still has the floor */

static struct patient *first(const struct recovery *r, enum recovery_list which)
{
    const struct list *head = &r->lists[which];

    return list_empty(head) ? NULL : list_entry(head->next, struct patient, link);
}

static void move(struct recovery *r, struct patient *p, enum recovery_list to)
{
    list_remove(&p->link);
    list_append(&r->lists[to], &p->link);
}

void recovery_enter(struct recovery *r, struct patient *p)
{
    struct list *head = &r->lists[RECOVERY_SUSPECT], *at = head->next;

    p->until = INT64_MIN;
    if (!p->suspect) {
        list_append(&r->lists[RECOVERY_WAITING], &p->link);
        return;
    }
    while (at != head && list_entry(at, struct patient, link)->failed <= p->failed)
        at = at->next;
    list_append(at, &p->link); /* before `at` */
}

/* --- one alone, or many ----------------------------------------------------------------------- */

/* In the journal: 0, 1 for a suspect, and one more for each failure. */
void patient_read_attempts(struct patient *p, int attempts)
{
    p->failed = attempts > 1 ? attempts - 1 : 0;
    p->suspect = attempts > 0 && p->failed < RECOVERY_FAILURES; /* else not built: no harm in it */
}

static int attempts_of(const struct patient *p, bool under_way)
{
    if (under_way)
        return 1 + p->failed + p->alone;
    return p->suspect || p->failed ? 1 + p->failed : 0;
}

/* Room for `p`, which is then the only one in the process, or one of many. */
static bool take_floor(struct recovery *r, struct patient *p)
{
    atomic_int *taken = &r->floor->taken;
    int n = 0;

    p->alone =
        (p->suspect || (r->only && !p->failed)) && atomic_compare_exchange_strong(taken, &n, -1);
    if (p->alone)
        return true;
    if (p->suspect)
        return false;
    for (n = atomic_load(taken); n >= 0;)
        if (atomic_compare_exchange_weak(taken, &n, n + 1))
            return true;
    return false;
}

/* One is not being taken up any more, which the journal has been told. */
static void leave_floor(struct recovery *r, bool alone)
{
    if (alone)
        atomic_store(&r->floor->taken, 0);
    else
        atomic_fetch_sub(&r->floor->taken, 1);
}

/* It did not fail, and will be taken up once more. */
static void leave_for_now(struct recovery *r, struct patient *p)
{
    const struct store *s = r->cfg.store;

    s->attempts(s->arg, p->key, attempts_of(p, false), NULL);
    leave_floor(r, p->alone);
}

void recovery_leave(struct recovery *r)
{
    static const enum recovery_list under_way[] = {RECOVERY_NOTED, RECOVERY_ASKED};

    for (size_t i = 0; i < sizeof under_way / sizeof *under_way; i++)
        for (struct patient *p; (p = first(r, under_way[i])); patient_free(p))
            leave_floor(r, p->alone);
}

/* Tell the journal that `p` is taken up; not while another engine has one alone. */
static void note(struct recovery *r, struct patient *p, int64_t now)
{
    const struct store *s = r->cfg.store;

    r->blocked = take_floor(r, p) ? 0 : now + BLOCKED_MS;
    if (r->blocked)
        return;
    p->position = 0;
    s->attempts(s->arg, p->key, attempts_of(p, true), &p->position);
    p->until = now + GATE_MS;
    move(r, p, RECOVERY_NOTED);
    r->noted++;
}

/* --- whose turn it is ------------------------------------------------------------------------- */

/* Others are being taken up, and `p` wants to be alone. */
static bool must_wait(const struct recovery *r, const struct patient *p)
{
    return p->suspect && (r->noted || r->active);
}

/* The one to be noted next; NULL: none, or not now. Those that have gone come first, their time is
 * over. */
static struct patient *next_to_note(const struct recovery *r, int64_t now)
{
    static const enum recovery_list order[] = {RECOVERY_GONE, RECOVERY_WAITING, RECOVERY_LATER,
                                               RECOVERY_SUSPECT};

    if (r->noted >= RECOVERY_AT_ONCE || (r->blocked && now < r->blocked))
        return NULL;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        struct patient *p = first(r, order[i]);

        if (p && p->until <= now && !must_wait(r, p))
            return p;
    }
    return NULL;
}

/* The one that may be taken up now. */
static struct patient *next_to_begin(const struct recovery *r, int64_t now)
{
    const struct store *s = r->cfg.store;
    struct patient *p = r->active < RECOVERY_AT_ONCE ? first(r, RECOVERY_NOTED) : NULL;

    return p && (p->position <= s->committed(s->arg) || p->until <= now) ? p : NULL;
}

/* A leg of `p` is gone; of another one than the first the flow hears an error. */
static bool lost_a_leg(const struct patient *p)
{
    for (int i = 0; i < p->nlegs; i++)
        if (p->legs[i].answered && p->legs[i].status == 404)
            return true;
    return false;
}

/* The service does not have a leg of `p` any more, but may still be about to tell why, or what went
 * before, one notification after the other: they are taken at once, and what they say goes before
 * what we found out. */
static void await_reason(struct recovery *r, struct patient *p, int64_t now)
{
    struct mailbox *m = &r->engine->mailbox;
    struct list letters;
    struct letter *l;

    leave_for_now(r, p); /* so far all went well */
    list_init(&letters);
    while ((l = mailbox_take(m, p->key)))
        list_append(&letters, &l->link);
    mailbox_pass(m, p->key);
    move(r, p, RECOVERY_GONE);
    p->until = now + RECOVERY_GONE_MS;
    while (!list_empty(&letters)) {
        l = list_entry(letters.next, struct letter, link);
        if (l->is_event) {
            list_remove(&l->link);
            list_append(&p->last, &l->link);
        } else {
            recovery_open_letter(r, l, now);
        }
    }
}

/* There was no memory for `p`: that was not its doing. */
static void put_off(struct recovery *r, struct patient *p, int64_t now)
{
    leave_for_now(r, p);
    recovery_log(r, "error", p->key, "recovery: no memory; it is tried again in a second");
    p->until = now + RECOVERY_LATER_MS;
    move(r, p, RECOVERY_LATER);
}

static void finish(struct recovery *r, struct patient *p, int64_t now)
{
    bool alone = p->alone;

    if (patient_finish(r, p, now))
        put_off(r, p, now);
    else
        leave_floor(r, alone);
}

/* All legs of `p` were asked about. */
static void told(struct recovery *r, struct patient *p, int64_t now)
{
    r->active--;
    if (lost_a_leg(p) && !p->fallback)
        await_reason(r, p, now);
    else
        finish(r, p, now);
}

static void take_up(struct recovery *r, struct patient *p, int64_t now)
{
    r->noted--;
    if (p->begun) { /* it was gone */
        finish(r, p, now);
        return;
    }
    if (patient_begin(r, p, now)) {
        put_off(r, p, now);
        return;
    }
    p->begun = true;
    move(r, p, RECOVERY_ASKED);
    r->active++;
    if (p->legs_asked == 0)
        told(r, p, now);
}

void recovery_ended(struct recovery *r, const char *key)
{
    struct list *it, *next, *gone = &r->lists[RECOVERY_GONE];

    list_each (it, next, gone) {
        struct patient *p = list_entry(it, struct patient, link);

        if (strcmp(p->key, key) != 0)
            continue;
        p->until = 0;
        list_remove(it);
        list_append(gone->next, it); /* to the front */
        return;
    }
}

/* All are taken up, and a crash from now on blames nobody: success is committed. */
static bool may_say(const struct recovery *r, int64_t now)
{
    const struct store *s = r->cfg.store;

    return r->say_until && (r->position <= s->committed(s->arg) || r->say_until <= now);
}

static void say(struct recovery *r, int64_t now)
{
    r->say_until = 0;
    recovery_log(r, "info", "", "recovery: %zu calls in %lld ms, %zu without their flow", r->total,
                 (long long)(now - r->began), r->fallbacks);
}

int64_t recovery_next_deadline(const struct recovery *r)
{
    const struct heap_entry *doubt = heap_first(&r->timers);
    const struct patient *noted = first(r, RECOVERY_NOTED), *gone = first(r, RECOVERY_GONE),
                         *later = first(r, RECOVERY_LATER);
    int64_t at = doubt ? doubt->at : INT64_MAX;

    for (struct list *it = r->lists[RECOVERY_ASKED].next; it != &r->lists[RECOVERY_ASKED];
         it = it->next)
        if (list_entry(it, struct patient, link)->legs_asked == 0)
            return 0;
    if (next_to_note(r, INT64_MIN) || next_to_begin(r, INT64_MIN) || may_say(r, INT64_MIN))
        return 0;
    if (r->say_until && r->say_until < at)
        at = r->say_until;
    if (noted && r->active < RECOVERY_AT_ONCE && noted->until < at)
        at = noted->until;
    if (r->noted >= RECOVERY_AT_ONCE)
        return at;
    if (r->blocked)
        return r->blocked < at ? r->blocked : at;
    if (gone && !must_wait(r, gone) && gone->until < at)
        at = gone->until;
    if (later && !must_wait(r, later) && later->until < at)
        at = later->until;
    return at;
}

void recovery_tick(struct recovery *r, int64_t now)
{
    struct list *it, *next;
    struct patient *p;

    if (r->running)
        return;
    r->running = true;
    if (now >= r->blocked)
        r->blocked = 0;
    list_each (it, next, &r->lists[RECOVERY_ASKED]) {
        p = list_entry(it, struct patient, link);
        if (p->legs_asked == 0)
            told(r, p, now);
    }
    doubts_tick(r, now);
    do {
        while ((p = next_to_note(r, now)))
            note(r, p, now);
        while ((p = next_to_begin(r, now)))
            take_up(r, p, now);
    } while (next_to_note(r, now) || next_to_begin(r, now));
    if (may_say(r, now))
        say(r, now);
    r->running = false;
}
