/*
 * The process dies between sending a command that must not be repeated and hearing its answer: for
 * each such method, what the service says afterwards, and what is made of it.
 */
#include "tests/unit/recover_world.h"
#include "tests/unit/test.h"

#include "base/json.h"
#include "graph/methods.h"

#include <stdio.h>
#include <string.h>

#define CALLS "/communications/calls"
#define CALL  CALLS "/" RECOVER_CALL
#define STATE(s)                                                                                   \
    "{\"@odata.type\":\"#microsoft.graph.call\",\"id\":\"" RECOVER_CALL "\",\"state\":\"" s "\"}"
#define MORE(s, m)                                                                                 \
    "{\"@odata.type\":\"#microsoft.graph.call\",\"id\":\"" RECOVER_CALL "\",\"state\":\"" s        \
    "\"," m "}"
#define NONE "{\"value\":[]}"
#define ROSTER(id)                                                                                 \
    "{\"value\":[{\"id\":\"p0\",\"info\":{\"identity\":{\"application\":{\"id\":\"us\"}}}},"       \
    "{\"id\":\"p1\",\"info\":{\"identity\":{\"phone\":{\"id\":\"" id "\"}}}}]}"
#define OPERATION(type, more)                                                                      \
    "{\"value\":[{\"@odata.type\":\"#microsoft.graph." type "\",\"id\":\"op7\",\"status\":"        \
    "\"completed\"" more "}]}"

#define GUID "00000000-0000-4000-8000-000000000001"

/* ALREADY: sent again, and the refusal taken for what it says: it is so already. */
enum outcome { AGAIN, DONE, IN_DOUBT, ALREADY };

#define GROUP                                                                                      \
    "call:createAudioRoutingGroup{ id = 'g1', routingMode = 'oneToOne', sources = { 'a' }, "       \
    "receivers = { 'b' } }"
#define UNNAMED                                                                                    \
    "call:createAudioRoutingGroup{ routingMode = 'oneToOne', sources = { 'a' }, receivers = { "    \
    "'b' "                                                                                         \
    "} }"
#define MADE(id, source)                                                                           \
    "{\"value\":[{\"id\":\"" id "\",\"routingMode\":\"oneToOne\",\"sources\":[\"" source           \
    "\"],\"receivers\":[\"b\"]}]}"
#define REPORT                                                                                     \
    "call:participant('p1'):reportSyntheticMedia{ id = '" GUID "', "                               \
    "detectionDateTime = '2026-01-01T00:00:00Z', detections = {}, contentMetadata = {}, "          \
    "overallConfidence = 0.5, isMalicious = false }"

