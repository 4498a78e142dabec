#include "journal/database.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SCHEMA_VERSION 2

static const char *const suffixes[] = {"", "-wal", "-shm"};
enum { SUFFIXES = sizeof suffixes / sizeof *suffixes };

/* Rows of the log stand in the order in which they come, so that a commit changes few pages. One
 * that is torn costs the calls that have a row on it; their facts are elsewhere. */
#define LOG                                                                                        \
    "log(id INTEGER PRIMARY KEY, call INTEGER NOT NULL, kind INTEGER NOT NULL, data BLOB NOT "     \
    "NULL)"

/* In version 1 `entries` had an entry a row, clustered by call, and when a call ended its summary
 * and timeline came into `facts` and `timeline`. Of calls that had ended then they are still there.
 */
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
    "CREATE TABLE IF NOT EXISTS " LOG ";"
    "CREATE INDEX IF NOT EXISTS log_call ON log(call);"
    "CREATE TABLE IF NOT EXISTS bundles(id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS store(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;";

/* Among the bundles, the row of this name holds the id of the one in use. */
#define USED    "'used'"
#define USED_ID "SELECT data FROM bundles WHERE id = " USED

/* Calls in progress go on in the log. */
static const char upgrade[] =
    "INSERT INTO log(call, kind, data) SELECT call, kind, data FROM entries"
    " WHERE call IN (SELECT id FROM calls WHERE ended = 0) ORDER BY call, n;"
    "DELETE FROM entries WHERE call IN (SELECT id FROM calls WHERE ended = 0);";

/* For who reads a database of version 1 that nobody has opened for writing since. */
static const char missing[] = "CREATE TEMP TABLE " LOG;

/* Of a call that has ended, the row that has its summary and timeline. */
#define LAST_ROW "(SELECT data FROM log WHERE call = calls.id ORDER BY id DESC LIMIT 1)"

#define CALL_COLUMNS                                                                               \
    "SELECT key, bundle, began, ended, attempts, facts,"                                           \
    " iif(ended > 0 AND timeline IS NULL, " LAST_ROW ", NULL) FROM calls "

/* DATABASE_EXPIRE_MOST, the oldest first: a commit must not last long. */
#define EXPIRED "WHERE ended > 0 AND ended < ?1 ORDER BY ended, id LIMIT 500"

