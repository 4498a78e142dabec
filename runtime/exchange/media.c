#include "exchange/media.h"

#include "exchange/line.h"

#include <stdlib.h>
#include <string.h>

enum { TONE_MS = 100, TONE_GAP_MS = 100 };

static void next_prompt(struct switchboard *s, struct leg *leg, int64_t now);
static void timer_fires(struct switchboard *s, void *owner, int64_t now);

void media_init(struct leg *leg)
{
    list_init(&leg->media.queue);
    list_init(&leg->media.waiting);
    board_timer_init(&leg->media.timer, timer_fires, leg);
}

void media_fini(struct switchboard *s, struct leg *leg)
{
    list_remove(&leg->media.waiting);
    board_timer_stop(s, &leg->media.timer);
}

/* --- clips --------------------------------------------------------------------------------- */

void clip_free(struct clip *c)
{
    if (!c)
        return;
    while (!list_empty(&c->waiters))
        list_remove(c->waiters.next);
    free(c->key);
    free(c);
}

static void fetch(struct switchboard *s, struct clip *c, const char *uri)
{
    char key[24];

    c->state = CLIP_FETCHING;
    c->fetch = board_action(s, SWITCH_FETCH, NULL, uri, NULL, 0);
    board_key(key, c->fetch);
    if (map_put(&s->fetches, key, c)) {
        board_nomem(s);
        c->state = CLIP_FAILED;
    }
}

/* The cache is full: forget one that nobody waits for. */
static bool evict(struct switchboard *s)
{
    for (size_t i = 0; i < s->clips.n; i++) {
        struct clip *c = s->clips.entries[i].value;

        if (c->state != CLIP_FETCHING) {
            map_remove(&s->clips, c->key);
            clip_free(c);
            return true;
        }
    }
    return false;
}

struct clip *clip_want(struct switchboard *s, const struct prompt *p, bool again)
{
    struct buf b = {0};
    struct clip *c;
    char *key;

    buf_fmt(&b, "%s%s", p->resource ? "id:" : "uri:", p->resource ? p->resource : p->uri);
    key = board_take(s, &b);
    if (!key)
        return NULL;
    c = map_get(&s->clips, key);
    if (c) {
        free(key);
        if (again && c->state == CLIP_FAILED)
            fetch(s, c, p->uri);
        return c;
    }
    if (s->clips.n >= BOARD_MAX_CLIPS && !evict(s)) {
        free(key);
        return NULL;
    }
    c = calloc(1, sizeof *c);
    if (!c || map_put(&s->clips, key, c)) {
        board_nomem(s);
        free(c);
        free(key);
        return NULL;
    }
    c->key = key;
    list_init(&c->waiters);
    fetch(s, c, p->uri);
    return c;
}

int switchboard_fetched(struct switchboard *s, uint64_t id, int64_t ms, int64_t now)
{
    char key[24];
    struct clip *c;

    board_key(key, id);
    c = map_remove(&s->fetches, key);
    if (!c)
        return board_leave(s, 0);
    c->state = ms < 0 ? CLIP_FAILED : CLIP_READY;
    c->ms = ms < MEDIA_FRAME_MS ? MEDIA_FRAME_MS : ms;
    while (!list_empty(&c->waiters)) {
        struct media *m = list_entry(c->waiters.next, struct media, waiting);
        struct leg *leg = list_entry(m, struct leg, media);

        list_remove(&m->waiting);
        if (m->current && !leg->over)
            next_prompt(s, leg, now);
    }
    return board_leave(s, 0);
}

/* --- playing ------------------------------------------------------------------------------- */

static void start_playing(struct switchboard *s, struct leg *leg, const char *uri, int64_t ms)
{
    struct list *it;

    leg->media.playing = true;
    if (leg->me->muted || leg->me->lobby)
        return;
    for (it = leg->me->conference->members.next; it != &leg->me->conference->members;
         it = it->next) {
        struct member *m = list_entry(it, struct member, object.link);

        if (!m->line || m->pending || m->lobby || m->music)
            continue;
        m->line->hears = leg;
        board_action(s, SWITCH_PLAY, m->line->id, uri, NULL, ms);
    }
}

