/*
 * The media queue of a leg (reference §2.7): prompts and recordings one after another. How long a
 * prompt lasts is fetched once per resource id (or uri) and kept.
 */
#ifndef IVORY_EXCHANGE_MEDIA_H
#define IVORY_EXCHANGE_MEDIA_H

#include "exchange/leg.h"

enum { MEDIA_BEEP_MS = 400, MEDIA_FRAME_MS = 20 };

enum clip_state { CLIP_FETCHING, CLIP_READY, CLIP_FAILED };

struct clip {
    char *key; /* in switchboard.clips */
    enum clip_state state;
    int64_t ms;
    uint64_t fetch;
    struct list waiters; /* media.waiting of legs */
};

void media_init(struct leg *leg);
void media_fini(struct switchboard *s, struct leg *leg);

/* Put a play or record operation at the end of the queue. */
void media_queue(struct switchboard *s, struct leg *leg, struct operation *op, int64_t now);

/* Begin what can begin. */
void media_pump(struct switchboard *s, struct leg *leg, int64_t now);

/* Cancel what plays, records, and waits in the queue. */
void media_barge_in(struct switchboard *s, struct leg *leg, int64_t now);
/* The same, and tones being sent too. */
void media_cancel(struct switchboard *s, struct leg *leg, int64_t now);

/* The call is over: everything that runs ends, with its notification. */
void media_end(struct switchboard *s, struct leg *leg, int64_t now);

/* A key was pressed: it may end a recording. */
void media_tone(struct switchboard *s, struct leg *leg, char key, int64_t now);

/* Something is said, from `from` (ms) on. */
void media_hear(struct switchboard *s, struct leg *leg, int64_t from, const int16_t *samples,
                size_t n, int64_t now);

/* End the current operation of the queue and begin the next. */
void media_finish(struct switchboard *s, struct leg *leg, enum operation_status status,
                  const char *reason, int code, int subcode, const char *message, int64_t now);

/* Begin sending the tones of `op`. */
void media_tones(struct switchboard *s, struct operation *op, int64_t now);

/* The clip of a prompt, fetched when it is not known, or failed and is asked for `again`. NULL:
 * memory is out, or the cache is full of clips being fetched. */
struct clip *clip_want(struct switchboard *s, const struct prompt *p, bool again);
void clip_free(struct clip *c);

/* --- recording (record.c) ------------------------------------------------------------------ */

/* The prompt has been played: beep, then listen. */
void record_begin(struct switchboard *s, struct leg *leg, int64_t now);
/* The media timer fired after that. */
void record_timer(struct switchboard *s, struct leg *leg, int64_t now);

/* The other side has hung up while it was recorded: what it said is kept. */
void record_cut(struct switchboard *s, struct leg *leg, int64_t now);

/* What has been recorded, until a minute after its call. */
struct recording {
    struct list link;   /* in switchboard.kept */
    struct list of_leg; /* in leg.recordings   */
    char id[BOARD_GUID], token[BOARD_GUID];
    struct board_timer timer;
    unsigned char *wav;
    size_t n;
};

void recording_free(struct switchboard *s, struct recording *r);
/* The call is over. */
void recordings_expire(struct switchboard *s, struct leg *leg, int64_t now);

#endif
