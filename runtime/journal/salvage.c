/* What can be read of a database that cannot be used any more, into a new one. */
#include "journal/database.h"
#include "journal/rows.h"

#include <stdint.h>
#include <stdio.h>

/* What is needed to take calls up, and the flows' values; ended calls stay where they are. From
 * both ends, since a scan stops at the first page that cannot be read. */
static const char *const scans[] = {
    "SELECT id, key, bundle, began, attempts, facts FROM calls WHERE ended = 0 ORDER BY id",
    "SELECT id, key, bundle, began, attempts, facts FROM calls WHERE ended = 0 ORDER BY id DESC",
};
static const char put_call[] =
    "INSERT OR IGNORE INTO calls(id, key, bundle, began, attempts, facts) VALUES(?,?,?,?,?,?)";

enum { WHOLE, IN_PART, NOT_WRITTEN };

static int copy_rows(sqlite3_stmt *get, sqlite3_stmt *put)
{
    int rc, columns = sqlite3_column_count(get);

    while ((rc = sqlite3_step(get)) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++)
            sqlite3_bind_value(put, i + 1, sqlite3_column_value(get, i));
        rc = sqlite3_step(put);
        sqlite3_reset(put);
        if (rc != SQLITE_DONE)
            return NOT_WRITTEN;
    }
    return rc == SQLITE_DONE ? WHOLE : IN_PART;
}

/* Each row of `select` (with `id` as ?1, if it has one) through `insert`. */
static int copy(sqlite3 *to, sqlite3 *from, const char *select, const char *insert, int64_t id)
{
    sqlite3_stmt *get = NULL, *put = NULL;
    int came = IN_PART;

    if (sqlite3_prepare_v2(to, insert, -1, &put, NULL) != SQLITE_OK)
        came = NOT_WRITTEN;
    else if (sqlite3_prepare_v2(from, select, -1, &get, NULL) == SQLITE_OK) {
        if (sqlite3_bind_parameter_count(get))
            sqlite3_bind_int64(get, 1, id);
        came = copy_rows(get, put);
    }
    sqlite3_finalize(get);
    sqlite3_finalize(put);
    return came;
}

/* Where entries are missing, a mark says so: the call cannot be built from them. */
static int mark_torn(sqlite3 *to, int64_t id)
{
    char text[160];

    snprintf(text, sizeof text,
             "INSERT OR REPLACE INTO log(id, call, kind, data) VALUES(-%lld, %lld, 3,"
             " CAST('" ROW_TORN "' AS BLOB))",
             (long long)id, (long long)id);
    return sqlite3_exec(to, text, NULL, NULL, NULL) == SQLITE_OK ? IN_PART : NOT_WRITTEN;
}

/* The rows of a call are found by an index. Where that is what cannot be read, they are looked for
 * among all: if these can be read, nothing is missing. */
static int without_index(sqlite3 *to, sqlite3 *from, struct salvaged *out)
{
    int came;

    if (database_version(from) == 1 ||
        sqlite3_exec(from, "SELECT sum(call) FROM log INDEXED BY log_call", NULL, NULL, NULL) ==
            SQLITE_OK)
        return IN_PART;
    if (sqlite3_exec(to, "SAVEPOINT marked; DELETE FROM log WHERE id < 0", NULL, NULL, NULL))
        return NOT_WRITTEN;
    came = copy(to, from, "SELECT id, call, kind, data FROM log NOT INDEXED",
                "INSERT OR IGNORE INTO log(id, call, kind, data)"
                " SELECT ?1, ?2, ?3, ?4 WHERE ?2 IN (SELECT id FROM calls)",
                0);
    if (came == WHOLE)
        out->torn = 0;
    return sqlite3_exec(to, came == WHOLE ? "RELEASE marked" : "ROLLBACK TO marked", NULL, NULL,
                        NULL) == SQLITE_OK
               ? came
               : NOT_WRITTEN;
}

static int copy_entries(sqlite3 *to, sqlite3 *from, struct salvaged *out)
{
    const char *select = database_version(from) == 1
                             ? "SELECT NULL, call, kind, data FROM entries WHERE call = ?1"
                               " ORDER BY n"
                             : "SELECT id, call, kind, data FROM log WHERE call = ?1 ORDER BY id";
    sqlite3_stmt *ids = NULL;
    int came = WHOLE;

    if (sqlite3_prepare_v2(to, "SELECT id FROM calls", -1, &ids, NULL) != SQLITE_OK)
        return NOT_WRITTEN;
    while (came != NOT_WRITTEN && sqlite3_step(ids) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(ids, 0);

        came = copy(to, from, select, "INSERT INTO log(id, call, kind, data) VALUES(?,?,?,?)", id);
        if (came == IN_PART)
            came = mark_torn(to, id);
        out->calls++;
        out->torn += came == IN_PART;
    }
    sqlite3_finalize(ids);
    if (came != NOT_WRITTEN && out->torn)
        came = without_index(to, from, out);
    return came == NOT_WRITTEN ? came : out->torn ? IN_PART : WHOLE;
}

int database_salvage(struct database *to, sqlite3 *from, struct salvaged *out)
{
    int came, worst = WHOLE;

    *out = (struct salvaged){0};
    if (sqlite3_exec(to->handle, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        return ERR_IO;
    came = copy(to->handle, from, scans[0], put_call, 0);
    if (came == IN_PART) {
        worst = came;
        came = copy(to->handle, from, scans[1], put_call, 0);
    }
    if (came != NOT_WRITTEN)
        came = copy_entries(to->handle, from, out);
    worst = came > worst ? came : worst;
    if (came != NOT_WRITTEN)
        came = copy(to->handle, from,
                    "SELECT id, data FROM bundles WHERE id IN"
                    " (SELECT bundle FROM calls WHERE ended = 0)",
                    "INSERT OR IGNORE INTO bundles(id, data) VALUES(?,?)", 0);
    worst = came > worst ? came : worst;
    if (came != NOT_WRITTEN)
        came = copy(to->handle, from, "SELECT name, value FROM store",
                    "INSERT OR REPLACE INTO store(name, value) VALUES(?,?)", 0);
    worst = came > worst ? came : worst;
    out->complete = worst == WHOLE;
    if (worst == NOT_WRITTEN || sqlite3_exec(to->handle, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        sqlite3_exec(to->handle, "ROLLBACK", NULL, NULL, NULL);
        return ERR_IO;
    }
    return 0;
}
