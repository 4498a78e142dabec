/* Every metric, in one table, and how it is written. */
#include "base/buf.h"
#include "host/host.h"
#include "host/host_journal.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define NS 1e9

struct metric {
    const char *name, *type, *help;
    void (*put)(struct buf *b, const char *name, struct host *s);
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

struct states {
    const char *names[16];
    size_t counts[16], n;
};

static void count_state(void *arg, const char *state)
{
    struct states *st = arg;
    size_t i = 0;

    while (i < st->n && strcmp(st->names[i], state) != 0)
        i++;
    if (i == 16)
        return;
    if (i == st->n)
        st->names[st->n++] = state;
    st->counts[i]++;
}

static void put_calls(struct buf *b, const char *name, struct host *s)
{
    /* The usual ones are always there, so that a graph shows zero and not a gap. */
    struct states st = {{"incoming", "establishing", "established", "transferring"}, {0}, 4};

    core_visit_calls(engine_core(s->engine), count_state, &st);
    for (size_t i = 0; i < st.n; i++)
        label(b, name, "state", *st.names[i] ? st.names[i] : "none", (double)st.counts[i]);
}

static void put_started(struct buf *b, const char *name, struct host *s)
{
    label(b, name, "direction", "incoming", (double)s->metrics.started[0]);
    label(b, name, "direction", "outgoing", (double)s->metrics.started[1]);
}

static void put_ended(struct buf *b, const char *name, struct host *s)
{
    put_tally(b, name, &s->metrics.ended);
}

static void put_refused(struct buf *b, const char *name, struct host *s)
{
    for (int cap = ADMISSION_FREE + 1; cap < ADMISSION_CAPS; cap++)
        label(b, name, "cap", admission_cap_name(cap),
              (double)admission_refused(s->admission, cap));
}

static void put_busy(struct buf *b, const char *name, struct host *s)
{
    line(b, name, "", (double)s->metrics.busy);
}

/* --- what goes through -------------------------------------------------------------------------
 */

static void put_events(struct buf *b, const char *name, struct host *s)
{
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        label(b, name, "kind", event_kind_name(kind), (double)s->metrics.events[kind]);
}

static void put_commands(struct buf *b, const char *name, struct host *s)
{
    for (int kind = 0; kind < COMMAND_KINDS; kind++)
        label(b, name, "kind", command_kind_name(kind), (double)s->metrics.commands[kind]);
}

static void put_requests(struct buf *b, const char *name, struct host *s)
{
    put_tally(b, name, &s->metrics.requests);
}

static void put_retries(struct buf *b, const char *name, struct host *s)
{
    put_tally(b, name, &s->metrics.retries);
}

static void put_webhooks(struct buf *b, const char *name, struct host *s)
{
    put_tally(b, name, &s->metrics.webhooks);
}

static void put_turns(struct buf *b, const char *name, struct host *s)
{
    put_histogram(b, name, &s->metrics.turns);
}

static void put_webhook_to_request(struct buf *b, const char *name, struct host *s)
{
    put_histogram(b, name, &s->metrics.webhook_to_request);
}

static void put_limits(struct buf *b, const char *name, struct host *s)
{
    put_tally(b, name, &s->metrics.limits);
}

/* --- bundles and cells ------------------------------------------------------------------------ */

static void put_reloads(struct buf *b, const char *name, struct host *s)
{
    uint64_t good, refused;

    bundles_count(s->bundles, &good, &refused);
    label(b, name, "result", "good", (double)good);
    label(b, name, "result", "refused", (double)refused);
}

static void put_refusal(struct buf *b, const char *name, struct host *s)
{
    line(b, name, "", bundles_refused(s->bundles) != NULL);
}

struct cells {
    const struct bundle *bundles[64];
    size_t n, cells, bytes;
};

static void count_cell(void *arg, struct bundle *bundle, size_t calls, size_t bytes)
{
    struct cells *c = arg;
    size_t i = 0;

    (void)calls;
    c->cells++;
    c->bytes += bytes;
    while (i < c->n && c->bundles[i] != bundle)
        i++;
    if (i == c->n && i < 64)
        c->bundles[c->n++] = bundle;
}

static struct cells count_cells(struct host *s)
{
    struct cells c = {.n = 0};

    core_visit_cells(engine_core(s->engine), count_cell, &c);
    return c;
}

static void put_bundles(struct buf *b, const char *name, struct host *s)
{
    line(b, name, "", (double)count_cells(s).n);
}

static void put_cells(struct buf *b, const char *name, struct host *s)
{
    line(b, name, "", (double)count_cells(s).cells);
}

static void put_cell_bytes(struct buf *b, const char *name, struct host *s)
{
    line(b, name, "", (double)count_cells(s).bytes);
}

/* --- the service itself ----------------------------------------------------------------------- */

static void put_log(struct buf *b, const char *name, struct host *s)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};

    for (int i = 0; i < 4; i++)
        label(b, name, "level", levels[i],
              (double)__atomic_load_n(&s->metrics.logged[i], __ATOMIC_RELAXED));
}

static void put_journal(struct buf *b, const char *name, struct host *s)
{
    if (s->journal)
        line(b, name, "", host_journal_health(s, NULL) == 0);
}

static void put_certificates(struct buf *b, const char *name, struct host *s)
{
    for (int i = 0; i < LISTENERS; i++) {
        struct tls *tls = certificates_of(s->certificates, i);

        if (tls)
            label(b, name, "listener", listener_name(i), (double)tls_expires(tls));
    }
}

static void put_cpu(struct buf *b, const char *name, struct host *s)
{
    struct rusage use;

    (void)s;
    if (getrusage(RUSAGE_SELF, &use) == 0)
        line(b, name, "",
             (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                 (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6);
}

static void put_memory(struct buf *b, const char *name, struct host *s)
{
    size_t rss;

    (void)s;
    if (uv_resident_set_memory(&rss) == 0)
        line(b, name, "", (double)rss);
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
    {"ivory_log_lines_total", "counter", "Lines of the log, by level.", put_log},
    {"ivory_journal_healthy", "gauge", "0: the journal cannot be written, new calls are refused.",
     put_journal},
    {"ivory_certificate_expires_seconds", "gauge",
     "When the certificate of a listener expires, seconds since 1970.", put_certificates},
    {"process_cpu_seconds_total", "counter", "CPU time of the process.", put_cpu},
    {"process_resident_memory_bytes", "gauge", "Memory of the process.", put_memory},
};

char *metrics_text(struct host *s)
{
    struct buf b = {0};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        buf_fmt(&b, "# HELP %s %s\n# TYPE %s %s\n", table[i].name, table[i].help, table[i].name,
                table[i].type);
        table[i].put(&b, table[i].name, s);
    }
    return buf_take(&b);
}
