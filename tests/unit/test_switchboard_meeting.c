/* Group calls and meetings: roster, people in and out, lobby, routing, sharing, recording by
 * policy.
 */
#include "switchboard_world.h"
#include "test.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANNA "8a34a46b-3d17-4adc-8dce-dc4e7d572698"
#define BERT "112f7296-5fa4-42ca-bae8-6a692b15d4b8"
#define ROOM "19:meeting_abc@thread.v2"

/* The id of the participant whose identity holds `name`, from GET participants. */
static void participant(struct world *w, const char *name, char out[ID_MAX])
{
    const cJSON *p;

    out[0] = '\0';
    EXPECT_INT(world_request(w, "GET", WORLD_BETA "/participants", NULL), 200);
    cJSON_ArrayForEach (p, json_get(w->answer, "value")) {
        char *text = json_text(json_get(p, "info"));

        if (text && strstr(text, name))
            snprintf(out, ID_MAX, "%s", json_str(p, "id"));
        free(text);
    }
}

static int on_participant(struct world *w, const char *verb, const char *id, const char *action,
                          const char *body)
{
    char path[512];

    snprintf(path, sizeof path, "/beta/communications/calls/%s/participants/%s%s", w->call, id,
             action);
    return world_request(w, verb, path, body);
}

static void meeting_tells_who_is_there(void)
{
    struct world w;
    char line[ID_MAX], id[ID_MAX];

    world_open(&w, NULL);
    EXPECT_INT(switchboard_join(w.s, ANNA, ROOM, w.now, line, NULL), 0);
    world_join(&w, ROOM, NULL);
    EXPECT_IN(world_told(&w), "\"state\":\"established\",\"direction\":\"outgoing\",\"chatInfo\"");
    EXPECT_IN(world_told(&w), "\"mediaState\"");
    EXPECT_IN(strstr(world_told(&w), "/participants\""), ANNA);
    EXPECT_INT(world_count(strstr(world_told(&w), "/participants\""), "graph.participant\""), 2);
    world_forget(&w);
    EXPECT_INT(switchboard_join(w.s, BERT, ROOM, w.now, line, NULL), 0);
    world_drain(&w);
    EXPECT_INT(w.notifications, 1);
    EXPECT_INT(world_count(world_told(&w), "graph.participant\""), 3);
    participant(&w, BERT, id);
    EXPECT_INT(on_participant(&w, "GET", id, "", NULL), 200);
    EXPECT_STR(json_str(w.answer, "id"), id);
    EXPECT_INT(on_participant(&w, "GET", "nobody", "", NULL), 404);
    world_forget(&w);
    switchboard_hang_up(w.s, line, w.now);
    world_drain(&w);
    EXPECT_INT(world_count(world_told(&w), "graph.participant\""), 2);
    EXPECT_INT(switchboard_calls(w.s), 1);
    world_close(&w);
}

static void delta_roster_tells_changes_only(void)
{
    struct world w;
    char line[ID_MAX];
    const char *sequence;

    world_open(&w, NULL);
    world_join(&w, ROOM,
               ",\"callOptions\":{\"@odata.type\":\"#microsoft.graph.outgoingCallOptions\","
               "\"isDeltaRosterEnabled\":true}");
    switchboard_join(w.s, ANNA, ROOM, w.now, line, NULL);
    world_drain(&w);
    world_forget(&w);
    switchboard_join(w.s, BERT, ROOM, w.now, line, NULL);
    world_drain(&w);
    EXPECT_INT(world_count(world_told(&w), "graph.participant\""), 1);
    EXPECT_IN(world_told(&w), BERT);
    sequence = strstr(world_told(&w), "\"rosterSequenceNumber\":");
    EXPECT_IN(sequence, "\"rosterSequenceNumber\":");
    world_forget(&w);
    switchboard_hang_up(w.s, line, w.now);
    world_drain(&w);
    EXPECT_INT(world_count(world_told(&w), "graph.participant\""), 1);
    EXPECT_IN(world_told(&w), "\"removedState\"");
    world_close(&w);
}