static const struct row {
    const char *method;
    const char *flow; /* what waits for the answer; before it "call:answer()", unless `early` */
    const char *sent; /* its request */
    bool early;
    struct service_reply replies[3]; /* of the service to the next process */
    enum outcome outcome;
} rows[] = {
    /* By the state of the call. */
    {"answer",
     "call:answer()",
     "POST " CALL "/answer",
     true,
     {{"GET ", 200, STATE("incoming")}},
     AGAIN},
    {"answer",
     "call:answer()",
     "POST " CALL "/answer",
     true,
     {{"GET ", 200, STATE("establishing")}},
     DONE},
    {"answer", "call:answer()", "POST " CALL "/answer", true, {{"GET ", 503, NULL}}, IN_DOUBT},
    {"redirect",
     "call:redirect '+1555'",
     "POST " CALL "/redirect",
     true,
     {{"GET ", 200, STATE("incoming")}},
     AGAIN},
    {"redirect",
     "call:redirect '+1555'",
     "POST " CALL "/redirect",
     true,
     {{"GET ", 200, STATE("redirecting")}},
     DONE},
    {"reject",
     "call:reject 'busy'",
     "POST " CALL "/reject",
     true,
     {{"GET ", 200, STATE("incoming")}},
     AGAIN},
    {"reject",
     "call:reject 'busy'",
     "POST " CALL "/reject",
     true,
     {{"GET ", 200, STATE("terminating")}},
     DONE},
    {"transfer",
     "call:transfer '+1555'",
     "POST " CALL "/transfer",
     false,
     {{"GET ", 200, STATE("established")}},
     AGAIN},
    {"transfer",
     "call:transfer '+1555'",
     "POST " CALL "/transfer",
     false,
     {{"GET ", 200, STATE("transferring")}},
     DONE},
    {"transfer",
     "call:transfer '+1555'",
     "POST " CALL "/transfer",
     false,
     {{"GET ", 503, NULL}},
     IN_DOUBT},
    /* Nothing tells but the call itself, at its address. */
    {"create", "ivr.createCall '+1555'", "POST " CALLS "\n", false, {{NULL, 0, NULL}}, IN_DOUBT},
    /* By the operation, and by who is there. */
    {"invite",
     "call:invite '+1555'",
     "POST " CALL "/participants/invite",
     false,
     {{"/operations", 200, NONE}, {"/participants", 200, ROSTER("+1999")}},
     IN_DOUBT},
    {"invite",
     "call:invite '+1555'",
     "POST " CALL "/participants/invite",
     false,
     {{"/operations", 200, NONE}, {"/participants", 200, ROSTER("+1555")}},
     DONE},
    {"invite",
     "call:invite{ participants = { '+1555', '+1666' } }",
     "POST " CALL "/participants/invite",
     false,
     {{"/operations", 200, NONE}, {"/participants", 200, ROSTER("+1555")}},
     IN_DOUBT},
    {"invite",
     "call:invite{ participants = { '+1555' }, clientContext = 'mine' }",
     "POST " CALL "/participants/invite",
     false,
     {{"/operations", 200, OPERATION("inviteParticipantsOperation", ",\"clientContext\":\"mine\"")},
      {"/participants", 500, NULL}},
     DONE},
    {"invite",
     "call:invite{ participants = { '+1555' }, clientContext = 'mine' }",
     "POST " CALL "/participants/invite",
     false,
     {{"/operations", 200, OPERATION("inviteParticipantsOperation", ",\"clientContext\":\"his\"")},
      {"/participants", 404, NULL}},
     IN_DOUBT},
    /* The same context, but another command's. */
    {"invite",
     "call:invite{ participants = { '+1555' }, clientContext = 'mine' }",
     "POST " CALL "/participants/invite",
     false,
     {{"/operations", 200, OPERATION("playPromptOperation", ",\"clientContext\":\"mine\"")},
      {"/participants", 404, NULL}},
     IN_DOUBT},
    {"invite",
     "call:invite '+1555'",
     "POST " CALL "/participants/invite",
     false,
     {{"/operations", 404, NULL}, {"/participants", 200, ROSTER("+1555")}},
     DONE},
    {"startRecording",
     "call:startRecording()",
     "StartRecording",
     false,
     {{"/operations", 200, NONE}},
     IN_DOUBT},
    {"startRecording",
     "call:startRecording()",
     "StartRecording",
     false,
     {{"/operations", 200, OPERATION("startRecordingOperation", "")}},
     DONE},
    {"startRecording",
     "call:startRecording()",
     "StartRecording",
     false,
     {{"/operations", 200, OPERATION("playPromptOperation", "")}},
     IN_DOUBT},
    {"startTranscription",
     "call:startTranscription 'en-us'",
     "StartTranscription",
     false,
     {{"/operations", 200, NONE},
      {"GET ", 200, MORE("established", "\"transcription\":{\"state\":\"active\"}")}},
     DONE},
    {"startTranscription",
     "call:startTranscription 'en-us'",
     "StartTranscription",
     false,
     {{"/operations", 200, NONE},
      {"GET ", 200, MORE("established", "\"transcription\":{\"state\":\"notStarted\"}")}},
     AGAIN},
    {"startTranscription",
     "call:startTranscription 'en-us'",
     "StartTranscription",
     false,
     {{"/operations", 200, NONE}, {"GET ", 200, STATE("established")}},
     IN_DOUBT},
    /* By what was made. */
    {"createAudioRoutingGroup",
     GROUP,
     "POST " CALL "/audioRoutingGroups",
     false,
     {{"GET https://graph.test/beta" CALL "/audio", 200, NONE}},
     AGAIN},
    {"createAudioRoutingGroup",
     GROUP,
     "POST " CALL "/audioRoutingGroups",
     false,
     {{"GET https://graph.test/beta" CALL "/audio", 200, MADE("g1", "x")}},
     DONE},
    {"createAudioRoutingGroup",
     GROUP,
     "POST " CALL "/audioRoutingGroups",
     false,
     {{"GET https://graph.test/beta" CALL "/audio", 200, MADE("g2", "a")}},
     AGAIN},
    {"createAudioRoutingGroup",
     GROUP,
     "POST " CALL "/audioRoutingGroups",
     false,
     {{"GET https://graph.test/beta" CALL "/audio", 501, NULL}},
     IN_DOUBT},
    {"createAudioRoutingGroup",
     UNNAMED,
     "POST " CALL "/audioRoutingGroups",
     false,
     {{"GET https://graph.test/beta" CALL "/audio", 200, MADE("g7", "a")}},
     DONE},
    {"createAudioRoutingGroup",
     UNNAMED,
     "POST " CALL "/audioRoutingGroups",
     false,
     {{"GET https://graph.test/beta" CALL "/audio", 200, MADE("g7", "x")}},
     AGAIN},
    {"participant.reportSyntheticMedia",
     REPORT,
     "/reportSyntheticMedia",
     false,
     {{"/participants/p1", 200, "{\"id\":\"p1\"}"}},
     IN_DOUBT},
    {"participant.reportSyntheticMedia",
     REPORT,
     "/reportSyntheticMedia",
     false,
     {{"/participants/p1", 200,
       "{\"id\":\"p1\",\"syntheticMediaDetection\":{\"detectionId\":"
       "\"" GUID "\"}}"}},
     DONE},
    /* By the refusal of the second. */
    {"participant.delete",
     "call:participant('p1'):delete()",
     "DELETE " CALL "/participants/p1",
     false,
     {{"DELETE ", 404, "{}"}},
     ALREADY},
    {"participant.stopHoldMusic",
     "call:participant('p1'):stopHoldMusic()",
     "/stopHoldMusic",
     false,
     {{"/stopHoldMusic", 409, "{}"}},
     ALREADY},
    {"participant.admitFromLobby",
     "call:participant('p1'):admitFromLobby()",
     "/admitFromLobby",
     false,
     {{"/admitFromLobby", 409, "{}"}},
     ALREADY},
    {"participant.removeFromLobby",
     "call:participant('p1'):removeFromLobby()",
     "/removeFromLobby",
     false,
     {{"/removeFromLobby", 404, "{}"}},
     ALREADY},
    {"stopRecording",
     "call:stopRecording()",
     "StopRecording",
     false,
     {{"/microsoft.graph.StopRecording", 409, "{}"}},
     ALREADY},
    {"stopTranscription",
     "call:stopTranscription()",
     "StopTranscription",
     false,
     {{"/microsoft.graph.StopTranscription", 409, "{}"}},
     ALREADY},
    {"audioRoutingGroup.delete",
     "call:audioRoutingGroup('g1'):delete()",
     "DELETE " CALL "/audioRoutingGroups/g1",
     false,
     {{"DELETE ", 404, "{}"}},
     ALREADY},
    /* Nothing. */
    {"logTeleconferenceDeviceQuality",
     "ivr.logTeleconferenceDeviceQuality{ quality = { callChainId = '" GUID "', mediaLegId = '" GUID
     "', participantId = '" GUID "', deviceName = 'd', deviceDescription = 'd', mediaQualityList = "
     "require('ivr.json').array{} } }",
     "logTeleconferenceDeviceQuality",
     false,
     {{NULL, 0, NULL}},
     IN_DOUBT},
};
enum { ROWS = sizeof rows / sizeof *rows };

