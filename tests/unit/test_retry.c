#include "graph/retry.h"

#include "test.h"

static void reads_retry_after(void)
{
    EXPECT_INT(retry_after_ms("2"), 2000);
    EXPECT_INT(retry_after_ms("2.128"), 2128);
    EXPECT_INT(retry_after_ms("0.0005"), 1);
    EXPECT_INT(retry_after_ms("1.1280"), 1128);
    EXPECT_INT(retry_after_ms("0"), 0);
    EXPECT_INT(retry_after_ms("99999999999999999999999"), 3600000);
    EXPECT_INT(retry_after_ms(NULL), -1);
    EXPECT_INT(retry_after_ms(""), -1);
    EXPECT_INT(retry_after_ms("-1"), -1);
    EXPECT_INT(retry_after_ms("1e3"), -1);
    EXPECT_INT(retry_after_ms("Wed, 21 Oct 2026 07:28:00 GMT"), -1);
}

static void repeats_what_was_throttled(void)
{
    EXPECT_INT(retry_delay(429, "2.128", false, 1, 0), 2128);
    EXPECT_INT(retry_delay(503, "1", false, 1, 0), 1000);
    EXPECT_INT(retry_delay(429, "0", false, 1, 0), 100); /* not at once */
    EXPECT_INT(retry_delay(429, NULL, false, 1, 0), 125);
    EXPECT_INT(retry_delay(429, "1", false, RETRY_TRIES_THROTTLED, 0), -1);
}

static void repeats_failures_only_where_harmless(void)
{
    static const int failures[] = {0, 500, 502, 504};
    static const int answers[] = {200, 202, 301, 400, 401, 403, 404, 409, 412, 501, 505};

    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        EXPECT_INT(retry_delay(failures[i], NULL, true, 1, 0), 125);
        EXPECT_INT(retry_delay(failures[i], "9", true, 2, 0), 250);
        EXPECT_INT(retry_delay(failures[i], NULL, true, RETRY_TRIES, 0), -1);
        EXPECT_INT(retry_delay(failures[i], NULL, false, 1, 0), -1);
    }
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++)
        EXPECT_INT(retry_delay(answers[i], "1", true, 1, 0), -1);
}

static void backs_off_with_jitter(void)
{
    for (int tries = 1; tries < RETRY_TRIES_THROTTLED; tries++) {
        int64_t step = 250LL << (tries - 1) < 8000 ? 250LL << (tries - 1) : 8000;

        for (uint64_t random = 0; random < 100000; random += 1237) {
            int64_t delay = retry_delay(429, NULL, true, tries, random);

            EXPECT(delay >= step / 2 && delay <= step);
        }
    }
}

const struct test retry_tests[] = {
    TEST(reads_retry_after),
    TEST(repeats_what_was_throttled),
    TEST(repeats_failures_only_where_harmless),
    TEST(backs_off_with_jitter),
    {0},
};
