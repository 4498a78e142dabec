#include "host/summary.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of a timeline that gets longer, TIMELINE_CUT is taken out behind TIMELINE_HEAD, again and again:
 * how a call began and how it ended is kept. */
enum { TIMELINE_MAX = 32 << 10, TIMELINE_HEAD = 8 << 10, TIMELINE_CUT = 8 << 10, PLAYED_MAX = 200 };

void summary_fini(struct summary *s)
{
    buf_fini(&s->played);
    buf_fini(&s->timeline);
}

/* `text` as a JSON string; what is no printable character becomes a space. */
static void add_string(struct buf *b, const char *text)
{
    buf_char(b, '"');
    while (*text) {
        size_t n = 0;

        while ((unsigned char)text[n] >= ' ' && text[n] != '"' && text[n] != '\\')
            n++;
        buf_add(b, text, n);
        text += n;
        if (!*text)
            break;
        if (*text == '"' || *text == '\\')
            buf_char(b, '\\');
        buf_char(b, (unsigned char)*text < ' ' ? ' ' : *text);
        text++;
    }
    buf_char(b, '"');
}

/* Where the line that holds byte `at` of the timeline ends. */
static size_t line_end(const struct summary *s, size_t at)
{
    const char *p = memchr(s->timeline.p + at, '\n', s->timeline.n - at);

    return p ? (size_t)(p + 1 - s->timeline.p) : s->timeline.n;
}

static void trim(struct summary *s)
{
    size_t to;

    if (s->timeline.n <= TIMELINE_MAX)
        return;
    if (!s->trimmed) {
        s->cut = line_end(s, TIMELINE_HEAD);
        s->cut_time = strtoll(s->timeline.p + s->cut + strlen("{\"at\":"), NULL, 10);
    }
    to = line_end(s, s->cut + TIMELINE_CUT);
    for (size_t i = s->cut; i < to; i++)
        s->trimmed += s->timeline.p[i] == '\n';
    memmove(s->timeline.p + s->cut, s->timeline.p + to, s->timeline.n - to + 1);
    s->timeline.n -= to - s->cut;
}

/* One line of the timeline, left open for more members. */
static void begin_line(struct summary *s, int64_t now, const char *kind)
{
    trim(s);
    buf_str(&s->timeline, "{\"at\":");
    buf_int(&s->timeline, now - s->began);
    buf_str(&s->timeline, ",\"kind\":\"");
    buf_str(&s->timeline, kind);
    buf_char(&s->timeline, '"');
}

static void add_member(struct summary *s, const char *name, const char *text)
{
    if (!text || !text[0])
        return;
    buf_str(&s->timeline, ",\"");
    buf_str(&s->timeline, name);
    buf_str(&s->timeline, "\":");
    add_string(&s->timeline, text);
}

static void end_line(struct summary *s)
{
    buf_str(&s->timeline, "}\n");
}

static void line(struct summary *s, int64_t now, const char *kind, const char *what,
                 const char *more)
{
    begin_line(s, now, kind);
    add_member(s, "what", what);
    add_member(s, "more", more);
    end_line(s);
}

static void note_continue(struct summary *s, const cJSON *o, int64_t now)
{
    begin_line(s, now, "continue");
    add_member(s, "what", json_str(o, "flow"));
    add_member(s, "from", json_str(o, "from"));
    end_line(s);
}

static void note_start(struct summary *s, const struct event *ev)
{
    const cJSON *continued = json_get(ev->data, "continue");

    line(s, json_int(continued, "since", ev->time), "start", json_str(ev->data, "direction"), NULL);
    if (continued)
        note_continue(s, continued, ev->time);
}

static void note_answer(struct summary *s, const struct event *ev)
{
    const cJSON *error = json_get(ev->data, "error");
    const char *code = json_str(error, "code");

    if (ev->status && ev->status < 300)
        return;
    begin_line(s, ev->time, "answer");
    buf_fmt(&s->timeline, ",\"status\":%d", ev->status);
    add_member(s, "what", code);
    end_line(s);
}

static void note_operation(struct summary *s, const struct event *ev)
{
    const char *status = json_str(ev->data, "status");

    if (status && (strcasecmp(status, "completed") == 0 || strcasecmp(status, "failed") == 0))
        line(s, ev->time, "operation", status, json_str(ev->data, "completionReason"));
}

