/* The parser and the printer beside cJSON's own, which they stand in for. */
#include "base/json.h"
#include "base/random.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

/* What we take cJSON takes too, and both print the same; a copy is the same again. */
static bool agrees(const char *text, size_t n)
{
    cJSON *ours = NULL, *theirs, *copy;
    char *a, *b, *c;

    if (json_parse(&ours, text, n, NULL))
        return false;
    theirs = cJSON_ParseWithLength(text, n);
    copy = json_copy(ours);
    EXPECT(theirs != NULL);
    a = json_text(ours);
    b = cJSON_PrintUnformatted(theirs);
    EXPECT_STR(a, b);
    cJSON_Delete(ours); /* the copy leans on nothing of it */
    c = json_text(copy);
    EXPECT_STR(c, b);
    free(a);
    cJSON_free(b);
    free(c);
    cJSON_Delete(theirs);
    cJSON_Delete(copy);
    return true;
}

static void takes_and_prints_as_the_library(void)
{
    static const char *const good[] = {"0",
                                       "-0",
                                       "7",
                                       "-12",
                                       "123456789012345",
                                       "1234567890123456789",
                                       "2147483647",
                                       "2147483648",
                                       "-2147483648",
                                       "-2147483649",
                                       "0.1",
                                       "1e3",
                                       "1E-7",
                                       "1.7976931348623157e308",
                                       "1e999",
                                       "3.141592653589793",
                                       "0.30000000000000004",
                                       " true ",
                                       "\tfalse\r\n",
                                       "null",
                                       "\"\"",
                                       "[]",
                                       "{}",
                                       "[ ]",
                                       "{ }",
                                       "[1 , 2]",
                                       "{ \"a\" : 1 , \"b\" : [ { } ] }",
                                       "{\"a\":1,\"a\":2}",
                                       "{\"\":0}",
                                       "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                                       "\"\\u0001\\u001f\\u007f\\u0080\\u07ff\"",
                                       "\"\\u0800\\uffff\\ud83d\\ude00 \\uD834\\uDD1E\"",
                                       "\"plain text of more than eight\"",
                                       "\"eight by\"",
                                       "\"1234567\\\"\"",
                                       "\"\x7F\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\"",
                                       "{\"a\\u0062\":\"c\"}",
                                       "\xEF\xBB\xBF[1]"};

    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        if (!agrees(good[i], strlen(good[i])))
            test_expect(false, __FILE__, __LINE__, "%s was not taken", good[i]);
    }
}

static void refuses(void)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "nul",
                                      "tru",
                                      "falsy",
                                      "'a'",
                                      "+1",
                                      "-",
                                      ".5",
                                      "[",
                                      "]",
                                      "[1",
                                      "[1 2]",
                                      "[,1]",
                                      "{\"a\"}",
                                      "{\"a\":}",
                                      "{\"a\" 1}",
                                      "{a:1}",
                                      "{1:2}",
                                      "{\"a\":1,}",
                                      "{,}",
                                      "[1}",
                                      "{\"a\":1]",
                                      "\"",
                                      "\"a",
                                      "\"\\",
                                      "\"\\\"",
                                      "\"\\x\"",
                                      "\"\\u12\"",
                                      "\"\\u12g4\"",
                                      "\"\\ud800\"",
                                      "\"\\ud800\\u0041\"",
                                      "\"\\ude00\"",
                                      "\"\\ud83d\\u",
                                      "1 2",
                                      "{}{}",
                                      "\f1",
                                      "\x80",
                                      "\"\xC3\"",
                                      "[\"a\",\"b]"};
    cJSON *v;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        /* Behind the text there is nothing that could be looked at. */
        char *text = malloc(strlen(bad[i]) + !*bad[i]);

        memcpy(text, bad[i], strlen(bad[i]));
        test_expect(json_parse(&v, text, strlen(bad[i]), NULL) == ERR_INVALID, __FILE__, __LINE__,
                    "%s was taken", bad[i]);
        free(text);
    }
}

/* Good text with a few bytes changed. */
static void agrees_on_damaged_text(void)
{
    static const char seed[] =
        "{\"@odata.type\":\"#microsoft.graph.call\",\"n\":[0,-1.5e2,true,null,\"\\u00e4\\n\"],"
        "\"source\":{\"identity\":{\"id\":\"57dab8b1-894c-409a\",\"name\":\"J\xC3\xBCrgen\"}}}";
    static const char bytes[] = "{}[]\",:\\u0d8ce1.-+ \n\xC3\xA4tfn";
    struct random r;
    int taken = 0;

    random_seed(&r, 7);
    for (int round = 0; round < 20000; round++) {
        char text[sizeof seed];
        size_t n = sizeof seed - 1;

        memcpy(text, seed, n);
        for (uint64_t k = random_below(&r, 4); k > 0; k--)
            text[random_below(&r, n)] = bytes[random_below(&r, sizeof bytes - 1)];
        taken += agrees(text, random_below(&r, 8) ? n : random_below(&r, n));
    }
    EXPECT(taken > 2000 && taken < 18000);
}

/* What is put into an object has its own name and text, wherever both came from. */
static void sets_what_lies_within(void)
{
    static const char text[] = "{\"a\":\"x\",\"b\":{\"c\":\"y\"}}";
    cJSON *o = NULL;
    char *out;

    EXPECT_INT(json_parse(&o, text, strlen(text), NULL), 0);
    EXPECT_INT(json_set_str(o, json_get(o, "a")->string, json_str(o, "a")), 0);
    EXPECT_INT(json_set_copy(o, "d", json_get(o, "b")), 0);
    EXPECT_INT(json_set(o, "e", cJSON_DetachItemFromObject(o, "b")), 0);
    EXPECT_INT(json_set_raw(o, "f", "[1]"), 0);
    EXPECT_INT(json_set_str(o, "g", NULL), ERR_NOMEM);
    EXPECT_INT(json_set_int(NULL, "g", 1), ERR_NOMEM);
    out = json_text(o);
    EXPECT_STR(out, "{\"a\":\"x\",\"d\":{\"c\":\"y\"},\"e\":{\"c\":\"y\"},\"f\":[1]}");
    free(out);
    cJSON_Delete(o);
}

const struct test json_tests[] = {TEST(takes_and_prints_as_the_library),
                                  TEST(refuses),
                                  TEST(agrees_on_damaged_text),
                                  TEST(sets_what_lies_within),
                                  {0}};