static const char *const sql[SQL_STATEMENTS] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_CALL_BEGIN] =
        "INSERT OR IGNORE INTO calls(key, bundle, began, facts) VALUES(?1, ?2, ?3, ?4)",
    [SQL_OPEN_CALL] = "SELECT id FROM calls WHERE key = ?1 AND ended = 0",
    [SQL_APPEND] = "INSERT INTO log(call, kind, data) VALUES(?1, ?2, ?3)",
    [SQL_CALL_RESTART] = "UPDATE calls SET facts = ?2, attempts = 0 WHERE id = ?1",
    [SQL_CALL_END] = "UPDATE calls SET ended = ?2 WHERE id = ?1",
    [SQL_DROP_FACTS] = "UPDATE calls SET facts = NULL WHERE id = ?1",
    [SQL_ROWS] = "SELECT id, kind, data FROM log WHERE call = ?1",
    [SQL_WIPE] = "UPDATE log SET data = ?2 WHERE id = ?1",
    [SQL_EXPIRE_LOG] = "DELETE FROM log WHERE call IN (SELECT id FROM calls " EXPIRED ")",
    [SQL_EXPIRE_ENTRIES] = "DELETE FROM entries WHERE call IN (SELECT id FROM calls " EXPIRED ")",
    [SQL_DROP_ROWS] = "DELETE FROM log WHERE call = ?1",
    [SQL_ATTEMPTS] = "UPDATE calls SET attempts = ?2 WHERE key = ?1",
    [SQL_PUT_BUNDLE] = "INSERT OR IGNORE INTO bundles(id, data) VALUES(?1, ?2)",
    [SQL_USE_BUNDLE] = "INSERT OR REPLACE INTO bundles(id, data) VALUES(" USED ", ?1)",
    [SQL_PUT_VALUE] = "INSERT OR REPLACE INTO store(name, value) VALUES(?1, ?2)",
    [SQL_DROP_VALUE] = "DELETE FROM store WHERE name = ?1",
    [SQL_EXPIRE] = "DELETE FROM calls WHERE id IN (SELECT id FROM calls " EXPIRED ")",
    [SQL_DROP_BUNDLES] = "DELETE FROM bundles WHERE id NOT IN (SELECT bundle FROM calls"
                         " UNION SELECT " USED " UNION " USED_ID ")",
    [SQL_OPEN_CALLS] = CALL_COLUMNS "WHERE ended = 0 ORDER BY id DESC",
    [SQL_ENDED_CALLS] = CALL_COLUMNS "WHERE ended > 0 AND ended >= ?1 ORDER BY ended DESC, id DESC",
    [SQL_FIND_CALL] = CALL_COLUMNS "WHERE key = ?1",
    [SQL_KEPT_FACTS] = "SELECT 4, facts FROM calls"
                       " WHERE key = ?1 AND ended > 0 AND timeline IS NULL AND facts IS NOT NULL",
    [SQL_ENTRIES] = "SELECT kind, data FROM entries WHERE call ="
                    " (SELECT id FROM calls WHERE key = ?1) ORDER BY n",
    [SQL_LOG] = "SELECT kind, data FROM log WHERE call ="
                " (SELECT id FROM calls WHERE key = ?1) ORDER BY id",
    [SQL_TIMELINE] = "SELECT timeline, iif(timeline IS NULL, " LAST_ROW
                     ", NULL) FROM calls WHERE key = ?1 AND ended > 0",
    [SQL_GET_BUNDLE] = "SELECT data FROM bundles WHERE id = ?1",
    [SQL_USED_BUNDLE] = "SELECT data FROM bundles WHERE id = (" USED_ID ")",
    [SQL_GET_VALUE] = "SELECT value FROM store WHERE name = ?1",
};

static const char *what_fails(int rc)
{
    switch (rc) {
    case SQLITE_IOERR_READ:
    case SQLITE_IOERR_SHORT_READ:
        return "a file cannot be read";
    case SQLITE_IOERR_WRITE:
        return "a file cannot be written";
    case SQLITE_IOERR_FSYNC:
        return "a file cannot be synced";
    default:
        return sqlite3_errstr(rc);
    }
}

int database_failure(sqlite3 *handle, int rc, struct error *e)
{
    int os = handle ? sqlite3_system_errno(handle) : 0;

    switch (rc & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return error_set(e, ERR_INVALID, "journal: the database is damaged");
    case SQLITE_FULL:
        return error_set(e, ERR_LIMIT, "journal: the disk is full");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(e, ERR_IO, "journal: another process has locked the database");
    case SQLITE_NOMEM:
        return error_set(e, ERR_IO, "journal: no memory");
    case SQLITE_IOERR:
        if (os == ENOSPC || os == EDQUOT)
            return error_set(e, ERR_LIMIT, "journal: the disk is full");
        return error_set(e, ERR_IO, "journal: the disk fails: %s", what_fails(rc));
    default:
        return error_set(e, ERR_IO, "journal: %s", sqlite3_errstr(rc));
    }
}

static int failed(struct database *db, struct error *e)
{
    int code = database_failure(
        db->handle, db->handle ? sqlite3_extended_errcode(db->handle) : SQLITE_NOMEM, e);

    if (code == ERR_INVALID) /* it stays as it is */
        sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    database_close(db);
    return code == ERR_LIMIT ? ERR_IO : code;
}

static int user_version(sqlite3 *handle)
{
    sqlite3_stmt *st = NULL;
    int version = -1;

    if (sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &st, NULL) == SQLITE_OK &&
        sqlite3_step(st) == SQLITE_ROW)
        version = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    return version;
}