static void group_call_brings_people_in(void)
{
    struct world w;

    world_open(&w, NULL);
    switchboard_register(w.s, ANNA, 500);
    switchboard_register(w.s, BERT, -1);
    EXPECT_INT(world_create(&w, "v1.0", WORLD_USER(ANNA) "," WORLD_USER(BERT), NULL), 201);
    world_pass(&w, 1000);
    EXPECT_IN(world_told(&w), "\"state\":\"established\"");
    EXPECT_INT(world_count(world_told(&w), ANNA), 1);
    EXPECT_INT(world_count(world_told(&w), BERT), 0);
    world_pass(&w, 60000);
    EXPECT_INT(switchboard_calls(w.s), 1);
    EXPECT_INT(world_count(world_said(&w), "state ended"), 1);
    world_close(&w);
}

static void group_call_without_anybody_ends(void)
{
    struct world w;

    world_open(&w, NULL);
    world_create(&w, "v1.0", WORLD_USER(ANNA) "," WORLD_USER(BERT), NULL);
    world_pass(&w, 1000);
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT_IN(world_told(&w), "\"subcode\":5013");
    world_close(&w);
}

static void invitation_makes_a_group_of_a_call(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    switchboard_register(w.s, ANNA, 1000);
    world_call(&w, line);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/participants/invite",
                             "{\"participants\":[" WORLD_USER(ANNA) "," WORLD_USER(BERT) "]}"),
               400);
    world_forget(&w);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/participants/invite",
                             "{\"clientContext\":\"i\",\"participants\":[" WORLD_USER(ANNA) "]}"),
               200);
    EXPECT_STR(json_str(w.answer, "status"), "running");
    EXPECT_INT(cJSON_GetArraySize(json_get(w.answer, "participants")), 1);
    world_pass(&w, 1100);
    EXPECT_IN(world_told(&w), "\"status\":\"completed\",\"clientContext\":\"i\"");
    EXPECT_INT(world_count(strstr(world_told(&w), "/participants\""), "graph.participant\""), 3);
    world_forget(&w);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/participants/invite",
                             "{\"participants\":[" WORLD_USER(BERT) "]}"),
               200);
    world_pass(&w, 1000);
    EXPECT_IN(world_told(&w), "\"status\":\"failed\"");
    EXPECT_IN(world_told(&w), "\"code\":480,\"subcode\":10037");
    switchboard_hang_up(w.s, line, w.now);
    world_drain(&w);
    EXPECT_INT(switchboard_calls(w.s), 1); /* Anna is there */
    switchboard_hang_up(w.s, w.ring, w.now);
    world_drain(&w);
    EXPECT_INT(switchboard_calls(w.s), 0);
    EXPECT_IN(world_told(&w), "\"subcode\":5002");
    world_close(&w);
}

static void invitation_moves_somebody_from_another_call(void)
{
    struct world w;
    char line[ID_MAX], other[ID_MAX], body[640];

    world_open(&w, NULL);
    world_call(&w, line);
    snprintf(other, sizeof other, "%s", w.call);
    world_join(&w, ROOM, NULL);
    world_forget(&w);
    snprintf(body, sizeof body,
             "{\"participants\":[{\"identity\":{\"phone\":{\"id\":\"+491701234567\"}},"
             "\"replacesCallId\":\"%s\"}]}",
             other);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/participants/invite", body), 200);
    world_pass(&w, 100);
    EXPECT_IN(world_told(&w), "\"status\":\"completed\"");
    EXPECT_IN(world_told(&w), "\"subcode\":5003");
    EXPECT_INT(world_count(world_said(&w), "state ended"), 0);
    EXPECT_INT(switchboard_calls(w.s), 1);
    EXPECT_INT(world_request(&w, "GET", WORLD_CALL "/participants", NULL), 200);
    EXPECT_INT(cJSON_GetArraySize(json_get(w.answer, "value")), 2);
    world_close(&w);
}

