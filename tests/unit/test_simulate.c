#include "test.h"

#include "bindings/bindings.h"
#include "graph/methods.h"
#include "host/simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern const struct bundle_source stdlib_sources[];

#define FLOW                                                                                       \
    "local log = require 'ivr.log'\n"                                                              \
    "local flow = {}\n"                                                                            \
    "function flow.onCall(call)\n"                                                                 \
    "    call:answer()\n"                                                                          \
    "    log.info 'answered'\n"                                                                    \
    "    call:nextTone{ timeout = 60 }\n"                                                          \
    "end\n"                                                                                        \
    "return flow\n"

#define HEAD "local test = require 'ivr.test'\n"

/* A flows folder of its own, and what running its tests printed. */
struct folder {
    char path[64];
    char *out;
    size_t n;
    int status;
};

static void put(const struct folder *f, const char *name, const char *text)
{
    char path[256];
    FILE *to;

    snprintf(path, sizeof path, "%s/%s", f->path, name);
    to = fopen(path, "w");
    if (EXPECT(to != NULL)) {
        fputs(text, to);
        fclose(to);
    }
}

static void folder_init(struct folder *f, const char *flow, const char *tests)
{
    memset(f, 0, sizeof *f);
    strcpy(f->path, "/tmp/ivory-test-XXXXXX");
    EXPECT(mkdtemp(f->path) != NULL);
    put(f, "main.lua", flow);
    put(f, "main_test.lua", tests);
}

static void folder_fini(struct folder *f)
{
    char command[128];

    snprintf(command, sizeof command, "rm -r %s", f->path);
    EXPECT_INT(system(command), 0);
    free(f->out);
}

static void run(struct folder *f, const char *filter, const char *trace, bool hangups, bool faults)
{
    static struct bindings_config version = {VERSION_BETA};
    struct simulate_options o = {
        .folder = f->path,
        .stdlib = stdlib_sources,
        .filter = filter,
        .seed = 1,
        .trace = trace,
        .hangups = hangups,
        .faults = faults,
        .version = VERSION_BETA,
        .core = {.limits = LIMITS_DEFAULT,
                 .open = bindings_open,
                 .open_arg = &version,
                 .language = "en"},
    };

    free(f->out);
    f->out = NULL;
    o.out = open_memstream(&f->out, &f->n);
    f->status = simulate_main_tests(&o);
    fclose(o.out);
}

static void a_test_passes(void)
{
    struct folder f;

    folder_init(&f, FLOW,
                HEAD "test('answers', function(t)\n"
                     "    local c = t.call()\n"
                     "    c:waits(1)\n"
                     "    t.ok(t.logged 'answered')\n"
                     "    c:hangsUp()\n"
                     "    t.equal(c:ended().by, 'caller')\n"
                     "end)\n");
    run(&f, NULL, NULL, false, false);
    EXPECT_INT(f.status, 0);
    EXPECT_IN(f.out, "1 passed, 0 failed\n");
    run(&f, "no such test", NULL, false, false);
    EXPECT_IN(f.out, "0 passed, 0 failed\n");
    run(&f, NULL, NULL, true, false);
    EXPECT_INT(f.status, 0);
    EXPECT_IN(f.out, "1 passed, 0 failed\n");
    run(&f, NULL, NULL, false, true);
    EXPECT_INT(f.status, 0);
    EXPECT_IN(f.out, "5 passed, 0 failed\n");
    folder_fini(&f);
}

/* Each kind of failure is a line with the place in the test and the reason. */
static void failures_name_the_place(void)
{
    static const struct {
        const char *body, *why;
    } bad[] = {
        {"t.equal({ 1, a = 2 }, { 1, a = 3 })",
         "main_test.lua:3: at 0.000 s: is { [1] = 1, a = 2 }, expected { [1] = 1, a = 3 }"},
        {"t.ok(false)", "main_test.lua:3: at 0.000 s: is false"},
        {"t.call():hears('x', 2)",
         "main_test.lua:3: at 2.000 s: expected to hear \"x\", heard nothing more"},
        {"t.call():ended()", "main_test.lua:3: at 30.000 s: the call has not ended"},
        {"local c = t.call() c:waits(70) c:presses '1'",
         "main_test.lua:3: at 70.000 s: cannot press 1: the call has ended (200/7000"},
        {"t.call():presses 'x'", "main_test.lua:3: at 0.000 s: x are not keys"},
        {"t.call():waits(-1)", "main_test.lua:3: at 0.000 s: -1 is not a time"},
        {"t.phone{ number = '+4930901820' }:answers(3)",
         "main_test.lua:3: at 3.000 s: +4930901820 does not ring"},
        {"t.at 'yesterday'", "main_test.lua:3: at 0.000 s: yesterday is not a time"},
        {"t.dial('main', 'nobody')", "main_test.lua:3: at 0.000 s: cannot dial nobody"},
        {"t.http{ status = 200 }", "main_test.lua:3: at 0.000 s: http: url: missing"},
        {"t.nothing()", "main_test.lua:3: attempt to call a nil value (field 'nothing')"},
        {"t.call() t.at '2020-01-01T00:00:00Z'", "main_test.lua:3: at 0.000 s: 2020-01-01"},
        {"t.faults{ drop = 2 }", "main_test.lua:3: at 0.000 s: faults: drop: not between 0 and 1"},
        {"io.open 'x'", "main_test.lua:3: attempt to index a nil value (global 'io')"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct folder f;
        char text[512];

        snprintf(text, sizeof text, HEAD "test('bad', function(t)\n%s\nend)\n", bad[i].body);
        folder_init(&f, FLOW, text);
        run(&f, NULL, NULL, false, false);
        EXPECT_INT(f.status, 1);
        EXPECT_IN(f.out, "main_test.lua:2: bad: ");
        EXPECT_IN(f.out, bad[i].why);
        EXPECT_IN(f.out, "0 passed, 1 failed\n");
        folder_fini(&f);
    }
}

static void broken_flows_are_refused(void)
{
    static const struct {
        const char *flow, *why;
    } bad[] = {
        {"local flow = {}\nfunction flow.onCall(call\nreturn flow\n", "flows/main.lua:3:"},
        {"return nil\n", "flows/main.lua"},
        {"error 'at the top'\n", "flows/main.lua:1: at the top"},
        {"while true do end\n", "flows/main.lua:1"},
        {"return require 'lib.nothing'\n", "flows/main.lua:1:"},
    };
    struct folder f;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        folder_init(&f, bad[i].flow, HEAD "test('any', function(t) t.call() end)\n");
        run(&f, NULL, NULL, false, false);
        EXPECT_INT(f.status, 1);
        EXPECT_IN(f.out, bad[i].why);
        EXPECT_IN(f.out, "0 passed, 1 failed\n");
        folder_fini(&f);
    }
}

