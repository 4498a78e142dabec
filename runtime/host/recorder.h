/*
 * The recorder: what the engine's calls do, into the store. A call begins with its START event
 * ("facts"); events and commands are appended as they come, LOG lines left out; END replaces all of
 * it by a summary and a trimmed timeline. Tone values are sealed with the call's key as label.
 *
 *   event    the event as event_encode writes it; a tone as {"sealed":text,"sequenceId":n}
 *   command  {"kind","method","fiber","seq","leg","where","digest"}: what recovery compares, and
 *            "prompts", their names, for people; `digest` (of ids and arguments, under the key) for
 * what must not be repeated "continue" is not written: the call's journal begins anew with the
 * start it makes mark     {"torn":true}: entries are missing here, the store was full
 *            {"fallback":true}: from here on the call runs without its flow
 *
 * Where memory or the store refuse, the call goes on and its journal ends there. One thread.
 */
#ifndef IVORY_HOST_RECORDER_H
#define IVORY_HOST_RECORDER_H

#include "host/engine.h"
#include "host/store.h"
#include "journal/seal.h"

struct recorder;

struct recorder_config {
    const struct store *store; /* both outlive the recorder */
    const struct seal *seal;
    bool keep_tones; /* sealed tone values stay in the timeline of an ended call, but for those of
                        a call that took a key as secret */
};

int recorder_new(struct recorder **out, const struct recorder_config *cfg);
void recorder_free(struct recorder *r);

/* The hooks for engine_config.record; `out` lives as long as the recorder. */
const struct engine_record *recorder_hooks(struct recorder *r);

/* 0, or why new calls should not be begun now. */
int recorder_health(struct recorder *r, struct error *e);

/* --- recovery: what was written by an earlier process is noted for the summary, not written -----
 */
/* `text`: the event as it was written. */
void recorder_resume_event(struct recorder *r, const struct event *ev, const char *text);
void recorder_resume_command(struct recorder *r, const struct command *c);
/* What was noted of the call is forgotten; it may be resumed again. */
void recorder_forget(struct recorder *r, const char *key);
/* From here on the call runs without its flow. */
void recorder_mark_fallback(struct recorder *r, const char *key);

/* What is written of a command (`seal` NULL: without its digest); free() it, NULL = no memory. */
char *recorder_command_text(const struct seal *seal, const struct command *c);
/* The event as it is written, its tone sealed; and back: ERR_INVALID, ERR_NOMEM, ERR_NOTFOUND (a
 * value that cannot be opened). */
char *recorder_event_text(const struct seal *seal, const struct event *ev);
int recorder_event_read(const struct seal *seal, const char *text, size_t n, struct event *out,
                        struct error *e);

#endif
