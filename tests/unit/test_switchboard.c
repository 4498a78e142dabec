/* The life of calls from phones: offer, answer, tones, the two ways to end, sharing out errors. */
#include "switchboard_world.h"
#include "test.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

#define ANSWER                                                                                     \
    "{\"callbackUri\":\"http://127.0.0.1:8080/api/calls/k\"," WORLD_SERVICE                        \
    ",\"acceptedModalities\":[\"audio\"]}"

static void incoming_call_is_offered_answered_and_ended(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    EXPECT_INT(switchboard_dial(w.s, "+491701234567", "+14255550199", w.now, line, NULL), 0);
    world_drain(&w);
    EXPECT_IN(world_said(&w), "notify http://127.0.0.1:8080/api/calls ");
    EXPECT_IN(world_told(&w), "\"changeType\":\"created\"");
    EXPECT_IN(world_told(&w), "\"state\":\"incoming\"");
    EXPECT_IN(world_told(&w), "\"id\":\"+491701234567\"");
    EXPECT_IN(world_told(&w), "\"routingType\":\"lookup\"");
    EXPECT_IN(world_told(&w), "\"applicationInstance\"");
    EXPECT_IN(world_said(&w), "state ringing");
    EXPECT_INT(switchboard_calls(w.s), 1);
    world_forget(&w);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/answer", ANSWER), 202);
    EXPECT(w.answer == NULL);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/answer", ANSWER), 409);
    world_pass(&w, 100);
    EXPECT_INT(w.notifications, 3);
    EXPECT_IN(world_told(&w), "\"state\":\"establishing\"");
    EXPECT_IN(strstr(world_told(&w), "establishing"), "\"state\":\"established\"");
    EXPECT_IN(strstr(world_told(&w), "\"established\""), "\"mediaState\"");
    EXPECT_IN(world_said(&w), "notify http://127.0.0.1:8080/api/calls/k ");
    EXPECT_IN(world_said(&w), "state connected");
    EXPECT_INT(world_request(&w, "GET", WORLD_CALL "?$select=state", NULL), 200);
    EXPECT_STR(json_str(w.answer, "state"), "established");
    world_forget(&w);
    EXPECT_INT(world_request(&w, "DELETE", WORLD_CALL, NULL), 204);
    EXPECT_INT(world_request(&w, "DELETE", WORLD_CALL, NULL), 204);
    world_pass(&w, 100);
    EXPECT_INT(w.notifications, 2);
    EXPECT_IN(world_told(&w), "\"state\":\"terminating\"");
    EXPECT_IN(world_told(&w), "\"changeType\":\"deleted\"");
    EXPECT_IN(world_told(&w), "\"code\":200,\"subcode\":7000");
    EXPECT_IN(world_said(&w), "state ended");
    EXPECT_INT(world_request(&w, "GET", WORLD_CALL, NULL), 404);
    EXPECT_STR(json_str(json_get(w.answer, "error"), "code"), "itemNotFound");
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT(switchboard_next_deadline(w.s) == INT64_MAX);
    world_close(&w);
}

static void unanswered_offer_expires(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    switchboard_dial(w.s, "8a34a46b-3d17-4adc-8dce-dc4e7d572698", "bot", w.now, line, NULL);
    world_pass(&w, 14999);
    EXPECT_IN(world_told(&w), "\"user\"");
    EXPECT_INT(switchboard_calls(w.s), 1);
    world_pass(&w, 1);
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT_IN(world_said(&w), "state ended {\"code\":408");
    EXPECT_IN(world_told(&w), "\"changeType\":\"deleted\"");
    world_close(&w);
}

