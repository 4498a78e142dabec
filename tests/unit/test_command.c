#include "core/command.h"

#include "base/json.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static struct command example(void)
{
    struct command c = {.kind = COMMAND_METHOD, .key = "0a", .leg = 1, .seq = 3};

    c.method = "playPrompt";
    strcpy(c.fiber, "1.2");
    strcpy(c.where, "flows/\"odd\".lua:12");
    json_parse(&c.args, "{\"prompts\":[],\"loop\":true}", 26, NULL);
    json_parse(&c.ids, "{\"participant\":\"p\"}", 19, NULL);
    return c;
}

static void lines_are_canonical(void)
{
    struct command c = example(), copy = {0};
    char *text = command_encode(&c), *again;

    EXPECT_STR(text,
               "{\"kind\":\"method\",\"key\":\"0a\",\"leg\":1,\"seq\":3,\"method\":\"playPrompt\","
               "\"fiber\":\"1.2\",\"where\":\"flows/\\\"odd\\\".lua:12\","
               "\"ids\":{\"participant\":\"p\"},\"args\":{\"loop\":true,\"prompts\":[]}}");
    EXPECT_INT(command_copy(&copy, &c), 0);
    command_fini(&c);
    again = command_encode(&copy);
    EXPECT_STR(again, text);
    free(text);
    free(again);
    command_fini(&copy);
}

static void lists_take_over(void)
{
    EVERY_ALLOCATION(n)
    {
        struct command_list l = {0};
        struct command c = example(), copy = {0};

        if (command_copy(&copy, &c) == 0 && command_list_add(&l, &copy) == 0) {
            EXPECT(!copy.args);
            free(command_encode(&l.items[0]));
        }
        command_fini(&copy);
        command_fini(&c);
        command_list_reset(&l);
        EXPECT_INT(l.n, 0);
        command_list_fini(&l);
    }
}

const struct test command_tests[] = {
    TEST(lines_are_canonical),
    TEST(lists_take_over),
    {0},
};
