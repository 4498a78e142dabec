#include "host/timeline.h"

#include "base/json.h"
#include "core/core.h"
#include "host/summary.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct shown {
    bool found, ended;
    int64_t began, over;
    char bundle[65];
    cJSON *facts;    /* the start, or the summary */
    cJSON *timeline; /* array                     */
    struct summary gathered;
    int64_t now;
    struct error *e;
};

static int copy_text(cJSON *o, const char *name, const char *text)
{
    return text ? json_set_str(o, name, text) : 0;
}

/* Of a call in progress: what it began with. */
static int note_start(struct shown *s, const struct journal_call *c)
{
    struct event ev = {0};
    const cJSON *call, *to;
    int err = event_decode(&ev, c->facts, c->n, s->e);

    if (err)
        return err;
    summary_event(&s->gathered, &ev, NULL);
    s->now = ev.time;
    call = json_get(ev.data, "call");
    to = json_get(call, "callRoutes") ? json_get(json_get(call, "callRoutes")->child, "original")
                                      : NULL;
    if (!to && json_get(call, "targets"))
        to = json_get(json_get(call, "targets")->child, "identity");
    s->facts = cJSON_CreateObject();
    err = s->facts ? 0 : ERR_NOMEM;
    if (!err)
        err = copy_text(s->facts, "direction", json_str(ev.data, "direction"));
    if (!err)
        err =
            copy_text(s->facts, "from", core_party(json_get(json_get(call, "source"), "identity")));
    if (!err)
        err = copy_text(s->facts, "to", core_party(to));
    event_fini(&ev);
    return err;
}

static int note_call(void *arg, const struct journal_call *c)
{
    struct shown *s = arg;

    s->found = true;
    s->ended = c->ended != 0;
    s->began = s->gathered.began = s->now = c->began;
    s->over = c->ended;
    memcpy(s->bundle, c->bundle, sizeof s->bundle);
    return s->ended ? json_parse(&s->facts, c->facts, c->n, s->e) : note_start(s, c);
}

static enum command_kind kind_of(const char *name)
{
    for (int k = 0; k < COMMAND_KINDS; k++)
        if (name && strcmp(command_kind_name((enum command_kind)k), name) == 0)
            return (enum command_kind)k;
    return COMMAND_LOG;
}

static int gather_command(struct shown *s, const void *p, size_t n)
{
    cJSON *o = NULL;
    int err = json_parse(&o, p, n, s->e);
    const char *where = json_str(o, "where");
    struct command c = {
        .kind = kind_of(json_str(o, "kind")), .method = json_str(o, "method"), .args = o};

    snprintf(c.where, sizeof c.where, "%s", where ? where : "");
    if (!err)
        summary_command(&s->gathered, &c, s->now);
    cJSON_Delete(o);
    return err;
}

/* An entry of a call in progress; or the timeline of an ended one. */
static int note_entry(void *arg, enum journal_kind kind, const void *p, size_t n)
{
    struct shown *s = arg;
    struct event ev = {0};
    int err;

    if (s->ended)
        return json_parse(&s->timeline, p, n, s->e);
    if (kind == JOURNAL_COMMAND)
        return gather_command(s, p, n);
    if (kind != JOURNAL_EVENT)
        return 0;
    err = event_decode(&ev, p, n, s->e);
    if (err)
        return err;
    if (ev.time > s->now)
        s->now = ev.time;
    summary_event(&s->gathered, &ev, NULL);
    event_fini(&ev);
    return 0;
}

/* What was gathered of a call in progress, as the timeline of an ended one would be. */
static int close_gathered(struct shown *s)
{
    static const struct command nothing = {.kind = COMMAND_END};
    char *text;
    int err;

    if (s->ended)
        return 0;
    text = summary_timeline(&s->gathered, &nothing, false);
    err = text ? json_parse(&s->timeline, text, strlen(text), s->e) : ERR_NOMEM;
    free(text);
    return err;
}

