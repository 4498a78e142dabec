#include "exchange/media.h"

#include "base/json.h"
#include "exchange/line.h"

#include <stdlib.h>
#include <string.h>

enum {
    RATE_PER_MS = 16,
    WAV_HEADER = 44,
    KEPT_MS = 60000,
    KEPT_BYTES = 256 << 20, /* of all recordings; the oldest give way */
};

/* --- what is kept -------------------------------------------------------------------------- */

void recording_free(struct switchboard *s, struct recording *r)
{
    board_timer_stop(s, &r->timer);
    map_remove(&s->recordings, r->id);
    list_remove(&r->link);
    list_remove(&r->of_leg);
    s->kept_bytes -= r->n;
    free(r->wav);
    free(r);
}

static void expired(struct switchboard *s, void *owner, int64_t now)
{
    (void)now;
    recording_free(s, owner);
}

void recordings_expire(struct switchboard *s, struct leg *leg, int64_t now)
{
    while (!list_empty(&leg->recordings)) {
        struct recording *r = list_entry(leg->recordings.next, struct recording, of_leg);

        list_remove(&r->of_leg);
        board_timer_set(s, &r->timer, now + KEPT_MS);
    }
}

static void put_le(unsigned char *p, unsigned long v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (unsigned char)(v >> (8 * i));
}

/* RIFF header: PCM, one channel, 16 kHz, 16 bits. */
static void wav_header(unsigned char *p, size_t data)
{
    memcpy(p, "RIFF....WAVEfmt ", 16);
    put_le(p + 4, (unsigned long)(WAV_HEADER - 8 + data), 4);
    put_le(p + 16, 16, 4);
    put_le(p + 20, 1, 2);
    put_le(p + 22, 1, 2);
    put_le(p + 24, 16000, 4);
    put_le(p + 28, 32000, 4);
    put_le(p + 32, 2, 2);
    put_le(p + 34, 16, 2);
    memcpy(p + 36, "data", 4);
    put_le(p + 40, (unsigned long)data, 4);
}

/* The first `ms` of what was taken, as a WAV. NULL: memory is out. */
static struct recording *keep(struct switchboard *s, struct leg *leg, const struct take *t,
                              int64_t ms)
{
    size_t want = (size_t)ms * RATE_PER_MS, have = t->n < want ? t->n : want;
    struct recording *r = calloc(1, sizeof *r);
    unsigned char *wav = calloc(1, WAV_HEADER + 2 * want);

    if (!r || !wav)
        goto nomem;
    board_guid(s, r->id);
    board_guid(s, r->token);
    if (map_put(&s->recordings, r->id, r))
        goto nomem;
    wav_header(wav, 2 * want);
    for (size_t i = 0; i < have; i++)
        put_le(wav + WAV_HEADER + 2 * i, (uint16_t)t->samples[i], 2);
    r->wav = wav;
    r->n = WAV_HEADER + 2 * want;
    board_timer_init(&r->timer, expired, r);
    list_append(&s->kept, &r->link);
    list_append(&leg->recordings, &r->of_leg);
    s->kept_bytes += r->n;
    while (s->kept_bytes > KEPT_BYTES)
        recording_free(s, list_entry(s->kept.next, struct recording, link));
    return r;
nomem:
    board_nomem(s);
    free(wav);
    free(r);
    return NULL;
}

/* --- listening ----------------------------------------------------------------------------- */

/* Say where the recording of what was heard until `end` is. */
static bool tell_location(struct switchboard *s, struct leg *leg, int64_t end)
{
    struct operation *op = leg->media.current;
    struct recording *r = keep(s, leg, op->take, end - op->take->began);
    struct buf b = {0};
    char *text;

    if (!r)
        return false;
    buf_fmt(&b, "\"%s/recordings/%s\"", s->cfg.root, r->id);
    text = board_take(s, &b);
    operation_extra(s, op, "recordingLocation", text);
    free(text);
    buf_fmt(&b, "\"%s\"", r->token);
    text = board_take(s, &b);
    operation_extra(s, op, "recordingAccessToken", text);
    free(text);
    return true;
}

static void finish(struct switchboard *s, struct leg *leg, const char *reason, int64_t now)
{
    if (tell_location(s, leg, now))
        media_finish(s, leg, OPERATION_COMPLETED, reason, 200, 0, "Action completed successfully.",
                     now);
    else
        media_finish(s, leg, OPERATION_FAILED, "unspecifiedError", 500, 8508,
                     "The recording could not be kept.", now);
}

