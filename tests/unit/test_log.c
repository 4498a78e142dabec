#include "test.h"

#include "base/json.h"
#include "net/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What `l` writes goes to memory; the caller frees it. */
static void written(char **text, struct log *l, void (*write)(struct log *))
{
    size_t n;

    *text = NULL;
    l->to = open_memstream(text, &n);
    write(l);
    fclose(l->to);
}

static void one_of_each(struct log *l)
{
    log_write(l, LOG_DEBUG, NULL, "not shown");
    log_write(l, LOG_WARN, &(struct log_call){"0123abcd", "main", "618279c80dff"},
              "line one\nline two\t\x1b[31m \"q\" b\\ %d \xC3\xA4 \xFF", 7);
}

static void nothing(struct log *l)
{
    log_write(l, LOG_INFO, NULL, "below");
}

static void writes_text(void)
{
    struct log l = {.least = LOG_INFO};
    char *text;

    written(&text, &l, one_of_each);
    EXPECT_IN(text, "Z warn call=0123abcd flow=main bundle=618279c80dff line one\\nline "
                    "two\\t\\x1b[31m \"q\" b\\\\ 7 \xC3\xA4 "
                    "\\xff\n");
    EXPECT_INT(strchr(text, '\n') - text, strlen(text) - 1);
    EXPECT_INT(text[10], 'T');
    EXPECT_INT(text[23], 'Z');
    free(text);
}

static void writes_json(void)
{
    struct log l = {.least = LOG_INFO, .json = true};
    char *text;
    cJSON *v = NULL;

    written(&text, &l, one_of_each);
    EXPECT_INT(json_parse(&v, text, strlen(text) - 1, NULL), 0);
    EXPECT_STR(json_str(v, "level"), "warn");
    EXPECT_STR(json_str(v, "call"), "0123abcd");
    EXPECT_STR(json_str(v, "flow"), "main");
    EXPECT_STR(json_str(v, "bundle"), "618279c80dff");
    EXPECT_STR(json_str(v, "text"), "line one\nline two\t\x1b[31m \"q\" b\\ 7 \xC3\xA4 \xC3\xBF");
    EXPECT_INT(strlen(json_str(v, "time")), 24);
    cJSON_Delete(v);
    free(text);
}

static void says_priorities(void)
{
    struct log l = {.least = LOG_DEBUG, .priorities = true};
    char *text;

    written(&text, &l, one_of_each);
    EXPECT(strncmp(text, "<7>2", 4) == 0);
    EXPECT_IN(text, "\n<4>2");
    free(text);
}

static void keeps_quiet_below_its_level(void)
{
    struct log l = {.least = log_level_parse("warn")};
    char *text;

    written(&text, &l, nothing);
    EXPECT_STR(text, "");
    free(text);
    EXPECT_INT(log_level_parse("error"), LOG_ERROR);
    EXPECT_INT(log_level_parse("shout"), LOG_INFO);
    EXPECT_INT(log_level_parse(NULL), LOG_INFO);
}

static void long_one(struct log *l)
{
    char *big = malloc(100001);

    memset(big, 1, 100000);
    big[100000] = '\0';
    test_fail_allocation(0);
    log_write(l, LOG_ERROR, &(struct log_call){big, big, big}, "%s", big);
    test_fail_allocation(-1);
    free(big);
}

static void cuts_long_texts(void)
{
    struct log l = {.json = true};
    char *text;
    cJSON *v = NULL;

    written(&text, &l, long_one);
    EXPECT_INT(json_parse(&v, text, strlen(text) - 1, NULL), 0);
    EXPECT_INT(strlen(json_str(v, "text")), 4095);
    EXPECT_IN(json_str(v, "text"), "...");
    cJSON_Delete(v);
    free(text);
}

static void *hundred(void *arg)
{
    for (int i = 0; i < 100; i++)
        log_write(arg, LOG_INFO, &(struct log_call){.key = "k"},
                  "0123456789012345678901234567890123456789");
    return NULL;
}

