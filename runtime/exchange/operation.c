#include "exchange/operation.h"

#include "base/json.h"
#include "exchange/leg.h"

#include <stdlib.h>
#include <string.h>

static void soon_fires(struct switchboard *s, void *owner, int64_t now)
{
    operation_end(s, owner, OPERATION_COMPLETED, 0, 0, NULL, now);
}

void operation_free(struct switchboard *s, struct operation *op)
{
    board_timer_stop(s, &op->timer);
    list_remove(&op->link);
    list_remove(&op->queued);
    op->leg->noperations--;
    op->leg->busy -= op->status == OPERATION_RUNNING;
    for (size_t i = 0; i < op->nprompts; i++) {
        free(op->prompts[i].uri);
        free(op->prompts[i].resource);
    }
    free(op->prompts);
    if (op->take)
        free(op->take->samples);
    free(op->take);
    free(op->context);
    free(op->extra);
    free(op->message);
    free(op->keys);
    free(op);
}

/* Make room: the oldest that has ended goes. */
static void prune(struct switchboard *s, struct leg *leg)
{
    struct list *it, *tmp;

    list_each (it, tmp, &leg->operations) {
        struct operation *op = list_entry(it, struct operation, link);

        if (op->status != OPERATION_RUNNING) {
            operation_free(s, op);
            return;
        }
    }
}

struct operation *operation_new(struct switchboard *s, struct leg *leg, const char *type,
                                const cJSON *args)
{
    struct operation *op = calloc(1, sizeof *op);

    if (!op) {
        board_nomem(s);
        return NULL;
    }
    if (leg->noperations >= BOARD_MAX_OPERATIONS)
        prune(s, leg);
    op->leg = leg;
    op->type = type;
    board_guid(s, op->id);
    board_set(s, &op->context, json_str(args, "clientContext"));
    board_timer_init(&op->timer, soon_fires, op);
    list_init(&op->queued);
    list_append(&leg->operations, &op->link);
    leg->noperations++;
    leg->busy++;
    return op;
}

struct operation *operation_find(const struct leg *leg, const char *id)
{
    struct list *it;

    for (it = leg->operations.prev; it != &leg->operations; it = it->prev) {
        struct operation *op = list_entry(it, struct operation, link);

        if (id_equal(op->id, id))
            return op;
    }
    return NULL;
}

void operation_extra(struct switchboard *s, struct operation *op, const char *name,
                     const char *value)
{
    struct buf b = {0};

    buf_fmt(&b, "%s,\"%s\":%s", op->extra ? op->extra : "", name, value ? value : "null");
    free(op->extra);
    op->extra = board_take(s, &b);
}

void operation_end(struct switchboard *s, struct operation *op, enum operation_status status,
                   int code, int subcode, const char *message, int64_t now)
{
    struct buf b = {0}, path = {0};
    char *data, *suffix;

    if (op->status != OPERATION_RUNNING)
        return;
    board_timer_stop(s, &op->timer);
    list_remove(&op->queued);
    op->status = status;
    op->leg->busy--;
    op->code = code;
    op->subcode = subcode;
    board_set(s, &op->message, message);
    operation_text(&b, op);
    buf_fmt(&path, "/operations/%s", op->id);
    data = board_take(s, &b);
    suffix = board_take(s, &path);
    if (op->early)
        leg_notify_early(s, op->leg, "deleted", suffix, data);
    else
        leg_notify(s, op->leg, "deleted", suffix, data, now);
    free(data);
    free(suffix);
}

void operation_done(struct operation *op)
{
    op->status = OPERATION_COMPLETED;
    op->leg->busy--;
}

void operation_complete_soon(struct switchboard *s, struct operation *op, int64_t now)
{
    if (op->early)
        operation_end(s, op, OPERATION_COMPLETED, 0, 0, NULL, now);
    else
        board_timer_set(s, &op->timer, now + BOARD_SETUP_MS);
}

void operation_text(struct buf *b, const struct operation *op)
{
    static const char *const names[] = {"running", "completed", "failed"};

    BOARD_TEXTS(b, "{\"@odata.type\":\"#microsoft.graph.", op->type, "\",\"id\":\"", op->id,
                "\",\"status\":\"", names[op->status], "\",\"clientContext\":");
    board_quote(b, op->context);
    buf_str(b, ",\"resultInfo\":");
    if (op->message)
        board_result(b, op->code, op->subcode, op->message);
    else
        buf_str(b, "null");
    if (op->extra)
        buf_str(b, op->extra);
    buf_char(b, '}');
}
