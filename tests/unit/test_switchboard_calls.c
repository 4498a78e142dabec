/* Calls that the bot places, and people moved between calls: create, transfer, redirect. */
#include "switchboard_world.h"
#include "test.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

#define ANNA "8a34a46b-3d17-4adc-8dce-dc4e7d572698"
#define BERT "112f7296-5fa4-42ca-bae8-6a692b15d4b8"

static void outgoing_call_rings_and_is_picked_up(void)
{
    struct world w;

    world_open(&w, NULL);
    EXPECT_INT(switchboard_register(w.s, "+14255550100", 2000), 0);
    EXPECT_INT(world_create(&w, "beta", WORLD_PHONE("+1 425 555-0100"),
                            ",\"tenantId\":\"t\",\"subject\":\"hello\""),
               201);
    EXPECT_STR(json_str(w.answer, "state"), "establishing");
    EXPECT_STR(json_str(w.answer, "direction"), "outgoing");
    EXPECT_STR(json_str(w.answer, "tenantId"), "t");
    EXPECT_STR(json_str(w.answer, "subject"), "hello");
    EXPECT(json_str(w.answer, "myParticipantId") && json_str(w.answer, "callChainId"));
    EXPECT_IN(w.location, "http://127.0.0.1:8090/beta/communications/calls/");
    EXPECT_IN(world_said(&w), "ring +14255550100");
    EXPECT_IN(world_told(&w), "\"state\":\"ringing\"");
    world_pass(&w, 1999);
    EXPECT_INT(world_count(world_told(&w), "\"state\":\"established\""), 0);
    world_pass(&w, 100);
    EXPECT_IN(world_told(&w), "\"mediaState\"");
    EXPECT_IN(world_said(&w), "state connected");
    world_forget(&w);
    EXPECT_INT(switchboard_hang_up(w.s, w.ring, w.now), 0);
    world_drain(&w);
    EXPECT_IN(world_told(&w), "\"subcode\":540000");
    world_close(&w);
}

static void ringing_is_unknown_to_the_old_version(void)
{
    struct world w;

    world_open(&w, NULL);
    switchboard_register(w.s, ANNA, -1);
    EXPECT_INT(world_create(&w, "v1.0", WORLD_USER(ANNA), NULL), 201);
    EXPECT_INT(world_count(world_told(&w), "ringing"), 0);
    EXPECT(!cJSON_HasObjectItem(w.answer, "answeredBy"));
    world_pass(&w, 5000);
    EXPECT_INT(switchboard_pick_up(w.s, w.ring, w.now), 0);
    EXPECT_INT(switchboard_pick_up(w.s, w.ring, w.now), ERR_CONFLICT);
    world_pass(&w, 100);
    EXPECT_IN(world_told(&w), "\"state\":\"established\"");
    world_close(&w);
}

static void calls_that_nobody_takes_say_why(void)
{
    static const struct {
        int sip;
        const char *result;
    } ways[] = {{486, "\"code\":486"}, {603, "\"code\":603"}, {480, "\"code\":480"}};
    struct world w;

    world_open(&w, NULL);
    switchboard_register(w.s, "+1", -1);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        world_create(&w, "v1.0", WORLD_PHONE("+1"), NULL);
        world_forget(&w);
        EXPECT_INT(switchboard_refuse(w.s, w.ring, 200, w.now), ERR_INVALID);
        EXPECT_INT(switchboard_refuse(w.s, w.ring, ways[i].sip, w.now), 0);
        world_drain(&w);
        EXPECT_IN(world_told(&w), "\"changeType\":\"deleted\"");
        EXPECT_IN(world_told(&w), ways[i].result);
        EXPECT_INT(world_request(&w, "GET", WORLD_CALL, NULL), 404);
    }
    world_forget(&w);
    world_create(&w, "beta", WORLD_PHONE("+1"), ",\"ringingTimeoutInSeconds\":20");
    world_pass(&w, 19999);
    EXPECT_INT(switchboard_calls(w.s), 1);
    world_pass(&w, 1);
    EXPECT_IN(world_told(&w), "\"code\":408");
    world_forget(&w);
    EXPECT_INT(world_create(&w, "v1.0", WORLD_PHONE("+2"), NULL), 201);
    EXPECT_INT(switchboard_calls(w.s), 1);
    world_pass(&w, 100);
    EXPECT_IN(world_told(&w), "\"code\":480,\"subcode\":10037");
    world_forget(&w);
    world_create(&w, "v1.0", WORLD_PHONE("+1"), NULL);
    EXPECT_INT(world_request(&w, "DELETE", WORLD_CALL, NULL), 204);
    world_pass(&w, 100);
    EXPECT_IN(world_said(&w), "state ended");
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT(switchboard_next_deadline(w.s) == INT64_MAX);
    world_close(&w);
}