static void together(struct log *l)
{
    pthread_t t[4];

    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, hundred, l);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
}

static void threads_do_not_mix_lines(void)
{
    struct log l = {.least = LOG_DEBUG};
    char *text, *at;
    int lines = 0;

    written(&text, &l, together);
    at = text;
    for (char *end; (end = strchr(at, '\n')); at = end + 1, lines++)
        EXPECT_INT(end - at, 24 + 1 + 4 + 1 + 6 + 1 + 40);
    EXPECT_INT(lines, 400);
    free(text);
}

static unsigned count(const char *text, const char *what)
{
    unsigned n = 0;

    while ((text = strstr(text, what))) {
        text += strlen(what);
        n++;
    }
    return n;
}

static void flood(struct log *l)
{
    char big[4000];

    memset(big, 'x', sizeof big);
    big[sizeof big - 1] = '\0';
    for (int i = 0; i < 2000; i++)
        log_write(l, LOG_INFO, NULL, "a%s", big);
    for (int i = 0; i < 100; i++)
        log_write(l, LOG_ERROR, NULL, "beside it");
}

struct ending {
    struct log_writer *writer;
    int fd;
};

static void *end_writer(void *arg)
{
    struct ending *e = arg;

    log_writer_free(e->writer);
    close(e->fd);
    return NULL;
}

/* Until `text` has `want` bytes, or nothing more can come. */
static size_t take(int fd, char *text, size_t n, size_t want)
{
    ssize_t got;

    while (n < want && (got = read(fd, text + n, want - n)) > 0)
        n += (size_t)got;
    text[n] = '\0';
    return n;
}

static void a_log_that_is_not_read_is_not_waited_for(void)
{
    struct log l = {.least = LOG_INFO};
    char *text = malloc(2 * LOG_WRITER_BYTES), *at;
    unsigned kept, told = 0;
    size_t n;
    pthread_t end;
    int ends[2];

    EXPECT_INT(pipe(ends), 0);
    EXPECT_INT(log_writer_new(&l.writer, ends[1], NULL), 0);
    flood(&l); /* nobody reads it, and here we are */
    n = take(ends[0], text, 0, LOG_WRITER_BYTES / 4);
    log_write(&l, LOG_INFO, NULL, "after it");
    pthread_create(&end, NULL, end_writer, &(struct ending){l.writer, ends[1]});
    take(ends[0], text, n, 2 * LOG_WRITER_BYTES - 1);
    pthread_join(end, NULL);
    close(ends[0]);
    kept = count(text, " info axxx");
    EXPECT(kept >= LOG_WRITER_BYTES / 2 / 4100 && kept < 700);
    EXPECT_INT(count(text, " error beside it\n"), 100);
    EXPECT_INT(count(text, " info after it\n"), 1);
    for (at = text; (at = strstr(at, "Z warn ")); at++)
        told += (unsigned)atoi(at + 7);
    EXPECT_INT(told, 2000 - kept);
    free(text);
}

static void what_is_kept_is_written_before_the_end(void)
{
    struct log l = {.least = LOG_DEBUG};
    char text[32 << 10];
    int ends[2];

    EXPECT_INT(pipe(ends), 0);
    EXPECT_INT(log_writer_new(&l.writer, ends[1], NULL), 0);
    together(&l);
    log_writer_free(l.writer);
    close(ends[1]);
    EXPECT_INT(take(ends[0], text, 0, sizeof text - 1), 400 * 78);
    EXPECT_INT(count(text, "Z info call=k 0123456789012345678901234567890123456789\n"), 400);
    close(ends[0]);
}

const struct test log_tests[] = {TEST(writes_text),
                                 TEST(writes_json),
                                 TEST(says_priorities),
                                 TEST(keeps_quiet_below_its_level),
                                 TEST(cuts_long_texts),
                                 TEST(threads_do_not_mix_lines),
                                 TEST(a_log_that_is_not_read_is_not_waited_for),
                                 TEST(what_is_kept_is_written_before_the_end),
                                 {0}};