static void write_member(FILE *out, const cJSON *o, const char *name, const char *before)
{
    const char *text = json_str(o, name);

    if (text && text[0])
        fprintf(out, "%s%s", before, text);
}

static void write_line(FILE *out, const cJSON *line, unsigned *keys)
{
    const char *kind = json_str(line, "kind");
    const cJSON *p;

    fprintf(out, "%10.3f  %-10s", (double)json_int(line, "at", 0) / 1000, kind ? kind : "?");
    if (kind && strcmp(kind, "key") == 0)
        fprintf(out, " number %u", ++*keys);
    write_member(out, line, "what", " ");
    if (json_get(line, "status"))
        fprintf(out, " status %d", (int)json_int(line, "status", 0));
    write_member(out, line, "more", ", ");
    write_member(out, line, "from", ", from ");
    cJSON_ArrayForEach (p, json_get(line, "prompts")) {
        fprintf(out, " \"%s\"", cJSON_IsString(p) ? p->valuestring : "");
    }
    write_member(out, line, "where", "  at ");
    fputc('\n', out);
}

static void write_people(const struct shown *s, const char *key, FILE *out)
{
    time_t began = (time_t)(s->began / 1000);
    struct tm tm;
    char at[32];
    const cJSON *line;
    unsigned keys = 0;

    strftime(at, sizeof at, "%Y-%m-%d %H:%M:%S", gmtime_r(&began, &tm));
    fprintf(out, "call %s, began %s UTC, bundle %.12s\n", key, at, s->bundle);
    if (s->ended) {
        fprintf(out, "ended after %.3f s: ", (double)(s->over - s->began) / 1000);
        write_member(out, s->facts, "result", "");
        fprintf(out, ", code %d/%d", (int)json_int(s->facts, "code", 0),
                (int)json_int(s->facts, "subcode", 0));
        write_member(out, s->facts, "message", ", ");
        write_member(out, s->facts, "flow", "; flow ");
        write_member(out, s->facts, "from", ", from ");
        write_member(out, s->facts, "to", " to ");
        fprintf(out, "; %d keys\n", (int)json_int(s->facts, "keys", 0));
    } else {
        fputs("in progress", out);
        write_member(out, s->facts, "direction", "; ");
        write_member(out, s->facts, "from", ", from ");
        write_member(out, s->facts, "to", " to ");
        fputc('\n', out);
    }
    cJSON_ArrayForEach (line, s->timeline)
        write_line(out, line, &keys);
}

static int write_json(struct shown *s, const char *key, FILE *out)
{
    cJSON *o = cJSON_CreateObject(), *line;
    char *text = NULL;

    cJSON_ArrayForEach (line, s->timeline)
        cJSON_DeleteItemFromObjectCaseSensitive(line, "sealed");
    if (o && !json_set_str(o, "key", key) && !json_set_int(o, "began", s->began) &&
        !json_set_str(o, "bundle", s->bundle) &&
        !json_set_copy(o, s->ended ? "summary" : "start", s->facts) &&
        !json_set_copy(o, "timeline", s->timeline))
        text = json_text(o);
    if (text)
        fprintf(out, "%s\n", text);
    free(text);
    cJSON_Delete(o);
    return text ? 0 : ERR_NOMEM;
}

int timeline_write(struct journal *j, const char *key, bool json, FILE *out, struct error *e)
{
    struct shown s = {.e = e};
    int err = journal_find(j, key, note_call, &s, e);

    if (!err)
        err = journal_entries(j, key, note_entry, &s, e);
    if (!err)
        err = close_gathered(&s);
    if (!err && json)
        err = write_json(&s, key, out);
    else if (!err)
        write_people(&s, key, out);
    cJSON_Delete(s.facts);
    cJSON_Delete(s.timeline);
    summary_fini(&s.gathered);
    return err;
}
