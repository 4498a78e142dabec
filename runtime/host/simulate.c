#include "host/simulate.h"

#include "base/random.h"
#include "exchange/caller.h"
#include "host/simulation.h"
#include "host/testfiles.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PATIENT  (60 * 1000) /* what a script waits longer when faults delay things            */
#define TURN_MS  1000
#define FALLBACK "trouble" /* what callers hear of a flow that failed, unless configured     */
#define IN_DOUBT "is in doubt and is not repeated"
#define ROUNDS   100000 /* hang-ups of one test                                            */

/* Kinds of faults that every flow must bear; `strict`: also unseen by the caller. */
static const struct fault_kind {
    const char *name;
    bool strict;
    struct switchboard_faults faults;
} fault_kinds[] = {
    {"notifications repeated, reordered, delayed",
     true,
     {.repeat = 0.3, .reorder = 0.3, .delay = 0.3, .delay_ms = 2000}},
    /* What is reported as played at once lets a flow run ahead of the script. */
    {"early completions", false, {.early = 0.5}},
    {"429 now and then", true, {.throttle = 0.2}},
    {"500 now and then", false, {.fail = 0.1}},
    {"notifications lost", false, {.drop = 0.1}},
};

struct run {
    const struct simulate_options *o;
    FILE *out, *trace;
    struct bundle *bundle;
    struct caller *caller;
    struct watchdog *watchdog;
    unsigned passed, failed, skipped;
    uint64_t calls;
};

/* --- running --------------------------------------------------------------------------------- */

static bool wanted(const struct run *r, size_t i)
{
    const char *filter = r->o->filter;

    return !filter || strstr(caller_test_name(r->caller, i), filter) ||
           strstr(caller_test_place(r->caller, i), filter);
}

static void print_failure(struct run *r, size_t i, const char *how,
                          const struct simulation_result *result)
{
    const char *why = result->text, *place = caller_test_place(r->caller, i);

    r->failed++;
    fprintf(r->out, "FAILED %s: %s%s%s%s: %s\n", place, caller_test_name(r->caller, i),
            *how ? " (" : "", how, *how ? ")" : "", why);
    for (const char *line = result->log; line && *line;) {
        const char *end = strchrnul(line, '\n');

        fprintf(r->out, "    log: %.*s\n", (int)(end - line), line);
        line = *end ? end + 1 : end;
    }
}

/* A turn may take longer than in service, since the machine that runs the tests may be busy and a
 * test shall not fail for that. */
static struct core_config core_of(const struct simulate_options *o)
{
    struct core_config core = o->core;

    if (core.limits.turn_ms < TURN_MS)
        core.limits.turn_ms = TURN_MS;
    if (!core.fallback_prompt[0])
        snprintf(core.fallback_prompt, sizeof core.fallback_prompt, "%s", FALLBACK);
    return core;
}

static struct simulation_config config_of(const struct run *r)
{
    return (struct simulation_config){
        .bundle = r->bundle,
        .caller = r->caller,
        .core = core_of(r->o),
        .watchdog = r->watchdog,
        .version = r->o->version,
        .seed = r->o->seed,
        .trace = r->trace,
    };
}

/* One simulation; what breaks it for reasons of the machine's own is a failure as well. */
static void simulate(struct run *r, const struct simulation_config *cfg, size_t i,
                     struct simulation_result *result)
{
    struct error e = {""};
    int rc;

    if (r->trace)
        fprintf(r->trace, "# %s\n", caller_test_name(r->caller, i));
    rc = simulation_run(cfg, i, result, &e);

    r->calls += result->calls;
    if (rc == 0)
        return;
    result->stuck = true;
    snprintf(result->text, sizeof result->text, "%s", e.text);
}

static void run_plain(struct run *r, size_t i)
{
    struct simulation_config cfg = config_of(r);
    struct simulation_result result;

    cfg.journalled = cfg.replay = r->o->replay;
    simulate(r, &cfg, i, &result);
    if (result.failed || result.stuck)
        print_failure(r, i, "", &result);
    else
        r->passed++;
    free(result.log);
}

/* Every wait of the plain run is a moment at which the caller may hang up. What the test expects
 * does not count then; that everything ends does. */