static void stop_playing(struct switchboard *s, struct leg *leg, bool completed)
{
    struct list *it;

    if (!leg->media.playing)
        return;
    leg->media.playing = false;
    for (it = leg->me->conference->members.next; it != &leg->me->conference->members;
         it = it->next) {
        struct member *m = list_entry(it, struct member, object.link);

        if (!m->line || m->line->hears != leg)
            continue;
        m->line->hears = NULL;
        board_action(s, SWITCH_STOP, m->line->id, NULL,
                     completed ? "{\"completed\":true}" : "{\"completed\":false}", 0);
    }
}

void media_finish(struct switchboard *s, struct leg *leg, enum operation_status status,
                  const char *reason, int code, int subcode, const char *message, int64_t now)
{
    struct operation *op = leg->media.current;
    struct buf b = {0};
    char *quoted;

    stop_playing(s, leg, false);
    board_timer_stop(s, &leg->media.timer);
    list_remove(&leg->media.waiting);
    leg->media.current = NULL;
    board_quote(&b, reason);
    quoted = board_take(s, &b);
    operation_extra(s, op, "completionReason", quoted);
    free(quoted);
    operation_end(s, op, status, code, subcode, message, now);
    media_pump(s, leg, now);
}

static void prompt_failed(struct switchboard *s, struct leg *leg, int64_t now)
{
    if (leg->media.current->take)
        media_finish(s, leg, OPERATION_FAILED, "playPromptFailed", 400, 8509,
                     "Action failed, the prompt could not be played.", now);
    else
        media_finish(s, leg, OPERATION_COMPLETED, "unknown", 0, 0, NULL, now);
}

static void prompts_done(struct switchboard *s, struct leg *leg, int64_t now)
{
    struct operation *op = leg->media.current;

    if (op->take) {
        record_begin(s, leg, now);
    } else if (op->loop && !op->early) {
        op->at = 0;
        next_prompt(s, leg, now);
    } else {
        media_finish(s, leg, OPERATION_COMPLETED, "completedSuccessfully", 0, 0, NULL, now);
    }
}

/* Play prompt `at` of the current operation, once its length is known. */
static void next_prompt(struct switchboard *s, struct leg *leg, int64_t now)
{
    struct operation *op = leg->media.current;
    struct clip *c;

    if (op->at == op->nprompts) {
        prompts_done(s, leg, now);
        return;
    }
    c = clip_want(s, &op->prompts[op->at], false);
    if (!c || c->state == CLIP_FAILED) {
        prompt_failed(s, leg, now);
    } else if (c->state == CLIP_FETCHING) {
        list_append(&c->waiters, &leg->media.waiting);
    } else {
        start_playing(s, leg, op->prompts[op->at].uri, c->ms);
        board_timer_set(s, &leg->media.timer, now + c->ms);
    }
}

/* The fault `early`: everything is heard in no time, so that the end overtakes the answer. */
static void play_early(struct switchboard *s, struct leg *leg, struct operation *op, int64_t now)
{
    leg->media.current = op;
    for (size_t i = 0; i < op->nprompts; i++) {
        start_playing(s, leg, op->prompts[i].uri, MEDIA_FRAME_MS);
        stop_playing(s, leg, true);
    }
    media_finish(s, leg, OPERATION_COMPLETED, "completedSuccessfully", 0, 0, NULL, now);
}

static void timer_fires(struct switchboard *s, void *owner, int64_t now)
{
    struct leg *leg = owner;
    struct operation *op = leg->media.current;

    if (!op)
        return;
    if (op->at < op->nprompts) {
        stop_playing(s, leg, true);
        op->at++;
        next_prompt(s, leg, now);
    } else {
        record_timer(s, leg, now);
    }
}

void media_pump(struct switchboard *s, struct leg *leg, int64_t now)
{
    /* A prompt that fails at once comes back here: go on in the loop, not deeper. */
    if (leg->media.pumping)
        return;
    leg->media.pumping = true;
    while (!leg->media.current && !list_empty(&leg->media.queue) && leg->sound && !leg->over) {
        struct operation *op = list_entry(leg->media.queue.next, struct operation, queued);

        list_remove(&op->queued);
        leg->media.current = op;
        next_prompt(s, leg, now);
    }
    leg->media.pumping = false;
}

