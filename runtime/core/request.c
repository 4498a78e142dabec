#include "core/request.h"

#include "base/json.h"
#include "base/text.h"
#include "core/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANCEL_BOUND_MS = 2000, LINGER_MS = 2000 };

static int submit(struct request *r);

/* The next queued play or record gets the lane. */
static void lane_next(struct leg *leg)
{
    struct request *r;

    while (!leg->lane && !list_empty(&leg->queue) && !leg->ended) {
        r = list_entry(leg->queue.next, struct request, lane_link);
        list_remove(&r->lane_link);
        if (submit(r))
            request_fail(r, "outOfMemory", 0, 0, "not enough memory");
    }
}

void request_finish(struct request *r)
{
    struct leg *leg = r->leg;

    if (r->done)
        return;
    r->done = true;
    if (!r->failed && r->spec.method && strcmp(r->spec.method, "subscribeToTone") == 0)
        leg->tone_subscribed = true;
    timer_clear(&r->bound);
    list_remove(&r->lane_link);
    if (leg->lane == r) {
        leg->lane = NULL;
        lane_next(leg);
    }
}

void request_fail(struct request *r, const char *code, int status, int subcode, const char *message)
{
    if (r->done)
        return;
    r->failed = true;
    r->status = status ? status : r->status;
    r->subcode = subcode;
    text_copy(r->code, sizeof r->code, code);
    free(r->message);
    r->message = message ? strdup(message) : NULL;
    request_finish(r);
}

static bool is_pending(const struct call *call, uint32_t seq)
{
    for (struct list *it = call->requests.next; it != &call->requests; it = it->next) {
        const struct request *r = list_entry(it, struct request, link);
        if (r->seq == seq)
            return !r->done;
    }
    return false;
}

/* A cancelled play or record whose end is never told: it ended all the same. But while the order to
 * stop is still on its way (the service may be throttling), the lane stays taken: that order stops
 * whatever it finds, also what would be begun meanwhile. */
static void bound_over(struct timer *t)
{
    struct request *r = list_entry(t, struct request, bound);

    if (r->stop && is_pending(r->call, r->stop)) {
        if (timer_set(&r->bound, r->call, r->call->now + CANCEL_BOUND_MS))
            call_nomem(r->call);
        return;
    }
    if (!r->body)
        r->body = cJSON_CreateObject();
    if (!r->body || json_set_str(r->body, "status", "completed") ||
        json_set_str(r->body, "completionReason", "mediaOperationCanceled"))
        call_nomem(r->call);
    request_finish(r);
}

static int add_context(struct request *r)
{
    char text[KEY_MAX + 32];
    const char *given = json_str(r->args, "clientContext");

    if (!given && r->spec.own_context) {
        snprintf(text, sizeof text, "%s/%d/%lu", r->call->key, r->leg->index,
                 (unsigned long)r->call->command_seq + 1);
        if (!r->args)
            r->args = cJSON_CreateObject();
        if (!r->args || json_set_str(r->args, "clientContext", text))
            return ERR_NOMEM;
        given = text;
    }
    if (given && !(r->context = strdup(given)))
        return ERR_NOMEM;
    return 0;
}

static int submit(struct request *r)
{
    struct command c = {.kind = r->spec.method  ? COMMAND_METHOD
                                : r->spec.store ? COMMAND_STORE
                                                : COMMAND_HTTP,
                        .leg = r->leg->index,
                        .method = r->spec.method};
    int err = add_context(r);

    if (err)
        return call_nomem(r->call);
    text_copy(c.fiber, sizeof c.fiber, r->fiber);
    text_copy(c.where, sizeof c.where, r->where);
    c.ids = r->ids;
    c.args = r->args;
    r->ids = r->args = NULL;
    err = call_issue(r->call, &c);
    if (err)
        return err;
    r->seq = r->call->command_seq;
    if (r->spec.media)
        r->leg->lane = r;
    return 0;
}

static int make(struct request **out, struct leg *leg, const struct request_spec *spec,
                const char *path, const char *where, cJSON *ids, cJSON *args);

/* Tell the service to stop what plays or records on `leg`; nobody waits for the answer. */
static int stop_media(struct leg *leg, const struct request *r)
{
    static const struct request_spec spec = {
        .method = "cancelMediaProcessing", .completes = REQUEST_OPERATION, .own_context = true};
    struct request *stop;
    int err;

    if (leg->lane->cancelled)
        return 0;
    leg->lane->cancelled = true;
    err = make(&stop, leg, &spec, r->fiber, r->where, NULL, NULL);
    if (!err) {
        leg->lane->stop = stop->seq;
        err = timer_set(&leg->lane->bound, leg->call, leg->call->now + CANCEL_BOUND_MS);
    }
    return err;
}

/* Whether the flow has as many of the kind pending as it may: HTTP requests limits.requests,
 * methods as many as fibers could wait for. */
static bool too_many(const struct call *call, const struct request_spec *spec)
{
    const struct limits *l = &call->core->cfg.limits;
    unsigned n = 0;

    for (struct list *it = call->requests.next; it != &call->requests; it = it->next) {
        const struct request *r = list_entry(it, struct request, link);
        n += !r->spec.method == !spec->method && !r->done;
    }
    return n >= (spec->method ? l->fibers : l->requests);
}

