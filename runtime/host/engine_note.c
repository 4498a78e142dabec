/* What the engine has to say in the log. */
#include "host/engine_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *level_of(const char *name)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};

    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (name && strcmp(name, levels[i]) == 0)
            return levels[i];
    return "info";
}

void engine_note_about(struct engine *en, const char *level, const char *key, const char *flow,
                       const char *bundle, char *text)
{
    struct engine_action a = {.kind = ENGINE_LOG, .level = level_of(level), .text = text};

    if (!text || engine_reserve(en) < 0) {
        free(text);
        en->unsaid++;
        return;
    }
    snprintf(a.key, sizeof a.key, "%s", key);
    snprintf(a.flow, sizeof a.flow, "%s", flow ? flow : "");
    snprintf(a.bundle, sizeof a.bundle, "%.12s", bundle ? bundle : "");
    en->actions[en->n++] = a;
}

void engine_note(struct engine *en, const char *level, const char *key, char *text)
{
    const char *flow = NULL, *bundle = NULL;

    if (*key)
        core_names(en->core, key, &flow, &bundle);
    engine_note_about(en, level, key, flow, bundle, text);
}

void engine_note_lost(struct engine *en, const char *key, const char *what, int code)
{
    char text[160];

    snprintf(text, sizeof text, "%s given up: %s", what, error_name(code));
    engine_note(en, "error", key, strdup(text));
}

void engine_note_unsaid(struct engine *en)
{
    unsigned n = en->unsaid;
    char *text = NULL;

    if (!n || engine_reserve(en) < 0 ||
        asprintf(&text, "%u lines for the log were lost: no memory", n) < 0)
        return;
    en->unsaid = 0;
    engine_note(en, "error", "", text);
}
