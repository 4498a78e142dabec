/*
 * Unit tests: one file a module, plain functions listed in a table. No framework.
 *
 *   static void parses_numbers(void) { EXPECT_INT(1, 1); }
 *   const struct test json_tests[] = {TEST(parses_numbers), {0}};
 *
 * in tests/unit/test_json.c; the build finds it. Failing memory: `test_fail_allocation(n)` lets the
 * n-th allocation from now on (0 = the next) and all after it fail, -1 switches that off;
 * EVERY_ALLOCATION repeats a body with n = 0, 1, 2, ... until the body ran without meeting one, and
 * once more with the n-th alone failing.
 */
#ifndef IVORY_TESTS_UNIT_TEST_H
#define IVORY_TESTS_UNIT_TEST_H

#include <stdbool.h>
#include <stddef.h>

struct test {
    const char *name;
    void (*run)(void);
};

#define TEST(f)                                                                                    \
    {                                                                                              \
#f, f                                                                                      \
    }

bool test_expect(bool ok, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
bool test_expect_int(long long got, long long want, const char *what, const char *file, int line);
bool test_expect_str(const char *got, const char *want, const char *what, const char *file,
                     int line);

#define EXPECT(cond) test_expect((cond), __FILE__, __LINE__, "%s", #cond)
#define EXPECT_INT(got, want)                                                                      \
    test_expect_int((long long)(got), (long long)(want), #got, __FILE__, __LINE__)
#define EXPECT_STR(got, want) test_expect_str((got), (want), #got, __FILE__, __LINE__)
/* The text `got` contains `part`. */
bool test_expect_in(const char *got, const char *part, const char *what, const char *file,
                    int line);
#define EXPECT_IN(got, part) test_expect_in((got), (part), #got, __FILE__, __LINE__)

void test_fail_allocation(long n);
void test_fail_one_allocation(long n); /* that one only: memory is there again at once */
/* From here (true) to there (false) allocations are the test's own: granted, and not counted. */
void test_hold_allocation(bool hold);
bool test_allocation_failed(void); /* whether one was refused since the last test_fail_allocation */

#define EVERY_ALLOCATION(n)                                                                        \
    for (long n = 0, more_ = 1, once_ = 0;                                                         \
         more_ && ((once_ ? test_fail_one_allocation : test_fail_allocation)(n), 1);               \
         (void)(test_allocation_failed() ? n++                                                     \
                : once_                  ? (more_ = 0)                                             \
                                         : (once_ = 1, n = 0)),                                                     \
              test_fail_allocation(-1))

/* The whole file `path` (relative to the project's root), NUL-terminated; stops the run when it
 * cannot be read. */
char *test_read_file(const char *path, size_t *n);

#endif
