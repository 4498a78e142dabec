#include "test.h"

#include "base/json.h"
#include "host/difference.h"

#include <stdlib.h>
#include <string.h>

static struct bundle *bundle_of(const char *text)
{
    struct bundle_source sources[] = {{"flows/main.lua", text, strlen(text)}, {NULL, NULL, 0}};
    struct bundle *b = NULL;
    struct error e = {""};

    EXPECT_INT(bundle_from(&b, sources, &e), 0);
    return b;
}

static char *written(const struct difference *d, const struct bundle *then,
                     const struct bundle *now)
{
    char *text = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&text, &n);

    difference_write(f, d, then, now);
    fclose(f);
    return text;
}

static void line_stands_against_line(void)
{
    static const char answer[] = "{\"kind\":\"method\",\"method\":\"answer\",\"fiber\":\"1\","
                                 "\"where\":\"flows/main.lua:2\"}";
    struct bundle *then = bundle_of("local M = {}\n  call:answer()\r\n"),
                  *now = bundle_of("call:playPrompt\t'a'\a --\n");
    struct command c = {.kind = COMMAND_METHOD,
                        .method = "playPrompt",
                        .fiber = "1.2",
                        .where = "flows/main.lua:1"};
    struct difference d = {.arguments = false};
    struct error e = {""};
    cJSON *recorded = NULL;
    char *text;

    EXPECT_INT(json_parse(&recorded, answer, sizeof answer - 1, NULL), 0);
    difference_recorded(&d.then, recorded);
    difference_issued(&d.now, &c);
    EXPECT_INT(difference_error(&e, &d), ERR_CONFLICT);
    EXPECT_STR(e.text, "it does not repeat what it did: recorded answer (fiber 1) at "
                       "flows/main.lua:2, now playPrompt (fiber 1.2) at flows/main.lua:1");
    text = written(&d, then, now);
    EXPECT_STR(text,
               "    recorded  answer      fiber 1    flows/main.lua:2  call:answer()\n"
               "    now       playPrompt  fiber 1.2  flows/main.lua:1  call:playPrompt 'a'  --\n");
    free(text);
    d.arguments = true;
    difference_error(&e, &d);
    EXPECT_IN(e.text, "other arguments: ");
    cJSON_Delete(recorded);
    bundle_unref(then);
    bundle_unref(now);
}

/* A place that is none, or not there any more, has no source; nor has nothing. */
static void a_place_that_is_not_there(void)
{
    static const char *const places[] = {"",
                                         "main",
                                         "flows/main.lua",
                                         "flows/main.lua:0",
                                         "flows/main.lua:-1",
                                         "flows/main.lua:3",
                                         "flows/main.lua:99999999999999999999",
                                         "flows/other.lua:1",
                                         ":",
                                         "flows/main.lua:x"};
    struct bundle *b = bundle_of("\nx");

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct difference d = {.arguments = false};
        char *text, want[200];

        difference_issued(&d.then, NULL);
        snprintf(d.now.where, sizeof d.now.where, "%s", places[i]);
        text = written(&d, b, b);
        EXPECT(strncmp(text, "    recorded  nothing\n    now", 29) == 0);
        snprintf(want, sizeof want, "%s\n", places[i][0] ? places[i] : "now");
        EXPECT(strcmp(text + strlen(text) - strlen(want), want) == 0);
        free(text);
    }
    bundle_unref(b);
}

static void a_long_line_is_cut(void)
{
    char source[400];
    struct difference d = {.arguments = false};
    struct bundle *b;
    char *text;

    memset(source, 'x', sizeof source);
    source[sizeof source - 1] = '\0';
    b = bundle_of(source);
    strcpy(d.now.where, "flows/main.lua:1");
    text = written(&d, b, b);
    EXPECT(strlen(text) < 250);
    EXPECT_IN(text, "xxxxxxxxxx\n");
    free(text);
    bundle_unref(b);
}

const struct test difference_tests[] = {
    TEST(line_stands_against_line),
    TEST(a_place_that_is_not_there),
    TEST(a_long_line_is_cut),
    {0},
};