static void participants_are_muted_held_and_removed(void)
{
    struct world w;
    char line[ID_MAX], id[ID_MAX];

    world_open(&w, NULL);
    switchboard_join(w.s, ANNA, ROOM, w.now, line, NULL);
    world_join(&w, ROOM, NULL);
    participant(&w, ANNA, id);
    world_forget(&w);
    EXPECT_INT(on_participant(&w, "POST", id, "/mute", "{}"), 200);
    EXPECT_STR(json_str(w.answer, "status"), "completed");
    EXPECT_IN(world_told(&w), "\"isMuted\":true");
    EXPECT_INT(
        world_request(&w, "POST", WORLD_BETA "/participants/muteAll", "{\"participants\":[\"\"]}"),
        200);
    EXPECT_INT(
        world_request(&w, "POST", WORLD_BETA "/participants/muteAll", "{\"participants\":[\"x\"]}"),
        404);
    world_forget(&w);
    EXPECT_INT(on_participant(&w, "POST", id, "/startHoldMusic", NULL), 202);
    EXPECT_INT(on_participant(&w, "POST", id, "/startHoldMusic", NULL), 409);
    EXPECT_IN(world_said(&w), "play about:hold-music - 0");
    world_request(&w, "POST", WORLD_CALL "/playPrompt", "{\"prompts\":[" WORLD_PROMPT(100) "]}");
    world_pass(&w, 200);
    EXPECT_INT(world_count(world_said(&w), "play "), 1);
    EXPECT_INT(world_count(world_told(&w), "\"status\":\"completed\""), 2);
    EXPECT_INT(on_participant(&w, "POST", id, "/stopHoldMusic", "{}"), 202);
    EXPECT_INT(on_participant(&w, "POST", id, "/stopHoldMusic", "{}"), 409);
    EXPECT_IN(world_said(&w), "stop - ");
    EXPECT_INT(on_participant(&w, "POST", id, "/reportSyntheticMedia",
                              "{\"id\":\"a1b2c3d4-e5f6-7890-abcd-ef1234567890\","
                              "\"detectionDateTime\":\"2026-03-13T21:00:00Z\",\"detections\":[],"
                              "\"contentMetadata\":{},\"overallConfidence\":0.5,"
                              "\"isMalicious\":true}"),
               200);
    EXPECT_IN(world_told(&w), "\"syntheticConfidence\":0.5");
    world_forget(&w);
    EXPECT_INT(on_participant(&w, "DELETE", id, "", NULL), 204);
    EXPECT_IN(world_said(&w), "state ended {\"code\":200,\"subcode\":5300");
    EXPECT_INT(on_participant(&w, "DELETE", id, "", NULL), 404);
    EXPECT_INT(switchboard_calls(w.s), 1);
    world_close(&w);
}

static void guests_wait_in_the_lobby(void)
{
    struct world w;
    char line[ID_MAX], id[ID_MAX], host[ID_MAX], guest[ID_MAX];

    world_open(&w, NULL);
    world_join(&w, ROOM, NULL);
    snprintf(host, sizeof host, "%s", w.call);
    EXPECT_INT(switchboard_join(w.s, "guest:Eve", ROOM, w.now, line, NULL), 0);
    world_drain(&w);
    EXPECT_IN(world_said(&w), "state lobby");
    EXPECT_IN(world_told(&w), "\"isInLobby\":true");
    EXPECT_INT(switchboard_press(w.s, line, '1', w.now), ERR_CONFLICT);
    participant(&w, "Eve", id);
    EXPECT_INT(on_participant(&w, "POST", id, "/admitFromLobby", "{}"), 200);
    EXPECT_IN(world_said(&w), "state connected");
    EXPECT_INT(on_participant(&w, "POST", id, "/admitFromLobby", "{}"), 409);
    world_forget(&w);
    world_join(&w, ROOM,
               ",\"source\":{\"identity\":{\"guest\":{\"id\":\"g\",\"displayName\":\"Bot\"}}}");
    snprintf(guest, sizeof guest, "%s", w.call);
    EXPECT_INT(world_count(world_told(&w), "mediaState"), 0);
    EXPECT_INT(world_request(&w, "GET", WORLD_BETA "/participants", NULL), 200);
    EXPECT_INT(cJSON_GetArraySize(json_get(w.answer, "value")), 1);
    EXPECT_INT(world_request(&w, "POST", WORLD_BETA "/participants/admitAllFromLobby", "{}"), 403);
    snprintf(w.call, sizeof w.call, "%s", host);
    EXPECT_INT(world_request(&w, "POST", WORLD_BETA "/participants/admitAllFromLobby", "{}"), 200);
    world_pass(&w, 100);
    EXPECT_IN(world_told(&w), "mediaState");
    snprintf(w.call, sizeof w.call, "%s", guest);
    EXPECT_INT(world_request(&w, "GET", WORLD_BETA "/participants", NULL), 200);
    EXPECT_INT(cJSON_GetArraySize(json_get(w.answer, "value")), 3);
    switchboard_join(w.s, "guest:Mallory", ROOM, w.now, line, NULL);
    participant(&w, "Mallory", id);
    world_forget(&w);
    EXPECT_INT(on_participant(&w, "POST", id, "/removeFromLobby", "{}"), 200);
    EXPECT_IN(world_said(&w), "state ended {\"code\":200,\"subcode\":5300");
    world_close(&w);
}

