/* Commands go out: new ones are written down, some wait at the gate for the journal. */
#include "host/engine_state.h"
#include "host/recover.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

int engine_hand_command(struct engine *en, struct command *c, int64_t now)
{
    const char *text;
    char key[KEY_MAX];
    int rc;

    if (c->kind == COMMAND_LOG) {
        text = json_str(c->args, "text");
        engine_note_about(en, json_str(c->args, "level"), c->key, json_str(c->args, "flow"),
                          json_str(c->args, "bundle"), strdup(text ? text : ""));
        command_fini(c);
        return 0;
    }
    if (c->kind == COMMAND_STORE)
        return command_list_add(&en->asked, c);
    memcpy(key, c->key, sizeof key);
    rc = wire_command(en->wire, c, now);
    if (rc < 0 && rc != ERR_NOMEM) {
        engine_note_lost(en, key, command_kind_name(c->kind), rc);
        command_fini(c);
        rc = 0;
    }
    return rc;
}

uint64_t engine_safe(const struct engine *en)
{
    return en->cfg.record ? en->cfg.record->committed(en->cfg.record->arg) : UINT64_MAX;
}

bool engine_must_not_repeat(const struct command *c)
{
    const struct method *m = c->kind == COMMAND_METHOD ? method_find(c->method) : NULL;
    const char *verb = c->kind == COMMAND_HTTP ? json_str(c->args, "method") : NULL;

    return (m && m->repeat == REPEAT_NEVER) ||
           (verb && strcmp(verb, "GET") != 0 && strcmp(verb, "HEAD") != 0);
}

/* Whether `c` waits until what led to it is committed. The end of a call can be repeated, but not
 * undone: a flow that is built anew from before it would find its call gone in the middle. */
static bool must_wait(const struct command *c)
{
    return engine_must_not_repeat(c) ||
           (c->kind == COMMAND_METHOD && strcmp(c->method, "delete") == 0);
}

int engine_issue(struct engine *en, struct command *c, bool *traced, int64_t now)
{
    const struct engine_record *record = en->cfg.record;
    bool journalled = record && c->kind != COMMAND_LOG;

    if (!*traced && en->cfg.command)
        en->cfg.command(en->cfg.trace_arg, c);
    if (!*traced && journalled) {
        en->written = record->command(record->arg, c);
        if (en->written > en->position)
            en->position = en->written;
    }
    *traced = true;
    if (en->recovery && recovery_takes(en->recovery, c, now)) {
        command_fini(c);
        return 0;
    }
    if (journalled && (gate_has(&en->gate, c->key) ||
                       (must_wait(c) && en->written && en->position > engine_safe(en))))
        return gate_command(&en->gate, c, en->position, now);
    return engine_hand_command(en, c, now);
}

/* What the journal holds by now may go out. */
int engine_release(struct engine *en, int64_t now)
{
    struct gated *g;

    while (!list_empty(&en->gate.queue)) {
        uint64_t safe = engine_safe(en);
        int rc;

        g = gate_first(&en->gate, safe, now);
        if (!g)
            return 0;
        if (g->position > safe && !en->late)
            engine_note(en, "error", "", strdup("the journal is slow or failing: not waited for"));
        if (g->position <= safe && en->late)
            engine_note(en, "info", "", strdup("the journal is waited for again"));
        en->late = g->position > safe;
        rc = g->is_answer ? engine_reserve(en) : engine_hand_command(en, &g->command, now);
        if (rc < 0)
            return rc;
        if (g->is_answer) {
            en->actions[en->n++] = g->answer;
            g->answer = (struct engine_action){0};
        }
        gate_remove(&en->gate, g);
    }
    return 0;
}

/* Hand the commands of the last turn to the wire, in order; those that find no memory stay. */
int engine_hand_commands(struct engine *en, int64_t now)
{
    int rc;

    while (en->done < en->commands.n) {
        struct command *c = &en->commands.items[en->done];

        rc = engine_issue(en, c, &en->traced, now);
        if (rc < 0)
            return rc;
        en->done++;
        en->traced = false;
    }
    command_list_reset(&en->commands);
    en->done = 0;
    return 0;
}
