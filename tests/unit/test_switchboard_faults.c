/* Faults on purpose, and that the same seed gives the same run. */
#include "switchboard_world.h"
#include "test.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void dropped_notifications_do_not_come(void)
{
    struct switchboard_faults f = {.drop = 1};
    struct world w;
    char line[ID_MAX];

    world_open(&w, &f);
    switchboard_dial(w.s, "+49", "+1", w.now, line, NULL);
    world_pass(&w, 20000);
    EXPECT_INT(w.notifications, 0);
    EXPECT_INT(switchboard_calls(w.s), 0); /* nobody answered */
    EXPECT(switchboard_next_deadline(w.s) == INT64_MAX);
    world_close(&w);
}

static void repeated_notifications_come_twice(void)
{
    struct switchboard_faults f = {.repeat = 1};
    struct world w;
    char line[ID_MAX];

    world_open(&w, &f);
    world_call(&w, line);
    EXPECT_INT(world_count(world_told(&w), "\"created\""), 2);
    EXPECT_INT(world_count(world_told(&w), "\"mediaState\":{"), 2);
    EXPECT_INT(w.notifications, 8);
    world_close(&w);
}

static void delayed_notifications_come_later_in_order(void)
{
    struct switchboard_faults f = {.delay = 1, .delay_ms = 5000};
    struct world w;
    char line[ID_MAX];
    const char *at;

    world_open(&w, &f);
    switchboard_dial(w.s, "+49", "+1", w.now, line, NULL);
    world_drain(&w);
    EXPECT_INT(w.notifications, 0);
    world_pass(&w, 5001);
    EXPECT_INT(w.notifications, 1);
    world_request(&w, "POST", WORLD_CALL "/answer",
                  "{\"callbackUri\":\"https://bot/c\"," WORLD_SERVICE "}");
    world_pass(&w, 30000);
    EXPECT_INT(w.notifications, 4);
    at = strstr(world_told(&w), "\"establishing\"");
    EXPECT_IN(at, "\"established\"");
    world_close(&w);
}

static void reordered_notifications_overtake(void)
{
    struct switchboard_faults none = {0}, f = {.reorder = 1};
    struct world w;
    char line[ID_MAX];
    const char *first;

    world_open(&w, &none);
    world_call(&w, line);
    world_request(&w, "POST", WORLD_CALL "/subscribeToTone", NULL);
    switchboard_set_faults(w.s, &f);
    world_forget(&w);
    switchboard_press(w.s, line, '1', w.now);
    world_drain(&w);
    EXPECT_INT(w.notifications, 0); /* held for a successor */
    switchboard_press(w.s, line, '2', w.now);
    world_drain(&w);
    EXPECT_INT(w.notifications, 2);
    first = strstr(world_told(&w), "\"sequenceId\":2");
    EXPECT_IN(first, "\"sequenceId\":1");
    switchboard_press(w.s, line, '3', w.now);
    world_pass(&w, 299);
    EXPECT_INT(w.notifications, 2);
    world_pass(&w, 1); /* none came: it goes */
    EXPECT_INT(w.notifications, 3);
    world_close(&w);
}

static void requests_are_refused_on_purpose(void)
{
    struct switchboard_faults throttle = {.throttle = 1}, fail = {.fail = 1}, none = {0};
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    switchboard_set_faults(w.s, &throttle);
    EXPECT_INT(world_request(&w, "DELETE", WORLD_CALL, NULL), 429);
    EXPECT_IN(w.retry_after, ".");
    EXPECT(atof(w.retry_after) > 0 && atof(w.retry_after) < 3);
    EXPECT_STR(json_str(json_get(w.answer, "error"), "code"), "TooManyRequests");
    switchboard_set_faults(w.s, &fail);
    EXPECT_INT(world_request(&w, "DELETE", WORLD_CALL, NULL), 500);
    switchboard_set_faults(w.s, &none);
    EXPECT_INT(world_request(&w, "GET", WORLD_CALL, NULL), 200); /* nothing was done */
    EXPECT_STR(json_str(w.answer, "state"), "established");
    world_close(&w);
}

