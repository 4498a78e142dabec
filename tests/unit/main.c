/* Runs the unit tests; arguments select by substring of "module.name". */
#include "test.h"

#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The build lists X(module) for every tests/unit/test_<module>.c. */
#define X(m) extern const struct test m##_tests[];
#include "modules.inc"
#undef X

static const struct {
    const char *name;
    const struct test *tests;
} modules[] = {
#define X(m) {#m, m##_tests},
#include "modules.inc"
#undef X
};

static long fail_at = -1;
static unsigned held; /* > 0: the test's own allocations, which are granted and not counted */
static bool refused, failed, once;

static bool refuse(void)
{
    if (fail_at < 0 || held)
        return false;
    if (fail_at > 0) {
        fail_at--;
        return false;
    }
    if (once)
        fail_at = -1;
    return refused = true;
}

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);

void *__wrap_malloc(size_t n)
{
    return refuse() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
    return refuse() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
    return refuse() ? NULL : __real_strdup(s);
}

void test_hold_allocation(bool hold)
{
    held = hold ? held + 1 : held - 1;
}

void test_fail_one_allocation(long n)
{
    test_fail_allocation(n);
    once = true;
}

void test_fail_allocation(long n)
{
    once = false;
    fail_at = n;
    if (n >= 0)
        refused = false;
}

bool test_allocation_failed(void)
{
    return refused;
}

bool test_expect(bool ok, const char *file, int line, const char *fmt, ...)
{
    va_list ap;

    if (ok)
        return true;
    test_fail_allocation(-1);
    failed = true;
    printf("  %s:%d: not so: ", file, line);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    return false;
}

bool test_expect_int(long long got, long long want, const char *what, const char *file, int line)
{
    return test_expect(got == want, file, line, "%s is %lld, expected %lld", what, got, want);
}

bool test_expect_str(const char *got, const char *want, const char *what, const char *file,
                     int line)
{
    bool same = got == want || (got && want && strcmp(got, want) == 0);

    return test_expect(same, file, line, "%s is \"%s\", expected \"%s\"", what,
                       got ? got : "(null)", want ? want : "(null)");
}

bool test_expect_in(const char *got, const char *part, const char *what, const char *file, int line)
{
    return test_expect(got && strstr(got, part), file, line, "%s is \"%s\", without \"%s\"", what,
                       got ? got : "(null)", part);
}

char *test_read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    long size;
    char *p;

    if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET) ||
        !(p = malloc((size_t)size + 1)) || fread(p, 1, (size_t)size, f) != (size_t)size) {
        printf("cannot read %s (run from the project's root)\n", path);
        exit(2);
    }
    fclose(f);
    p[size] = '\0';
    if (n)
        *n = (size_t)size;
    return p;
}

int main(int argc, char **argv)
{
    int passed = 0, bad = 0;
    /* cJSON calls the C library's allocator itself; send it through the wrapped one. */
    cJSON_Hooks hooks = {__wrap_malloc, free};

    cJSON_InitHooks(&hooks);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t m = 0; m < sizeof modules / sizeof *modules; m++) {
        for (const struct test *t = modules[m].tests; t->name; t++) {
            char name[128];
            bool want = argc < 2;

            snprintf(name, sizeof name, "%s.%s", modules[m].name, t->name);
            for (int i = 1; i < argc; i++)
                want |= strstr(name, argv[i]) != NULL;
            if (!want)
                continue;
            failed = false;
            t->run();
            test_fail_allocation(-1);
            if (failed)
                printf("FAILED %s\n", name);
            failed ? bad++ : passed++;
        }
    }
    printf("unit: %d passed, %d failed\n", passed, bad);
    return bad != 0;
}