static void run_hangups(struct run *r, size_t i)
{
    struct simulation_config cfg = config_of(r);
    struct simulation_result result;
    uint64_t waits;
    char how[64];

    simulate(r, &cfg, i, &result);
    waits = result.waits < ROUNDS ? result.waits : ROUNDS;
    free(result.log);
    if (result.stuck) {
        print_failure(r, i, "", &result);
        return;
    }
    for (uint64_t k = 1; k <= waits; k++) {
        cfg.hang_up_at = k;
        simulate(r, &cfg, i, &result);
        snprintf(how, sizeof how, "hang-up at wait %llu", (unsigned long long)k);
        if (result.stuck)
            print_failure(r, i, how, &result);
        free(result.log);
        if (result.stuck)
            return;
    }
    r->passed++;
}

/* Crash as `cfg` says. The outcome is that of the run without it, and nothing that must not be
 * repeated reaches the service more often, but for one call in place of each that it has lost. The
 * result is for its numbers. */
static struct simulation_result survives(struct run *r, const struct simulation_config *cfg,
                                         size_t i, uint64_t never)
{
    struct simulation_result result;
    char how[160], again[64] = "";

    simulate(r, cfg, i, &result);
    never += result.lost;
    if (result.skipped) {
        r->skipped++;
        free(result.log);
        return result;
    }
    if (result.failed && !result.stuck && result.log && strstr(result.log, IN_DOUBT)) {
        r->skipped++; /* the flow was told, and nothing was done twice: all that can be had */
        free(result.log);
        return result;
    }
    if (!result.failed && !result.stuck && result.never > never) {
        result.failed = true;
        snprintf(result.text, sizeof result.text,
                 "%llu requests that must not be repeated, without the crash %llu",
                 (unsigned long long)result.never, (unsigned long long)never);
    }
    if (cfg->crash_again)
        snprintf(again, sizeof again, " and again after %llu more",
                 (unsigned long long)cfg->crash_again);
    snprintf(how, sizeof how, "crash after journal entry %llu%s, %s",
             (unsigned long long)cfg->crash_at, again,
             cfg->crash_late ? "what was begun is sent" : "nothing more is sent");
    if (result.failed || result.stuck)
        print_failure(r, i, how, &result);
    else
        r->passed++;
    free(result.log);
    return result;
}

static void run_crashes(struct run *r, size_t i)
{
    struct simulation_config cfg = config_of(r);
    struct simulation_result plain;
    struct random random;

    cfg.journalled = true;
    simulate(r, &cfg, i, &plain);
    cfg.patience_ms = PATIENT;
    free(plain.log);
    if (plain.stuck || plain.failed || plain.skipped) {
        print_failure(r, i, "with a journal", &plain);
        return;
    }
    random_seed(&random, r->o->seed);
    for (uint64_t k = 1; k < plain.entries; k++) {
        if (r->o->sample && random_next(&random) % plain.entries >= r->o->sample)
            continue;
        for (int late = 0; late < 2; late++) {
            struct simulation_result once;

            cfg.crash_at = k;
            cfg.crash_late = late;
            cfg.crash_again = 0;
            once = survives(r, &cfg, i, plain.never);
            if (once.lost) /* in the middle of making up for what was lost */
                while (++cfg.crash_again && survives(r, &cfg, i, plain.never).crashes > 1)
                    ;
        }
    }
}

static void run_faults(struct run *r, size_t i)
{
    for (size_t k = 0; k < sizeof fault_kinds / sizeof *fault_kinds; k++) {
        const struct fault_kind *kind = &fault_kinds[k];
        struct simulation_config cfg = config_of(r);
        struct simulation_result result;

        cfg.faults = kind->faults;
        cfg.patience_ms = PATIENT;
        simulate(r, &cfg, i, &result);
        if (result.stuck || (result.failed && kind->strict))
            print_failure(r, i, kind->name, &result);
        else if (result.skipped)
            r->skipped++;
        else
            r->passed++;
        free(result.log);
    }
}

static void run_all(struct run *r)
{
    for (size_t i = 0; i < caller_tests(r->caller); i++) {
        if (!wanted(r, i))
            continue;
        if (r->o->hangups)
            run_hangups(r, i);
        if (r->o->faults)
            run_faults(r, i);
        if (r->o->crash)
            run_crashes(r, i);
        if (!r->o->hangups && !r->o->faults && !r->o->crash)
            run_plain(r, i);
        fflush(r->out);
    }
}

