#include "core/leg.h"

#include "base/json.h"
#include "base/text.h"
#include "core/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Progress of the states (reference §2.2). Equal ranks may follow one another in either way. */
static const struct {
    const char *name;
    int rank;
} states[] = {
    {"incoming", 1},    {"establishing", 2}, {"ringing", 3},     {"established", 4},
    {"hold", 4},        {"transferring", 5}, {"redirecting", 5}, {"transferAccepted", 6},
    {"terminating", 8}, {"terminated", 9},
};
enum { STATES = sizeof states / sizeof *states };
enum { ESTABLISHED = 4, TRANSFERRING = 5, TERMINATING = 8, TERMINATED = 9 };

static int state_index(const char *name)
{
    for (int i = 0; name && i < STATES; i++)
        if (strcasecmp(states[i].name, name) == 0)
            return i;
    return -1;
}

int call_leg_state_rank(const char *state)
{
    int i = state_index(state);

    return i < 0 ? 0 : states[i].rank;
}

const char *call_leg_state_known(const char *state)
{
    int i = state_index(state);

    return i < 0 ? NULL : states[i].name;
}

static void media_grace_over(struct timer *t)
{
    struct leg *leg = list_entry(t, struct leg, media_timer);

    leg->media_ready = true;
    requests_state(leg);
}

static void delete_unheard(struct timer *t)
{
    struct leg *leg = list_entry(t, struct leg, delete_timer);

    call_log(leg->call, "warn", "", "", "leg %d: no end was notified after delete", leg->index);
    if (call_leg_end(leg, NULL))
        call_nomem(leg->call);
}

int call_leg_new(struct leg **out, struct call *call, bool incoming)
{
    struct leg *leg, **legs;

    if ((unsigned)call->nlegs >= call->core->cfg.limits.legs)
        return ERR_LIMIT;
    legs = realloc(call->legs, ((size_t)call->nlegs + 1) * sizeof *legs);
    if (!legs)
        return ERR_NOMEM;
    call->legs = legs;
    leg = calloc(1, sizeof *leg);
    if (!leg)
        return ERR_NOMEM;
    leg->call = call;
    leg->index = call->nlegs;
    leg->incoming = incoming;
    list_init(&leg->queue);
    timer_init(&leg->media_timer, media_grace_over);
    timer_init(&leg->gap_timer, call_leg_tone_gap_over);
    timer_init(&leg->delete_timer, delete_unheard);
    call->legs[call->nlegs++] = leg;
    *out = leg;
    return 0;
}

void call_leg_free(struct leg *leg)
{
    named_drop(&leg->call->core->handles, &leg->named);
    timer_clear(&leg->media_timer);
    timer_clear(&leg->gap_timer);
    timer_clear(&leg->delete_timer);
    event_list_fini(&leg->held);
    cJSON_Delete(leg->collections);
    free(leg->facts);
    free(leg->tones.ready);
    free(leg->tones.early);
    free(leg->id);
    free(leg->message);
    free(leg->from);
    free(leg->to);
    free(leg->routed);
    free(leg);
}

const char *call_leg_id(const struct leg *leg)
{
    return leg->id ? leg->id : "";
}

const char *call_leg_state(const struct leg *leg)
{
    return leg->told ? leg->told : "";
}

bool call_leg_reached(const struct leg *leg, int rank)
{
    if (rank < TERMINATING && leg->state >= TERMINATING)
        return false;
    return leg->state >= rank && (rank != ESTABLISHED || leg->media_ready);
}

/* Merge what the service told; the state goes its own way, tones are events of their own. */
static int merge(struct leg *leg, const cJSON *data)
{
    const cJSON *v;

    cJSON_ArrayForEach (v, data) {
        if (!v->string || cJSON_IsNull(v) || text_same(v->string, "state") ||
            text_same(v->string, "toneInfo"))
            continue;
        if (call_leg_keep(leg, v))
            return ERR_NOMEM;
    }
    return 0;
}

static int take_result(struct leg *leg, const cJSON *data)
{
    const cJSON *info = json_get(data, "resultInfo");

    if (!info)
        return 0;
    leg->code = (int)json_int(info, "code", 0);
    leg->subcode = (int)json_int(info, "subcode", 0);
    return text_keep(&leg->message, json_str(info, "message"));
}

static int set_state(struct leg *leg, int i)
{
    char json[32];

    leg->state = states[i].rank;
    leg->told = states[i].name;
    snprintf(json, sizeof json, "\"%s\"", leg->told);
    return call_leg_note(leg, "state", json);
}

