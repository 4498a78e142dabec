/* Every metric, in one table, and how it is written. */
#include "base/buf.h"
#include "host/host_journal.h"
#include "host/survey.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define NS 1e9

struct metric {
    const char *name, *type, *help;
    void (*put)(struct buf *b, const char *name, const struct survey *s);
};

static void line(struct buf *b, const char *name, const char *labels, double value)
{
    buf_fmt(b, "%s%s%s%s %.15g\n", name, *labels ? "{" : "", labels, *labels ? "}" : "", value);
}

static void label(struct buf *b, const char *name, const char *key, const char *value, double n)
{
    char labels[160];

    snprintf(labels, sizeof labels, "%s=\"%s\"", key, value);
    line(b, name, labels, n);
}

static void put_tally(struct buf *b, const char *name, const struct tally *t)
{
    for (size_t i = 0; i < t->counts.n; i++)
        line(b, name, t->counts.entries[i].key, (double)*(uint64_t *)t->counts.entries[i].value);
}

static void put_histogram(struct buf *b, const char *name, const struct histogram *h)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i <= HISTOGRAM_BUCKETS; i++) {
        char bound[32] = "+Inf";

        sum += h->buckets[i];
        if (i < HISTOGRAM_BUCKETS)
            snprintf(bound, sizeof bound, "%.9g", (double)((uint64_t)HISTOGRAM_LEAST_NS << i) / NS);
        buf_fmt(b, "%s_bucket{le=\"%s\"} %llu\n", name, bound, (unsigned long long)sum);
    }
    buf_fmt(b, "%s_sum %.9g\n%s_count %llu\n", name, (double)h->ns / NS, name,
            (unsigned long long)sum);
}

/* --- calls ------------------------------------------------------------------------------------ */

static void put_calls(struct buf *b, const char *name, const struct survey *s)
{
    for (size_t i = 0; i < s->nstates; i++)
        label(b, name, "state", *s->states[i].name ? s->states[i].name : "none",
              (double)s->states[i].n);
}

static void put_started(struct buf *b, const char *name, const struct survey *s)
{
    label(b, name, "direction", "incoming", (double)s->sum.started[0]);
    label(b, name, "direction", "outgoing", (double)s->sum.started[1]);
}

static void put_ended(struct buf *b, const char *name, const struct survey *s)
{
    put_tally(b, name, &s->sum.ended);
}

static void put_refused(struct buf *b, const char *name, const struct survey *s)
{
    for (int cap = ADMISSION_FREE + 1; cap < ADMISSION_CAPS; cap++)
        label(b, name, "cap", admission_cap_name(cap),
              (double)admission_refused(s->trip.host->admission, cap));
}

static void put_busy(struct buf *b, const char *name, const struct survey *s)
{
    line(b, name, "", (double)s->sum.busy);
}

/* --- what goes through -------------------------------------------------------------------------
 */

static void put_events(struct buf *b, const char *name, const struct survey *s)
{
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        label(b, name, "kind", event_kind_name(kind), (double)s->sum.events[kind]);
}

static void put_commands(struct buf *b, const char *name, const struct survey *s)
{
    for (int kind = 0; kind < COMMAND_KINDS; kind++)
        label(b, name, "kind", command_kind_name(kind), (double)s->sum.commands[kind]);
}

static void put_requests(struct buf *b, const char *name, const struct survey *s)
{
    put_tally(b, name, &s->sum.requests);
}

static void put_retries(struct buf *b, const char *name, const struct survey *s)
{
    put_tally(b, name, &s->sum.retries);
}

static void put_webhooks(struct buf *b, const char *name, const struct survey *s)
{
    put_tally(b, name, &s->sum.webhooks);
}

static void put_turns(struct buf *b, const char *name, const struct survey *s)
{
    put_histogram(b, name, &s->sum.turns);
}

static void put_webhook_to_request(struct buf *b, const char *name, const struct survey *s)
{
    put_histogram(b, name, &s->sum.webhook_to_request);
}

