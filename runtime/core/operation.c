/* Answers and operation notifications, and which request they belong to. */
#include "base/json.h"
#include "base/text.h"
#include "core/machine.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { HELD_MAX = 32, DELETE_ANSWERED_MS = DELETE_BOUND_MS, REDIRECT_MS = 130000 };

static bool status_is(const struct request *r, const char *status)
{
    const char *s = json_str(r->body, "status");

    return s && strcasecmp(s, status) == 0;
}

/* The innermost code and the message of an error body (reference §1.6). */
static void fail_by_body(struct request *r)
{
    const cJSON *error = json_get(r->body, "error");
    const cJSON *inner = json_get(error, "innerError");
    const char *code = json_str(inner, "code");
    const char *message = json_str(error, "message");

    if (!code)
        code = json_str(error, "code");
    if (!code)
        code = r->status ? "generalException" : "noAnswer";
    request_fail(r, code, r->status, 0, message);
}

static int take_body(struct request *r, const cJSON *data)
{
    if (!cJSON_IsObject(data))
        return 0;
    if (!r->body)
        return (r->body = json_copy(data)) ? 0 : ERR_NOMEM;
    return json_merge(r->body, data);
}

static struct request *by_seq(struct call *call, uint32_t seq)
{
    for (struct list *it = call->requests.next; it != &call->requests; it = it->next) {
        struct request *r = list_entry(it, struct request, link);
        if (seq && r->seq == seq)
            return r;
    }
    return NULL;
}

static int answered_operation(struct request *r, const struct event *ev)
{
    if (ev->id[0])
        snprintf(r->op_id, sizeof r->op_id, "%s", ev->id);
    if (status_is(r, "completed") || status_is(r, "failed"))
        request_finish(r);
    return 0;
}

/* The create of a leg was answered: it has an id now. */
static int answered_create(struct request *r, const struct event *ev)
{
    struct leg *leg = r->leg;

    if (ev->id[0] && text_keep(&leg->id, ev->id))
        return ERR_NOMEM;
    request_finish(r);
    return call_leg_update(leg, ev->data, CHANGE_NONE);
}

static int answered_state(struct request *r, const struct event *ev)
{
    struct leg *leg = r->leg;
    bool redirect = strcmp(r->spec.method, "redirect") == 0;

    if (strcmp(r->spec.method, "create") == 0)
        return answered_create(r, ev);
    if (r->spec.goal == GOAL_NONE)
        request_finish(r);
    else
        requests_state(leg);
    if (r->spec.goal == GOAL_ENDED && !leg->ended && !timer_is_set(&leg->delete_timer))
        return timer_set(&leg->delete_timer, leg->call,
                         leg->call->now + (redirect ? REDIRECT_MS : DELETE_ANSWERED_MS));
    return 0;
}

static int answered_badly(struct request *r)
{
    struct leg *leg = r->leg;
    bool create = r->spec.method && strcmp(r->spec.method, "create") == 0;
    bool gone = r->status == 404 && r->spec.method && strcmp(r->spec.method, "delete") == 0;
    int err = 0;

    if (gone) /* what is not there need not be deleted (reference §3.3) */
        return call_leg_end(leg, NULL);
    fail_by_body(r);
    if (create && !leg->ended) {
        leg->code = r->status;
        err = call_leg_fail(leg, r->message);
    }
    return err;
}

/* Operation notifications that came before their answer: now they may find their request. When no
 * answer is outstanding any more they belong to nobody. */
static int try_held(struct leg *leg)
{
    struct event_list held = leg->held;
    int err = 0;

    leg->held = (struct event_list){0};
    for (size_t i = 0; i < held.n && !err; i++)
        err = request_operation(leg, &held.items[i]);
    event_list_fini(&held);
    return err;
}

int request_answered(struct call *call, const struct event *ev)
{
    struct request *r = by_seq(call, ev->seq);
    struct leg *leg = r ? r->leg : NULL;
    int err;

    if (!r || r->answered)
        return 0;
    r->answered = true;
    if (r->done) /* its operation ended first, or the leg did, or it was given up */
        return r->leg->ended ? 0 : try_held(leg);
    r->status = ev->status;
    err = take_body(r, ev->data);
    if (err)
        return err;
    if (!r->spec.method) {
        if (ev->status)
            request_finish(r);
        else
            fail_by_body(r);
        return 0;
    }
    if (ev->status < 200 || ev->status > 299)
        err = answered_badly(r);
    else if (r->spec.completes == REQUEST_OPERATION)
        err = answered_operation(r, ev);
    else if (r->spec.completes == REQUEST_STATE)
        err = answered_state(r, ev);
    else
        request_finish(r);
    if (!err && r->spec.completes == REQUEST_ANSWER && strcmp(r->spec.method, "get") == 0)
        err = call_leg_update(leg, ev->data, CHANGE_NONE);
    return err ? err : try_held(leg);
}

static struct request *by_operation(struct leg *leg, const struct event *ev, bool *outstanding)
{
    const char *context = json_str(ev->data, "clientContext");
    struct request *found = NULL;

    for (struct list *it = leg->call->requests.next; it != &leg->call->requests; it = it->next) {
        struct request *r = list_entry(it, struct request, link);

        if (r->leg != leg || !r->seq || r->spec.completes != REQUEST_OPERATION)
            continue;
        if (ev->id[0] && strcmp(r->op_id, ev->id) == 0)
            return r;
        if (r->done)
            continue;
        *outstanding = *outstanding || !r->answered;
        if (!found && context && r->context && strcmp(context, r->context) == 0 &&
            (!r->op_id[0] || !ev->id[0]))
            found = r;
    }
    return found;
}

int request_operation(struct leg *leg, const struct event *ev)
{
    bool outstanding = false;
    struct request *r = by_operation(leg, ev, &outstanding);
    struct event copy = {0};
    int err;

    if (leg->ended && !(r ? r->spec.lingers : outstanding))
        return 0;
    if (!r && outstanding && leg->held.n < HELD_MAX) {
        err = event_copy(&copy, ev);
        if (!err)
            err = event_list_add(&leg->held, &copy);
        event_fini(&copy);
        return err;
    }
    if (!r || r->done)
        return 0;
    if (ev->id[0] && !r->op_id[0])
        snprintf(r->op_id, sizeof r->op_id, "%s", ev->id);
    err = take_body(r, ev->data);
    if (!err &&
        (ev->change == CHANGE_DELETED || status_is(r, "completed") || status_is(r, "failed")))
        request_finish(r);
    return err;
}