static void undeliverable_offer_ends_the_call(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    w.bot = 0;
    switchboard_dial(w.s, "+49170", "+1425", w.now, line, NULL);
    world_pass(&w, 6999);
    EXPECT_INT(w.notifications, 3);
    EXPECT_INT(switchboard_calls(w.s), 1);
    world_pass(&w, 1);
    EXPECT_INT(w.notifications, 5); /* the fourth try, then the end, which gets its own tries */
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT_IN(world_said(&w), "state ended {\"code\":500");
    world_pass(&w, 60000);
    EXPECT_INT(w.notifications, 8);
    EXPECT(switchboard_next_deadline(w.s) == INT64_MAX);
    world_close(&w);
}

static void unheard_notifications_are_sent_again(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    w.deaf = true;
    switchboard_dial(w.s, "+49170", "+1425", w.now, line, NULL);
    world_pass(&w, 20000);
    EXPECT_INT(w.notifications, 1); /* the end waits behind the offer */
    EXPECT_INT(switchboard_calls(w.s), 0);
    world_pass(&w, 600000);
    EXPECT_INT(w.notifications, 8);
    EXPECT(switchboard_next_deadline(w.s) == INT64_MAX);
    EXPECT_INT(switchboard_notified(w.s, 12345, 200, NULL, 0, w.now), 0);
    world_close(&w);
}

static void rejected_calls_end(void)
{
    static const struct {
        const char *body, *code;
    } ways[] = {{"{\"reason\":\"busy\"}", "486"},
                {"{\"reason\":\"None\"}", "603"},
                {"{\"reason\":\"forbidden\"}", "403"},
                {NULL, "603"}};
    struct world w;
    char line[ID_MAX], want[64];

    world_open(&w, NULL);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        world_forget(&w);
        switchboard_dial(w.s, "+49170", "+1425", w.now, line, NULL);
        world_drain(&w);
        EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/reject", ways[i].body), 202);
        snprintf(want, sizeof want, "state ended {\"code\":%s", ways[i].code);
        EXPECT_IN(world_said(&w), want);
        EXPECT_IN(world_told(&w), "\"changeType\":\"deleted\"");
        EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/reject", ways[i].body), 404);
    }
    world_call(&w, line);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/reject", "{}"), 409);
    world_close(&w);
}

static void tones_come_once_subscribed(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    world_forget(&w);
    EXPECT_INT(switchboard_press(w.s, line, '9', w.now), 0);
    world_drain(&w);
    EXPECT_INT(w.notifications, 0);
    EXPECT_INT(
        world_request(&w, "POST", WORLD_CALL "/subscribeToTone", "{\"clientContext\":\"c\"}"), 200);
    EXPECT_STR(json_str(w.answer, "status"), "completed");
    EXPECT_STR(json_str(w.answer, "clientContext"), "c");
    EXPECT_IN(w.location, "http://127.0.0.1:8090/v1.0/communications/calls/");
    EXPECT_IN(w.location, json_str(w.answer, "id"));
    switchboard_press(w.s, line, '1', w.now);
    switchboard_press(w.s, line, '#', w.now);
    world_drain(&w);
    EXPECT_INT(w.notifications, 2);
    EXPECT_IN(world_told(&w), "\"sequenceId\":1,\"tone\":\"tone1\"");
    EXPECT_IN(world_told(&w), "\"sequenceId\":2,\"tone\":\"pound\"");
    EXPECT_INT(switchboard_press(w.s, line, 'x', w.now), ERR_INVALID);
    EXPECT_INT(switchboard_press(w.s, "nobody", '1', w.now), ERR_NOTFOUND);
    world_close(&w);
}