int database_version(sqlite3 *handle)
{
    int version = user_version(handle);

    return version > SCHEMA_VERSION ? 0 : version;
}

/* All of it or nothing. */
static int make_tables(sqlite3 *handle, int version)
{
    char text[64];
    int rc;

    snprintf(text, sizeof text, "PRAGMA user_version = %d; COMMIT", SCHEMA_VERSION);
    rc = sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    if (!rc)
        rc = sqlite3_exec(handle, schema, NULL, NULL, NULL);
    if (!rc && version)
        rc = sqlite3_exec(handle, upgrade, NULL, NULL, NULL);
    return rc ? rc : sqlite3_exec(handle, text, NULL, NULL, NULL);
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

/* Somebody else's files in our folder: they can be renamed, but not used. */
static bool forbidden(const char *path)
{
    for (size_t i = 0; i < SUFFIXES; i++) {
        char name[600];

        snprintf(name, sizeof name, "%.500s%s", path, suffixes[i]);
        if (access(name, F_OK) == 0 && access(name, R_OK | W_OK) && errno == EACCES)
            return true;
    }
    return false;
}

/* Who may read the folder need not read what was said in calls. -wal and -shm get the same mode. */
static void make_private(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

    if (fd >= 0)
        close(fd);
}

/* A database that is there already is only read here: while another process has locked it against
 * writing, it can be opened. */
static int set_up(struct database *db, bool full_sync, int version)
{
    return sqlite3_exec(db->handle, "PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON", NULL,
                        NULL, NULL) ||
           sqlite3_exec(db->handle,
                        full_sync ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
                        NULL, NULL, NULL) ||
           (version != SCHEMA_VERSION && make_tables(db->handle, version)) ||
           prepare(db, SQL_BEGIN, SQL_OPEN_CALLS);
}

int database_open(struct database *db, const char *path, bool full_sync, struct error *e)
{
    int version;

    *db = (struct database){0};
    make_private(path);
    if (forbidden(path))
        return error_set(e, ERR_INVALID, "journal: %s may not be read or written by this user",
                         path);
    if (sqlite3_open_v2(path, &db->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK)
        return failed(db, e);
    sqlite3_busy_timeout(db->handle, DATABASE_BUSY_MS);
    version = user_version(db->handle);
    if (version < 0)
        return failed(db, e);
    if (version > SCHEMA_VERSION) {
        database_close(db);
        return error_set(e, ERR_INVALID, "journal: it is of version %d, this program writes %d",
                         version, SCHEMA_VERSION);
    }
    return set_up(db, full_sync, version) ? failed(db, e) : 0;
}

int database_open_reader(struct database *db, const char *path, struct error *e)
{
    *db = (struct database){0};
    if (sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) !=
        SQLITE_OK)
        return failed(db, e);
    sqlite3_busy_timeout(db->handle, DATABASE_BUSY_MS);
    if ((user_version(db->handle) == 1 && sqlite3_exec(db->handle, missing, NULL, NULL, NULL)) ||
        sqlite3_exec(db->handle, "PRAGMA query_only = 1", NULL, NULL, NULL) ||
        prepare(db, SQL_OPEN_CALLS, SQL_STATEMENTS))
        return failed(db, e);
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
    int n = 1;

    do
        snprintf(name, 512, "%.480s.damaged-%d", path, n);
    while (access(name, F_OK) == 0 && ++n < 1000);
    for (size_t i = 0; i < SUFFIXES; i++) {
        char from[512], to[528];

        snprintf(from, sizeof from, "%.500s%s", path, suffixes[i]);
        snprintf(to, sizeof to, "%s%s", name, suffixes[i]);
        if (rename(from, to) && errno != ENOENT)
            return error_set(e, ERR_IO, "journal: %s cannot be moved aside: %s", from,
                             strerror(errno));
    }
    return 0;
}
