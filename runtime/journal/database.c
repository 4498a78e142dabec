#include "journal/database.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA_VERSION 1

/* Entries are clustered by call: recovery reads a call in one sweep, the end removes it in one. */
static const char schema[] =
    "CREATE TABLE IF NOT EXISTS calls("
    " id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, bundle TEXT NOT NULL, began INTEGER NOT "
    "NULL,"
    " ended INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, facts BLOB, timeline "
    "BLOB);"
    "CREATE INDEX IF NOT EXISTS calls_ended ON calls(ended);"
    "CREATE TABLE IF NOT EXISTS entries("
    " call INTEGER NOT NULL, n INTEGER NOT NULL, kind INTEGER NOT NULL, data BLOB NOT NULL,"
    " PRIMARY KEY(call, n)) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS bundles(id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS store(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;";

#define CALL_COLUMNS "SELECT key, bundle, began, ended, attempts, facts FROM calls "

static const char *const sql[SQL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_CALL_BEGIN] =
        "INSERT OR IGNORE INTO calls(key, bundle, began, facts) VALUES(?1, ?2, ?3, ?4)",
    [SQL_APPEND] = "INSERT OR REPLACE INTO entries(call, n, kind, data)"
                   " SELECT id, ?2, ?3, ?4 FROM calls WHERE key = ?1 AND ended = 0",
    [SQL_CALL_RESTART] = "UPDATE calls SET facts = ?2, attempts = 0 WHERE key = ?1 AND ended = 0",
    [SQL_CALL_END] = "UPDATE calls SET ended = ?2, facts = ?3, timeline = ?4 WHERE key = ?1",
    [SQL_KEEP_FACTS] = "INSERT OR REPLACE INTO entries(call, n, kind, data)"
                       " SELECT id, 0, 4, facts FROM calls WHERE key = ?1 AND ended = 0",
    [SQL_WIPE] = "UPDATE entries SET data = json_remove(CAST(data AS TEXT), '$.data.sealed')"
                 " WHERE call = (SELECT id FROM calls WHERE key = ?1) AND kind = 1"
                 " AND instr(CAST(data AS TEXT), '\"sealed\":') > 0"
                 " AND json_valid(CAST(data AS TEXT))",
    [SQL_EXPIRE_ENTRIES] = "DELETE FROM entries WHERE call IN"
                           " (SELECT id FROM calls WHERE ended > 0 AND ended < ?1)",
    [SQL_DROP_ENTRIES] = "DELETE FROM entries WHERE call = (SELECT id FROM calls WHERE key = ?1)",
    [SQL_ATTEMPT] = "UPDATE calls SET attempts = attempts + 1 WHERE key = ?1",
    [SQL_PUT_BUNDLE] = "INSERT OR IGNORE INTO bundles(id, data) VALUES(?1, ?2)",
    [SQL_PUT_VALUE] = "INSERT OR REPLACE INTO store(name, value) VALUES(?1, ?2)",
    [SQL_DROP_VALUE] = "DELETE FROM store WHERE name = ?1",
    [SQL_EXPIRE] = "DELETE FROM calls WHERE ended > 0 AND ended < ?1",
    [SQL_DROP_BUNDLES] = "DELETE FROM bundles WHERE id NOT IN (SELECT bundle FROM calls)",
    [SQL_OPEN_CALLS] = CALL_COLUMNS "WHERE ended = 0 ORDER BY id DESC",
    [SQL_ENDED_CALLS] = CALL_COLUMNS "WHERE ended > 0 AND ended >= ?1 ORDER BY ended DESC, id DESC",
    [SQL_FIND_CALL] = CALL_COLUMNS "WHERE key = ?1",
    [SQL_ENTRIES] = "SELECT kind, data FROM entries WHERE call ="
                    " (SELECT id FROM calls WHERE key = ?1) ORDER BY n",
    [SQL_TIMELINE] = "SELECT timeline FROM calls WHERE key = ?1 AND ended > 0",
    [SQL_GET_BUNDLE] = "SELECT data FROM bundles WHERE id = ?1",
    [SQL_GET_VALUE] = "SELECT value FROM store WHERE name = ?1",
};

static int failed(struct database *db, int code, struct error *e)
{
    const char *why = db->handle ? sqlite3_errmsg(db->handle) : "out of memory";
    int rc = db->handle ? sqlite3_errcode(db->handle) : SQLITE_NOMEM;

    if (rc == SQLITE_CORRUPT || rc == SQLITE_NOTADB)
        code = ERR_INVALID;
    error_set(e, code, "journal: %s", why);
    database_close(db);
    return code;
}

static int user_version(struct database *db)
{
    sqlite3_stmt *st = NULL;
    int version = -1;

    if (sqlite3_prepare_v2(db->handle, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW)
        version = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return version;
}

static int prepare(struct database *db, enum statement from, enum statement to)
{
    for (int i = from; i < (int)to; i++) {
        if (sqlite3_prepare_v3(db->handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &db->statements[i], NULL) != SQLITE_OK)
            return ERR_IO;
    }
    return 0;
}

int database_open(struct database *db, const char *path, bool full_sync, struct error *e)
{
    char text[64];
    int version;

    *db = (struct database){0};
    if (sqlite3_open_v2(path, &db->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return failed(db, ERR_IO, e);
    sqlite3_busy_timeout(db->handle, 5000);
    version = user_version(db);
    if (version < 0)
        return failed(db, ERR_IO, e);
    if (version != 0 && version != SCHEMA_VERSION) {
        database_close(db);
        return error_set(e, ERR_INVALID, "journal: version %d, this program writes %d", version,
                         SCHEMA_VERSION);
    }
    snprintf(text, sizeof text, "PRAGMA user_version = %d", SCHEMA_VERSION);
    if (sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) ||
        sqlite3_exec(db->handle,
                     full_sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", NULL,
                     NULL, NULL) ||
        sqlite3_exec(db->handle, schema, NULL, NULL, NULL) ||
        sqlite3_exec(db->handle, text, NULL, NULL, NULL) || prepare(db, SQL_BEGIN, SQL_OPEN_CALLS))
        return failed(db, ERR_IO, e);
    return 0;
}

int database_open_reader(struct database *db, const char *path, struct error *e)
{
    *db = (struct database){0};
    if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return failed(db, ERR_IO, e);
    sqlite3_busy_timeout(db->handle, 5000);
    if (sqlite3_exec(db->handle, "PRAGMA query_only = 1", NULL, NULL, NULL) ||
        prepare(db, SQL_OPEN_CALLS, SQL_STATEMENTS))
        return failed(db, ERR_IO, e);
    return 0;
}

void database_close(struct database *db)
{
    for (int i = 0; i < SQL_STATEMENTS; i++)
        sqlite3_finalize(db->statements[i]);
    sqlite3_close(db->handle);
    *db = (struct database){0};
}

sqlite3_stmt *database_statement(struct database *db, enum statement which)
{
    sqlite3_stmt *st = db->statements[which];

    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
    return st;
}

int database_move_aside(const char *path, char name[512], struct error *e)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    int n = 1;

    do
        snprintf(name, 512, "%.480s.damaged-%d", path, n);
    while (access(name, F_OK) == 0 && ++n < 1000);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        char from[512], to[528];

        snprintf(from, sizeof from, "%.500s%s", path, suffixes[i]);
        snprintf(to, sizeof to, "%s%s", name, suffixes[i]);
        if (rename(from, to) && errno != ENOENT)
            return error_set(e, ERR_IO, "journal: %s cannot be moved aside: %s", from,
                             strerror(errno));
    }
    return 0;
}