static void caller_who_hangs_up_ends_the_call(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    world_request(&w, "POST", WORLD_CALL "/playPrompt", "{\"prompts\":[" WORLD_PROMPT(1500) "]}");
    world_forget(&w);
    EXPECT_INT(switchboard_hang_up(w.s, line, w.now), 0);
    world_pass(&w, 100);
    EXPECT_INT(w.notifications, 2);
    EXPECT_IN(world_told(&w), "mediaOperationCanceled");
    EXPECT_IN(strstr(world_told(&w), "mediaOperationCanceled"), "\"subcode\":540000");
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT_INT(switchboard_hang_up(w.s, line, w.now), ERR_NOTFOUND);
    EXPECT(switchboard_next_deadline(w.s) == INT64_MAX);
    switchboard_dial(w.s, "anna", "bot", w.now, line, NULL);
    world_drain(&w);
    world_forget(&w);
    switchboard_hang_up(w.s, line, w.now); /* before the answer */
    world_drain(&w);
    EXPECT_IN(world_told(&w), "\"subcode\":4521");
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/answer", ANSWER), 404);
    world_close(&w);
}

static void calls_without_keep_alive_end(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    world_pass(&w, 44 * 60000);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/keepAlive", NULL), 200);
    world_pass(&w, 44 * 60000);
    EXPECT_INT(switchboard_calls(w.s), 1);
    world_pass(&w, 60000);
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT_IN(world_told(&w), "\"code\":408,\"subcode\":8537");
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/keepAlive", NULL), 404);
    world_close(&w);
}

/* What comes from phones in the wrong state or shape is refused and changes nothing. */
static void phones_are_told_what_cannot_be(void)
{
    struct world w;
    char line[ID_MAX];
    struct error e;
    int16_t samples[16] = {0};
    char longest[300];

    memset(longest, '1', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    world_open(&w, NULL);
    EXPECT_INT(switchboard_dial(w.s, "", "+1", w.now, line, &e), ERR_INVALID);
    EXPECT_INT(switchboard_dial(w.s, "+1", longest, w.now, line, &e), ERR_INVALID);
    EXPECT_INT(switchboard_dial(w.s, "a\nb", "+1", w.now, line, &e), ERR_INVALID);
    EXPECT_INT(switchboard_dial(w.s, "\xff", "+1", w.now, line, &e), ERR_INVALID);
    EXPECT_INT(switchboard_register(w.s, "", 0), ERR_INVALID);
    switchboard_unregister(w.s, "nobody");
    EXPECT_INT(switchboard_dial(w.s, "\"quoted\\", "+1", w.now, line, &e), 0);
    world_drain(&w);
    EXPECT_INT(switchboard_press(w.s, line, '1', w.now), ERR_CONFLICT);
    EXPECT_INT(switchboard_speak(w.s, line, samples, 16, w.now), ERR_CONFLICT);
    EXPECT_INT(switchboard_pick_up(w.s, line, w.now), ERR_CONFLICT);
    EXPECT_INT(switchboard_refuse(w.s, line, 486, w.now), ERR_CONFLICT);
    EXPECT_INT(switchboard_share(w.s, line, true, w.now), ERR_CONFLICT);
    EXPECT_INT(switchboard_observe(w.s, line, w.now), ERR_CONFLICT);
    EXPECT_INT(switchboard_fetched(w.s, 99, 5, w.now), 0);
    world_call(&w, line);
    EXPECT_INT(switchboard_speak(w.s, line, samples, SIZE_MAX / 4, w.now), ERR_LIMIT);
    EXPECT_INT(switchboard_join(w.s, "anna", "", w.now, line, &e), ERR_INVALID);
    EXPECT_INT(switchboard_join(w.s, "anna", "https://example.com/", w.now, line, &e), ERR_INVALID);
    EXPECT_INT(switchboard_calls(w.s), 2);
    world_close(&w);
}

const struct test switchboard_tests[] = {TEST(incoming_call_is_offered_answered_and_ended),
                                         TEST(unanswered_offer_expires),
                                         TEST(undeliverable_offer_ends_the_call),
                                         TEST(unheard_notifications_are_sent_again),
                                         TEST(rejected_calls_end),
                                         TEST(tones_come_once_subscribed),
                                         TEST(caller_who_hangs_up_ends_the_call),
                                         TEST(calls_without_keep_alive_end),
                                         TEST(phones_are_told_what_cannot_be),
                                         {0}};