static void put_limits(struct buf *b, const char *name, const struct survey *s)
{
    put_tally(b, name, &s->sum.limits);
}

/* --- bundles and cells ------------------------------------------------------------------------ */

static void put_reloads(struct buf *b, const char *name, const struct survey *s)
{
    uint64_t good, refused;

    bundles_count(s->trip.host->bundles, &good, &refused);
    label(b, name, "result", "good", (double)good);
    label(b, name, "result", "refused", (double)refused);
}

static void put_refusal(struct buf *b, const char *name, const struct survey *s)
{
    line(b, name, "", bundles_refused(s->trip.host->bundles) != NULL);
}

static void put_bundles(struct buf *b, const char *name, const struct survey *s)
{
    line(b, name, "", (double)s->nbundles);
}

static void put_cells(struct buf *b, const char *name, const struct survey *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->nbundles; i++)
        n += s->bundles[i].cells;
    line(b, name, "", (double)n);
}

static void put_cell_bytes(struct buf *b, const char *name, const struct survey *s)
{
    size_t n = 0;

    for (size_t i = 0; i < s->nbundles; i++)
        n += s->bundles[i].bytes;
    line(b, name, "", (double)n);
}

/* --- workers --------------------------------------------------------------------------------- */

static void of_worker(struct buf *b, const char *name, unsigned number, double value)
{
    char text[16];

    snprintf(text, sizeof text, "%u", number);
    label(b, name, "worker", text, value);
}

static void put_worker_calls(struct buf *b, const char *name, const struct survey *s)
{
    for (unsigned i = 0; i < s->trip.host->nworkers; i++)
        of_worker(b, name, i, (double)s->workers[i].calls);
}

static void put_worker_turns(struct buf *b, const char *name, const struct survey *s)
{
    for (unsigned i = 0; i < s->trip.host->nworkers; i++)
        of_worker(b, name, i, (double)s->workers[i].turns);
}

static void put_worker_cpu(struct buf *b, const char *name, const struct survey *s)
{
    for (unsigned i = 0; i < s->trip.host->nworkers; i++)
        of_worker(b, name, i, s->workers[i].cpu_s);
}

/* --- the service itself ----------------------------------------------------------------------- */

static void put_log(struct buf *b, const char *name, const struct survey *s)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};

    for (int i = 0; i < 4; i++)
        label(b, name, "level", levels[i],
              (double)__atomic_load_n(&s->trip.host->logged[i], __ATOMIC_RELAXED));
}

static void put_journal(struct buf *b, const char *name, const struct survey *s)
{
    if (s->trip.host->journal)
        line(b, name, "", host_journal_health(s->trip.host, NULL) == 0);
}

static void put_certificates(struct buf *b, const char *name, const struct survey *s)
{
    for (int i = 0; i < LISTENERS; i++) {
        struct tls *tls = certificates_of(s->trip.host->certificates, i);

        if (tls)
            label(b, name, "listener", listener_name(i), (double)tls_expires(tls));
    }
}

