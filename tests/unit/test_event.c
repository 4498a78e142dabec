#include "core/event.h"

#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static const char full[] = "{\"kind\":\"operation\",\"change\":\"deleted\",\"time\":1764000000123,"
                           "\"key\":\"0a\",\"leg\":2,"
                           "\"call_id\":\"57da\",\"seq\":7,\"status\":200,\"id\":\"op1\",\"data\":{"
                           "\"b\":1,\"a\":[null,\"x\"]}}";

static void lines_survive_unchanged(void)
{
    struct event ev = {0};
    struct error e = {{0}};
    char *text;

    EXPECT_INT(event_decode(&ev, full, strlen(full), &e), 0);
    EXPECT_INT(ev.kind, EVENT_OPERATION);
    EXPECT_INT(ev.change, CHANGE_DELETED);
    EXPECT_INT(ev.leg, 2);
    EXPECT_INT(ev.time, 1764000000123);
    text = event_encode(&ev);
    EXPECT_STR(text, full);
    free(text);
    event_fini(&ev);
    for (int k = 0; k < EVENT_KINDS; k++) {
        struct event one = {.kind = (enum event_kind)k, .time = 5}, back = {0};

        text = event_encode(&one);
        EXPECT_INT(event_decode(&back, text, strlen(text), &e), 0);
        EXPECT_INT(back.kind, k);
        free(text);
    }
}

static void bad_lines_are_named(void)
{
    static const char *const bad[][2] = {
        {"", "JSON"},
        {"[]", "not an object"},
        {"{}", "kind"},
        {"{\"kind\":\"nonsense\"}", "kind"},
        {"{\"kind\":\"tone\",\"change\":\"sideways\"}", "change"},
        {"{\"kind\":\"tone\",\"time\":-1}", "time"},
        {"{\"kind\":\"tone\",\"seq\":4294967296}", "seq"},
        {"{\"kind\":\"tone\",\"leg\":\"1\"}", "leg"},
        {"{\"kind\":\"tone\",\"key\":\"0123456789012345678901234567890123456789\"}", "key"},
        {"{\"kind\":\"tone\",\"id\":7}", "id"},
        {"{\"kind\":\"tone\",\"id\":\"a\\\"b\"}", "id"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct event ev = {0};
        struct error e = {{0}};

        EXPECT_INT(event_decode(&ev, bad[i][0], strlen(bad[i][0]), &e), ERR_INVALID);
        EXPECT_IN(e.text, bad[i][1]);
        EXPECT(!ev.data);
    }
}

static void no_allocation_is_needed_to_stay_whole(void)
{
    EVERY_ALLOCATION(n)
    {
        struct event ev = {0}, copy = {0};
        struct event_list list = {0};
        struct error e;

        if (event_decode(&ev, full, strlen(full), &e) == 0) {
            free(event_encode(&ev));
            if (event_copy(&copy, &ev) == 0 && event_list_add(&list, &copy) == 0)
                EXPECT(!copy.data);
            event_fini(&copy);
        }
        event_fini(&ev);
        event_list_fini(&list);
    }
}

const struct test event_tests[] = {
    TEST(lines_survive_unchanged),
    TEST(bad_lines_are_named),
    TEST(no_allocation_is_needed_to_stay_whole),
    {0},
};