static int make(struct request **out, struct leg *leg, const struct request_spec *spec,
                const char *path, const char *where, cJSON *ids, cJSON *args)
{
    struct call *call = leg->call;
    struct request *r = calloc(1, sizeof *r);
    int err = 0;

    if (!r) {
        cJSON_Delete(ids);
        cJSON_Delete(args);
        return call_nomem(call);
    }
    r->call = call;
    r->leg = leg;
    r->spec = *spec;
    r->ids = ids;
    r->args = args;
    text_copy(r->fiber, sizeof r->fiber, path);
    text_copy(r->where, sizeof r->where, where);
    timer_init(&r->bound, bound_over);
    list_init(&r->lane_link);
    list_append(&call->requests, &r->link);
    if (!spec->media || !leg->lane) {
        err = submit(r);
    } else if (spec->preempt) {
        list_append(leg->queue.next, &r->lane_link); /* before the first: it goes next */
        err = stop_media(leg, r);
    } else {
        list_append(&leg->queue, &r->lane_link);
    }
    if (err) {
        request_free(r);
        return err;
    }
    *out = r;
    return 0;
}

int request_new(struct request **out, struct leg *leg, const struct request_spec *spec,
                struct fiber *f, const char *where, cJSON *ids, cJSON *args)
{
    if (f && too_many(leg->call, spec)) {
        cJSON_Delete(ids);
        cJSON_Delete(args);
        return ERR_LIMIT;
    }
    return make(out, leg, spec, f ? f->path : "", where, ids, args);
}

void request_free(struct request *r)
{
    named_drop(&r->call->core->handles, &r->named);
    if (r->leg->lane == r)
        r->leg->lane = NULL;
    timer_clear(&r->bound);
    list_remove(&r->lane_link);
    list_remove(&r->link);
    cJSON_Delete(r->ids);
    cJSON_Delete(r->args);
    cJSON_Delete(r->body);
    free(r->context);
    free(r->message);
    free(r);
}

static bool waited_for(const struct call *call, const struct request *r)
{
    for (struct list *it = call->fibers.next; it != &call->fibers; it = it->next) {
        const struct fiber *f = list_entry(it, struct fiber, link);
        if (f->wait.object == r && (f->state == FIBER_WAITING || f->state == FIBER_READY))
            return true;
    }
    return call->step_request == r;
}

void requests_sweep(struct call *call)
{
    struct list *it, *tmp;

    list_each (it, tmp, &call->requests) {
        struct request *r = list_entry(it, struct request, link);

        if (r->done && !r->named.handles && !waited_for(call, r))
            request_free(r);
    }
}

bool request_cancel(struct request *r)
{
    struct call *call = r->call;

    if (r->done)
        return false;
    if (r->spec.media && !r->seq) {
        request_fail(r, "cancelled", 0, 0, "cancelled before its turn");
        return false;
    }
    if (r->spec.media && !r->leg->ended && call->phase < PHASE_UNWIND) {
        if (r->leg->lane == r && stop_media(r->leg, r))
            call_nomem(call);
        return true;
    }
    if (r->spec.store)
        request_fail(r, "cancelled", 0, 0, "cancelled");
    if (!r->spec.method && !r->done) {
        struct command c = {.kind = COMMAND_CANCEL, .leg = r->leg->index};

        text_copy(c.fiber, sizeof c.fiber, r->fiber);
        c.args = cJSON_CreateObject();
        if (c.args && json_set_int(c.args, "seq", r->seq) == 0)
            call_issue(call, &c);
        else
            call_nomem(call);
        command_fini(&c);
        request_fail(r, "cancelled", 0, 0, "cancelled");
    }
    return false;
}

static bool reached(const struct request *r)
{
    switch (r->spec.goal) {
    case GOAL_NONE:
        return true;
    case GOAL_ESTABLISHED:
        return call_leg_reached(r->leg, call_leg_state_rank("established"));
    case GOAL_TRANSFERRED:
    case GOAL_ENDED:
        return r->leg->ended;
    }
    return true;
}

void requests_state(struct leg *leg)
{
    struct list *it, *tmp;

    list_each (it, tmp, &leg->call->requests) {
        struct request *r = list_entry(it, struct request, link);

        if (r->leg == leg && !r->done && r->seq && r->spec.completes == REQUEST_STATE &&
            r->spec.goal != GOAL_NONE && reached(r))
            request_finish(r);
    }
}

/* The leg is over, and no end of the operation has followed. */
static void linger_over(struct timer *t)
{
    struct request *r = list_entry(t, struct request, bound);

    request_fail(r, "hangup", 0, r->leg->subcode,
                 r->leg->message ? r->leg->message : "the call ended");
}

/* Whether the end of `r` may still come, and is waited for. */
static bool lingers(struct request *r)
{
    if (!r->spec.lingers || !r->seq || r->cancelled)
        return false;
    r->bound.fire = linger_over;
    if (timer_set(&r->bound, r->call, r->call->now + LINGER_MS) == 0)
        return true;
    call_nomem(r->call);
    return false;
}

/* Whether the end of the leg is what a transfer wanted (reference §3.8). */
static bool was_transferred(const struct leg *leg)
{
    return leg->transferring || leg->subcode == 7015 ||
           call_leg_says(leg, "terminationReason", "\"AppTransferred\"");
}

void requests_leg_ended(struct leg *leg)
{
    struct list *it, *tmp;

    list_each (it, tmp, &leg->call->requests) {
        struct request *r = list_entry(it, struct request, link);

        if (r->leg != leg || r->done || !r->spec.method || r->spec.outlives || lingers(r))
            continue;
        if (r->seq && (r->spec.goal == GOAL_ENDED ||
                       (r->spec.goal == GOAL_TRANSFERRED && was_transferred(leg))))
            request_finish(r);
        else
            request_fail(r, "hangup", 0, leg->subcode,
                         leg->message ? leg->message : "the call ended");
    }
}
