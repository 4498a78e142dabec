/*
 * Entries of a call as they stand in a row of the database. One alone is the row's data, with its
 * kind beside it. Several that were appended in one commit are one row of kind ROW_PACKED: for each
 * a byte with its kind, its length in four bytes, the lowest first, and its bytes. Internal to
 * runtime/journal/.
 */
#ifndef IVORY_JOURNAL_ROWS_H
#define IVORY_JOURNAL_ROWS_H

#include "base/buf.h"
#include "journal/journal.h"

enum { ROW_PACKED = 0 };

/* In the last row of a call that has ended, beside its last entries. */
enum { ROW_SUMMARY = 5, ROW_TIMELINE = 6 };

/* Add an entry to what becomes a packed row; a failure is remembered in `row`. */
void row_add(struct buf *row, int kind, const void *p, size_t n);

/* Where entries are missing. */
#define ROW_TORN "{\"torn\":true}"

/* Give each entry of a row to `cb`; its result other than 0 stops and is returned. In place of what
 * is damaged comes a mark ROW_TORN. */
int row_each(int kind, const void *p, size_t n, journal_entry_cb *cb, void *arg);

/* What a packed row has of one kind; "" and 0 when it has none. */
const void *row_find(const void *p, size_t n, int kind, size_t *found_n);

/* The row without what tells of keys: "data.sealed" of events, "digest" of commands. `out` stays
 * empty when it has neither. ERR_NOMEM. */
int row_wipe(int kind, const void *p, size_t n, struct buf *out);

#endif