void summary_event(struct summary *s, const struct event *ev, const char *sealed)
{
    s->entries++;
    switch (ev->kind) {
    case EVENT_START:
        strcpy(s->id, ev->call_id);
        note_start(s, ev);
        break;
    case EVENT_CALL:
        if (json_str(ev->data, "state") || ev->change == CHANGE_DELETED)
            line(s, ev->time, "call",
                 ev->change == CHANGE_DELETED ? "terminated" : json_str(ev->data, "state"),
                 json_str(json_get(ev->data, "resultInfo"), "message"));
        break;
    case EVENT_OPERATION:
        note_operation(s, ev);
        break;
    case EVENT_TONE:
        s->keys++;
        begin_line(s, ev->time, "key");
        buf_fmt(&s->timeline, "\t%s\n", sealed ? sealed : "");
        break;
    case EVENT_ANSWER:
        note_answer(s, ev);
        break;
    case EVENT_SIGNAL:
        line(s, ev->time, "signal", json_str(ev->data, "name"), NULL);
        break;
    case EVENT_OVERRUN:
        line(s, ev->time, "limit", json_str(ev->data, "limit"), NULL);
        break;
    case EVENT_JOINING:
    case EVENT_LEFT:
        line(s, ev->time, event_kind_name(ev->kind), NULL, NULL);
        break;
    default:
        break;
    }
}

/* A prompt that says a key (`prompts.digits` of the stdlib): it may be one that was pressed. */
static bool says_key(const char *name)
{
    return strncmp(name, "digit-", 6) == 0 || strcmp(name, "star") == 0 ||
           strcmp(name, "pound") == 0;
}

/* The name of a prompt: an argument of a command, or what was written down of one. */
static const char *prompt_name(const cJSON *item)
{
    const char *name = json_str(json_get(item, "prompt"), "name");

    if (cJSON_IsString(item))
        name = item->valuestring;
    if (!name)
        return json_get(item, "recording") ? "(recording)" : "(address)";
    return says_key(name) ? "(key)" : name;
}

void summary_prompts(struct buf *b, const cJSON *args)
{
    const cJSON *item, *list = json_get(args, "prompts");

    if (!list || !list->child)
        return;
    buf_str(b, ",\"prompts\":[");
    cJSON_ArrayForEach (item, list) {
        if (item != list->child)
            buf_char(b, ',');
        add_string(b, prompt_name(item));
    }
    buf_char(b, ']');
}

static void note_played(struct summary *s, const cJSON *args)
{
    const cJSON *item;

    cJSON_ArrayForEach (item, json_get(args, "prompts")) {
        if (s->prompts++ >= PLAYED_MAX)
            continue;
        if (s->played.n)
            buf_char(&s->played, ',');
        add_string(&s->played, prompt_name(item));
    }
}

void summary_command(struct summary *s, const struct command *c, int64_t now)
{
    s->entries++;
    if (c->kind == COMMAND_CONTINUE) {
        note_continue(s, json_get(c->args, "continue"), now);
        return;
    }
    begin_line(s, now, command_kind_name(c->kind));
    add_member(s, "what",
               c->method                ? c->method
               : c->kind == COMMAND_END ? json_str(c->args, "result")
                                        : json_str(c->args, "method"));
    if (c->kind == COMMAND_METHOD) {
        summary_prompts(&s->timeline, c->args);
        note_played(s, c->args);
    }
    add_member(s, "where", c->where);
    end_line(s);
}

char *summary_text(const struct summary *s, const struct command *end, int64_t now)
{
    char *rest = end->args ? json_text(end->args) : NULL;
    struct buf b = {0};
    char *text;

    buf_fmt(&b, "{\"key\":\"%s\",\"began\":%lld,\"ended\":%lld,\"bundle\":\"%s\"", end->key,
            (long long)s->began, (long long)now, s->bundle);
    if (s->id[0])
        buf_fmt(&b, ",\"id\":\"%s\"", s->id);
    buf_fmt(&b, ",\"entries\":%u,\"keys\":%u,\"prompts\":[%s]", s->entries, s->keys,
            s->played.p ? s->played.p : "");
    if (rest && rest[0] == '{' && rest[1] != '}')
        buf_fmt(&b, ",%s", rest + 1);
    else
        buf_char(&b, '}');
    free(rest);
    text = s->played.err ? NULL : buf_take(&b);
    buf_fini(&b);
    return text;
}

char *summary_timeline(const struct summary *s, const struct command *end, bool keep)
{
    const char *at = s->timeline.p ? s->timeline.p : "", *stop, *tab;
    struct buf b = {0};
    char *text;

    keep = keep && !json_bool(end->args, "secret", false);
    buf_char(&b, '[');
    for (; (stop = strchr(at, '\n')); at = stop + 1) {
        if (b.n > 1)
            buf_char(&b, ',');
        if (s->trimmed && at == s->timeline.p + s->cut)
            buf_fmt(&b, "{\"at\":%lld,\"kind\":\"trimmed\",\"what\":\"%u lines\"},",
                    (long long)s->cut_time, s->trimmed);
        tab = memchr(at, '\t', (size_t)(stop - at));
        buf_add(&b, at, (size_t)((tab ? tab : stop) - at));
        if (tab && keep && stop - tab > 1)
            buf_fmt(&b, ",\"sealed\":\"%.*s\"", (int)(stop - tab - 1), tab + 1);
        if (tab)
            buf_char(&b, '}');
    }
    buf_char(&b, ']');
    text = s->timeline.err ? NULL : buf_take(&b);
    buf_fini(&b);
    return text;
}
