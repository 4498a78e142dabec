/*
 * What remains of ended calls, for people and programs: one line of JSON or of CSV a call, newest
 * first. And calls in progress as the journal knows them, for when no service runs to be asked.
 */
#ifndef IVORY_HOST_CDR_H
#define IVORY_HOST_CDR_H

#include "journal/journal.h"

#include <stdio.h>

/* Write the calls that ended at `since` (ms) or later. ERR_IO. */
int cdr_write(struct journal *j, int64_t since, bool csv, FILE *out, struct error *e);

/* Write the calls in progress. ERR_IO. */
int cdr_open_calls(struct journal *j, bool json, FILE *out, struct error *e);

/* "2026-11-23", "2026-11-23T10:00:00" (UTC), or "90m", "36h", "7d" before `now`. ERR_INVALID. */
int cdr_since(const char *text, int64_t now, int64_t *since, struct error *e);

#endif
