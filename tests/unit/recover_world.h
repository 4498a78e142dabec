/*
 * A runtime that can be killed: an engine with a journal in memory, one small flow, and a service
 * that answers as the test says. A life ends with recover_crash, and the next begins with what the
 * journal holds.
 */
#ifndef IVORY_TESTS_UNIT_RECOVER_WORLD_H
#define IVORY_TESTS_UNIT_RECOVER_WORLD_H

#include "base/buf.h"
#include "host/memory_store.h"
#include "host/recorder.h"
#include "host/recover.h"

#define RECOVER_CALL "57dab8b1894c409ab240bd8beae78896"

/* How the service answers requests whose "VERB url" holds `part` ("x$": ends with x); the first
 * that fits counts. Status 0: not at all, as if the answer were still on its way. */
struct service_reply {
    const char *part;
    int status;
    const char *body;
};

struct recover_world {
    struct bundle *bundle;
    struct memory_store *memory;
    struct store store;
    struct seal *seal;
    struct recorder *recorder;
    struct engine *engine;
    struct recovery_floor *floor;
    const struct service_reply *replies; /* the last has `part` NULL; may be NULL: see below */
    struct buf asked;                    /* "VERB path" a line, this life's             */
    struct buf logged;                   /* "level text" a line, of all lives           */
    int64_t now;
    uint64_t webhooks;
    int answer;        /* status of the last webhook's answer */
    char key[KEY_MAX]; /* of the last call                    */
};

/* `flow` is the text of flows/main.lua. Requests that no reply is for: tokens and DELETE are
 * answered well, GET of the call with an established call, everything else with 202. */
void recover_init(struct recover_world *w, const char *flow);
void recover_fini(struct recover_world *w);

/* The offer of a call, answered and established when `up`. Its key. */
const char *recover_offer(struct recover_world *w, bool up);
/* A notification: `resource` is what stands below the call ("" = the call, "/operations/1"). */
int recover_tell(struct recover_world *w, const char *change, const char *resource,
                 const char *data);
void recover_pass(struct recover_world *w, int64_t ms);

/* The process dies with whatever it still had to send, and another one begins. */
void recover_crash(struct recover_world *w);
/* The same, and all that was written is lost. */
void recover_lose(struct recover_world *w);
/* It takes the calls up. 0, or what engine_recover says. */
int recover_begin(struct recover_world *w);

/* How often `part` stands in `text`. */
unsigned recover_count(const struct buf *text, const char *part);

#endif
