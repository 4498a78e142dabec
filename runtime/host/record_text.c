/* What the recorder writes of an event and of a command, and reads back. */
#include "host/recorder.h"

#include "base/buf.h"
#include "base/json.h"
#include "host/summary.h"

#include <stdlib.h>
#include <string.h>

/* What must not be repeated, or answers as it acts, is compared by its arguments as well; so is a
 * request that sends something. */
static bool wants_digest(const struct command *c)
{
    return engine_must_not_repeat(c) || c->kind == COMMAND_STORE ||
           (c->kind == COMMAND_HTTP && json_get(c->args, "body"));
}

static void add_text(struct buf *b, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    buf_str(b, name);
    buf_str(b, value);
    buf_char(b, '"');
}

static void add_number(struct buf *b, const char *name, long long value)
{
    buf_str(b, name);
    buf_int(b, value);
}

static int add_digest(struct buf *b, const struct seal *seal, const struct command *c)
{
    struct buf whole = {0};
    char *ids = c->ids ? json_canonical(c->ids) : NULL;
    char *args = c->args ? json_canonical(c->args) : NULL;
    char digest[SEAL_DIGEST];
    int err = (c->ids && !ids) || (c->args && !args) ? ERR_NOMEM : 0;

    buf_str(&whole, ids ? ids : "");
    buf_char(&whole, '\n');
    buf_str(&whole, args ? args : "");
    if (!err)
        err = whole.err;
    if (!err) {
        seal_digest(seal, whole.p, whole.n, digest);
        add_text(b, ",\"digest\":\"", digest);
        err = b->err;
    }
    buf_fini(&whole);
    free(ids);
    free(args);
    return err;
}

/* A place in a flow, whose name is nearly always its own JSON text. */
static int add_where(struct buf *b, const char *where)
{
    cJSON *o;
    char *quoted;
    size_t n = 0;

    while ((unsigned char)where[n] >= ' ' && where[n] != '"' && where[n] != '\\')
        n++;
    if (!where[n]) {
        add_text(b, ",\"where\":\"", where);
        return 0;
    }
    o = cJSON_CreateString(where);
    quoted = o ? json_text(o) : NULL;
    cJSON_Delete(o);
    if (!quoted)
        return ERR_NOMEM;
    buf_str(b, ",\"where\":");
    buf_str(b, quoted);
    free(quoted);
    return 0;
}

char *recorder_command_text(const struct seal *seal, const struct command *c)
{
    struct buf b = {0};
    char *text = NULL;
    int err;

    add_text(&b, "{\"kind\":\"", command_kind_name(c->kind));
    add_number(&b, ",\"seq\":", (long long)c->seq);
    if (c->leg)
        add_number(&b, ",\"leg\":", c->leg);
    add_text(&b, ",\"method\":\"", c->method);
    add_text(&b, ",\"fiber\":\"", c->fiber);
    err = add_where(&b, c->where);
    if (c->kind == COMMAND_METHOD)
        summary_prompts(&b, c->args);
    if (!err && seal && wants_digest(c))
        err = add_digest(&b, seal, c);
    buf_char(&b, '}');
    if (!err)
        text = buf_take(&b);
    buf_fini(&b);
    return text;
}

/* What the service tells of a key beside the event that it becomes is not needed again. */
static int without_tone(struct event *copy, const struct event *ev)
{
    int err = event_copy(copy, ev);

    if (!err)
        cJSON_DeleteItemFromObjectCaseSensitive(copy->data, "toneInfo");
    return err;
}

static int sealed_tone(const struct seal *seal, struct event *copy, const struct event *ev)
{
    const char *tone = json_str(ev->data, "tone");
    char *sealed = seal_text(seal, ev->key, tone ? tone : "");
    int err = sealed ? 0 : ERR_NOMEM;

    *copy = *ev;
    copy->data = cJSON_CreateObject();
    if (!err)
        err = copy->data ? json_set_str(copy->data, "sealed", sealed) : ERR_NOMEM;
    if (!err)
        err = json_set_int(copy->data, "sequenceId", json_int(ev->data, "sequenceId", 0));
    free(sealed);
    return err;
}

char *recorder_event_text(const struct seal *seal, const struct event *ev)
{
    struct event copy = {0};
    char *text = NULL;
    int err;

    if (ev->kind == EVENT_TONE)
        err = sealed_tone(seal, &copy, ev);
    else if (json_get(ev->data, "toneInfo"))
        err = without_tone(&copy, ev);
    else
        return event_encode(ev);
    if (!err)
        text = event_encode(&copy);
    event_fini(&copy);
    return text;
}

int recorder_event_read(const struct seal *seal, const char *text, size_t n, struct event *out,
                        struct error *e)
{
    struct event ev = {0};
    const char *sealed;
    char *tone;
    int err = event_decode(&ev, text, n, e);

    if (err)
        return err;
    sealed = ev.kind == EVENT_TONE ? json_str(ev.data, "sealed") : NULL;
    if (sealed) {
        tone = unseal_text(seal, ev.key, sealed);
        err = tone ? json_set_str(ev.data, "tone", tone)
                   : error_set(e, ERR_NOTFOUND,
                               "a key that was pressed cannot be opened: the key file is not the "
                               "one that sealed it, or it was altered");
        free(tone);
        cJSON_DeleteItemFromObjectCaseSensitive(ev.data, "sealed");
    }
    if (err) {
        event_fini(&ev);
        return err;
    }
    *out = ev;
    return 0;
}