static void unsound_creates_are_refused(void)
{
    static const char *const bad[] = {
        "{}",
        "{\"callbackUri\":\"https://x\"}",
        "{\"callbackUri\":\"https://x\"," WORLD_SERVICE "}",
        "{\"callbackUri\":\"http://example.com/\",\"targets\":[" WORLD_PHONE(
            "+1") "]," WORLD_SERVICE "}",
        "{\"callbackUri\":\"nowhere\",\"targets\":[" WORLD_PHONE("+1") "]," WORLD_SERVICE "}",
        "{\"callbackUri\":\"https://x\",\"targets\":[" WORLD_PHONE("+1") "]}",
        "{\"callbackUri\":\"https://x\",\"targets\":[{\"identity\":{}}]," WORLD_SERVICE "}",
        "{\"callbackUri\":\"https://x\",\"targets\":[]," WORLD_SERVICE "}",
        "{\"callbackUri\":\"https://x\"," WORLD_SERVICE ",\"meetingInfo\":{\"@odata.type\":"
        "\"#microsoft.graph.organizerMeetingInfo\",\"organizer\":{\"user\":{\"id\":\"x\"}}}}",
        "[]",
        "{",
        "\"text\"",
    };
    struct world w;

    world_open(&w, NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int status = world_request(&w, "POST", WORLD_CALLS, bad[i]);

        test_expect(status == 400, __FILE__, __LINE__, "%s gives %d", bad[i], status);
        EXPECT_STR(json_str(json_get(w.answer, "error"), "code"), "invalidRequest");
    }
    EXPECT_INT(switchboard_calls(w.s), 0);
    world_close(&w);
}

/* --- transfer ------------------------------------------------------------------------------ */

#define TRANSFER(target) "{\"transferTarget\":" target "}"

static void blind_transfer_connects_the_two_phones(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    switchboard_register(w.s, "+14255550100", 1000);
    world_call(&w, line);
    world_request(&w, "POST", WORLD_CALL "/playPrompt", "{\"prompts\":[" WORLD_PROMPT(90000) "]}");
    world_forget(&w);
    EXPECT_INT(
        world_request(&w, "POST", WORLD_CALL "/transfer", TRANSFER(WORLD_PHONE("+14255550100"))),
        202);
    EXPECT(w.answer == NULL);
    EXPECT_IN(world_told(&w), "\"state\":\"transferring\"");
    EXPECT_INT(
        world_request(&w, "POST", WORLD_CALL "/transfer", TRANSFER(WORLD_PHONE("+14255550100"))),
        409);
    world_pass(&w, 2000);
    EXPECT_IN(strstr(world_told(&w), "transferring"), "\"state\":\"transferAccepted\"");
    EXPECT_IN(strstr(world_told(&w), "transferAccepted"), "\"changeType\":\"deleted\"");
    EXPECT_IN(world_told(&w), "\"code\":0,\"subcode\":7015");
    EXPECT_IN(world_said(&w), "state transferred {\"with\":\"+14255550100\"}");
    EXPECT_IN(world_said(&w), "state connected {\"with\":\"+491701234567\"}");
    EXPECT_INT(world_count(world_said(&w), "state ended"), 0);
    EXPECT_IN(world_said(&w), "stop - {\"completed\":false}");
    EXPECT_INT(switchboard_calls(w.s), 0);
    world_forget(&w);
    EXPECT_INT(switchboard_press(w.s, line, '1', w.now), 0);
    EXPECT_INT(switchboard_hang_up(w.s, line, w.now), 0);
    world_drain(&w);
    EXPECT_INT(world_count(world_said(&w), "state ended"), 2);
    EXPECT_INT(w.notifications, 0);
    world_close(&w);
}

static void failed_transfer_gives_the_call_back(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    world_forget(&w);
    world_request(&w, "POST", WORLD_CALL "/transfer", TRANSFER(WORLD_USER(ANNA)));
    world_pass(&w, 200);
    EXPECT_IN(world_told(&w), "\"state\":\"established\"");
    EXPECT_IN(world_told(&w), "\"code\":500,\"subcode\":7000");
    switchboard_register(w.s, ANNA, -1);
    world_forget(&w);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/transfer", TRANSFER(WORLD_USER(ANNA))), 202);
    world_pass(&w, 200);
    switchboard_refuse(w.s, w.ring, 486, w.now);
    world_pass(&w, 200);
    EXPECT_IN(world_told(&w), "\"code\":500,\"subcode\":7000");
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/transfer", "{}"), 400);
    world_request(&w, "POST", WORLD_CALL "/transfer", TRANSFER(WORLD_USER(ANNA)));
    world_pass(&w, 200);
    world_forget(&w);
    switchboard_hang_up(w.s, line, w.now); /* while the target rings */
    world_pass(&w, 200);
    EXPECT_INT(world_count(world_said(&w), "state ended"), 2);
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT(switchboard_next_deadline(w.s) == INT64_MAX);
    world_close(&w);
}

