/* The life of calls: in and out, media state, tones, ends. */
#include "switchboard_world.h"
#include "test.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CALL "/v1.0/communications/calls/%"

static void incoming_call_is_offered_answered_and_ended(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    EXPECT_INT(switchboard_dial(w.s, "+491701234567", "+14255550199", w.now, line, NULL), 0);
    world_drain(&w);
    EXPECT_IN(world_told(&w), "\"changeType\":\"created\"");
    EXPECT_IN(world_told(&w), "\"state\":\"incoming\"");
    EXPECT_IN(world_told(&w),
              "\"phone\":{\"@odata.type\":\"#microsoft.graph.identity\",\"id\":\"+491701234567\"");
    EXPECT_IN(world_told(&w), "\"routingType\":\"lookup\"");
    EXPECT_IN(world_told(&w), "\"applicationInstance\"");
    EXPECT_IN(world_said(&w), "state ringing");
    EXPECT_INT(switchboard_calls(w.s), 1);
    world_forget(&w);
    EXPECT_INT(world_request(&w, "POST", CALL "/playPrompt",
                             "{\"prompts\":[{\"@odata.type\":\"#microsoft.graph.mediaPrompt\","
                             "\"mediaInfo\":{\"uri\":\"http://127.0.0.1/100.wav\"}}]}"),
               409);
    EXPECT_INT(world_request(&w, "POST", CALL "/answer",
                             "{\"callbackUri\":\"http://127.0.0.1:8080/api/calls/"
                             "k\",\"mediaConfig\":{\"@odata.type\":\"#microsoft.graph."
                             "serviceHostedMediaConfig\"},\"acceptedModalities\":[\"audio\"]}"),
               202);
    EXPECT(w.answer == NULL);
    EXPECT_INT(world_request(&w, "POST", CALL "/answer",
                             "{\"callbackUri\":\"http://127.0.0.1:8080/api/calls/"
                             "k\",\"mediaConfig\":{\"@odata.type\":\"#microsoft.graph."
                             "serviceHostedMediaConfig\"},\"acceptedModalities\":[\"audio\"]}"),
               409);
    world_pass(&w, 100);
    EXPECT_INT(w.notifications, 3);
    EXPECT_IN(world_told(&w), "\"state\":\"establishing\"");
    EXPECT_IN(strstr(world_told(&w), "establishing"), "\"state\":\"established\"");
    EXPECT_IN(strstr(world_told(&w), "\"established\""), "\"mediaState\"");
    EXPECT_IN(world_said(&w), "http://127.0.0.1:8080/api/calls/k");
    EXPECT_IN(world_said(&w), "state connected");
    EXPECT_INT(world_request(&w, "GET", CALL "?$select=state", NULL), 200);
    EXPECT_STR(json_str(w.answer, "state"), "established");
    world_forget(&w);
    EXPECT_INT(world_request(&w, "DELETE", CALL, NULL), 204);
    world_pass(&w, 100);
    EXPECT_IN(world_told(&w), "\"state\":\"terminating\"");
    EXPECT_IN(world_told(&w), "\"changeType\":\"deleted\"");
    EXPECT_IN(world_told(&w), "\"code\":200,\"subcode\":7000");
    EXPECT_IN(world_said(&w), "state ended");
    EXPECT_INT(world_request(&w, "GET", CALL, NULL), 404);
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
    EXPECT_INT(world_request(&w, "POST", CALL "/subscribeToTone", "{\"clientContext\":\"c\"}"),
               200);
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

static void prompts_play_as_long_as_they_last(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    world_forget(&w);
    EXPECT_INT(
        world_request(&w, "POST", CALL "/playPrompt",
                      "{\"clientContext\":\"a\",\"prompts\":[{\"@odata.type\":\"#microsoft.graph."
                      "mediaPrompt\",\"mediaInfo\":{\"uri\":\"http://127.0.0.1/"
                      "1500.wav\",\"resourceId\":\"r\"}},{\"@odata.type\":\"#microsoft.graph."
                      "mediaPrompt\",\"mediaInfo\":{\"uri\":\"http://127.0.0.1/500.wav\"}}]}"),
        200);
    EXPECT_STR(json_str(w.answer, "@odata.type"), "#microsoft.graph.playPromptOperation");
    EXPECT_STR(json_str(w.answer, "status"), "running");
    EXPECT_INT(w.fetches, 2);
    EXPECT_IN(world_said(&w), "play http://127.0.0.1/1500.wav - 1500");
    EXPECT_INT(world_request(&w, "POST", CALL "/playPrompt",
                             "{\"clientContext\":\"b\",\"prompts\":[{\"@odata.type\":\"#microsoft."
                             "graph.mediaPrompt\",\"mediaInfo\":{\"uri\":\"http://127.0.0.1/"
                             "elsewhere/1500.wav\",\"resourceId\":\"r\"}}]}"),
               200);
    EXPECT_INT(w.fetches, 2);
    world_pass(&w, 1999);
    EXPECT_INT(w.notifications, 0);
    world_pass(&w, 1);
    EXPECT_INT(w.notifications, 1);
    EXPECT_IN(world_told(&w), "\"changeType\":\"deleted\"");
    EXPECT_IN(world_told(&w), "\"status\":\"completed\",\"clientContext\":\"a\"");
    EXPECT_IN(world_told(&w), "\"completionReason\":\"completedSuccessfully\"");
    world_pass(&w, 1500);
    EXPECT_INT(w.notifications, 2);
    EXPECT_INT(world_count(world_said(&w), "stop - {\"completed\":true}"), 3);
    world_close(&w);
}

static void caller_who_hangs_up_ends_the_call(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    world_request(&w, "POST", CALL "/playPrompt",
                  "{\"prompts\":[{\"@odata.type\":\"#microsoft.graph.mediaPrompt\",\"mediaInfo\":{"
                  "\"uri\":\"http://127.0.0.1/1500.wav\"}}]}");
    world_forget(&w);
    EXPECT_INT(switchboard_hang_up(w.s, line, w.now), 0);
    world_pass(&w, 100);
    EXPECT_INT(w.notifications, 2);
    EXPECT_IN(world_told(&w), "mediaOperationCanceled");
    EXPECT_IN(strstr(world_told(&w), "mediaOperationCanceled"), "\"subcode\":540000");
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT_INT(switchboard_hang_up(w.s, line, w.now), ERR_NOTFOUND);
    EXPECT(switchboard_next_deadline(w.s) == INT64_MAX);
    world_close(&w);
}

const struct test switchboard_tests[] = {TEST(incoming_call_is_offered_answered_and_ended),
                                         TEST(unanswered_offer_expires),
                                         TEST(undeliverable_offer_ends_the_call),
                                         TEST(tones_come_once_subscribed),
                                         TEST(prompts_play_as_long_as_they_last),
                                         TEST(caller_who_hangs_up_ends_the_call),
                                         {0}};