void record_cut(struct switchboard *s, struct leg *leg, int64_t now)
{
    struct operation *op = leg->media.current;

    if (!op || !op->take || !op->take->listening || !op->take->speech_end ||
        !tell_location(s, leg, now))
        return;
    board_timer_stop(s, &leg->media.timer);
    leg->media.current = NULL;
    operation_extra(s, op, "completionReason", "\"mediaReceiveTimeout\"");
    operation_end(s, op, OPERATION_COMPLETED, 200, 0, "Action completed successfully.", now);
}

static int64_t deadline(const struct take *t)
{
    int64_t longest = t->began + t->longest_ms;
    int64_t silent = t->speech_end ? t->speech_end + t->silence_ms : t->began + t->initial_ms;

    return silent < longest ? silent : longest;
}

static void listen(struct switchboard *s, struct leg *leg, int64_t now)
{
    struct take *t = leg->media.current->take;
    struct line *l;

    t->listening = true;
    t->began = now;
    for (size_t i = 0; (l = conference_phone(leg->me->conference, i)); i++) {
        if (!l->member->muted && !l->member->music)
            line_speech_to(s, l, leg, now);
    }
    board_timer_set(s, &leg->media.timer, deadline(t));
}

void record_begin(struct switchboard *s, struct leg *leg, int64_t now)
{
    struct take *t = leg->media.current->take;
    struct line *l;

    for (size_t i = 0; (l = conference_phone(leg->me->conference, i)); i++)
        board_action(s, SWITCH_RECORD, l->id, NULL,
                     t->beep ? "{\"beep\":true}" : "{\"beep\":false}", t->longest_ms);
    if (t->beep)
        board_timer_set(s, &leg->media.timer, now + MEDIA_BEEP_MS);
    else
        listen(s, leg, now);
}

void record_timer(struct switchboard *s, struct leg *leg, int64_t now)
{
    struct take *t = leg->media.current->take;

    if (!t->listening) {
        listen(s, leg, now);
    } else if (now < deadline(t)) {
        board_timer_set(s, &leg->media.timer, deadline(t));
    } else if (now >= t->began + t->longest_ms) {
        finish(s, leg, "maxRecordDurationReached", t->began + t->longest_ms);
    } else if (t->speech_end) {
        finish(s, leg, "maxSilenceTimeout", now);
    } else {
        operation_extra(s, leg->media.current, "recordingLocation", "\"\"");
        operation_extra(s, leg->media.current, "recordingAccessToken", "\"\"");
        media_finish(s, leg, OPERATION_FAILED, "initialSilenceTimeout", 400, 8508,
                     "Action failed, nothing was heard.", now);
    }
}

void media_tone(struct switchboard *s, struct leg *leg, char key, int64_t now)
{
    struct operation *op = leg->media.current;

    if (op && op->take && op->take->listening && strchr(op->take->stop, key))
        finish(s, leg, "stopToneDetected", now);
}

static int16_t mix(int16_t a, int16_t b)
{
    int sum = a + b;

    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
}

/* Room for `n` samples, the new ones silent. */
static bool grow(struct switchboard *s, struct take *t, size_t n)
{
    if (n > t->cap) {
        size_t cap = n + n / 2;
        int16_t *p = realloc(t->samples, cap * sizeof *p);

        if (!p) {
            board_nomem(s);
            return false;
        }
        t->samples = p;
        t->cap = cap;
    }
    if (n > t->n) {
        memset(t->samples + t->n, 0, (n - t->n) * sizeof *t->samples);
        t->n = n;
    }
    return true;
}

void media_hear(struct switchboard *s, struct leg *leg, int64_t from, const int16_t *samples,
                size_t n, int64_t now)
{
    struct operation *op = leg->media.current;
    struct take *t = op ? op->take : NULL;
    int64_t end = from + (int64_t)(n / RATE_PER_MS);
    size_t at, most;

    (void)now;
    if (!t || !t->listening || leg->over)
        return;
    if (from < t->began) {
        size_t skip = (size_t)(t->began - from) * RATE_PER_MS;

        if (skip >= n)
            return;
        samples += skip;
        n -= skip;
        from = t->began;
    }
    most = (size_t)t->longest_ms * RATE_PER_MS;
    if (from - t->began >= t->longest_ms)
        return;
    at = (size_t)(from - t->began) * RATE_PER_MS;
    if (n > most - at)
        n = most - at;
    if (!grow(s, t, at + n))
        return;
    for (size_t i = 0; i < n; i++)
        t->samples[at + i] = mix(t->samples[at + i], samples[i]);
    if (end > t->speech_end)
        t->speech_end = end;
    board_timer_set(s, &leg->media.timer, deadline(t));
}
