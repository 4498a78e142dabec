/* What flows ask of their store, carried out between turns. */
#include "host/engine_state.h"

/* The value and the answer are written in one, and the answer has its turn before anything else is
 * written of that call: so a crash finds either both or a command that was not carried out. */
static int tell(struct engine *en, const struct command *c, int64_t now)
{
    const struct engine_record *record = en->cfg.record;
    struct values_change change;
    struct event answer;
    uint64_t position = 0;
    bool written = false;
    int rc;

    values_lock(en->values);
    rc = values_apply(en->values, c, &answer, &change);
    if (rc == 0) {
        answer.time = now;
        written = record && change.name[0];
    }
    if (written) {
        position = record->value(record->arg, &answer, change.name, change.text);
        values_written(en->values, &change, position);
    }
    values_unlock(en->values);
    if (rc < 0)
        return rc;
    if (written && position > en->position)
        en->position = position;
    if (written && en->cfg.event)
        en->cfg.event(en->cfg.trace_arg, &answer);
    rc = written ? engine_handle(en, &answer, now) : engine_turn(en, &answer, now);
    values_change_fini(&change);
    event_fini(&answer);
    return rc;
}

int engine_tell(struct engine *en, int64_t now)
{
    int rc = 0;

    while (rc == 0 && en->told < en->asked.n) {
        struct command c = en->asked.items[en->told]; /* the array may grow meanwhile */

        rc = tell(en, &c, now);
        if (rc == 0 || rc != ERR_NOMEM) {
            command_fini(&en->asked.items[en->told]);
            en->told++;
        }
    }
    if (en->told == en->asked.n) {
        en->asked.n = 0;
        en->told = 0;
    }
    return rc;
}
