/*
 * The journal's SQLite database: schema, prepared statements, and what to do with one that cannot
 * be used: it is moved aside, and what can be read of it is taken over. Used by the writer thread
 * and, with a connection of its own, by the reader. Internal to runtime/journal/.
 */
#ifndef IVORY_JOURNAL_DATABASE_H
#define IVORY_JOURNAL_DATABASE_H

#include "base/error.h"

#include <sqlite3.h>
#include <stdbool.h>

enum statement {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_CALL_BEGIN,
    SQL_OPEN_CALL,
    SQL_APPEND,
    SQL_CALL_RESTART,
    SQL_CALL_END,
    SQL_DROP_FACTS,
    SQL_ROWS,
    SQL_WIPE,
    SQL_DROP_ROWS,
    SQL_EXPIRE_LOG,
    SQL_EXPIRE_ENTRIES,
    SQL_ATTEMPTS,
    SQL_PUT_BUNDLE,
    SQL_USE_BUNDLE,
    SQL_PUT_VALUE,
    SQL_DROP_VALUE,
    SQL_EXPIRE,
    SQL_DROP_BUNDLES,
    SQL_OPEN_CALLS,
    SQL_ENDED_CALLS,
    SQL_FIND_CALL,
    SQL_KEPT_FACTS,
    SQL_ENTRIES,
    SQL_LOG,
    SQL_TIMELINE,
    SQL_GET_BUNDLE,
    SQL_USED_BUNDLE,
    SQL_GET_VALUE,
    SQL_STATEMENTS
};

/* At most so many calls are forgotten at once. */
enum { DATABASE_EXPIRE_MOST = 500 };

/* How long a lock of another process is waited for. */
enum { DATABASE_BUSY_MS = 5000 };

struct database {
    sqlite3 *handle;
    sqlite3_stmt *statements[SQL_STATEMENTS];
};

/* Open `path` for writing, creating what is missing. ERR_INVALID: damaged, or of another version;
 * ERR_IO: the rest. */
int database_open(struct database *db, const char *path, bool full_sync, struct error *e);
/* Open it for reading only. */
int database_open_reader(struct database *db, const char *path, struct error *e);
void database_close(struct database *db);
/* Its version, if this program reads that; else 0, or negative: it cannot be read. */
int database_version(sqlite3 *handle);

/* Why SQLite failed with `rc`, in words: ERR_INVALID (damaged), ERR_LIMIT (the disk is full),
 * ERR_IO. */
int database_failure(sqlite3 *handle, int rc, struct error *e);

/* The prepared statement, reset and with its bindings cleared. */
sqlite3_stmt *database_statement(struct database *db, enum statement which);

/* Calls in progress with their entries and bundles, and the flows' values, from another database
 * (`from` may be damaged) into the empty one `to`. Where entries of a call cannot be read, a mark
 * {"torn":true} is put with it. ERR_IO: `to` cannot be written. */
struct salvaged {
    unsigned calls, torn; /* taken over; and of these, with entries missing */
    bool complete;        /* nothing that should be there could not be read */
};
int database_salvage(struct database *to, sqlite3 *from, struct salvaged *out);

/* Rename `path` (with its -wal and -shm) to "<path>.damaged-<n>", written to `name`. */
int database_move_aside(const char *path, char name[512], struct error *e);

#endif
