/* Handles: Lua's objects name what the machine has, whichever goes first. */
#include "core/handle.h"

#include "base/error.h"
#include "test.h"

static void an_old_handle_finds_nothing(void)
{
    struct handle_table t = {0};
    struct named first = {0}, second = {0};
    struct handle a, b, c, none = {0};
    int one = 1, two = 2;

    EXPECT(handle_target(&t, &none) == NULL);
    handle_close(&t, &none);
    named_drop(&t, &first); /* nobody names it */
    EXPECT_INT(handle_open(&t, &first, &one, &a), 0);
    EXPECT_INT(handle_open(&t, &first, &one, &b), 0);
    EXPECT_INT(first.handles, 2);
    EXPECT(handle_target(&t, &a) == &one && handle_target(&t, &b) == &one);
    handle_close(&t, &a);
    EXPECT_INT(first.handles, 1);
    named_drop(&t, &first);
    EXPECT_INT(first.handles, 0);
    EXPECT(handle_target(&t, &b) == NULL);
    EXPECT_INT(handle_open(&t, &second, &two, &c), 0); /* in the same place */
    EXPECT_INT(c.place, b.place);
    EXPECT(handle_target(&t, &b) == NULL && handle_target(&t, &c) == &two);
    handle_close(&t, &b); /* late, and none of its business */
    EXPECT_INT(second.handles, 1);
    handle_table_fini(&t);
}

static void many_are_kept_apart(void)
{
    enum { MANY = 1000 };
    static struct named named[MANY];
    static struct handle handles[MANY];
    static int things[MANY];
    struct handle_table t = {0};

    for (int i = 0; i < MANY; i++)
        EXPECT_INT(handle_open(&t, &named[i], &things[i], &handles[i]), 0);
    for (int i = 0; i < MANY; i += 2)
        named_drop(&t, &named[i]);
    for (int i = 0; i < MANY; i++)
        EXPECT(handle_target(&t, &handles[i]) == (i % 2 ? &things[i] : NULL));
    handle_table_fini(&t);
}

static void without_memory_nothing_is_named(void)
{
    struct handle_table t = {0};
    struct named named = {0};
    struct handle h = {0};
    int thing;

    test_fail_allocation(0);
    EXPECT_INT(handle_open(&t, &named, &thing, &h), ERR_NOMEM);
    test_fail_allocation(-1);
    EXPECT_INT(named.handles, 0);
    EXPECT(handle_target(&t, &h) == NULL);
    EXPECT_INT(handle_open(&t, &named, &thing, &h), 0);
    EXPECT(handle_target(&t, &h) == &thing);
    handle_table_fini(&t);
}

const struct test handle_tests[] = {TEST(an_old_handle_finds_nothing),
                                    TEST(many_are_kept_apart),
                                    TEST(without_memory_nothing_is_named),
                                    {0}};
