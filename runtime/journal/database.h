/*
 * The journal's SQLite database: schema, prepared statements, and the moving aside of what cannot
 * be used. Used by the writer thread and, with a connection of its own, by the reader. Internal to
 * runtime/journal/.
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
    SQL_APPEND,
    SQL_CALL_RESTART,
    SQL_CALL_END,
    SQL_KEEP_FACTS,
    SQL_WIPE,
    SQL_DROP_ENTRIES,
    SQL_EXPIRE_ENTRIES,
    SQL_ATTEMPT,
    SQL_PUT_BUNDLE,
    SQL_PUT_VALUE,
    SQL_DROP_VALUE,
    SQL_EXPIRE,
    SQL_DROP_BUNDLES,
    SQL_OPEN_CALLS,
    SQL_ENDED_CALLS,
    SQL_FIND_CALL,
    SQL_ENTRIES,
    SQL_TIMELINE,
    SQL_GET_BUNDLE,
    SQL_GET_VALUE,
    SQL_STATEMENTS
};

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

/* The prepared statement, reset and with its bindings cleared. */
sqlite3_stmt *database_statement(struct database *db, enum statement which);

/* Rename `path` (with its -wal and -shm) to "<path>.damaged-<n>", written to `name`. */
int database_move_aside(const char *path, char name[512], struct error *e);

#endif
