/*
 * A line is a phone's side of a call, from its first ring to its "ended". It hears what bots play
 * into its conference, and what it says goes into their recordings.
 */
#ifndef IVORY_EXCHANGE_LINE_H
#define IVORY_EXCHANGE_LINE_H

#include "exchange/conference.h"
#include "exchange/operation.h"

enum line_state { LINE_RINGING, LINE_LOBBY, LINE_CONNECTED };

/* Why it rings: what happens when it is picked up, or not. */
enum line_purpose { LINE_CALLER, LINE_TARGET, LINE_INVITED, LINE_TRANSFER, LINE_REDIRECT };

enum { LINE_MAX_SPEECH = 16 << 20 /* bytes not yet spoken */ };

struct phone {
    char *address;
    int64_t auto_answer_ms;
};

struct line {
    struct board_object object; /* unlinked while it lives */
    char id[BOARD_GUID];
    char *address;
    enum line_state state;
    enum line_purpose purpose;
    bool over, unknown /* nobody is registered there */;
    struct member *member;
    struct leg *leg;            /* TARGET, TRANSFER, REDIRECT: the leg it rings for */
    char operation[BOARD_GUID]; /* INVITED: of which operation of */
    char inviter[BOARD_GUID];   /* which call; "" = none          */
    struct list ringing;        /* in leg.ringing                 */
    struct board_timer timer;   /* answers by itself, or gives up */
    int64_t gives_up;
    struct leg *hears;  /* whose prompt is playing on it */
    struct list speech; /* struct segment, what is still to be spoken */
    size_t speech_bytes;
    int64_t speech_end;
};

/* A stretch of speech of a line. */
struct segment {
    struct list link;
    int64_t from; /* ms */
    size_t n;
    int16_t samples[];
};

/* A caller's line. NULL: memory is out, or there are too many. */
struct line *line_new(struct switchboard *s, const char *address);

/* Ring a phone. One that is not registered is refused with 480/10037 after a moment. */
struct line *line_ring(struct switchboard *s, const char *address, enum line_purpose purpose,
                       struct leg *leg, int64_t timeout_ms, int64_t now);

struct line *line_find(const struct switchboard *s, const char *id);

/* What it means for whoever rings that it was picked up, or not. */
void line_picked_up(struct switchboard *s, struct line *l, int64_t now);
void line_refused(struct switchboard *s, struct line *l, int code, int subcode, const char *message,
                  int64_t now);

/* It talks now; `state` and `with` as in SWITCH_STATE. */
void line_connect(struct switchboard *s, struct line *l, const char *state, const char *with);
void line_wait(struct switchboard *s, struct line *l); /* in the lobby */

/* Whatever plays on it stops, for it alone. */
void line_quiet(struct switchboard *s, struct line *l);

/* The service ends it. It leaves its conference, which is not settled. */
void line_end(struct switchboard *s, struct line *l, int code, int subcode, const char *message,
              int64_t now);

/* The person hangs up, or is dropped: as line_end, and the conference is settled. */
void line_leave(struct switchboard *s, struct line *l, int64_t now);

/* Give it a seat in `c`. NULL: memory is out or the conference is full. */
struct member *line_seat(struct switchboard *s, struct line *l, struct conference *c,
                         const char *identity);

/* Move it to `c` from where it is, which is not settled. */
struct member *line_move(struct switchboard *s, struct line *l, struct conference *c, int64_t now);

/* Let go of what has been spoken by now. */
void line_forget_spoken(struct line *l, int64_t now);

/* What it still has to say, to `take` of `leg`, which begins to listen. */
void line_speech_to(struct switchboard *s, struct line *l, struct leg *leg, int64_t now);

#endif