static void broken_test_files_fail(void)
{
    struct folder f;

    folder_init(&f, FLOW, "local test = require 'ivr.test'\ntest('x',\n");
    put(&f, "other_test.lua", HEAD "test('fine', function(t) t.call() end)\n");
    run(&f, NULL, NULL, false, false);
    EXPECT_INT(f.status, 1);
    EXPECT_IN(f.out, "main_test.lua:3:");
    EXPECT_IN(f.out, "1 passed, 1 failed\n");
    folder_fini(&f);
    strcpy(f.path, "/nonexistent");
    f.out = NULL;
    run(&f, NULL, NULL, false, false);
    EXPECT_INT(f.status, 2);
    EXPECT_IN(f.out, "/nonexistent: cannot be read");
    free(f.out);
}

/* Helpers can be shared; a folder below with prompts of its own is a flows folder of its own. */
static void folders_below(void)
{
    struct folder f;
    char path[128];

    folder_init(&f, FLOW,
                HEAD "local helper = require 'tests.helper'\n"
                     "test('above', function(t) helper(t, 'answered') end)\n");
    snprintf(path, sizeof path, "%s/tests", f.path);
    EXPECT_INT(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/other", f.path);
    EXPECT_INT(mkdir(path, 0700), 0);
    put(&f, "tests/helper.lua",
        "return function(t, text) t.call():waits(1) t.ok(t.logged(text)) end\n");
    put(&f, "tests/deep_test.lua",
        HEAD "test('deep', function(t) require 'tests.helper' (t, 'answered') end)\n");
    put(&f, "other/routes.lua", "return { { flow = 'another' } }\n");
    put(&f, "other/another.lua",
        "return { onCall = function(call) require('ivr.log').info 'another' end }\n");
    put(&f, "other/another_test.lua",
        HEAD "test('other', function(t) t.call():waits(1) t.ok(t.logged 'another') end)\n");
    run(&f, NULL, NULL, false, false);
    EXPECT_INT(f.status, 0);
    EXPECT_IN(f.out, "3 passed, 0 failed\n");
    folder_fini(&f);
}

static void two_runs_are_the_same(void)
{
    struct folder f;
    char one[128], two[128], *a, *b;
    size_t n, m;

    folder_init(&f, FLOW,
                HEAD "test('several', function(t)\n"
                     "    t.faults{ repeat_ = 0.5, reorder = 0.5, throttle = 0.2 }\n"
                     "    for i = 1, 20 do\n"
                     "        t.run(function()\n"
                     "            local c = t.call{ from = '+142555501' .. i + 10 }\n"
                     "            c:waits(math.random() * 5)\n"
                     "            c:hangsUp()\n"
                     "        end)\n"
                     "    end\n"
                     "end)\n");
    snprintf(one, sizeof one, "%s/one", f.path);
    snprintf(two, sizeof two, "%s/two", f.path);
    run(&f, NULL, one, false, false);
    EXPECT_INT(f.status, 0);
    run(&f, NULL, two, false, false);
    EXPECT_INT(f.status, 0);
    a = test_read_file(one, &n);
    b = test_read_file(two, &m);
    EXPECT(n > 1000);
    EXPECT_INT(n, m);
    EXPECT_STR(a, b);
    free(a);
    free(b);
    folder_fini(&f);
}

/* What a hang-up leaves behind is found: a wait that only a person could end. */
static void what_never_ends_is_found(void)
{
    struct folder f;

    folder_init(&f, FLOW,
                HEAD "test('stays', function(t)\n"
                     "    while true do t.call():waits(3600) end\n"
                     "end)\n");
    run(&f, NULL, NULL, false, false);
    EXPECT_INT(f.status, 1);
    EXPECT_IN(f.out, "still going on after six hours");
    folder_fini(&f);
}

const struct test simulate_tests[] = {TEST(a_test_passes),
                                      TEST(failures_name_the_place),
                                      TEST(broken_flows_are_refused),
                                      TEST(broken_test_files_fail),
                                      TEST(folders_below),
                                      TEST(two_runs_are_the_same),
                                      TEST(what_never_ends_is_found),
                                      {0}};