/* A transfer that failed: the call is with us again (reference §2.2 rule 2). */
static void transfer_failed(struct leg *leg)
{
    struct list *it, *tmp;

    leg->transferring = false;
    list_each (it, tmp, &leg->call->requests) {
        struct request *r = list_entry(it, struct request, link);
        if (r->leg == leg && !r->done && r->spec.goal == GOAL_TRANSFERRED)
            request_fail(r, "transferFailed", 0, leg->subcode,
                         leg->message ? leg->message : "the transfer failed");
    }
}

static bool transfer_pending(const struct leg *leg)
{
    for (struct list *it = leg->call->requests.next; it != &leg->call->requests; it = it->next) {
        const struct request *r = list_entry(it, struct request, link);
        if (r->leg == leg && !r->done && r->spec.goal == GOAL_TRANSFERRED)
            return true;
    }
    return false;
}

static int move_state(struct leg *leg, const cJSON *data)
{
    int i = state_index(json_str(data, "state"));
    int64_t code = json_int(json_get(data, "resultInfo"), "code", 0);
    int err = 0;

    if (i < 0)
        return 0;
    if (states[i].rank == ESTABLISHED && code >= 300 &&
        (leg->state == TRANSFERRING || leg->state == TRANSFERRING + 1 || transfer_pending(leg))) {
        err = set_state(leg, i);
        transfer_failed(leg);
    } else if (states[i].rank >= leg->state) {
        err = set_state(leg, i);
        leg->transferring = states[i].rank == TRANSFERRING || states[i].rank == TRANSFERRING + 1;
    }
    return err;
}

/* When may prompts be played? When media is said to be active; half a second after `established`
 * when media is never mentioned; five seconds after it when it is said to be inactive for good. */
static int note_media(struct leg *leg, const cJSON *data)
{
    const char *audio = json_str(json_get(data, "mediaState"), "audio");
    bool first = !leg->established && leg->state >= ESTABLISHED && leg->state < TERMINATING;

    if (audio) {
        leg->media_active = strcasecmp(audio, "active") == 0;
        if (!leg->media_told && leg->established && !leg->media_ready && !leg->media_active)
            first = true;
        leg->media_told = true;
    }
    if (leg->state >= ESTABLISHED && leg->state < TERMINATING)
        leg->established = true;
    if (leg->media_active && leg->established) {
        leg->media_ready = true;
        timer_clear(&leg->media_timer);
    } else if (first) {
        return timer_set(&leg->media_timer, leg->call,
                         leg->call->now + (leg->media_told ? MEDIA_WAIT_MS : MEDIA_GRACE_MS));
    }
    return 0;
}

/* A leg that was given up before the service had told of it (its create was not answered) is there
 * after all: somebody's phone rings for nobody. */
static int came_late(struct leg *leg)
{
    struct command c = {.kind = COMMAND_METHOD, .leg = leg->index, .method = "delete"};

    if (leg->known)
        return 0;
    leg->known = true;
    call_log(leg->call, "warn", "", "", "leg %d was placed after all, and is hung up", leg->index);
    return call_issue(leg->call, &c);
}

int call_leg_update(struct leg *leg, const cJSON *data, enum change change)
{
    bool over =
        change == CHANGE_DELETED || call_leg_state_rank(json_str(data, "state")) == TERMINATED;
    int err;

    if (leg->ended)
        return over ? 0 : came_late(leg);
    leg->known = true;
    if (over)
        return call_leg_end(leg, data);
    err = merge(leg, data);
    if (!err)
        err = take_result(leg, data);
    if (!err)
        err = move_state(leg, data);
    if (!err)
        err = note_media(leg, data);
    requests_state(leg);
    if (!err && leg->closing)
        err = call_leg_close(leg);
    return err;
}

int call_leg_end(struct leg *leg, const cJSON *data)
{
    int err;

    if (leg->ended)
        return 0;
    leg->ended = true;
    err = merge(leg, data);
    if (!err)
        err = take_result(leg, data);
    if (!err)
        err = set_state(leg, STATES - 1);
    timer_clear(&leg->media_timer);
    timer_clear(&leg->gap_timer);
    timer_clear(&leg->delete_timer);
    requests_leg_ended(leg);
    return err;
}

int call_leg_fail(struct leg *leg, const char *message)
{
    int err = text_keep(&leg->message, message);

    return err ? err : call_leg_end(leg, NULL);
}

int call_leg_close(struct leg *leg)
{
    static const struct request_spec spec = {
        .method = "delete", .completes = REQUEST_STATE, .goal = GOAL_ENDED};
    struct request *r;
    int err = 0;

    if (leg->ended || leg->deleting)
        return 0;
    if (!leg->closing)
        err = timer_set(&leg->delete_timer, leg->call, leg->call->now + DELETE_BOUND_MS);
    leg->closing = true;
    if (err || !leg->known)
        return err;
    leg->deleting = true;
    return request_new(&r, leg, &spec, NULL, "", NULL, NULL);
}
