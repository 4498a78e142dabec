/*
 * A store in memory: everything is committed at once, and a crash is played by freeing the engine
 * and keeping this. For the simulator and for tests. One thread.
 */
#ifndef IVORY_HOST_MEMORY_STORE_H
#define IVORY_HOST_MEMORY_STORE_H

#include "host/store.h"

struct memory_store;

int memory_store_new(struct memory_store **out);
void memory_store_free(struct memory_store *m);
struct store memory_store_use(struct memory_store *m);

/* Entries written so far, of all calls, beginnings and ends included. */
uint64_t memory_store_entries(const struct memory_store *m);

/* Nothing is kept after that many entries, though it is taken; 0: everything is kept. That is the
 * moment of a crash, which the rest of the process does not know of yet. */
void memory_store_stop_at(struct memory_store *m, uint64_t entries);
bool memory_store_stopped(const struct memory_store *m);

/* The summary of an ended call; NULL: not ended or not known. */
const char *memory_store_summary(const struct memory_store *m, const char *key);
const char *memory_store_timeline(const struct memory_store *m, const char *key);

#endif