void media_queue(struct switchboard *s, struct leg *leg, struct operation *op, int64_t now)
{
    if (op->early && !op->take && leg->sound && !leg->media.current) {
        play_early(s, leg, op, now);
        return;
    }
    op->early = false;
    for (size_t i = 0; i < op->nprompts; i++)
        clip_want(s, &op->prompts[i], true);
    list_append(&leg->media.queue, &op->queued);
    media_pump(s, leg, now);
}

/* --- cancelling ---------------------------------------------------------------------------- */

static void cancel_one(struct switchboard *s, struct operation *op, int64_t now)
{
    if (op->take) {
        operation_extra(s, op, "recordingLocation", "\"\"");
        operation_extra(s, op, "recordingAccessToken", "\"\"");
        operation_extra(s, op, "completionReason", "\"operationCanceled\"");
        operation_end(s, op, OPERATION_FAILED, 400, 8508,
                      "Action failed, the operation was cancelled.", now);
    } else {
        operation_extra(s, op, "completionReason", "\"mediaOperationCanceled\"");
        operation_end(s, op, OPERATION_COMPLETED, 0, 0, NULL, now);
    }
}

void media_barge_in(struct switchboard *s, struct leg *leg, int64_t now)
{
    struct operation *op = leg->media.current;

    if (op) {
        stop_playing(s, leg, false);
        board_timer_stop(s, &leg->media.timer);
        list_remove(&leg->media.waiting);
        leg->media.current = NULL;
        cancel_one(s, op, now);
    }
    while (!list_empty(&leg->media.queue)) {
        op = list_entry(leg->media.queue.next, struct operation, queued);
        list_remove(&op->queued);
        cancel_one(s, op, now);
    }
}

void media_cancel(struct switchboard *s, struct leg *leg, int64_t now)
{
    struct list *it, *tmp;

    media_barge_in(s, leg, now);
    list_each (it, tmp, &leg->operations) {
        struct operation *op = list_entry(it, struct operation, link);

        if (op->keys && op->status == OPERATION_RUNNING)
            cancel_one(s, op, now);
    }
}

void media_end(struct switchboard *s, struct leg *leg, int64_t now)
{
    struct list *it, *tmp;

    if (leg->state != LEG_TERMINATING) /* else the bot itself has ended it */
        record_cut(s, leg, now);
    media_cancel(s, leg, now);
    list_each (it, tmp, &leg->operations) {
        struct operation *op = list_entry(it, struct operation, link);

        if (op->status == OPERATION_RUNNING)
            operation_end(s, op, OPERATION_FAILED, 400, 8508, "Action failed, the call is over.",
                          now);
    }
    recordings_expire(s, leg, now);
}

/* --- sending tones ------------------------------------------------------------------------- */

static void send_tone(struct switchboard *s, struct operation *op, char key)
{
    struct conference *c = op->leg->me->conference;
    char text[2] = {key == '!' ? 'F' : key, '\0'};
    struct line *l;

    for (size_t i = 0; (l = conference_phone(c, i)); i++)
        board_action(s, SWITCH_TONES, l->id, text, NULL, TONE_MS);
}

static void tone_fires(struct switchboard *s, void *owner, int64_t now)
{
    struct operation *op = owner;

    do {
        if (!op->keys[op->at]) {
            operation_extra(s, op, "completionReason", "\"completedSuccessfully\"");
            operation_end(s, op, OPERATION_COMPLETED, 0, 0, NULL, now);
            return;
        }
        send_tone(s, op, op->keys[op->at++]);
    } while (op->early);
    board_timer_set(s, &op->timer, now + TONE_MS + (op->keys[op->at] ? op->gap_ms : 0));
}

void media_tones(struct switchboard *s, struct operation *op, int64_t now)
{
    if (op->gap_ms < 0)
        op->gap_ms = TONE_GAP_MS;
    board_timer_init(&op->timer, tone_fires, op);
    tone_fires(s, op, now);
}
