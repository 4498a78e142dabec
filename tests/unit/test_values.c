#include "tests/unit/test.h"

#include "base/json.h"
#include "host/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is committed: one value, and how far. */
struct past {
    const char *name, *text;
    uint64_t committed;
    int err, asked;
};

static int past_get(void *arg, const char *name, void **p, size_t *n, struct error *e)
{
    struct past *s = arg;

    s->asked++;
    if (s->err)
        return error_set(e, s->err, "no");
    if (!s->name || strcmp(name, s->name) != 0)
        return error_set(e, ERR_NOTFOUND, "none");
    *p = strdup(s->text);
    *n = strlen(s->text);
    return *p ? 0 : ERR_NOMEM;
}

static uint64_t past_committed(void *arg)
{
    return ((struct past *)arg)->committed;
}

/* What a command answers, as text; `position` of its write, 0: none. */
static const char *does(struct values *v, const char *args, uint64_t position)
{
    static char said[256];
    struct command c = {.kind = COMMAND_STORE, .key = "k", .leg = 0, .seq = 7};
    struct values_change change;
    struct event answer;
    char *text;

    CHECK(json_parse(&c.args, args, strlen(args), NULL) == 0);
    if (values_apply(v, &c, &answer, &change)) {
        command_fini(&c);
        return "no memory";
    }
    EXPECT_INT(answer.seq, 7);
    EXPECT_STR(answer.key, "k");
    text = json_text(answer.data);
    snprintf(said, sizeof said, "%d %s%s%s", answer.status, text ? text : "",
             change.name[0] ? " writes " : "",
             change.name[0] ? (change.text ? change.text : "nothing") : "");
    free(text);
    if (change.name[0])
        values_written(v, &change, position);
    values_change_fini(&change);
    event_fini(&answer);
    command_fini(&c);
    return said;
}

#define GET(n)     "{\"op\":\"get\",\"name\":\"" n "\"}"
#define PUT(n, x)  "{\"op\":\"put\",\"name\":\"" n "\",\"value\":" x "}"
#define INCR(n, x) "{\"op\":\"incr\",\"name\":\"" n "\",\"value\":" x "}"

static void in_memory(void)
{
    struct values *v;

    CHECK(values_new(&v, NULL) == 0);
    EXPECT_STR(does(v, GET("a"), 0), "200 {}");
    EXPECT_STR(does(v, PUT("a", "{\"x\":[1]}"), 0),
               "200 {\"value\":{\"x\":[1]}} writes {\"x\":[1]}");
    EXPECT_STR(does(v, GET("a"), 0), "200 {\"value\":{\"x\":[1]}}");
    EXPECT_STR(does(v, "{\"op\":\"put\",\"name\":\"a\"}", 0), "200 {} writes nothing");
    EXPECT_STR(does(v, GET("a"), 0), "200 {}");
    EXPECT_STR(does(v, INCR("n", "1"), 0), "200 {\"value\":1} writes 1");
    EXPECT_STR(does(v, INCR("n", "-2.5"), 0), "200 {\"value\":-1.5} writes -1.5");
    values_free(v);
}

static void what_cannot_be_added_is_said(void)
{
    struct values *v;

    CHECK(values_new(&v, NULL) == 0);
    does(v, PUT("t", "\"text\""), 0);
    does(v, PUT("big", "999999999999999"), 0);
    EXPECT_IN(does(v, INCR("t", "1"), 0), "0 {\"error\":{\"code\":\"notANumber\"");
    EXPECT_IN(does(v, INCR("big", "2"), 0), "0 {\"error\":{\"code\":\"notANumber\"");
    EXPECT_IN(does(v, INCR("n", "\"1\""), 0), "0 {\"error\":{\"code\":\"notANumber\"");
    EXPECT_IN(does(v, "{\"op\":\"get\"}", 0), "0 {\"error\":{\"code\":\"badArgument\"");
    EXPECT_STR(does(v, GET("t"), 0), "200 {\"value\":\"text\"}");
    values_free(v);
}

static void earlier_values_are_read_and_later_ones_go_before_them(void)
{
    struct past past = {.name = "n", .text = "41"};
    struct values_source source = {past_get, past_committed, &past};
    struct values *v;

    CHECK(values_new(&v, &source) == 0);
    EXPECT_STR(does(v, GET("n"), 0), "200 {\"value\":41}");
    EXPECT_STR(does(v, INCR("n", "1"), 5), "200 {\"value\":42} writes 42");
    EXPECT_STR(does(v, INCR("n", "1"), 6), "200 {\"value\":43} writes 43");
    EXPECT_INT(past.asked, 2);
    past.err = ERR_IO;
    EXPECT_IN(does(v, GET("other"), 0), "0 {\"error\":{\"code\":\"unreadable\"");
    EXPECT_STR(does(v, GET("n"), 0), "200 {\"value\":43}");
    values_free(v);
}

static void what_is_committed_is_not_held(void)
{
    struct past past = {.name = "x7", .text = "\"from the journal\""};
    struct values_source source = {past_get, past_committed, &past};
    struct values *v;

    CHECK(values_new(&v, &source) == 0);
    for (int i = 0; i < 400; i++) {
        char args[80];

        snprintf(args, sizeof args, PUT("x%d", "1"), i);
        past.committed = (uint64_t)i / 2;
        does(v, args, (uint64_t)i);
    }
    EXPECT_STR(does(v, GET("x7"), 0), "200 {\"value\":\"from the journal\"}");
    EXPECT_STR(does(v, GET("x399"), 0), "200 {\"value\":1}");
    EXPECT_STR(does(v, GET("x0"), 0), "200 {\"value\":1}"); /* never written: kept for good */
    values_free(v);
}

static void failing_memory_changes_nothing(void)
{
    struct values *v = NULL;
    char want[40];
    int done = 0;

    CHECK(values_new(&v, NULL) == 0);
    does(v, PUT("n", "1"), 0);
    EVERY_ALLOCATION(n)
    {
        struct command c = {.kind = COMMAND_STORE, .key = "k", .seq = 7};
        struct values_change change;
        struct event answer;
        int err;

        if (json_parse(&c.args, INCR("n", "1"), strlen(INCR("n", "1")), NULL))
            continue;
        err = values_apply(v, &c, &answer, &change);
        if (!err) {
            done += change.name[0] != '\0';
            values_change_fini(&change);
            event_fini(&answer);
        }
        command_fini(&c);
    }
    snprintf(want, sizeof want, "200 {\"value\":%d}", 1 + done);
    EXPECT_STR(does(v, GET("n"), 0), want);
    values_free(v);
}

const struct test values_tests[] = {
    TEST(in_memory),
    TEST(what_cannot_be_added_is_said),
    TEST(earlier_values_are_read_and_later_ones_go_before_them),
    TEST(what_is_committed_is_not_held),
    TEST(failing_memory_changes_nothing),
    {0},
};
