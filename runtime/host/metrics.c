#include "host/metrics.h"

#include "base/json.h"
#include "base/random.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#define SERIES_MAX 1000 /* of one tally: names come from flows and from the network */

void histogram_add(struct histogram *h, uint64_t ns)
{
    unsigned i = 0;

    while (i < HISTOGRAM_BUCKETS && ns > (uint64_t)HISTOGRAM_LEAST_NS << i)
        i++;
    h->buckets[i]++;
    h->ns += ns;
}

static void tally_init(struct tally *t)
{
    unsigned long long seed;

    random_bytes(&seed, sizeof seed);
    map_init(&t->counts, seed);
}

/* Without memory a count is lost, which the service survives. */
static void tally_add(struct tally *t, const char *labels, uint64_t n)
{
    uint64_t *count = map_get(&t->counts, labels);

    if (!count && t->counts.n < SERIES_MAX) {
        count = calloc(1, sizeof *count);
        if (count && map_put(&t->counts, labels, count)) {
            free(count);
            count = NULL;
        }
    }
    if (count)
        *count += n;
}

static void tally_fini(struct tally *t)
{
    for (size_t i = 0; i < t->counts.n; i++)
        free(t->counts.entries[i].value);
    map_fini(&t->counts);
}

/* One label; what would end the text early is left out. */
static void add_labelled(struct tally *t, const char *label, const char *value)
{
    char labels[160];
    size_t n = text_copy(labels, 32, label);

    n += text_copy(labels + n, 3, "=\"");
    for (; value && *value && n < sizeof labels - 2; value++)
        if (*value != '"' && *value != '\\' && (unsigned char)*value >= 0x20)
            labels[n++] = *value;
    memcpy(labels + n, "\"", 2);
    tally_add(t, labels, 1);
}

void metrics_init(struct metrics *m)
{
    *m = (struct metrics){0};
    tally_init(&m->ended);
    tally_init(&m->requests);
    tally_init(&m->retries);
    tally_init(&m->webhooks);
    tally_init(&m->limits);
    map_init(&m->unblocked, 0); /* keys are ours */
}

void metrics_fini(struct metrics *m)
{
    tally_fini(&m->ended);
    tally_fini(&m->requests);
    tally_fini(&m->retries);
    tally_fini(&m->webhooks);
    tally_fini(&m->limits);
    map_fini(&m->unblocked);
}

void metrics_event(struct metrics *m, const struct event *ev, uint64_t now_ns)
{
    const char *direction = json_str(ev->data, "direction");

    m->events[ev->kind]++;
    if (ev->kind == EVENT_START)
        m->started[direction && strcmp(direction, "outgoing") == 0]++;
    if (ev->kind == EVENT_OVERRUN)
        add_labelled(&m->limits, "limit", json_str(ev->data, "limit"));
    else
        m->turn_began = now_ns;
}

void metrics_turned(struct metrics *m, uint64_t now_ns)
{
    if (m->turn_began)
        histogram_add(&m->turns, now_ns - m->turn_began);
    m->turn_began = 0;
}

/* Limits that raise an error are told apart by its text, as it is logged when nobody catches it:
 * "flows/main.lua:3: limit fibers: more than 64 at once". */
static void find_limit(struct metrics *m, const char *text)
{
    const char *at = text ? strstr(text, "limit ") : NULL;
    size_t n = at ? strspn(at + 6, "abcdefghijklmnopqrstuvwxyz_") : 0;
    char name[32];

    if (!n || n >= sizeof name || at[6 + n] != ':')
        return;
    memcpy(name, at + 6, n);
    name[n] = '\0';
    add_labelled(&m->limits, "limit", name);
}

void metrics_command(struct metrics *m, const struct command *c)
{
    m->commands[c->kind]++;
    if (c->kind == COMMAND_METHOD && m->webhook_began && !map_get(&m->unblocked, c->key))
        (void)map_put(&m->unblocked, c->key, (void *)(uintptr_t)m->webhook_began);
    if (c->kind == COMMAND_END) {
        add_labelled(&m->ended, "result", json_str(c->args, "result"));
        map_remove(&m->unblocked, c->key);
    }
    if (c->kind == COMMAND_LOG)
        find_limit(m, json_str(c->args, "text"));
}

static const char *status_text(int status, char text[4])
{
    if (status < 100 || status > 999)
        return "0";
    text[0] = (char)('0' + status / 100);
    text[1] = (char)('0' + status / 10 % 10);
    text[2] = (char)('0' + status % 10);
    text[3] = '\0';
    return text;
}

void metrics_answered(struct metrics *m, const char *method, int status, bool again)
{
    char labels[128], text[4];
    size_t n = text_copy(labels, sizeof labels, "method=\"");

    n += text_copy(labels + n, 65, method);
    n += text_copy(labels + n, 20, "\",status=\"");
    n += text_copy(labels + n, 4, status_text(status, text));
    memcpy(labels + n, "\"", 2);
    tally_add(&m->requests, labels, 1);
    if (again)
        add_labelled(&m->retries, "method", method);
}

void metrics_sent(struct metrics *m, const char *key, uint64_t now_ns)
{
    uint64_t began = (uintptr_t)map_remove(&m->unblocked, key);

    if (began)
        histogram_add(&m->webhook_to_request, now_ns - began);
}

void metrics_webhook(struct metrics *m, int status)
{
    char text[4];

    add_labelled(&m->webhooks, "status", status_text(status, text));
}

static void merge_tally(struct tally *sum, const struct tally *t)
{
    for (size_t i = 0; i < t->counts.n; i++)
        tally_add(sum, t->counts.entries[i].key, *(uint64_t *)t->counts.entries[i].value);
}

static void merge_histogram(struct histogram *sum, const struct histogram *h)
{
    for (unsigned i = 0; i <= HISTOGRAM_BUCKETS; i++)
        sum->buckets[i] += h->buckets[i];
    sum->ns += h->ns;
}

void metrics_add(struct metrics *sum, const struct metrics *m)
{
    for (int i = 0; i < 2; i++)
        sum->started[i] += m->started[i];
    for (int i = 0; i < EVENT_KINDS; i++)
        sum->events[i] += m->events[i];
    for (int i = 0; i < COMMAND_KINDS; i++)
        sum->commands[i] += m->commands[i];
    merge_tally(&sum->ended, &m->ended);
    merge_tally(&sum->requests, &m->requests);
    merge_tally(&sum->retries, &m->retries);
    merge_tally(&sum->webhooks, &m->webhooks);
    merge_tally(&sum->limits, &m->limits);
    merge_histogram(&sum->turns, &m->turns);
    merge_histogram(&sum->webhook_to_request, &m->webhook_to_request);
    sum->busy += m->busy;
}