static void every_method_has_a_row(void)
{
    for (const struct method *m = method_table; m->name; m++) {
        bool any = m->repeat != REPEAT_NEVER && m->repeat != REPEAT_REFUSED;

        for (size_t i = 0; i < ROWS && !any; i++)
            any = strcmp(rows[i].method, m->name) == 0;
        if (!any)
            test_expect(false, __FILE__, __LINE__, "%s has no row", m->name);
    }
}

static void begin(struct recover_world *w, const struct row *row)
{
    struct service_reply silent[2] = {{NULL, 0, NULL}, {NULL, 0, NULL}};
    const char *part = strchr(row->sent, '/');
    char flow[1500], unheard[200];

    snprintf(flow, sizeof flow,
             "local ivr = require 'ivr'\nlocal flow = {}\n"
             "function flow.onCall(call)\n    %s\n"
             "    local ok, e = pcall(function() return %s end)\n"
             "    print(ok and 'done' or 'failed: ' .. tostring(e.code) .. ' ' .. "
             "tostring(e.message))\n    ivr.sleep(300)\nend\n"
             "return flow\n",
             row->early ? "" : "call:answer()", row->flow);
    snprintf(unheard, sizeof unheard, "%.*s", (int)strcspn(part ? part : row->sent, "\n"),
             part ? part : row->sent);
    if (strchr(row->sent, '\n'))
        strcat(unheard, "$");
    silent[0].part = unheard;
    recover_init(w, flow);
    w->replies = silent;
    recover_offer(w, !row->early);
}