static void put_cpu(struct buf *b, const char *name, const struct survey *s)
{
    struct rusage use;

    (void)s;
    if (getrusage(RUSAGE_SELF, &use) == 0)
        line(b, name, "",
             (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                 (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
}

static void put_memory(struct buf *b, const char *name, const struct survey *s)
{
    size_t rss;

    (void)s;
    if (uv_resident_set_memory(&rss) == 0)
        line(b, name, "", (double)rss);
}

static void put_version(struct buf *b, const char *name, const struct survey *s)
{
    (void)s;
    label(b, name, "version", IVORY_VERSION, 1);
}

/* The system counts a process's beginning from its own, in ticks: field 22 of stat, the 20th after
 * the name. */
static void put_start(struct buf *b, const char *name, const struct survey *s)
{
    FILE *f = fopen("/proc/self/stat", "r");
    char text[1024] = "", *at;
    struct timespec up, now;

    (void)s;
    at = f && fgets(text, sizeof text, f) ? strrchr(text, ')') : NULL;
    for (int field = 2; at && field < 22; field++)
        at = strchr(at + 1, ' ');
    if (at && clock_gettime(CLOCK_BOOTTIME, &up) == 0 && clock_gettime(CLOCK_REALTIME, &now) == 0)
        line(b, name, "",
             (double)(now.tv_sec - up.tv_sec) + strtod(at, NULL) / (double)sysconf(_SC_CLK_TCK));
    if (f)
        fclose(f);
}

static void put_descriptors(struct buf *b, const char *name, const struct survey *s)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned n = 0;

    (void)s;
    if (!folder)
        return;
    while (readdir(folder))
        n++;
    closedir(folder);
    line(b, name, "", n - 3.0); /* ".", ".." and the folder itself */
}

static const struct metric table[] = {
    {"ivory_calls", "gauge", "Calls in progress, by state of their first leg.", put_calls},
    {"ivory_calls_started_total", "counter", "Calls begun.", put_started},
    {"ivory_calls_ended_total", "counter", "Calls ended, by result.", put_ended},
    {"ivory_admission_refused_total", "counter", "New calls refused, by the cap that was reached.",
     put_refused},
    {"ivory_admission_busy_total", "counter", "New calls rejected as busy.", put_busy},
    {"ivory_events_total", "counter", "Events given to calls, by kind.", put_events},
    {"ivory_commands_total", "counter", "Commands issued by calls, by kind.", put_commands},
    {"ivory_requests_total", "counter",
     "Requests to the call service that were answered; status 0: no answer.", put_requests},
    {"ivory_request_retries_total", "counter", "Requests that were sent once more.", put_retries},
    {"ivory_webhooks_total", "counter", "Webhooks answered, by status.", put_webhooks},
    {"ivory_turn_seconds", "histogram", "Time of one turn of a call.", put_turns},
    {"ivory_webhook_to_request_seconds", "histogram",
     "From a webhook to the request of the flow that waited for it.", put_webhook_to_request},
    {"ivory_limits_hit_total", "counter", "Limits that flows ran into.", put_limits},
    {"ivory_reloads_total", "counter", "Loads of changed flows.", put_reloads},
    {"ivory_flows_refused", "gauge", "1 while the content of the flows folder is not in use.",
     put_refusal},
    {"ivory_bundles", "gauge", "Bundles in use: active, on trial, draining.", put_bundles},
    {"ivory_cells", "gauge", "Lua states.", put_cells},
    {"ivory_cell_bytes", "gauge", "Memory that they hold.", put_cell_bytes},
    {"ivory_worker_calls", "gauge", "Calls in progress, by worker.", put_worker_calls},
    {"ivory_worker_turns_total", "counter", "Turns of calls, by worker.", put_worker_turns},
    {"ivory_worker_cpu_seconds_total", "counter", "CPU time, by worker.", put_worker_cpu},
    {"ivory_log_lines_total", "counter", "Lines of the log, by level.", put_log},
    {"ivory_journal_healthy", "gauge", "0: the journal cannot be written, new calls are refused.",
     put_journal},
    {"ivory_certificate_expires_seconds", "gauge",
     "When the certificate of a listener expires, seconds since 1970.", put_certificates},
    {"ivory_build_info", "gauge", "1, with the version of the program.", put_version},
    {"process_start_time_seconds", "gauge", "When the process began, seconds since 1970.",
     put_start},
    {"process_open_fds", "gauge", "Open descriptors.", put_descriptors},
    {"process_cpu_seconds_total", "counter", "CPU time of the process.", put_cpu},
    {"process_resident_memory_bytes", "gauge", "Memory of the process.", put_memory},
};

char *metrics_text(const struct survey *s)
{
    struct buf b = {0};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        buf_fmt(&b, "# HELP %s %s\n# TYPE %s %s\n", table[i].name, table[i].help, table[i].name,
                table[i].type);
        table[i].put(&b, table[i].name, s);
    }
    return buf_take(&b);
}