static void routing_groups_are_kept(void)
{
    struct world w;
    char line[ID_MAX], anna[ID_MAX], bot[ID_MAX], body[640];

    world_open(&w, NULL);
    switchboard_join(w.s, ANNA, ROOM, w.now, line, NULL);
    world_join(&w, ROOM, NULL);
    participant(&w, ANNA, anna);
    participant(&w, "Calling Bot", bot);
    snprintf(body, sizeof body,
             "{\"id\":\"one\",\"routingMode\":\"oneToOne\",\"sources\":[\"%s\"],"
             "\"receivers\":[\"%s\"]}",
             bot, anna);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/audioRoutingGroups", body), 200);
    EXPECT_STR(json_str(w.answer, "id"), "one");
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/audioRoutingGroups", body), 409);
    snprintf(body, sizeof body,
             "{\"routingMode\":\"oneToOne\",\"sources\":[\"%s\"],\"receivers\":[\"%s\",\"%s\"]}",
             bot, anna, bot);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/audioRoutingGroups", body), 400);
    EXPECT_INT(world_request(&w, "PATCH", WORLD_CALL "/audioRoutingGroups/one",
                             "{\"receivers\":[\"nobody\"]}"),
               400);
    EXPECT_INT(world_request(&w, "PATCH", WORLD_CALL "/audioRoutingGroups/one",
                             "{\"routingMode\":\"multicast\"}"),
               200);
    EXPECT_STR(json_str(w.answer, "routingMode"), "multicast");
    EXPECT_INT(world_request(&w, "GET", WORLD_CALL "/audioRoutingGroups", NULL), 200);
    EXPECT_INT(cJSON_GetArraySize(json_get(w.answer, "value")), 1);
    EXPECT_INT(world_request(&w, "GET", WORLD_CALL "/audioRoutingGroups/one", NULL), 200);
    EXPECT_INT(world_request(&w, "DELETE", WORLD_CALL "/audioRoutingGroups/one", NULL), 204);
    EXPECT_INT(world_request(&w, "GET", WORLD_CALL "/audioRoutingGroups/one", NULL), 404);
    world_close(&w);
}

static void meeting_state_is_told(void)
{
    struct world w;
    char line[ID_MAX], path[512];

    world_open(&w, NULL);
    world_join(&w, ROOM,
               ",\"callOptions\":{\"@odata.type\":\"#microsoft.graph.outgoingCallOptions\","
               "\"isContentSharingNotificationEnabled\":true}");
    switchboard_join(w.s, ANNA, ROOM, w.now, line, NULL);
    world_drain(&w);
    world_forget(&w);
    EXPECT_INT(switchboard_share(w.s, line, true, w.now), 0);
    world_drain(&w);
    EXPECT_IN(world_told(&w), "/contentsharingsessions\"");
    EXPECT_IN(world_told(&w), "videoBasedScreenSharing");
    EXPECT_INT(world_request(&w, "GET", WORLD_BETA "/contentSharingSessions", NULL), 200);
    EXPECT_INT(cJSON_GetArraySize(json_get(w.answer, "value")), 1);
    snprintf(path, sizeof path, "%s/contentSharingSessions/%s", WORLD_BETA,
             json_str(json_get(w.answer, "value")->child, "id"));
    EXPECT_INT(world_request(&w, "GET", path, NULL), 200);
    EXPECT(json_str(w.answer, "presenterParticipantId") != NULL);
    switchboard_share(w.s, line, false, w.now);
    world_drain(&w);
    EXPECT_IN(world_told(&w), "\"changeType\":\"deleted\"");
    EXPECT_INT(world_request(&w, "GET", path, NULL), 404);
    world_forget(&w);
    EXPECT_INT(world_request(&w, "POST", WORLD_BETA "/addLargeGalleryView", NULL), 202);
    world_pass(&w, 100);
    EXPECT_IN(strstr(world_told(&w), "\"status\":\"completed\""), "LargeGallery-V2");
    EXPECT_INT(world_request(&w, "POST", WORLD_BETA "/microsoft.graph.StartRecording", NULL), 202);
    EXPECT_INT(world_request(&w, "POST", WORLD_BETA "/microsoft.graph.StartRecording", NULL), 409);
    EXPECT_IN(world_told(&w), "\"recordingStatus\":\"recording\"");
    EXPECT_INT(world_request(&w, "POST", WORLD_BETA "/StopRecording", NULL), 202);
    EXPECT_INT(
        world_request(&w, "POST", WORLD_BETA "/startTranscription", "{\"language\":\"en-us\"}"),
        202);
    EXPECT_IN(world_told(&w), "callTranscriptionInfo\",\"state\":\"active\"");
    EXPECT_INT(world_request(&w, "POST", WORLD_BETA "/stopTranscription", "{}"), 202);
    EXPECT_INT(world_request(&w, "GET", WORLD_BETA, NULL), 200);
    EXPECT_STR(json_str(json_get(w.answer, "transcription"), "state"), "inactive");
    EXPECT_INT(
        world_request(&w, "POST", WORLD_CALL "/updateRecordingStatus", "{\"status\":\"failed\"}"),
        200);
    EXPECT_INT(
        world_request(&w, "POST", WORLD_CALL "/updateRecordingStatus", "{\"status\":\"unknown\"}"),
        400);
    EXPECT_INT(
        world_request(&w, "POST", WORLD_CALL "/changeScreenSharingRole", "{\"role\":\"sharer\"}"),
        400);
    world_close(&w);
}

