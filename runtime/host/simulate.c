#include "host/simulate.h"

#include "base/buf.h"
#include "exchange/caller.h"
#include "host/simulation.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define DEPTH   8         /* folders within folders that are looked into                    */
#define PATIENT 60 * 1000 /* what a script waits longer when faults delay things            */
#define ROUNDS  100000    /* hang-ups of one test                                            */

/* Kinds of faults that every flow must bear; `strict`: also unseen by the caller. */
static const struct fault_kind {
    const char *name;
    bool strict;
    struct switchboard_faults faults;
} fault_kinds[] = {
    {"notifications repeated, reordered, delayed",
     true,
     {.repeat = 0.3, .reorder = 0.3, .delay = 0.3, .delay_ms = 2000}},
    {"early completions", true, {.early = 0.5}},
    {"429 now and then", true, {.throttle = 0.2}},
    {"500 now and then", false, {.fail = 0.1}},
    {"notifications lost", false, {.drop = 0.1}},
};

struct run {
    const struct simulate_options *o;
    FILE *out, *trace;
    struct bundle *bundle;
    struct caller *caller;
    char **files;
    size_t nfiles;
    unsigned passed, failed, skipped;
    uint64_t calls;
};

/* --- finding --------------------------------------------------------------------------------- */

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);

    return n > m && strcmp(name + n - m, end) == 0;
}

static int add_file(struct run *r, const char *path)
{
    char **p = realloc(r->files, (r->nfiles + 1) * sizeof *p);

    if (!p)
        return ERR_NOMEM;
    r->files = p;
    p[r->nfiles] = strdup(path);
    if (!p[r->nfiles])
        return ERR_NOMEM;
    r->nfiles++;
    return 0;
}

static int find_files(struct run *r, const char *folder, int depth, struct error *e);

/* One entry of a folder. */
static int look_at(struct run *r, const char *folder, const char *name, int depth, struct error *e)
{
    struct buf path = {0};
    struct stat st;
    int rc = buf_fmt(&path, "%s/%s", folder, name);

    if (rc == 0 && stat(path.p, &st) == 0) {
        if (S_ISDIR(st.st_mode) && depth < DEPTH)
            rc = find_files(r, path.p, depth + 1, e);
        else if (S_ISREG(st.st_mode) && ends_with(name, "_test.lua"))
            rc = add_file(r, path.p);
    }
    buf_fini(&path);
    return rc;
}

static int find_files(struct run *r, const char *folder, int depth, struct error *e)
{
    struct dirent **names = NULL;
    int n = scandir(folder, &names, NULL, alphasort), rc = 0;

    if (n < 0)
        return error_set(e, ERR_IO, "%s: cannot be read", folder);
    for (int i = 0; i < n; i++) {
        if (rc == 0 && names[i]->d_name[0] != '.')
            rc = look_at(r, folder, names[i]->d_name, depth, e);
        free(names[i]);
    }
    free(names);
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

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

static struct simulation_config config_of(const struct run *r)
{
    return (struct simulation_config){
        .bundle = r->bundle,
        .caller = r->caller,
        .core = r->o->core,
        .version = r->o->version,
        .seed = r->o->seed,
    };
}

/* One simulation; what breaks it for reasons of the machine's own is a failure as well. */
static void simulate(struct run *r, const struct simulation_config *cfg, size_t i,
                     struct simulation_result *result)
{
    struct error e = {""};
    int rc = simulation_run(cfg, i, result, &e);

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

    cfg.trace = r->trace;
    if (r->trace)
        fprintf(r->trace, "# %s\n", caller_test_name(r->caller, i));
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
        if (!r->o->hangups && !r->o->faults)
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

/* The bundle, the test files, the scripts. A file that does not load is a failed test. */
static int prepare(struct run *r, struct error *e)
{
    const struct simulate_options *o = r->o;
    const struct bundle_source *library = find_library(o->stdlib);
    struct caller_config cfg;
    int rc = bundle_read(&r->bundle, o->folder, o->stdlib, e);

    if (rc < 0)
        return rc;
    if (!library)
        return error_set(e, ERR_NOTFOUND, "the library has no ivr.test");
    cfg = (struct caller_config){.source = library->text, .n = library->n};
    rc = caller_new(&r->caller, &cfg, e);
    if (rc == 0)
        rc = find_files(r, o->folder, 0, e);
    if (rc < 0)
        return rc;
    if (r->nfiles > 0)
        qsort(r->files, r->nfiles, sizeof *r->files, by_name);
    for (size_t i = 0; i < r->nfiles; i++) {
        if (caller_load(r->caller, o->folder, r->files[i], e) < 0) {
            fprintf(r->out, "FAILED %s\n", e->text);
            r->failed++;
        }
    }
    if (o->trace && !(r->trace = fopen(o->trace, "w")))
        return error_set(e, ERR_IO, "%s: cannot be written", o->trace);
    return 0;
}

/* Flows that do not load fail every test alike: say so once. */
static int try_bundle(struct run *r, struct error *e)
{
    struct core *core;
    int rc = core_new(&core, &r->o->core, e);

    if (rc < 0)
        return rc;
    rc = core_use(core, r->bundle, e);
    core_free(core);
    return rc;
}

static double seconds_since(const struct timespec *began)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - began->tv_sec) + (double)(now.tv_nsec - began->tv_nsec) / 1e9;
}

static void summarise(struct run *r, double seconds)
{
    double rate = seconds > 0 ? (double)r->calls / seconds : 0;

    fprintf(r->out, "%llu calls in %.2f s, %.0f a second", (unsigned long long)r->calls, seconds,
            rate);
    if (r->skipped)
        fprintf(r->out, "; %u left out", r->skipped);
    fprintf(r->out, "\n%u passed, %u failed\n", r->passed, r->failed);
}

int simulate_main_tests(const struct simulate_options *o)
{
    struct run r = {.o = o, .out = o->out ? o->out : stdout};
    struct error e = {""};
    struct timespec began;
    int status = 2, rc = prepare(&r, &e);

    if (rc == 0)
        rc = try_bundle(&r, &e);
    if (rc < 0) {
        fprintf(r.out, "FAILED %s\n0 passed, 1 failed\n", e.text);
        goto out;
    }
    clock_gettime(CLOCK_MONOTONIC, &began);
    run_all(&r);
    if (r.trace && (fflush(r.trace) != 0 || ferror(r.trace))) {
        fprintf(r.out, "FAILED %s: cannot be written\n", o->trace);
        r.failed++;
    }
    summarise(&r, seconds_since(&began));
    status = r.failed > 0;
out:
    if (r.trace)
        fclose(r.trace);
    for (size_t i = 0; i < r.nfiles; i++)
        free(r.files[i]);
    free(r.files);
    caller_free(r.caller);
    if (r.bundle)
        bundle_unref(r.bundle);
    return status;
}
