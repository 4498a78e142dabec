/*
 * Notices that a folder has changed, whoever changed it and how: an editor that writes beside and
 * renames, one that writes in place, a slow writer (its closing counts, not each write), a link
 * that is swapped far above. Changes that come together are one: `changed` is called when there was
 * none for `quiet_ms`, or when they have gone on for `most_ms`. That something has changed is all
 * it says; the reader compares contents.
 *
 * An inotify descriptor of our own, since libuv's folder events tell of half-written files. On the
 * loop's thread, but for what places.h says.
 */
#ifndef IVORY_HOST_WATCH_H
#define IVORY_HOST_WATCH_H

#include "host/places.h"

#include <uv.h>

struct watch;

typedef void(watch_changed)(void *arg);

/* Nothing is watched before the first watch_take. ERR_IO, ERR_NOMEM. */
int watch_new(struct watch **out, uv_loop_t *loop, unsigned quiet_ms, unsigned most_ms,
              watch_changed *changed, void *arg, struct error *e);

/* For places_scan, on any thread. */
int watch_fd(const struct watch *w);

/* These are the places now (moved). */
void watch_take(struct watch *w, struct places *places);

/* How many changes were seen so far: whoever has read the folder asks whether it held still. */
uint64_t watch_count(const struct watch *w);

/* The memory goes when the loop has run once more. NULL is allowed. */
void watch_free(struct watch *w);

#endif
