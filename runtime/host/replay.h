/*
 * `ivory replay`: a call of the journal is run again, on the desk, with the flows of its time or
 * with others, and its commands are compared with those that were recorded, by the code that
 * recovers calls (recover_replay.c). Nothing is sent anywhere.
 */
#ifndef IVORY_HOST_REPLAY_H
#define IVORY_HOST_REPLAY_H

#include "core/core.h"
#include "journal/journal.h"
#include "journal/seal.h"

#include <stdio.h>

struct replay_config {
    struct journal *journal;
    const struct seal *seal; /* NULL: sealed keys are as if they had been wiped    */
    struct core_config core;
    struct bundle *bundle; /* NULL: the one that the call ran with                 */
    const char *tones;     /* keys in place of wiped ones, "1,2#" or "12#"; NULL: none */
    FILE *out;             /* one line a call, and two more of one that goes another way */
};

enum { REPLAY_SAME = 0, REPLAY_DIFFERENT = 1, REPLAY_CANNOT = 2 };

/* Run one call again, and say what came of it. */
int replay_call(const struct replay_config *cfg, const char *key);

/* Run all that ended at `since` (ms) or later: REPLAY_DIFFERENT when any was, else REPLAY_CANNOT
 * when none could be run. */
int replay_all(const struct replay_config *cfg, int64_t since);

#endif
