/* What phones do: the functions of switchboard.h that name a line or a phone. */
#include "exchange/leg.h"
#include "exchange/line.h"
#include "exchange/media.h"

#include <stdlib.h>
#include <string.h>

int switchboard_pick_up(struct switchboard *s, const char *line, int64_t now)
{
    struct line *l = line_find(s, line);

    if (!l)
        return ERR_NOTFOUND;
    if (l->state != LINE_RINGING || l->purpose == LINE_CALLER || l->unknown)
        return ERR_CONFLICT;
    line_picked_up(s, l, now);
    return board_leave(s, 0);
}

int switchboard_refuse(struct switchboard *s, const char *line, int sip_code, int64_t now)
{
    struct line *l = line_find(s, line);
    const char *message = sip_code == 486   ? "The called party is busy."
                          : sip_code == 603 ? "The called party declined."
                                            : "The called party is not available.";

    if (!l)
        return ERR_NOTFOUND;
    if (l->state != LINE_RINGING || l->purpose == LINE_CALLER)
        return ERR_CONFLICT;
    if (sip_code < 400 || sip_code > 699)
        return ERR_INVALID;
    line_refused(s, l, sip_code, sip_code == 480 ? 10076 : 0, message, now);
    return board_leave(s, 0);
}

int switchboard_press(struct switchboard *s, const char *line, char key, int64_t now)
{
    struct line *l = line_find(s, line);
    struct list *it, *tmp;

    if (!l)
        return ERR_NOTFOUND;
    if (!leg_tone_name(key))
        return ERR_INVALID;
    if (l->state != LINE_CONNECTED || !l->member)
        return ERR_CONFLICT;
    list_each (it, tmp, &l->member->conference->members) {
        struct member *m = list_entry(it, struct member, object.link);

        if (m->leg)
            leg_tone(s, m->leg, key, now);
    }
    return board_leave(s, 0);
}

int switchboard_hang_up(struct switchboard *s, const char *line, int64_t now)
{
    struct line *l = line_find(s, line);

    if (!l)
        return ERR_NOTFOUND;
    if (l->state == LINE_RINGING && l->purpose != LINE_CALLER)
        line_refused(s, l, 603, 0, "The called party declined.", now);
    else
        line_leave(s, l, now);
    return board_leave(s, 0);
}

int switchboard_share(struct switchboard *s, const char *line, bool on, int64_t now)
{
    struct line *l = line_find(s, line);

    if (!l)
        return ERR_NOTFOUND;
    if (l->state != LINE_CONNECTED || !l->member)
        return ERR_CONFLICT;
    conference_share(s, l->member, on, now);
    return board_leave(s, 0);
}

int switchboard_register(struct switchboard *s, const char *address, int64_t auto_answer_ms)
{
    char key[BOARD_MAX_ADDRESS];
    struct phone *phone;

    if (!board_address(key, address))
        return ERR_INVALID;
    phone = map_get(&s->phones, key);
    if (!phone && s->phones.n >= BOARD_MAX_PHONES)
        return ERR_LIMIT;
    if (!phone) {
        phone = calloc(1, sizeof *phone);
        if (!phone)
            return ERR_NOMEM;
        board_set(s, &phone->address, address);
        if (!phone->address || map_put(&s->phones, key, phone)) {
            free(phone->address);
            free(phone);
            return board_leave(s, ERR_NOMEM);
        }
    }
    phone->auto_answer_ms = auto_answer_ms;
    return board_leave(s, 0);
}

void switchboard_unregister(struct switchboard *s, const char *address)
{
    char key[BOARD_MAX_ADDRESS];
    struct phone *phone = board_address(key, address) ? map_remove(&s->phones, key) : NULL;

    if (phone)
        free(phone->address);
    free(phone);
}

int switchboard_speak(struct switchboard *s, const char *line, const int16_t *samples, size_t n,
                      int64_t now)
{
    struct line *l = line_find(s, line);
    struct segment *g;
    struct list *it, *tmp;

    if (!l)
        return ERR_NOTFOUND;
    if (l->state != LINE_CONNECTED)
        return ERR_CONFLICT;
    line_forget_spoken(l, now);
    if (n > (LINE_MAX_SPEECH - l->speech_bytes) / sizeof *samples)
        return ERR_LIMIT;
    if (n == 0)
        return 0;
    g = malloc(sizeof *g + n * sizeof *samples);
    if (!g)
        return ERR_NOMEM;
    memcpy(g->samples, samples, n * sizeof *samples);
    g->n = n;
    g->from = l->speech_end > now ? l->speech_end : now;
    list_append(&l->speech, &g->link);
    l->speech_bytes += n * sizeof *samples;
    l->speech_end = g->from + (int64_t)(n / 16);
    if (l->member && !l->member->muted && !l->member->music) {
        list_each (it, tmp, &l->member->conference->members) {
            struct member *m = list_entry(it, struct member, object.link);

            if (m->leg)
                media_hear(s, m->leg, g->from, g->samples, g->n, now);
        }
    }
    return board_leave(s, 0);
}
