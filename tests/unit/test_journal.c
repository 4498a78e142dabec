#include "test.h"

#include "journal/journal.h"
#include "journal/seal.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char folder[] = "/tmp/ivory-journal-XXXXXX";
static char path[64];

static void fresh(void)
{
    strcpy(folder, "/tmp/ivory-journal-XXXXXX");
    EXPECT(mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/journal", folder);
}

static void clean(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    EXPECT_INT(system(command), 0);
}

static struct journal *open_journal(void)
{
    struct journal_config cfg = {.path = path, .max_queue_bytes = 1 << 20};
    struct error e = {""};
    struct journal *j = NULL;

    if (journal_open(&j, &cfg, &e))
        test_expect(false, __FILE__, __LINE__, "%s", e.text);
    return j;
}

static void wait_for(struct journal *j, uint64_t position)
{
    for (int i = 0; i < 5000 && journal_committed(j) < position; i++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    EXPECT(journal_committed(j) >= position);
}

static int collect(void *arg, enum journal_kind kind, const void *p, size_t n)
{
    char *to = arg;

    snprintf(to + strlen(to), 200 - strlen(to), "%d:%.*s ", kind, (int)n, (const char *)p);
    return 0;
}

static int collect_call(void *arg, const struct journal_call *c)
{
    char *to = arg;

    snprintf(to + strlen(to), 200 - strlen(to), "%.1s/%.3s/%d/%d/%.*s ", c->key, c->bundle,
             c->ended != 0, c->attempts, (int)c->n, (const char *)c->facts);
    return 0;
}

static void keeps_calls_over_a_restart(void)
{
    char text[200] = "";
    struct journal *j;
    uint64_t at = 0;

    fresh();
    j = open_journal();
    EXPECT_INT(journal_begin(j, KEY_A, 1000, "b1", "facts", 5, NULL), 0);
    EXPECT_INT(journal_append(j, KEY_A, JOURNAL_EVENT, "e1", 2, NULL), 0);
    EXPECT_INT(journal_append(j, KEY_A, JOURNAL_COMMAND, "c1", 2, &at), 0);
    wait_for(j, at);
    journal_close(j);

    j = open_journal();
    EXPECT_INT(journal_begin(j, KEY_B, 2000, "b2", "", 0, NULL), 0);
    EXPECT_INT(journal_append(j, KEY_A, JOURNAL_EVENT, "e2", 2, NULL), 0);
    EXPECT_INT(journal_attempts(j, KEY_A, 1, NULL), 0);
    EXPECT_INT(journal_attempts(j, KEY_B, 2, NULL), 0);
    EXPECT_INT(journal_attempts(j, KEY_B, 0, &at), 0);
    wait_for(j, at);
    EXPECT_INT(journal_entries(j, KEY_A, collect, text, NULL), 0);
    EXPECT_STR(text, "1:e1 2:c1 1:e2 ");
    text[0] = '\0';
    EXPECT_INT(journal_each_open(j, collect_call, text, NULL), 0);
    EXPECT_STR(text, "b/b2/0/0/ a/b1/0/1/facts ");
    journal_close(j);
    clean();
}

static void an_ended_call_is_reduced(void)
{
    char text[200] = "";
    struct journal *j;
    struct error e;
    void *p = NULL;
    uint64_t at = 0;
    size_t n = 0;

    fresh();
    j = open_journal();
    journal_put_bundle(j, "b1", "source", 6, NULL);
    journal_begin(j, KEY_A, 1000, "b1", "facts", 5, NULL);
    journal_append(j, KEY_A, JOURNAL_EVENT, "e1", 2, NULL);
    journal_end(j, KEY_A, 3000, "sum", 3, "line", 4, false, NULL);
    journal_append(j, KEY_A, JOURNAL_EVENT, "late", 4, &at);
    wait_for(j, at);
    EXPECT_INT(journal_entries(j, KEY_A, collect, text, NULL), 0);
    EXPECT_STR(text, "3:line ");
    text[0] = '\0';
    EXPECT_INT(journal_find(j, KEY_A, collect_call, text, NULL), 0);
    EXPECT_STR(text, "a/b1/1/0/sum ");
    EXPECT_INT(journal_each_open(j, collect_call, text, NULL), 0);
    EXPECT_STR(text, "a/b1/1/0/sum ");
    EXPECT_INT(journal_get_bundle(j, "b1", &p, &n, NULL), 0);
    EXPECT_INT(n, 6);
    free(p);
    journal_expire(j, 3001, &at);
    wait_for(j, at);
    EXPECT_INT(journal_find(j, KEY_A, collect_call, text, &e), ERR_NOTFOUND);
    EXPECT_INT(journal_get_bundle(j, "b1", &p, &n, &e), ERR_NOTFOUND);
    journal_close(j);
    clean();
}

static void the_bundle_in_use_is_known_and_kept(void)
{
    void *p = NULL;
    size_t n = 0;
    uint64_t at = 0;
    struct journal *j;

    fresh();
    j = open_journal();
    EXPECT_INT(journal_used_bundle(j, &p, &n, NULL), ERR_NOTFOUND);
    journal_put_bundle(j, "b1", "one", 3, NULL);
    journal_use_bundle(j, "b1", NULL);
    journal_put_bundle(j, "b2", "other", 5, NULL);
    journal_use_bundle(j, "b2", NULL);
    journal_put_bundle(j, "b3", "tried", 5, NULL);
    journal_expire(j, 1, &at);
    wait_for(j, at);
    journal_close(j);
    j = open_journal();
    EXPECT_INT(journal_used_bundle(j, &p, &n, NULL), 0);
    EXPECT(n == 5 && memcmp(p, "other", 5) == 0);
    free(p);
    EXPECT_INT(journal_get_bundle(j, "b1", &p, &n, NULL), ERR_NOTFOUND);
    EXPECT_INT(journal_get_bundle(j, "b3", &p, &n, NULL), ERR_NOTFOUND);
    journal_close(j);
    clean();
}

/* However many there are, and what is younger stays. */
static void old_calls_are_forgotten(void)
{
    char text[200] = "", key[33];
    struct journal *j;
    uint64_t at = 0;

    fresh();
    j = open_journal();
    for (int i = 0; i < 1700; i++) {
        snprintf(key, sizeof key, "%032x", i);
        journal_begin(j, key, 1000, "b1", "facts", 5, NULL);
        journal_end(j, key, i < 1690 ? 2000 : 4000, "s", 1, "l", 1, false, &at);
    }
    journal_begin(j, KEY_A, 1000, "b1", "open", 4, &at);
    wait_for(j, at);
    journal_expire(j, 3000, &at);
    for (int i = 0; i < 5000; i++) {
        text[0] = '\0';
        journal_find(j, "00000000000000000000000000000699", collect_call, text, NULL);
        if (!text[0] && journal_committed(j) >= at + 3)
            break;
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    text[0] = '\0';
    EXPECT_INT(journal_each_ended(j, 0, collect_call, text, NULL), 0);
    EXPECT_STR(text, "0/b1/1/0/s 0/b1/1/0/s 0/b1/1/0/s 0/b1/1/0/s 0/b1/1/0/s "
                     "0/b1/1/0/s 0/b1/1/0/s 0/b1/1/0/s 0/b1/1/0/s 0/b1/1/0/s ");
    text[0] = '\0';
    EXPECT_INT(journal_each_open(j, collect_call, text, NULL), 0);
    EXPECT_STR(text, "a/b1/0/0/open ");
    journal_close(j);
    clean();
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(name, "w");

    EXPECT(f && fputs(text, f) >= 0);
    if (f)
        fclose(f);
}

static void a_damaged_database_is_moved_aside(void)
{
    struct journal_news news;
    struct journal *j;
    uint64_t at = 0;

    fresh();
    write_file(path, "this was a database once, but now it is a text of some length");
    j = open_journal();
    EXPECT(journal_news(j, &news));
    EXPECT_IN(news.aside, "damaged-1");
    EXPECT_INT(access(news.aside, F_OK), 0);
    EXPECT(!journal_news(j, &news));
    EXPECT_INT(journal_begin(j, KEY_A, 1, "b", "", 0, &at), 0);
    wait_for(j, at);
    journal_close(j);
    clean();
}

static void too_much_in_the_queue_is_refused(void)
{
    struct journal *j;
    char *big = calloc(1, (1 << 20) + 1);

    fresh();
    j = open_journal();
    EXPECT_INT(journal_append(j, KEY_A, JOURNAL_EVENT, big, (1 << 20) + 1, NULL), ERR_LIMIT);
    journal_close(j);
    free(big);
    clean();
}

static void values_are_kept_and_removed(void)
{
    struct journal *j;
    uint64_t at = 0;
    void *p = NULL;
    size_t n = 0;

    fresh();
    j = open_journal();
    journal_put_value(j, "count", "41", 2, NULL);
    journal_put_value(j, "count", "42", 2, &at);
    wait_for(j, at);
    EXPECT_INT(journal_get_value(j, "count", &p, &n, NULL), 0);
    EXPECT(n == 2 && memcmp(p, "42", 2) == 0);
    free(p);
    journal_put_value(j, "count", NULL, 0, &at);
    wait_for(j, at);
    EXPECT_INT(journal_get_value(j, "count", &p, &n, NULL), ERR_NOTFOUND);
    journal_close(j);
    clean();
}

static void sealed_text_opens_for_its_call_only(void)
{
    struct seal *s = NULL;
    struct error e = {""}, wrong;
    char *box, *again, *text;

    fresh();
    EXPECT_INT(seal_open(&s, path, &wrong, &e), 0);
    box = seal_text(s, KEY_A, "1234#");
    EXPECT(strstr(box, "1234") == NULL);
    again = seal_text(s, KEY_A, "1234#");
    EXPECT(strcmp(box, again) != 0);
    seal_close(s);
    EXPECT_INT(seal_open(&s, path, &wrong, &e), 0);
    text = unseal_text(s, KEY_A, box);
    EXPECT_STR(text, "1234#");
    free(text);
    EXPECT(unseal_text(s, KEY_B, box) == NULL);
    box[5] = box[5] == 'A' ? 'B' : 'A';
    EXPECT(unseal_text(s, KEY_A, box) == NULL);
    EXPECT(unseal_text(s, KEY_A, "") == NULL);
    EXPECT(unseal_text(s, KEY_A, "////") == NULL);
    seal_close(s);
    free(box);
    free(again);
    clean();
}

/* Alike under one key, and nothing to do with what another one makes. */
static void digests_are_of_a_key(void)
{
    static const unsigned char one[SEAL_KEY] = {1}, two[SEAL_KEY] = {2};
    char a[SEAL_DIGEST], b[SEAL_DIGEST], c[SEAL_DIGEST], hash[65];
    struct seal *s = NULL, *t = NULL;

    EXPECT_INT(seal_new(&s, one), 0);
    EXPECT_INT(seal_new(&t, two), 0);
    seal_digest(s, "1234", 4, a);
    seal_digest(s, "1234", 4, b);
    EXPECT_STR(a, b);
    seal_digest(s, "1235", 4, b);
    EXPECT(strcmp(a, b) != 0);
    seal_digest(t, "1234", 4, c);
    EXPECT(strcmp(a, c) != 0);
    EXPECT(seal_digested(s, a) && seal_digested(s, b) && !seal_digested(s, c));
    EXPECT(!seal_digested(s, "") && !seal_digested(s, "03ac6742"));
    EXPECT_STR(c, /* an HMAC, as it was in every version */
               "3ac94886:5be9a1ef225c9ffc438a5a16cd83b765dd9903584737d7a7ac1e6bb0f95066fb");
    sha256_hex(hash, "1234", 4);
    EXPECT(strstr(a, hash) == NULL);
    seal_close(s);
    seal_close(t);
}

static void a_key_file_is_put_right(void)
{
    struct error e = {""}, wrong;
    struct seal *s = NULL;
    char *box, *text;
    struct stat st;

    fresh();
    EXPECT_INT(seal_read(&s, path, &e), ERR_NOTFOUND);
    EXPECT_INT(seal_open(&s, path, &wrong, &e), 0);
    EXPECT_STR(wrong.text, "");
    EXPECT_INT(stat(path, &st), 0);
    EXPECT_INT(st.st_mode & 0777, 0600);
    box = seal_text(s, KEY_A, "1");
    seal_close(s);
    EXPECT_INT(chmod(path, 0644), 0);
    EXPECT_INT(seal_open(&s, path, &wrong, &e), 0); /* the same key */
    EXPECT_IN(wrong.text, "(mode 644); it has mode 600 now");
    text = unseal_text(s, KEY_A, box);
    EXPECT_STR(text, "1");
    free(text);
    seal_close(s);
    EXPECT_INT(stat(path, &st), 0);
    EXPECT_INT(st.st_mode & 0777, 0600);
    for (int n = 0; n < 34; n += 33) { /* too short, too long */
        EXPECT_INT(truncate(path, n), 0);
        EXPECT_INT(seal_read(&s, path, &e), ERR_INVALID);
        EXPECT_INT(seal_open(&s, path, &wrong, &e), 0);
        EXPECT_IN(wrong.text, n ? ".damaged-2 and a new key" : ".damaged-1 and a new key");
        EXPECT(unseal_text(s, KEY_A, box) == NULL);
        seal_close(s);
    }
    EXPECT_INT(unlink(path), 0);
    EXPECT_INT(mkdir(path, 0700), 0);
    EXPECT_INT(seal_open(&s, path, &wrong, &e), ERR_IO);
    free(box);
    clean();
}

static void an_ended_call_keeps_its_entries(void)
{
    static const char tone[] = "{\"kind\":\"tone\",\"data\":{\"sealed\":\"xyz\",\"sequenceId\":1}}";
    struct journal_config cfg = {.max_queue_bytes = 1 << 20, .keep_entries = true};
    char text[400] = "";
    struct error e = {""};
    struct journal *j, *reader;
    struct stat st;
    uint64_t at;

    fresh();
    EXPECT_INT(journal_open_reader(&reader, path, &e), ERR_NOTFOUND);
    cfg.path = path;
    EXPECT_INT(journal_open(&j, &cfg, &e), 0);
    journal_begin(j, KEY_A, 1000, "bundle", "facts", 5, NULL);
    journal_append(j, KEY_A, JOURNAL_EVENT, tone, sizeof tone - 1, NULL);
    journal_append(j, KEY_A, JOURNAL_COMMAND, "no json", 7, NULL);
    journal_append(j, KEY_A, JOURNAL_COMMAND, "{\"digest\":\"x\",\"seq\":1}", 22, NULL);
    journal_end(j, KEY_A, 2000, "sum", 3, "line", 4, true, &at);
    wait_for(j, at);
    EXPECT_INT(stat(path, &st), 0);
    EXPECT_INT(st.st_mode & 0777, 0600); /* whatever the folder's */
    EXPECT_INT(journal_open_reader(&reader, path, &e), 0);
    EXPECT_INT(journal_kept(reader, KEY_A, collect, text, NULL), 0);
    EXPECT_STR(text, "4:facts 1:{\"kind\":\"tone\",\"data\":{\"sequenceId\":1}} 2:no json "
                     "2:{\"seq\":1} ");
    text[0] = '\0';
    EXPECT_INT(journal_entries(reader, KEY_A, collect, text, NULL), 0);
    EXPECT_STR(text, "3:line ");
    journal_expire(j, 2001, &at);
    wait_for(j, at);
    text[0] = '\0';
    EXPECT_INT(journal_kept(reader, KEY_A, collect, text, NULL), 0);
    EXPECT_STR(text, "");
    journal_close(reader);
    journal_close(j);
    clean();
}

/* What comes in one commit stands in one row, and is read as it was written, whatever is in it. */
static void entries_of_a_commit_are_one_row(void)
{
    struct journal_config cfg = {
        .path = path, .max_queue_bytes = 1 << 20, .commit_ms = 100, .keep_entries = true};
    char text[200] = "";
    struct journal *j;
    struct error e;
    sqlite3 *db;
    uint64_t at;

    fresh();
    EXPECT_INT(journal_open(&j, &cfg, &e), 0);
    journal_begin(j, KEY_A, 1, "b", "", 0, NULL);
    journal_begin(j, KEY_B, 1, "b", "", 0, NULL);
    journal_append(j, KEY_A, JOURNAL_EVENT, "a1", 2, NULL);
    journal_append(j, KEY_B, JOURNAL_EVENT, "b1", 2, NULL);
    journal_append(j, KEY_A, JOURNAL_COMMAND, "", 0, NULL);
    journal_put_value_for(j, "n", "5", 1, KEY_A, "a3", 2, NULL);
    journal_append(j, KEY_A, JOURNAL_MARK, "a4", 2, &at);
    wait_for(j, at);
    EXPECT_INT(journal_entries(j, KEY_A, collect, text, NULL), 0);
    EXPECT_STR(text, "1:a1 2: 1:a3 3:a4 ");
    text[0] = '\0';
    EXPECT_INT(journal_entries(j, KEY_B, collect, text, NULL), 0);
    EXPECT_STR(text, "1:b1 ");
    journal_close(j);
    EXPECT_INT(sqlite3_open(path, &db), SQLITE_OK); /* and one that is cut short is known to be */
    EXPECT_INT(sqlite3_exec(db,
                            "UPDATE log SET data = substr(data, 1, length(data) - 1)"
                            " WHERE kind = 0",
                            NULL, NULL, NULL),
               SQLITE_OK);
    EXPECT_INT(sqlite3_changes(db), 1);
    EXPECT_INT(journal_open(&j, &cfg, &e), 0);
    text[0] = '\0';
    EXPECT_INT(journal_entries(j, KEY_A, collect, text, NULL), 0);
    EXPECT_STR(text, "1:a1 2: 1:a3 3:{\"torn\":true} ");
    journal_end(j, KEY_A, 2, "sum", 3, "line", 4, true, &at);
    wait_for(j, at);
    text[0] = '\0';
    EXPECT_INT(journal_kept(j, KEY_A, collect, text, NULL), 0);
    EXPECT_STR(text, "4: 1:a1 2: 1:a3 3:{\"torn\":true} ");
    journal_close(j); /* there may be a key in what cannot be read: it was taken out */
    EXPECT_INT(
        sqlite3_exec(db, "UPDATE log SET kind = kind WHERE instr(data, 'torn')", NULL, NULL, NULL),
        SQLITE_OK);
    EXPECT_INT(sqlite3_changes(db), 1);
    sqlite3_close(db);
    clean();
}

static void a_call_begins_anew(void)
{
    char text[200] = "", calls[200] = "";
    struct journal *j;
    uint64_t at;

    fresh();
    j = open_journal();
    EXPECT_INT(journal_begin(j, KEY_A, 1, "b", "old", 3, NULL), 0);
    EXPECT_INT(journal_append(j, KEY_A, JOURNAL_EVENT, "one", 3, NULL), 0);
    EXPECT_INT(journal_attempts(j, KEY_A, 1, NULL), 0);
    EXPECT_INT(journal_restart(j, KEY_A, "new", 3, NULL), 0);
    EXPECT_INT(journal_append(j, KEY_A, JOURNAL_EVENT, "two", 3, &at), 0);
    wait_for(j, at);
    EXPECT_INT(journal_entries(j, KEY_A, collect, text, NULL), 0);
    EXPECT_STR(text, "1:two ");
    EXPECT_INT(journal_each_open(j, collect_call, calls, NULL), 0);
    EXPECT_IN(calls, "new");
    journal_close(j);
    clean();
}

static void a_value_and_its_event_are_one_write(void)
{
    char text[200] = "";
    struct journal *j;
    uint64_t before, at;
    void *p;
    size_t n;

    fresh();
    j = open_journal();
    EXPECT_INT(journal_begin(j, KEY_A, 1, "b", "", 0, &before), 0);
    EXPECT_INT(journal_put_value_for(j, "n", "5", 1, KEY_A, "answer", 6, &at), 0);
    EXPECT_INT(at, before + 1);
    wait_for(j, at);
    EXPECT_INT(journal_entries(j, KEY_A, collect, text, NULL), 0);
    EXPECT_STR(text, "1:answer ");
    EXPECT_INT(journal_get_value(j, "n", &p, &n, NULL), 0);
    EXPECT_INT(n, 1);
    free(p);
    journal_close(j);
    clean();
}

const struct test journal_tests[] = {TEST(keeps_calls_over_a_restart),
                                     TEST(an_ended_call_is_reduced),
                                     TEST(the_bundle_in_use_is_known_and_kept),
                                     TEST(old_calls_are_forgotten),
                                     TEST(a_damaged_database_is_moved_aside),
                                     TEST(too_much_in_the_queue_is_refused),
                                     TEST(values_are_kept_and_removed),
                                     TEST(an_ended_call_keeps_its_entries),
                                     TEST(entries_of_a_commit_are_one_row),
                                     TEST(a_call_begins_anew),
                                     TEST(a_value_and_its_event_are_one_write),
                                     TEST(sealed_text_opens_for_its_call_only),
                                     TEST(a_key_file_is_put_right),
                                     TEST(digests_are_of_a_key),
                                     {0}};
