#include "host/metrics.h"

#include "base/json.h"
#include "tests/unit/test.h"

#include <string.h>

static uint64_t count(const struct tally *t, const char *labels)
{
    uint64_t *n = map_get(&t->counts, labels);

    return n ? *n : 0;
}

static void histograms_have_their_bounds(void)
{
    struct histogram h = {{0}, 0};

    histogram_add(&h, 0);
    histogram_add(&h, HISTOGRAM_LEAST_NS);
    histogram_add(&h, HISTOGRAM_LEAST_NS + 1);
    histogram_add(&h, UINT64_MAX / 4);
    EXPECT_INT(h.buckets[0], 2);
    EXPECT_INT(h.buckets[1], 1);
    EXPECT_INT(h.buckets[HISTOGRAM_BUCKETS], 1);
}

static void labels_cannot_be_broken_out_of(void)
{
    struct metrics m;

    metrics_init(&m);
    metrics_answered(&m, "answer", 202, false);
    metrics_answered(&m, "answer", 503, true);
    metrics_answered(&m, "answer", 202, false);
    EXPECT_INT(count(&m.requests, "method=\"answer\",status=\"202\""), 2);
    EXPECT_INT(count(&m.retries, "method=\"answer\""), 1);
    metrics_fini(&m);

    metrics_init(&m);
    struct command c = {.kind = COMMAND_END, .args = cJSON_CreateObject()};
    json_set_str(c.args, "result", "a\"} 1\nx{y=\"\\");
    metrics_command(&m, &c);
    EXPECT_INT(count(&m.ended, "result=\"a} 1x{y=\""), 1);
    command_fini(&c);
    metrics_fini(&m);
}

static void log_text(struct metrics *m, const char *text)
{
    struct command c = {.kind = COMMAND_LOG, .args = cJSON_CreateObject()};

    json_set_str(c.args, "text", text);
    metrics_command(m, &c);
    command_fini(&c);
}

static void limits_are_found(void)
{
    struct metrics m;
    struct event ev = {.kind = EVENT_OVERRUN, .data = cJSON_CreateObject()};

    metrics_init(&m);
    json_set_str(ev.data, "limit", "turn_ms");
    metrics_event(&m, &ev, 1);
    event_fini(&ev);
    log_text(&m, "flows/main.lua:3: limit fibers: more than 64 at once");
    log_text(&m, "no limit here");
    log_text(&m, "the limit : is none");
    EXPECT_INT(count(&m.limits, "limit=\"turn_ms\""), 1);
    EXPECT_INT(count(&m.limits, "limit=\"fibers\""), 1);
    EXPECT_INT(m.limits.counts.n, 2);
    metrics_fini(&m);
}

static void a_webhook_is_timed_to_the_request_it_leads_to(void)
{
    struct metrics m;
    struct command c = {.kind = COMMAND_METHOD, .key = "k"},
                   end = {.kind = COMMAND_END, .key = "e"};

    metrics_init(&m);
    metrics_command(&m, &c); /* a timer's doing */
    metrics_sent(&m, "k", 100);
    EXPECT_INT(m.webhook_to_request.buckets[0], 0);
    m.webhook_began = 1000;
    metrics_command(&m, &c);
    strcpy(c.key, "e");
    metrics_command(&m, &c);
    m.webhook_began = 0;
    metrics_sent(&m, "k", 1500);
    metrics_sent(&m, "k", 99999999);
    EXPECT_INT(m.webhook_to_request.buckets[0], 1);
    EXPECT_INT(m.webhook_to_request.ns, 500);
    metrics_command(&m, &end);
    EXPECT_INT(m.unblocked.n, 0);
    metrics_fini(&m);
}

static void series_are_bounded(void)
{
    struct metrics m;

    metrics_init(&m);
    for (int i = 0; i < 5000; i++)
        metrics_webhook(&m, i);
    EXPECT(m.webhooks.counts.n <= 1000);
    metrics_fini(&m);
}

const struct test metrics_tests[] = {TEST(histograms_have_their_bounds),
                                     TEST(labels_cannot_be_broken_out_of),
                                     TEST(limits_are_found),
                                     TEST(a_webhook_is_timed_to_the_request_it_leads_to),
                                     TEST(series_are_bounded),
                                     {0}};