/* The end of an operation is there, marked, when its answer has just been returned. */
static void early_ends_overtake_the_answer(void)
{
    static const struct {
        const char *action, *body;
    } ways[] = {{"/playPrompt", "{\"clientContext\":\"x\",\"prompts\":[" WORLD_PROMPT(
                                    5000) "," WORLD_PROMPT(100) "]}"},
                {"/sendDtmfTones", "{\"clientContext\":\"x\",\"tones\":[\"tone1\",\"tone2\"]}"},
                {"/participants/invite",
                 "{\"clientContext\":\"x\",\"participants\":[" WORLD_PHONE("+5") "]}"}};
    struct switchboard_faults f = {.early = 1};
    struct world w;
    char line[ID_MAX], path[256];

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        world_open(&w, NULL);
        switchboard_register(w.s, "+5", 100);
        world_call(&w, line);
        world_forget(&w);
        switchboard_set_faults(w.s, &f);
        snprintf(path, sizeof path, "%s%s", WORLD_CALL, ways[i].action);
        EXPECT_INT(world_request(&w, "POST", path, ways[i].body), 200);
        EXPECT_STR(json_str(w.answer, "status"), "running");
        EXPECT_IN(world_said(&w), "notify early ");
        EXPECT_IN(world_told(&w), "\"status\":\"completed\",\"clientContext\":\"x\"");
        EXPECT_IN(world_told(&w), json_str(w.answer, "id"));
        world_pass(&w, 10000);
        EXPECT_INT(world_count(world_told(&w), "\"clientContext\":\"x\""), 1);
        world_close(&w);
    }
}

static void run(struct world *w, uint64_t phase)
{
    struct switchboard_faults f = {.drop = 0.1,
                                   .repeat = 0.2,
                                   .reorder = 0.3,
                                   .delay = 0.3,
                                   .delay_ms = 900,
                                   .throttle = 0.1,
                                   .fail = 0.1,
                                   .early = 0.2};
    char line[ID_MAX] = "";

    world_open(w, &f);
    for (int i = 0; i < 20; i++) {
        switchboard_dial(w->s, "+49", "+1", w->now, line, NULL);
        world_pass(w, 1500);
        world_request(w, "POST", WORLD_CALL "/answer",
                      "{\"callbackUri\":\"https://bot/c\"," WORLD_SERVICE "}");
        world_pass(w, 500);
        world_request(w, "POST", WORLD_CALL "/subscribeToTone", NULL);
        world_request(w, "POST", WORLD_CALL "/playPrompt", "{\"prompts\":[" WORLD_PROMPT(300) "]}");
        switchboard_press(w->s, line, '1', w->now);
        switchboard_press(w->s, line, '2', w->now);
        world_pass(w, 700);
        if ((i + phase) % 2)
            switchboard_hang_up(w->s, line, w->now);
        else
            world_request(w, "DELETE", WORLD_CALL, NULL);
    }
    world_pass(w, 4000000);
}

/* Faults of every kind together: each call ends, and a second run is the first, byte for byte. */
static void the_same_seed_gives_the_same_run(void)
{
    struct world a, b, c;

    run(&a, 0);
    run(&b, 0);
    run(&c, 1);
    EXPECT(world_count(world_said(&a), "notify") > 60);
    EXPECT_INT(a.said.n, b.said.n);
    EXPECT(strcmp(world_said(&a), world_said(&b)) == 0);
    EXPECT(strcmp(world_told(&a), world_told(&b)) == 0);
    EXPECT(strcmp(world_told(&a), world_told(&c)) != 0);
    EXPECT_INT(switchboard_calls(a.s), 0);
    EXPECT(switchboard_next_deadline(a.s) == INT64_MAX);
    world_close(&a);
    world_close(&b);
    world_close(&c);
}

const struct test switchboard_faults_tests[] = {
    TEST(dropped_notifications_do_not_come),         TEST(repeated_notifications_come_twice),
    TEST(delayed_notifications_come_later_in_order), TEST(reordered_notifications_overtake),
    TEST(requests_are_refused_on_purpose),           TEST(early_ends_overtake_the_answer),
    TEST(the_same_seed_gives_the_same_run),          {0}};
