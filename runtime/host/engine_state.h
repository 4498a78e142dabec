/*
 * The inside of the engine, shared by engine.c (turns, what comes in), engine_*.c and recover*.c
 * (calls that are built anew). Nobody else includes it.
 */
#ifndef IVORY_HOST_ENGINE_STATE_H
#define IVORY_HOST_ENGINE_STATE_H

#include "host/engine.h"
#include "host/gate.h"
#include "host/mailbox.h"
#include "host/recover.h"
#include "host/turnaway.h"
#include "host/values.h"

/* Commands with a `seq` from here on are recovery's own questions. */
#define ENGINE_SEQ 0x80000000u

struct recovery;

struct engine {
    struct core *core;
    struct wire *wire;
    struct engine_config cfg;      /* the hooks; core and wire have copies of their own    */
    struct engine_action *actions; /* those at [head, n) are to be taken by the driver  */
    size_t head, n, cap;
    struct command_list commands; /* of the last turn; those before `done` are handed over */
    size_t done;
    bool traced;   /* the hooks have seen commands.items[done]                */
    int64_t again; /* when to go on by itself; INT64_MAX: nothing left over   */

    uint64_t position; /* of the last thing that was written down                 */
    uint64_t written;  /* of commands.items[done], while `traced`                 */
    struct gate gate;
    unsigned unsaid; /* lines for the log that found no memory            */
    bool late;       /* the journal is slow: said once                          */
    struct mailbox mailbox;
    struct turnaway turnaway;
    struct values *values; /* of the flows' store                                   */
    struct values_source source;
    struct command_list asked; /* of the store; those before `told` are carried out    */
    size_t told;
    struct recovery *recovery;    /* NULL: nothing is being recovered                      */
    struct recovery_config later; /* what could not be begun is tried again then:       */
    int64_t recover_at;           /* INT64_MAX: nothing                                 */
    int64_t now;                  /* while a webhook is taken                           */
    char rejoining[KEY_MAX];      /* the start of that call is told that it is no new one,   */
    char rejoins[KEY_MAX];        /* but in place of this one                                */
};

/* Take `ev` (only read, but for what a start lacks) for its turn, mailbox or not. */
int engine_turn(struct engine *en, struct event *ev, int64_t now);
/* The rest of a turn, after `ev` was written down. */
int engine_handle(struct engine *en, const struct event *ev, int64_t now);
/* Carry out what flows asked of their store (engine_store.c). */
int engine_tell(struct engine *en, int64_t now);
/* --- engine_issue.c. Hand a command (moved unless ERR_NOMEM) to the wire, or to the log. */
int engine_hand_command(struct engine *en, struct command *c, int64_t now);
/* Write a new command down, let it wait at the gate where it must, or hand it over; moved unless
 * ERR_NOMEM. `*written` is 0 before the first try. */
int engine_issue(struct engine *en, struct command *c, bool *traced, int64_t now);
/* Issue the commands of the last turn, in order; those that find no memory stay. ERR_NOMEM. */
int engine_hand_commands(struct engine *en, int64_t now);
/* What the journal holds by now may go out. ERR_NOMEM. */
int engine_release(struct engine *en, int64_t now);
/* The position up to which the journal holds what was written down. */
uint64_t engine_safe(const struct engine *en);

/* Run turns until the wire is quiet, and report the first failure: `rc` or the pump's. */
int engine_settle(struct engine *en, int rc, int64_t now);

/* --- engine_note.c: lines for the log about a call (empty key: about none). They take `text`, NULL
 * is allowed; one for which there is no memory is counted, and that is said later. */
void engine_note(struct engine *en, const char *level, const char *key, char *text);
/* `flow` and `bundle` of the call; may be NULL. */
void engine_note_about(struct engine *en, const char *level, const char *key, const char *flow,
                       const char *bundle, char *text);
void engine_note_lost(struct engine *en, const char *key, const char *what, int code);
void engine_note_unsaid(struct engine *en);

/* Room for one more action, so that what is taken can always be kept. ERR_NOMEM. */
int engine_reserve(struct engine *en);

#endif