static void each_is_settled(void)
{
    static const char *const names[] = {"sent again", "taken as done", "in doubt",
                                        "sent again, done already"};

    for (size_t i = 0; i < ROWS; i++) {
        const struct row *row = &rows[i];
        struct recover_world w;
        enum outcome came;
        unsigned sent;

        begin(&w, row);
        EXPECT_INT(recover_count(&w.asked, row->sent), 1);
        recover_crash(&w);
        w.replies = row->replies;
        EXPECT_INT(recover_begin(&w), 0);
        recover_pass(&w, 60000);
        sent = recover_count(&w.asked, row->sent);
        came = sent && row->outcome == ALREADY && recover_count(&w.logged, "info done") ? ALREADY
               : sent                                                                   ? AGAIN
               : recover_count(&w.logged, "in doubt")                                   ? IN_DOUBT
                                                                                        : DONE;
        if (came != row->outcome || sent > 1)
            test_expect(false, __FILE__, __LINE__, "row %zu, %s: %s (%u), expected %s\n%s\n%s", i,
                        row->method, names[came], sent, names[row->outcome], w.asked.p, w.logged.p);
        if (row->outcome == IN_DOUBT)
            EXPECT_IN(w.logged.p, "failed: inDoubt");
        recover_fini(&w);
    }
}

/* The notification with its context is all that is needed. */
static void a_notification_settles_an_invitation(void)
{
    static const struct row row = {
        "invite",
        "call:invite{ participants = { '+1555' }, clientContext = 'mine' }",
        "POST " CALL "/participants/invite",
        false,
        {{NULL, 0, NULL}},
        DONE};
    struct recover_world w;

    begin(&w, &row);
    recover_crash(&w);
    w.replies = NULL;
    EXPECT_INT(recover_begin(&w), 0);
    recover_pass(&w, 100);
    recover_tell(&w, "deleted", "/operations/op9",
                 "{\"@odata.type\":\"#microsoft.graph.inviteParticipantsOperation\",\"status\":"
                 "\"completed\",\"clientContext\":\"mine\"}");
    recover_pass(&w, 10000);
    EXPECT_IN(w.logged.p, "info done");
    EXPECT_INT(recover_count(&w.asked, "/operations"), 0);
    EXPECT_INT(recover_count(&w.asked, row.sent), 0);
    recover_fini(&w);
}

/* Who kills the process again and again does not put the answer off again and again. */
static void a_call_that_was_perhaps_placed_is_waited_for_once(void)
{
    static const struct row row = {"create", "ivr.createCall '+1555'", "POST " CALLS "\n",
                                   false,    {{NULL, 0, NULL}},        IN_DOUBT};
    struct recover_world w;

    begin(&w, &row);
    for (int i = 0; i < 2; i++) {
        recover_crash(&w);
        w.replies = NULL;
        EXPECT_INT(recover_begin(&w), 0);
        recover_pass(&w, 2000);
        EXPECT_INT(recover_count(&w.logged, "failed: inDoubt"), 0);
    }
    recover_crash(&w);
    EXPECT_INT(recover_begin(&w), 0);
    recover_pass(&w, 1500);
    EXPECT_INT(recover_count(&w.logged, "failed: inDoubt"), 1);
    recover_fini(&w);
}

const struct test doubt_tests[] = {
    TEST(every_method_has_a_row),
    TEST(each_is_settled),
    TEST(a_notification_settles_an_invitation),
    TEST(a_call_that_was_perhaps_placed_is_waited_for_once),
    {0},
};