static void meetings_are_found_by_their_names(void)
{
    struct world w;
    char line[ID_MAX];
    static const char join[] =
        "{\"callbackUri\":\"https://bot/c\"," WORLD_SERVICE
        ",\"meetingInfo\":{\"@odata.type\":\"#microsoft.graph.joinMeetingIdMeetingInfo\","
        "\"joinMeetingId\":\"123 456\",\"passcode\":%s}}";
    char body[640];

    world_open(&w, NULL);
    snprintf(body, sizeof body, join, "\"secret\"");
    EXPECT_INT(world_request(&w, "POST", WORLD_CALLS, body), 201);
    EXPECT_IN(json_str(json_get(w.answer, "chatInfo"), "threadId"), "19:meeting_");
    snprintf(body, sizeof body, join, "null");
    EXPECT_INT(world_request(&w, "POST", WORLD_CALLS, body), 403);
    world_pass(&w, 100);
    world_forget(&w);
    EXPECT_INT(switchboard_join(w.s, ANNA, "123456", w.now, line, NULL), 0);
    world_drain(&w);
    EXPECT_IN(world_told(&w), ANNA);
    EXPECT_INT(switchboard_join(w.s, BERT,
                                "https://teams.microsoft.com/l/meetup-join/"
                                "19%3ameeting_abc%40thread.v2/0?context=%7b%22Tid%22%3a%22t%22%2c"
                                "%22Oid%22%3a%22o%22%7d",
                                w.now, line, NULL),
               0);
    world_forget(&w);
    world_join(&w, ROOM, NULL);
    EXPECT_IN(world_told(&w), BERT);
    world_close(&w);
}

static void transfer_out_of_a_group(void)
{
    struct world w;
    char anna[ID_MAX], other[ID_MAX], id[ID_MAX], body[640];

    world_open(&w, NULL);
    switchboard_register(w.s, BERT, 100);
    switchboard_join(w.s, ANNA, ROOM, w.now, anna, NULL);
    switchboard_join(w.s, "+49", ROOM, w.now, other, NULL);
    world_join(&w, ROOM, NULL);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/transfer",
                             "{\"transferTarget\":" WORLD_USER(BERT) "}"),
               400);
    participant(&w, ANNA, id);
    snprintf(body, sizeof body,
             "{\"transferTarget\":" WORLD_USER(BERT) ",\"transferee\":{\"identity\":{\"user\":"
                                                     "{\"id\":\"" ANNA
                                                     "\"}},\"participantId\":\"%s\"}}",
             id);
    world_forget(&w);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/transfer", body), 202);
    world_pass(&w, 300);
    EXPECT_IN(world_told(&w), "\"code\":0,\"subcode\":7015");
    EXPECT_IN(world_said(&w), "state transferred {\"with\":\"" BERT "\"}");
    world_forget(&w);
    switchboard_hang_up(w.s, anna, w.now);
    world_drain(&w);
    EXPECT_INT(world_count(world_said(&w), "state ended"), 2); /* Anna and Bert, not the other */
    EXPECT_INT(switchboard_hang_up(w.s, other, w.now), 0);
    world_close(&w);
}