/* --- the command ----------------------------------------------------------------------------- */

static const struct bundle_source *find_library(const struct bundle_source *stdlib)
{
    for (; stdlib && stdlib->name; stdlib++)
        if (strcmp(stdlib->name, "stdlib/ivr/test.lua") == 0)
            return stdlib;
    return NULL;
}

/* Flows that do not load would fail every test alike: say so once. */
static int try_bundle(struct run *r, struct error *e)
{
    struct core *core;
    int rc = core_new(&core, &r->o->core, e);

    if (rc < 0)
        return rc;
    rc = core_use(core, r->bundle, e);
    core_free(core);
    bundle_compile(r->bundle); /* each test has a cell of its own */
    return rc;
}

/* The bundle and the scripts of a folder. A test file that does not load is a failed test. */
static int prepare(struct run *r, const struct test_folder *f, struct error *e)
{
    const struct bundle_source *library = find_library(r->o->stdlib);
    struct caller_config cfg;
    int rc = bundle_read(&r->bundle, f->folder, r->o->stdlib, e);

    if (rc == 0)
        rc = try_bundle(r, e);
    if (rc < 0)
        return rc;
    if (!library)
        return error_set(e, ERR_NOTFOUND, "the library has no ivr.test");
    cfg = (struct caller_config){.source = library->text, .n = library->n};
    rc = caller_new(&r->caller, &cfg, e);
    for (size_t i = 0; rc == 0 && i < f->nfiles; i++) {
        if (caller_load(r->caller, f->folder, f->files[i], e) < 0) {
            fprintf(r->out, "FAILED %s\n", e->text);
            r->failed++;
        }
    }
    return rc;
}

static void run_folder(struct run *r, const struct test_folder *f)
{
    struct error e = {""};

    if (f->nfiles == 0)
        return;
    if (prepare(r, f, &e) == 0) {
        run_all(r);
    } else {
        fprintf(r->out, "FAILED %s\n", e.text);
        r->failed++;
    }
    caller_free(r->caller);
    if (r->bundle)
        bundle_unref(r->bundle);
    r->caller = NULL;
    r->bundle = NULL;
}

/* CPU time, so that a busy machine does not count. */
static double seconds_since(const struct timespec *began)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)(now.tv_sec - began->tv_sec) + (double)(now.tv_nsec - began->tv_nsec) / 1e9;
}

static void summarise(struct run *r, double seconds)
{
    double rate = seconds > 0 ? (double)r->calls / seconds : 0;

    fprintf(r->out, "%llu calls in %.2f s of CPU, %.0f a second", (unsigned long long)r->calls,
            seconds, rate);
    if (r->skipped)
        fprintf(r->out, "; %u left out", r->skipped);
    fprintf(r->out, "\n%u passed, %u failed\n", r->passed, r->failed);
}

int simulate_main_tests(const struct simulate_options *o)
{
    struct run r = {.o = o, .out = o->out ? o->out : stdout};
    struct test_folders folders;
    struct error e = {""};
    struct timespec began;
    int rc;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    rc = testfiles_find(&folders, o->folder, &e);
    if (rc == 0 && o->trace && !(r.trace = fopen(o->trace, "w")))
        rc = error_set(&e, ERR_IO, "%s: cannot be written", o->trace);
    if (rc == 0)
        rc = watchdog_new(&r.watchdog, NULL, core_of(o).limits.turn_ms, &e);
    for (size_t i = 0; rc == 0 && i < folders.n; i++)
        run_folder(&r, &folders.items[i]);
    if (rc == 0 && r.trace && (fflush(r.trace) != 0 || ferror(r.trace)))
        rc = error_set(&e, ERR_IO, "%s: cannot be written", o->trace);
    if (rc < 0) {
        fprintf(r.out, "FAILED %s\n", e.text);
        r.failed++;
    }
    watchdog_free(r.watchdog);
    summarise(&r, seconds_since(&began));
    if (r.trace)
        fclose(r.trace);
    testfiles_fini(&folders);
    return rc < 0 ? 2 : r.failed > 0;
}
