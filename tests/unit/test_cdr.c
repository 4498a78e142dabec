#include "tests/unit/test.h"

#include "host/cdr.h"
#include "host/timeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define KEY_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define KEY_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static char folder[64], path[96];

static struct journal *open_journal(void)
{
    struct journal_config cfg = {.path = path, .max_queue_bytes = 1 << 20};
    struct journal *j = NULL;

    strcpy(folder, "/tmp/ivory-cdr-XXXXXX");
    CHECK(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/journal.db", folder);
    CHECK(journal_open(&j, &cfg, NULL) == 0);
    return j;
}

static void end(struct journal *j, const char *key, int64_t time, const char *summary,
                const char *timeline)
{
    journal_begin(j, key, 1000, "b", "{}", 2, NULL);
    journal_end(j, key, time, summary, strlen(summary), timeline, strlen(timeline), false, NULL);
}

static void settle(struct journal *j)
{
    uint64_t at;

    journal_put_value(j, "last", "1", 1, &at);
    for (int i = 0; i < 5000 && journal_committed(j) < at; i++)
        nanosleep(&(struct timespec){0, 1000000}, NULL);
}

static void clean(struct journal *j)
{
    char command[128];

    journal_close(j);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    EXPECT_INT(system(command), 0);
}

static void rows_are_safe_to_open(void)
{
    struct journal *j = open_journal();
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);

    end(j, KEY_A, 2500,
        "{\"key\":\"" KEY_A "\",\"began\":1000,\"ended\":2500,\"from\":\"+4917\",\"to\":\"=cmd()\","
        "\"message\":\"a \\\"b\\\", c\",\"code\":200,\"prompts\":[\"one\",\"two\"]}",
        "[]");
    settle(j);
    EXPECT_INT(cdr_write(j, 0, true, f, NULL), 0);
    fclose(f);
    EXPECT_IN(out, "key,began,ended,ms,direction,from,to,flow,result,code,subcode,message,keys,"
                   "prompts,bundle\r\n\"" KEY_A "\",1970-01-01T00:00:01.000Z,"
                   "1970-01-01T00:00:02.500Z,,,\"+4917\",\"'=cmd()\",,,200,,\"a \"\"b\"\", c\",,"
                   "\"one two\",\r\n");
    free(out);
    clean(j);
}

static void only_later_ones(void)
{
    struct journal *j = open_journal();
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);

    end(j, KEY_A, 2500, "{\"a\":1}", "[]");
    end(j, KEY_B, 3500, "{\"b\":1}", "[]");
    settle(j);
    EXPECT_INT(cdr_write(j, 3000, false, f, NULL), 0);
    fclose(f);
    EXPECT_STR(out, "{\"b\":1}\n");
    free(out);
    clean(j);
}

static void since_is_a_date_or_a_span(void)
{
    static const char *const bad[] = {"",    "yesterday",  "7",          "7x",
                                      "-1d", "2026-13-01", "2026-11-23x"};
    struct error e = {""};
    int64_t at = 0;

    EXPECT_INT(cdr_since("1970-01-02", 0, &at, &e), 0);
    EXPECT_INT(at, 86400000);
    EXPECT_INT(cdr_since("1970-01-01T00:01:00Z", 0, &at, &e), 0);
    EXPECT_INT(at, 60000);
    EXPECT_INT(cdr_since("36h", 200000000, &at, &e), 0);
    EXPECT_INT(at, 200000000 - 36 * 3600000);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_INT(cdr_since(bad[i], 0, &at, &e), ERR_INVALID);
}

/* What `ivory show` writes of KEY_A. */
static char *show(struct journal *j, bool json)
{
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);

    EXPECT_INT(timeline_write(j, KEY_A, json, f, NULL), 0);
    fclose(f);
    return out;
}

static void a_timeline_never_shows_keys(void)
{
    struct journal *j = open_journal();

    end(j, KEY_A, 2500, "{\"result\":\"done\",\"keys\":1}",
        "[{\"at\":0,\"kind\":\"start\"},{\"at\":500,\"kind\":\"key\",\"sealed\":\"XYZ\"}]");
    settle(j);
    for (int json = 0; json < 2; json++) {
        char *out = show(j, json);

        EXPECT_IN(out, json ? "{\"at\":500,\"kind\":\"key\"}" : "0.500  key        number 1\n");
        EXPECT(!strstr(out, "XYZ"));
        free(out);
    }
    EXPECT_INT(timeline_write(j, KEY_B, false, stdout, NULL), ERR_NOTFOUND);
    clean(j);
}

/* What the journal has of a call in progress that was continued from another flow. */
static void a_call_in_progress_is_shown(void)
{
    static const char facts[] =
        "{\"kind\":\"start\",\"time\":11250,\"key\":\"" KEY_A
        "\",\"data\":{\"direction\":\"incoming\",\"call\":{\"source\":{\"identity\":{\"phone\":{"
        "\"id\":\"+15550100\"}}},\"targets\":[{\"identity\":{\"phone\":{\"id\":\"100\"}}}]},"
        "\"continue\":{\"flow\":\"hold\",\"from\":\"queue\",\"since\":1000}}}",
                      play[] =
                          "{\"kind\":\"method\",\"seq\":7,\"method\":\"playPrompt\",\"fiber\":"
                          "\"1\",\"where\":\"flows/hold.lua:5\",\"prompts\":[\"music\",\"hours\"]}";
    static const char *const expected[] = {
        "in progress; incoming, from +15550100 to 100\n"
        "     0.000  start      incoming\n"
        "    10.250  continue   hold, from queue\n"
        "    10.250  method     playPrompt \"music\" \"hours\"  at flows/hold.lua:5\n",
        "\"start\":{\"direction\":\"incoming\",\"from\":\"+15550100\",\"to\":\"100\"},\"timeline\":"
        "["
        "{\"at\":0,\"kind\":\"start\",\"what\":\"incoming\"},{\"at\":10250,\"kind\":\"continue\","
        "\"what\":\"hold\",\"from\":\"queue\"},{\"at\":10250,"};
    struct journal *j = open_journal();

    journal_begin(j, KEY_A, 1000, "b", facts, sizeof facts - 1, NULL);
    journal_append(j, KEY_A, JOURNAL_COMMAND, play, sizeof play - 1, NULL);
    settle(j);
    for (int json = 0; json < 2; json++) {
        char *out = show(j, json);

        EXPECT_IN(out, expected[json]);
        free(out);
    }
    clean(j);
}

static void what_cannot_be_read_is_said(void)
{
    struct journal *j = open_journal();
    struct error e = {""};
    FILE *f = fopen("/dev/null", "w");

    end(j, KEY_A, 2500, "no json", "[]");
    end(j, KEY_B, 2500, "{}", "neither");
    settle(j);
    EXPECT_INT(timeline_write(j, KEY_A, false, f, &e), ERR_INVALID);
    EXPECT_INT(timeline_write(j, KEY_B, false, f, &e), ERR_INVALID);
    EXPECT_INT(cdr_write(j, 0, true, f, &e), ERR_INVALID);
    fclose(f);
    clean(j);
}

const struct test cdr_tests[] = {
    TEST(rows_are_safe_to_open),
    TEST(only_later_ones),
    TEST(since_is_a_date_or_a_span),
    TEST(a_timeline_never_shows_keys),
    TEST(what_cannot_be_read_is_said),
    TEST(a_call_in_progress_is_shown),
    {0},
};