/* --- recording by policy ------------------------------------------------------------------- */

#define TAKE(n)                                                                                    \
    "{\"callbackUri\":\"https://bot/r\"," WORLD_SERVICE                                            \
    ",\"acceptedModalities\":[\"audio\"],\"participantCapacity\":" #n "}"

/* Drain, giving the joining notification this answer. */
static void answer_joining(struct world *w, const char *body)
{
    struct switchboard_action a;

    while (switchboard_next(w->s, &a)) {
        if (a.kind == SWITCH_STATE)
            buf_fmt(&w->said, "state %s\n", a.url);
        if (a.kind == SWITCH_NOTIFY) {
            buf_fmt(&w->told, "%s %s\n", a.url, a.body);
            switchboard_notified(w->s, a.id, 200, body, strlen(body), w->now);
        }
        switchboard_action_fini(&a);
    }
}

static void policy_calls_the_bot_for_participants(void)
{
    struct world w;
    char anna[ID_MAX], bert[ID_MAX], eve[ID_MAX];

    world_open(&w, NULL);
    switchboard_join(w.s, ANNA, ROOM, w.now, anna, NULL);
    switchboard_join(w.s, BERT, ROOM, w.now, bert, NULL);
    switchboard_join(w.s, "+4930", ROOM, w.now, eve, NULL);
    EXPECT_INT(switchboard_observe(w.s, anna, w.now), 0);
    EXPECT_INT(switchboard_observe(w.s, anna, w.now), ERR_CONFLICT);
    world_drain(&w);
    EXPECT_IN(world_told(&w), "\"observedParticipantId\"");
    EXPECT_IN(world_told(&w), "tokenMeetingInfo");
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/answer", TAKE(2)), 202);
    world_pass(&w, 100);
    EXPECT_IN(world_said(&w), "state observed");
    world_forget(&w);
    switchboard_observe(w.s, bert, w.now);
    answer_joining(&w, "{\"@odata.type\":\"#microsoft.graph.acceptJoinResponse\"}");
    EXPECT_IN(world_told(&w), "participantJoiningNotification");
    EXPECT_IN(world_said(&w), "state observed");
    world_forget(&w);
    switchboard_observe(w.s, eve, w.now); /* the two are taken */
    world_drain(&w);
    EXPECT_IN(world_told(&w), "\"changeType\":\"created\"");
    world_pass(&w, 5000);
    EXPECT_IN(world_said(&w), "state unobserved");
    world_forget(&w);
    switchboard_hang_up(w.s, bert, w.now);
    world_drain(&w);
    EXPECT_IN(world_told(&w), "participantLeftNotification");
    switchboard_observe(w.s, eve, w.now);
    world_forget(&w);
    answer_joining(&w, "{\"@odata.type\":\"#microsoft.graph.rejectJoinResponse\","
                       "\"reason\":\"busy\"}");
    EXPECT_IN(world_said(&w), "state unobserved");
    switchboard_observe(w.s, eve, w.now);
    answer_joining(&w, "{\"@odata.type\":\"#microsoft.graph.inviteNewBotResponse\","
                       "\"inviteUri\":\"https://bot/another\"}");
    world_pass(&w, 0);
    EXPECT_IN(world_told(&w), "https://bot/another");
    switchboard_hang_up(w.s, anna, w.now);
    world_pass(&w, 10000);
    EXPECT_INT(switchboard_calls(w.s), 0);
    world_close(&w);
}

const struct test switchboard_meeting_tests[] = {TEST(meeting_tells_who_is_there),
                                                 TEST(delta_roster_tells_changes_only),
                                                 TEST(group_call_brings_people_in),
                                                 TEST(group_call_without_anybody_ends),
                                                 TEST(invitation_makes_a_group_of_a_call),
                                                 TEST(invitation_moves_somebody_from_another_call),
                                                 TEST(participants_are_muted_held_and_removed),
                                                 TEST(guests_wait_in_the_lobby),
                                                 TEST(routing_groups_are_kept),
                                                 TEST(meeting_state_is_told),
                                                 TEST(meetings_are_found_by_their_names),
                                                 TEST(transfer_out_of_a_group),
                                                 TEST(policy_calls_the_bot_for_participants),
                                                 {0}};
