#include "host/canary.h"

#include "tests/unit/test.h"

static void a_share_is_picked_evenly(void)
{
    struct canary c = {.percent = 5};
    int picked = 0, longest = 0, since = 0;

    for (int i = 0; i < 1000; i++) {
        bool yes = canary_picks(&c);

        picked += yes;
        since = yes ? 0 : since + 1;
        longest = since > longest ? since : longest;
    }
    EXPECT_INT(picked, 50);
    EXPECT_INT(longest, 19);
}

static void enough_good_calls_decide(void)
{
    struct canary c = {.percent = 5, .wanted = 100};

    for (int i = 0; i < 99; i++)
        EXPECT_INT(canary_ended(&c, false, 0, 0), CANARY_WAIT);
    EXPECT_INT(canary_ended(&c, false, 0, 0), CANARY_GOOD);
}

static void failures_decide_when_they_are_more_than_with_the_old(void)
{
    struct canary c = {.percent = 5, .wanted = 100};

    /* Too few calls to judge. */
    for (int i = 1; i < CANARY_LEAST; i++)
        EXPECT_INT(canary_ended(&c, true, 1000, 0), CANARY_WAIT);
    EXPECT_INT(canary_ended(&c, true, 1000, 0), CANARY_BAD);

    /* As many as before, give or take. */
    c = (struct canary){.percent = 5, .wanted = 100};
    for (int i = 0; i < 50; i++)
        EXPECT_INT(canary_ended(&c, i % 5 == 0, 1000, 200), CANARY_WAIT);

    /* One bad call among many is chance. */
    c = (struct canary){.percent = 5, .wanted = 100, .good = 50};
    EXPECT_INT(canary_ended(&c, true, 1000, 0), CANARY_WAIT);
    EXPECT_INT(canary_ended(&c, true, 1000, 0), CANARY_BAD);
}

const struct test canary_tests[] = {TEST(a_share_is_picked_evenly),
                                    TEST(enough_good_calls_decide),
                                    TEST(failures_decide_when_they_are_more_than_with_the_old),
                                    {0}};
