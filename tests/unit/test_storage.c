/* The journal on a disk that fails, is full or slow, and with files that are not what they were. */
#include "tests/unit/faulty_disk.h"
#include "tests/unit/test.h"

#include "journal/journal.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char folder[40], path[64];

static void fresh(void)
{
    strcpy(folder, "/tmp/ivory-storage-XXXXXX");
    EXPECT(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/journal.db", folder);
}

static void shell(const char *command)
{
    char text[600];

    snprintf(text, sizeof text, "cd %s && %s", folder, command);
    EXPECT_INT(system(text), 0);
}

static void clean(void)
{
    char text[64];

    snprintf(text, sizeof text, "rm -rf %s", folder);
    EXPECT_INT(system(text), 0);
}

static struct journal *open_journal(bool full_sync)
{
    struct journal_config cfg = {.path = path,
                                 .max_queue_bytes = 1 << 20,
                                 .full_sync = full_sync,
                                 .keep_entries = true,
                                 .retry_ms = 20};
    struct error e = {""};
    struct journal *j = NULL;

    if (journal_open(&j, &cfg, &e))
        test_expect(false, __FILE__, __LINE__, "%s", e.text);
    return j;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* Up to 20 s, which is for machines that are slow. */
#define UNTIL(cond)                                                                                \
    do {                                                                                           \
        for (int i_ = 0; i_ < 4000 && !(cond); i_++)                                               \
            pause_ms(5);                                                                           \
        EXPECT(cond);                                                                              \
    } while (0)

struct listing {
    char text[4000];
};

static int note_entry(void *arg, enum journal_kind kind, const void *p, size_t n)
{
    struct listing *l = arg;
    size_t at = strlen(l->text);

    snprintf(l->text + at, sizeof l->text - at, "%d:%.*s ", kind, (int)n, (const char *)p);
    return 0;
}

static int note_call(void *arg, const struct journal_call *c)
{
    struct listing *l = arg;
    size_t at = strlen(l->text);

    snprintf(l->text + at, sizeof l->text - at, "%.1s ", c->key);
    return 0;
}

/* What a process would find that is started after a kill -9 at this moment. */
static void found_after_a_crash(const char *key, struct listing *entries)
{
    struct journal *j = NULL;
    struct error e = {""};
    char was[64];

    shell("mkdir crash && cp journal.db* crash");
    strcpy(was, path);
    snprintf(path, sizeof path, "%s/crash/journal.db", folder);
    entries->text[0] = '\0';
    if (!journal_open_reader(&j, path, &e))
        journal_entries(j, key, note_entry, entries, &e);
    EXPECT_STR(e.text, "");
    journal_close(j);
    strcpy(path, was);
    shell("rm -r crash");
}

static uint64_t append(struct journal *j, const char *key, const char *text)
{
    uint64_t at = 0;

    EXPECT_INT(journal_append(j, key, JOURNAL_EVENT, text, strlen(text), &at), 0);
    return at;
}

static uint64_t begin(struct journal *j, const char *key)
{
    uint64_t at = 0;

    EXPECT_INT(journal_begin(j, key, 1, "bundle", "facts", 5, &at), 0);
    return at;
}

static void a_disk_that_refuses(enum disk_fault how, int health, const char *why)
{
    struct listing entries;
    struct error e = {""};
    struct journal *j;
    uint64_t at;

    faulty_disk_use();
    fresh();
    j = open_journal(how == DISK_SYNC_ERROR);
    begin(j, KEY_A);
    at = append(j, KEY_A, "one");
    UNTIL(journal_committed(j) >= at);
    EXPECT_INT(journal_health(j, &e), 0);
    faulty_disk_set(how, 0);
    at = append(j, KEY_A, "two");
    UNTIL(journal_health(j, &e) != 0);
    EXPECT_INT(journal_health(j, &e), health);
    EXPECT_STR(e.text, why);
    EXPECT(journal_committed(j) < at);
    append(j, KEY_A, "three");            /* taken, and written later */
    found_after_a_crash(KEY_A, &entries); /* written but not synced is more than was said */
    EXPECT_STR(entries.text, how == DISK_SYNC_ERROR ? "1:one 1:two " : "1:one ");
    faulty_disk_set(DISK_GOOD, 0);
    UNTIL(journal_committed(j) >= at + 1);
    EXPECT_INT(journal_health(j, &e), 0);
    found_after_a_crash(KEY_A, &entries);
    EXPECT_STR(entries.text, "1:one 1:two 1:three ");
    journal_close(j);
    clean();
    faulty_disk_leave();
}

static void a_full_disk_is_waited_for(void)
{
    a_disk_that_refuses(DISK_FULL, ERR_LIMIT, "journal: the disk is full");
}

static void so_is_one_that_fails(void)
{
    a_disk_that_refuses(DISK_WRITE_ERROR, ERR_IO,
                        "journal: the disk fails: a file cannot be written");
    a_disk_that_refuses(DISK_SYNC_ERROR, ERR_IO,
                        "journal: the disk fails: a file cannot be synced");
}

/* Whichever write of a commit it is that fails: what was acknowledged is there, what was not is
 * there once the disk is good again, and nothing twice. */
static void at_every_write(void)
{
    long fine = 1;

    for (long n = 0; fine && n < 200; n++) {
        struct listing entries;
        struct journal *j;
        long before;
        uint64_t at;

        faulty_disk_use();
        fresh();
        j = open_journal(false);
        begin(j, KEY_A);
        at = append(j, KEY_A, "one");
        UNTIL(journal_committed(j) >= at);
        before = faulty_disk_writes();
        faulty_disk_set(n % 2 ? DISK_FULL : DISK_WRITE_ERROR, n);
        append(j, KEY_A, "two");
        journal_put_value(j, "v", "1", 1, NULL);
        begin(j, KEY_B);
        at = append(j, KEY_B, "b");
        UNTIL(journal_committed(j) >= at || journal_health(j, NULL));
        fine = faulty_disk_writes() - before > n;
        found_after_a_crash(KEY_A, &entries);
        EXPECT(strncmp(entries.text, "1:one ", 6) == 0);
        faulty_disk_set(DISK_GOOD, 0);
        if (n % 4 == 0) /* once more, or the process leaves meanwhile */
            UNTIL(journal_committed(j) >= at);
        journal_close(j);
        j = open_journal(false);
        entries.text[0] = '\0';
        EXPECT_INT(journal_entries(j, KEY_A, note_entry, &entries, NULL), 0);
        EXPECT_STR(entries.text, "1:one 1:two ");
        journal_close(j);
        clean();
        faulty_disk_leave();
        if (n > 12)
            n += 3;
    }
    EXPECT(!fine);
}

static void a_slow_disk_is_said_to_be_slow(void)
{
    struct error e = {""};
    struct journal *j;
    uint64_t at;

    faulty_disk_use();
    fresh();
    j = open_journal(true);
    at = begin(j, KEY_A);
    UNTIL(journal_committed(j) >= at);
    faulty_disk_slow(4000);
    at = append(j, KEY_A, "one");
    EXPECT_INT(journal_health(j, &e), 0);
    UNTIL(journal_health(j, &e) != 0);
    EXPECT(journal_committed(j) < at); /* nothing is said to be safe that is not */
    EXPECT_IN(e.text, "the disk is slow");
    faulty_disk_slow(0);
    UNTIL(journal_committed(j) >= at);
    UNTIL(journal_health(j, &e) == 0);
    journal_close(j);
    clean();
    faulty_disk_leave();
}

/* Many calls with entries, closed so that all is in the database file. */
static void write_many(void)
{
    struct journal *j;
    uint64_t at = 0;

    fresh();
    j = open_journal(false);
    journal_put_bundle(j, "bundle", "source", 6, NULL);
    journal_put_value(j, "count", "7", 1, NULL);
    for (int call = 0; call < 40; call++) {
        char key[33], text[400];

        snprintf(key, sizeof key, "%032x", call);
        begin(j, key);
        for (int i = 0; i < 10; i++) {
            memset(text, 'x', sizeof text);
            snprintf(text, sizeof text, "call %d entry %d", call, i);
            text[strlen(text)] = 'x';
            EXPECT_INT(journal_append(j, key, JOURNAL_EVENT, text, sizeof text, &at), 0);
        }
    }
    UNTIL(journal_committed(j) >= at);
    journal_close(j);
}

static int count_torn(void *arg, enum journal_kind kind, const void *p, size_t n)
{
    (void)p, (void)n;
    ((int *)arg)[kind == JOURNAL_MARK]++;
    return 0;
}

/* Of each call either all entries are there, or a mark says that some are missing. */
static void check_many(struct journal *j, unsigned want_torn)
{
    unsigned torn = 0;

    for (int call = 0; call < 40; call++) {
        int counts[2] = {0};
        char key[33];

        snprintf(key, sizeof key, "%032x", call);
        EXPECT_INT(journal_entries(j, key, count_torn, counts, NULL), 0);
        EXPECT(counts[1] || counts[0] == 10);
        torn += counts[1] == 1;
    }
    EXPECT_INT(torn, want_torn);
}

static void a_torn_page_costs_few_calls(void)
{
    long pages, torn_once = 0, of_index = 0;
    struct stat st;

    write_many();
    EXPECT_INT(stat(path, &st), 0);
    pages = st.st_size / 4096;
    shell("cp journal.db whole");
    for (long page = 1; page < pages; page++) { /* the first page is the header: see below */
        static const char zeros[2048];
        struct journal_news news = {0};
        struct journal *j;
        int fd;
        void *p = NULL;
        size_t n;
        uint64_t at;

        shell("rm -f journal.db* && cp whole journal.db");
        fd = open(path, O_WRONLY);
        EXPECT(fd >= 0);
        EXPECT_INT(pwrite(fd, zeros, sizeof zeros, page * 4096), sizeof zeros);
        close(fd);
        j = open_journal(false);
        if (!j)
            break;
        if (journal_news(j, &news)) {
            EXPECT_IN(news.why, "damaged");
            EXPECT(news.torn > 0 || !news.complete || news.calls == 40);
            EXPECT(news.calls >= 20 || !news.complete);
            if (news.calls == 40) {
                torn_once += news.torn && news.torn < 8; /* else it is a page above others */
                of_index += !news.torn;
                check_many(j, news.torn);
                EXPECT_INT(journal_get_value(j, "count", &p, &n, NULL), 0);
                free(p);
                p = NULL;
                EXPECT_INT(journal_get_bundle(j, "bundle", &p, &n, NULL), 0);
                free(p);
            }
        }
        append(j, "00000000000000000000000000000007", "more"); /* in any case it works now */
        at = begin(j, KEY_B);
        UNTIL(journal_committed(j) >= at);
        journal_close(j);
    }
    EXPECT(torn_once > 20); /* most pages are full of entries */
    EXPECT(of_index > 0);
    clean();
}

static void a_file_that_is_cut_short(void)
{
    struct journal_news news = {0};
    struct listing calls = {""};
    struct journal *j;
    struct stat st;
    uint64_t at;

    for (int part = 0; part < 4; part++) {
        write_many();
        EXPECT_INT(stat(path, &st), 0);
        EXPECT_INT(truncate(path, st.st_size * part / 4 + (part ? 100 : 0)), 0);
        j = open_journal(false);
        EXPECT_INT(journal_news(j, &news), part > 0); /* nothing at all is a new database */
        at = begin(j, KEY_B);
        UNTIL(journal_committed(j) >= at);
        EXPECT_INT(journal_each_open(j, note_call, &calls, NULL), 0);
        EXPECT_IN(calls.text, "b ");
        journal_close(j);
        clean();
    }
}

static void without_its_wal_it_is_what_it_was_before(void)
{
    struct journal_news news = {0};
    struct listing entries = {""};
    struct journal *j;
    uint64_t at;

    fresh();
    j = open_journal(false);
    begin(j, KEY_A);
    at = append(j, KEY_A, "one");
    UNTIL(journal_committed(j) >= at);
    journal_close(j); /* all in the database file */
    j = open_journal(false);
    at = append(j, KEY_A, "two");
    UNTIL(journal_committed(j) >= at);
    shell("mkdir crash && cp journal.db crash && cp journal.db-wal half");
    journal_close(j);
    shell("rm journal.db* && mv crash/journal.db .");
    j = open_journal(false);
    EXPECT(!journal_news(j, &news));
    EXPECT_INT(journal_entries(j, KEY_A, note_entry, &entries, NULL), 0);
    EXPECT_STR(entries.text, "1:one ");
    at = append(j, KEY_A, "new");
    UNTIL(journal_committed(j) >= at);
    journal_close(j);
    shell("mv half journal.db-wal && truncate -s 100 journal.db-wal"); /* and a torn one */
    j = open_journal(false);
    entries.text[0] = '\0';
    EXPECT_INT(journal_entries(j, KEY_A, note_entry, &entries, NULL), 0);
    EXPECT_STR(entries.text, "1:one 1:new ");
    journal_close(j);
    clean();
}

static void another_version_is_moved_aside(void)
{
    struct journal_news news = {0};
    struct journal *j;
    sqlite3 *db;
    uint64_t at;

    write_many();
    EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK);
    EXPECT_INT(sqlite3_exec(db, "PRAGMA user_version = 7", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    j = open_journal(false);
    EXPECT(journal_news(j, &news));
    EXPECT_IN(news.why, "version 7");
    EXPECT_INT(news.calls, 0);
    EXPECT_INT(access(news.aside, F_OK), 0);
    at = begin(j, KEY_B);
    UNTIL(journal_committed(j) >= at);
    journal_close(j);
    clean();
}

static int note_facts(void *arg, const struct journal_call *c)
{
    struct listing *l = arg;
    size_t at = strlen(l->text);

    snprintf(l->text + at, sizeof l->text - at, "%.1s:%.*s ", c->key, (int)c->n,
             (const char *)c->facts);
    return 0;
}

/* All that can be seen in a journal of the calls A (in progress, if that) and B (ended). */
static void see_all(struct journal *j, struct listing *l)
{
    l->text[0] = '\0';
    journal_each_open(j, note_facts, l, NULL);
    strcat(l->text, "| ");
    journal_each_ended(j, 0, note_facts, l, NULL);
    strcat(l->text, "| ");
    journal_entries(j, KEY_A, note_entry, l, NULL);
    strcat(l->text, "| ");
    journal_entries(j, KEY_B, note_entry, l, NULL);
    strcat(l->text, "| ");
    journal_kept(j, KEY_B, note_entry, l, NULL);
}

static const char old_tables[] =
    "CREATE TABLE calls("
    " id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, bundle TEXT NOT NULL, began INTEGER NOT "
    "NULL, ended INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0, facts BLOB,"
    " timeline BLOB);"
    "CREATE INDEX calls_ended ON calls(ended);"
    "CREATE TABLE entries("
    " call INTEGER NOT NULL, n INTEGER NOT NULL, kind INTEGER NOT NULL, data BLOB NOT NULL,"
    " PRIMARY KEY(call, n)) WITHOUT ROWID;"
    "CREATE TABLE bundles(id TEXT PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE store(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "PRAGMA journal_mode = WAL; PRAGMA user_version = 1;"
    "INSERT INTO calls VALUES(1, '" KEY_B "', 'b', 1, 5, 0, CAST('sum' AS BLOB),"
    " CAST('line' AS BLOB));"
    "INSERT INTO entries VALUES(1, 0, 4, CAST('facts' AS BLOB));"
    "INSERT INTO entries VALUES(1, 1, 1, CAST('one' AS BLOB));"
    "INSERT INTO calls VALUES(2, '" KEY_A "', 'b', 3, 0, 1, CAST('start' AS BLOB), NULL);"
    "INSERT INTO entries VALUES(2, 2, 2, CAST('second' AS BLOB));"
    "INSERT INTO entries VALUES(2, 1, 1,"
    " CAST('{\"kind\":\"tone\",\"data\":{\"sealed\":\"x\",\"sequenceId\":1}}' AS BLOB));";

#define TONE_WAS "1:{\"kind\":\"tone\",\"data\":{\"sealed\":\"x\",\"sequenceId\":1}} 2:second "
#define TONE_IS  "1:{\"kind\":\"tone\",\"data\":{\"sequenceId\":1}} 2:second "

static void make_old(void)
{
    sqlite3 *db;

    fresh();
    EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK);
    EXPECT_INT(sqlite3_exec(db, old_tables, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* Calls that another version had in progress go on, and what it kept is there. */
static void an_older_journal_is_taken_up(void)
{
    struct listing seen = {""};
    struct journal *j = NULL;
    struct error e = {""};
    uint64_t at;

    make_old();
    EXPECT_INT(journal_open_reader(&j, path, &e), 0); /* it can be read as it is */
    see_all(j, &seen);
    EXPECT_STR(seen.text, "a:start | b:sum | " TONE_WAS "| 3:line | 4:facts 1:one ");
    journal_close(j);
    j = open_journal(false);
    EXPECT(!journal_news(j, NULL));
    see_all(j, &seen);
    EXPECT_STR(seen.text, "a:start | b:sum | " TONE_WAS "| 3:line | 4:facts 1:one ");
    append(j, KEY_A, "third");
    EXPECT_INT(journal_end(j, KEY_A, 9, "end", 3, "times", 5, true, &at), 0);
    UNTIL(journal_committed(j) >= at);
    journal_close(j);
    j = open_journal(false);
    see_all(j, &seen);
    EXPECT_STR(seen.text, "| a:end b:sum | 3:times | 3:line | 4:facts 1:one ");
    seen.text[0] = '\0';
    EXPECT_INT(journal_kept(j, KEY_A, note_entry, &seen, NULL), 0);
    EXPECT_STR(seen.text, "4:start " TONE_IS "1:third ");
    EXPECT_INT(journal_expire(j, 10, &at), 0);
    UNTIL(journal_committed(j) >= at);
    see_all(j, &seen);
    EXPECT_STR(seen.text, "| | | | ");
    journal_close(j);
    clean();
}

static void so_is_one_that_is_damaged(void)
{
    struct journal_news news = {0};
    struct listing seen = {""};
    struct journal *j;
    sqlite3 *db;

    make_old();
    EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK);
    EXPECT_INT(sqlite3_exec(db,
                            "WITH RECURSIVE c(n) AS (SELECT 3 UNION ALL SELECT n + 1 FROM c"
                            " WHERE n < 40) INSERT INTO entries SELECT 2, n, 1, zeroblob(400)"
                            " FROM c; PRAGMA wal_checkpoint(TRUNCATE)",
                            NULL, NULL, NULL),
               SQLITE_OK);
    sqlite3_close(db);
    shell("truncate -s -4096 journal.db && truncate -s +4096 journal.db"); /* its last page */
    j = open_journal(false);
    EXPECT(journal_news(j, &news));
    EXPECT_INT(news.calls, 1);
    EXPECT_INT(news.torn, 1);
    see_all(j, &seen);
    EXPECT_IN(seen.text, "a:start | | 3:{\"torn\":true} " TONE_WAS);
    journal_close(j);
    clean();
}

static void a_lock_of_another_process_is_waited_for(void)
{
    struct error e = {""};
    struct journal *j;
    sqlite3 *other;
    uint64_t at;

    fresh();
    j = open_journal(false);
    at = begin(j, KEY_A);
    UNTIL(journal_committed(j) >= at);
    journal_close(j);
    EXPECT_INT(sqlite3_open(path, &other), SQLITE_OK);
    EXPECT_INT(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    j = open_journal(false); /* it can be opened, and read, */
    at = append(j, KEY_A, "one");
    UNTIL(journal_health(j, &e) == ERR_IO && strstr(e.text, "another process"));
    EXPECT(journal_committed(j) < at);
    EXPECT_INT(sqlite3_exec(other, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    UNTIL(journal_committed(j) >= at); /* and written once it is free */
    EXPECT_INT(journal_health(j, &e), 0);
    sqlite3_close(other);
    journal_close(j);
    clean();
}

/* Under the running service. */
static void a_database_that_is_taken_away(const char *how, unsigned torn)
{
    struct journal_news news = {0};
    struct listing entries = {""}, calls = {""};
    struct journal *j;
    uint64_t at;

    fresh();
    j = open_journal(false);
    begin(j, KEY_A);
    at = append(j, KEY_A, "one");
    UNTIL(journal_committed(j) >= at);
    shell(how);
    begin(j, KEY_B);
    at = append(j, KEY_A, "two");
    UNTIL(journal_committed(j) >= at);
    EXPECT_INT(journal_health(j, NULL), 0);
    EXPECT(journal_news(j, &news));
    EXPECT_INT(news.calls, 1);
    EXPECT_INT(news.torn, torn);
    EXPECT_INT(journal_entries(j, KEY_A, note_entry, &entries, NULL), 0); /* by the reader too */
    EXPECT_STR(entries.text, "1:one 1:two ");
    found_after_a_crash(KEY_A, &entries);
    EXPECT_STR(entries.text, "1:one 1:two ");
    EXPECT_INT(journal_each_open(j, note_call, &calls, NULL), 0);
    EXPECT_STR(calls.text, "b a ");
    journal_close(j);
    clean();
}

static void the_file_vanishes(void)
{
    a_database_that_is_taken_away("rm journal.db*", 0);
    a_database_that_is_taken_away("mv journal.db other", 0);
    a_database_that_is_taken_away("rm journal.db && echo hello > journal.db", 0);
}

/* Calls that are parked write nothing. */
static void the_file_vanishes_while_nothing_is_written(void)
{
    struct journal_news news = {0};
    struct listing entries = {""};
    struct journal *j;
    uint64_t at;

    fresh();
    j = open_journal(false);
    begin(j, KEY_A);
    at = append(j, KEY_A, "one");
    UNTIL(journal_committed(j) >= at);
    shell("rm journal.db");
    UNTIL(journal_news(j, NULL));
    EXPECT(journal_news(j, &news));
    EXPECT_INT(news.calls, 1);
    EXPECT(journal_committed(j) == at);
    found_after_a_crash(KEY_A, &entries);
    EXPECT_STR(entries.text, "1:one ");
    journal_close(j);
    clean();
}

static void it_cannot_be_opened(void)
{
    struct journal_config cfg = {.path = path, .max_queue_bytes = 1 << 20};
    struct journal_news news;
    struct listing calls = {""};
    struct journal *j = NULL;
    struct error e = {""};
    uint64_t at;

    write_many();
    faulty_disk_use();
    faulty_disk_set(DISK_OPEN_ERROR, 0);
    EXPECT_INT(journal_open(&j, &cfg, &e), ERR_IO);
    EXPECT_IN(e.text, "unable to open");
    faulty_disk_leave();
    j = open_journal(false); /* that is no reason to move it away */
    EXPECT(!journal_news(j, &news));
    EXPECT_INT(journal_each_open(j, note_call, &calls, NULL), 0);
    EXPECT_INT(strlen(calls.text), 80);
    at = begin(j, KEY_A);
    UNTIL(journal_committed(j) >= at);
    journal_close(j);
    clean();
}

/* What was deleted or wiped is nowhere in the files any more. */
static void what_is_wiped_is_gone(void)
{
    static const char tone[] =
        "{\"kind\":\"tone\",\"data\":{\"sealed\":\"needle-in-the-file\",\"sequenceId\":1}}";
    struct journal *j;
    uint64_t at = 0;

    fresh();
    j = open_journal(false);
    for (int i = 0; i < 30; i++) {
        char key[33];

        snprintf(key, sizeof key, "%032x", i);
        begin(j, key);
        EXPECT_INT(journal_append(j, key, JOURNAL_EVENT, tone, sizeof tone - 1, &at), 0);
    }
    UNTIL(journal_committed(j) >= at);
    shell("grep -q needle-in-the-file journal.db*"); /* the test can find it */
    for (int i = 0; i < 30; i++) {
        char key[33];

        snprintf(key, sizeof key, "%032x", i);
        EXPECT_INT(journal_end(j, key, 2, "sum", 3, "line", 4, true, &at), 0);
    }
    UNTIL(journal_committed(j) >= at);
    EXPECT_INT(journal_expire(j, 1, &at), 0);
    UNTIL(journal_committed(j) >= at);
    shell("! grep -q needle-in-the-file journal.db*");
    journal_close(j);
    clean();
}

const struct test storage_tests[] = {
    TEST(a_full_disk_is_waited_for),
    TEST(so_is_one_that_fails),
    TEST(at_every_write),
    TEST(a_slow_disk_is_said_to_be_slow),
    TEST(a_torn_page_costs_few_calls),
    TEST(a_file_that_is_cut_short),
    TEST(without_its_wal_it_is_what_it_was_before),
    TEST(another_version_is_moved_aside),
    TEST(an_older_journal_is_taken_up),
    TEST(so_is_one_that_is_damaged),
    TEST(a_lock_of_another_process_is_waited_for),
    TEST(the_file_vanishes),
    TEST(the_file_vanishes_while_nothing_is_written),
    TEST(it_cannot_be_opened),
    TEST(what_is_wiped_is_gone),
    {0},
};