static void consultative_transfer_merges_two_calls(void)
{
    struct world w;
    char line[ID_MAX], first[ID_MAX], path[512], body[640];

    world_open(&w, NULL);
    switchboard_register(w.s, ANNA, 0);
    world_call(&w, line);
    snprintf(first, sizeof first, "%s", w.call);
    world_create(&w, "v1.0", WORLD_USER(ANNA), NULL);
    snprintf(path, sizeof path, "/v1.0/communications/calls/%s/transfer", first);
    snprintf(body, sizeof body,
             "{\"transferTarget\":{\"identity\":{\"user\":{\"id\":\"" ANNA
             "\"}},\"replacesCallId\":\"%s\"}}",
             w.call);
    EXPECT_INT(world_request(&w, "POST", path, body), 202);
    world_pass(&w, 300); /* Anna has picked up meanwhile */
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT_IN(world_told(&w), "AppTransferred");
    EXPECT_IN(world_said(&w), "state transferred {\"with\":\"" ANNA "\"}");
    EXPECT_IN(world_said(&w), "state transferred {\"with\":\"+491701234567\"}");
    EXPECT_INT(world_count(world_said(&w), "state ended"), 0);

    world_call(&w, line);
    world_forget(&w);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/transfer", body), 202);
    world_pass(&w, 300);
    EXPECT_IN(world_told(&w), "\"code\":500,\"subcode\":7700");
    EXPECT_IN(world_told(&w), "replacesContext");
    EXPECT_INT(switchboard_calls(w.s), 1);
    world_close(&w);
}

/* --- redirect ------------------------------------------------------------------------------ */

static void redirect_rings_all_and_the_first_wins(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    switchboard_register(w.s, ANNA, 3000);
    switchboard_register(w.s, BERT, 2000);
    switchboard_dial(w.s, "+49170", "+1425", w.now, line, NULL);
    world_drain(&w);
    world_forget(&w);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/redirect",
                             "{\"callbackUri\":\"https://bot/redirected\",\"targets\":[" WORLD_USER(
                                 ANNA) "," WORLD_USER(BERT) "]}"),
               202);
    EXPECT_IN(world_told(&w), "\"state\":\"redirecting\"");
    EXPECT_INT(world_count(world_said(&w), "ring "), 2);
    world_pass(&w, 2100);
    EXPECT_IN(world_told(&w), "\"answeredBy\"");
    EXPECT_IN(strstr(world_told(&w), "answeredBy"), BERT);
    EXPECT_IN(world_said(&w), "notify https://bot/redirected");
    EXPECT_INT(world_count(world_said(&w), "state ended"), 1); /* Anna's */
    EXPECT_IN(world_said(&w), "state transferred {\"with\":\"" BERT "\"}");
    EXPECT_INT(switchboard_calls(w.s), 0);
    world_pass(&w, 100000);
    EXPECT_INT(world_count(world_said(&w), "state ended"), 1);
    switchboard_hang_up(w.s, line, w.now);
    world_drain(&w);
    EXPECT_INT(world_count(world_said(&w), "state ended"), 3);
    world_close(&w);
}

static void redirect_that_nobody_takes_ends(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    switchboard_register(w.s, ANNA, -1);
    switchboard_dial(w.s, "+49170", "+1425", w.now, line, NULL);
    world_drain(&w);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/redirect",
                             "{\"timeout\":15,\"targets\":[" WORLD_USER(ANNA) "]}"),
               202);
    world_pass(&w, 14999);
    EXPECT_INT(switchboard_calls(w.s), 1);
    world_pass(&w, 1);
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT_INT(world_count(world_said(&w), "state ended"), 2);
    switchboard_dial(w.s, "+49170", "+1425", w.now, line, NULL);
    world_drain(&w);
    world_forget(&w);
    world_request(&w, "POST", WORLD_CALL "/redirect",
                  "{\"targets\":[" WORLD_USER(ANNA) "," WORLD_USER(BERT) "]}");
    world_pass(&w, 1000);
    EXPECT_INT(switchboard_calls(w.s), 1); /* Bert is unknown, Anna still rings */
    switchboard_refuse(w.s, w.ring, 603, w.now);
    world_drain(&w);
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT_IN(world_told(&w), "\"code\":603");
    world_pass(&w, 1000);
    EXPECT(switchboard_next_deadline(w.s) == INT64_MAX);
    world_close(&w);
}

const struct test switchboard_calls_tests[] = {
    TEST(outgoing_call_rings_and_is_picked_up),   TEST(ringing_is_unknown_to_the_old_version),
    TEST(calls_that_nobody_takes_say_why),        TEST(unsound_creates_are_refused),
    TEST(blind_transfer_connects_the_two_phones), TEST(failed_transfer_gives_the_call_back),
    TEST(consultative_transfer_merges_two_calls), TEST(redirect_rings_all_and_the_first_wins),
    TEST(redirect_that_nobody_takes_ends),        {0}};
