/*
 * The tones of a leg, put in order. A tone that is ahead of its turn waits for the missing one: the
 * service delivers again what was not taken, and that takes seconds, so it waits TONE_GAP_MS, or
 * until the flow would otherwise hear that nothing was pressed. Then the gap is given up. Repeated
 * ones are dropped by their sequence number, and so is one that comes after its gap was given up.
 */
#include "base/json.h"
#include "core/machine.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char tone_key(const char *name)
{
    static const struct {
        const char *name;
        char key;
    } others[] = {{"star", '*'}, {"pound", '#'}, {"flash", 'F'}};

    if (name && strncasecmp(name, "tone", 4) == 0)
        name += 4;
    if (name && name[0] && !name[1] && strchr("0123456789ABCDabcd*#", name[0]))
        return (char)(name[0] >= 'a' ? name[0] - 'a' + 'A' : name[0]);
    for (size_t i = 0; name && i < sizeof others / sizeof *others; i++)
        if (strcasecmp(name, others[i].name) == 0)
            return others[i].key;
    return 0;
}

static int append(struct leg *leg, struct tone t)
{
    struct tone_buffer *b = &leg->tones;

    if (t.sequence > b->last)
        b->last = t.sequence;
    if (b->nready < leg->call->core->cfg.limits.tones) {
        b->ready[b->nready++] = t;
        return 0;
    }
    if (b->overflowed)
        return 0;
    b->overflowed = true;
    return call_log(leg->call, "warn", "", "",
                    "limit tones: more than %u keys wait, new ones are lost",
                    leg->call->core->cfg.limits.tones);
}

/* Move what now has its turn; with `force`, give up the first gap. A gap is waited for since it was
 * seen, whatever comes behind it meanwhile. */
static int settle(struct leg *leg, bool force)
{
    struct tone_buffer *b = &leg->tones;
    int64_t before = b->last;
    int err = 0;

    while (!err && b->nearly && (force || b->early[0].sequence == b->last + 1)) {
        err = append(leg, b->early[0]);
        memmove(b->early, b->early + 1, --b->nearly * sizeof *b->early);
        force = false;
    }
    if (!b->nearly || b->last != before)
        timer_clear(&leg->gap_timer);
    if (!err && b->nearly && !timer_is_set(&leg->gap_timer))
        err = timer_set(&leg->gap_timer, leg->call, leg->call->now + TONE_GAP_MS);
    return err;
}

int call_leg_tone_hurry(struct leg *leg)
{
    struct tone_buffer *b = &leg->tones;
    int err;

    if (!b->nearly)
        return 0;
    err = call_log(leg->call, "warn", "", "", "key %lld was not told: not waited for any longer",
                   (long long)b->last + 1);
    return err ? err : settle(leg, true);
}

void call_leg_tone_gap_over(struct timer *t)
{
    struct leg *leg = list_entry(t, struct leg, gap_timer);

    if (call_leg_tone_hurry(leg))
        call_nomem(leg->call);
}

int call_leg_tone(struct leg *leg, const cJSON *data)
{
    struct tone t = {json_int(data, "sequenceId", 0), tone_key(json_str(data, "tone"))};
    struct tone_buffer *b = &leg->tones;
    unsigned max = leg->call->core->cfg.limits.tones, i;

    if (leg->ended || !t.key)
        return 0;
    if (!b->ready) {
        b->ready = calloc(max + 1, sizeof *b->ready);
        b->early = calloc(max + 1, sizeof *b->early);
        if (!b->ready || !b->early) {
            free(b->ready);
            free(b->early);
            b->ready = b->early = NULL;
            return ERR_NOMEM;
        }
    }
    if (t.sequence <= 0)
        return append(leg, t);
    for (i = 0; i < b->nearly && b->early[i].sequence < t.sequence; i++)
        ;
    if (t.sequence <= b->last || (i < b->nearly && b->early[i].sequence == t.sequence))
        return 0;
    memmove(b->early + i + 1, b->early + i, (b->nearly - i) * sizeof *b->early);
    b->early[i] = t;
    b->nearly++;
    return settle(leg, b->nearly > max);
}

/* A call waits for keys most of its time, and has none. */
static void free_when_empty(struct tone_buffer *b)
{
    if (b->nready || b->nearly)
        return;
    free(b->ready);
    free(b->early);
    b->ready = b->early = NULL;
}

bool call_leg_tone_take(struct leg *leg, struct tone *out)
{
    struct tone_buffer *b = &leg->tones;

    if (!b->nready)
        return false;
    *out = b->ready[0];
    memmove(b->ready, b->ready + 1, --b->nready * sizeof *b->ready);
    b->overflowed = false;
    free_when_empty(b);
    return true;
}

unsigned call_leg_tones_flush(struct leg *leg)
{
    struct tone_buffer *b = &leg->tones;
    unsigned n = b->nready + b->nearly;

    if (b->nearly)
        b->last = b->early[b->nearly - 1].sequence;
    b->nready = b->nearly = 0;
    b->overflowed = false;
    free_when_empty(b);
    timer_clear(&leg->gap_timer);
    return n;
}
