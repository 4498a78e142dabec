/*
 * The rows. Paths are spelled as the documentation prints them. A method is repeatable when a
 * second sending changes nothing (limits 5); `own_context` is set where its page, not the schema
 * alone, takes a clientContext.
 */
#include "graph/typetables.h"

#include "base/text.h"

#include <string.h>

#define CALLS       "/communications/calls"
#define CALL        CALLS "/{call}"
#define PARTICIPANT CALL "/participants/{participant}"
#define GROUP       CALL "/audioRoutingGroups/{group}"
#define CONTEXT                                                                                    \
    FIELD("clientContext", "string", BOTH, .most = 256,                                            \
          .remark = "echoed in all notifications of the operation")
#define SECONDS  .min = 1, .max = 120
#define INT_MOST 2147483647.0

static const struct field no_fields[] = {{0}};
static const struct field context[] = {CONTEXT, {0}};

static const struct field create[] = {
    FIELD("callbackUri", "uri", BOTH, .required = true, .filled = true,
          .remark = "all notifications go there"),
    FIELD("targets", "invitationParticipantInfo", BOTH, .list = true, .least = 1, .most = 5,
          .remark = "one: 1:1 call, several: group call, none: joins meetingInfo"),
    FIELD("source", "participantInfo", BOTH,
          .remark = "the service wants identity.applicationInstance for phone targets, "
                    "identity.guest for a guest"),
    FIELD("requestedModalities", "modality", BOTH, .list = true, .least = 1, .filled = true),
    FIELD("mediaConfig", "mediaConfig", BOTH, .required = true, .filled = true),
    FIELD("chatInfo", "chatInfo", BOTH, .remark = "to join a meeting"),
    FIELD("meetingInfo", "meetingInfo", BOTH, .remark = "to join a meeting"),
    FIELD("callOptions", "outgoingCallOptions", BOTH),
    FIELD("subject", "string", BOTH),
    FIELD("routingPolicies", "routingPolicy", BETA, .list = true, .remark = "1:1 only"),
    FIELD("ringingTimeoutInSeconds", "int", BETA, .min = 1, .max = 115, .remark = "1:1 only"),
    FIELD("callChainId", "string", BOTH),
    FIELD("tenantId", "string", BOTH,
          .remark = "of the target or meeting; its form is not checked: an example has a bad GUID"),
    FIELD("direction", "callDirection", BOTH, .remark = "set by the service; examples send it"),
    {0}};

static const struct field answer[] = {
    FIELD("callbackUri", "uri", BOTH, .filled = true, .remark = "all notifications go there"),
    FIELD("mediaConfig", "mediaConfig", BOTH, .required = true, .filled = true),
    FIELD("acceptedModalities", "modality", BOTH, .list = true, .least = 1, .filled = true),
    FIELD("callOptions", "incomingCallOptions", BOTH),
    FIELD("participantCapacity", "int", BOTH, .min = 1, .max = INT_MOST,
          .remark = "policy-based recording: how many participants this bot takes"),
    {0}};

static const struct field reject[] = {
    FIELD("reason", "rejectReason", BOTH), FIELD("callbackUri", "uri", BOTH), {0}};

static const struct field redirect[] = {
    FIELD("targets", "invitationParticipantInfo", BOTH, .list = true, .required = true, .least = 1,
          .most = 25, .remark = "several ring together"),
    FIELD("timeout", "int", BOTH, .min = 15, .max = 90, .remark = "seconds"),
    FIELD("callbackUri", "uri", BOTH),
    FIELD("maskCallee", "bool", BETA),
    FIELD("maskCaller", "bool", BETA),
    FIELD("targetDisposition", "callDisposition", BETA,
          .remark = "deprecated: the number of targets decides"),
    FIELD("routingPolicies", "routingPolicy", BOTH, .list = true,
          .remark = "no parameter of the schema; examples send it"),
    {0}};

static const struct field transfer[] = {
    FIELD("transferTarget", "invitationParticipantInfo", BOTH, .required = true,
          .remark = "replacesCallId makes it consultative"),
    FIELD("transferee", "participantInfo", BOTH, .remark = "who is moved out of a group call"),
    FIELD("clientContext", "string", BOTH, .most = 256,
          .remark = "no parameter of the schema; an example sends it, nothing echoes it"),
    FIELD("languageId", "string", BOTH,
          .remark = "no parameter of the schema; an example sends it"),
    FIELD("region", "string", BOTH, .remark = "no parameter of the schema; an example sends it"),
    {0}};

static const struct field share[] = {FIELD("role", "screenSharingRole", BOTH, .required = true),
                                     {0}};

static const struct field play[] = {
    FIELD("prompts", "prompt", BOTH, .list = true, .required = true, .least = 1, .most = 20),
    FIELD("loop", "bool", BETA, .remark = "plays until cancelled; no completion is notified"),
    CONTEXT,
    {0}};

static const struct field record[] = {
    FIELD("prompts", "prompt", BOTH, .list = true, .most = 1),
    FIELD("bargeInAllowed", "bool", BOTH),
    FIELD("initialSilenceTimeoutInSeconds", "int", BOTH, SECONDS, .remark = "default 5"),
    FIELD("maxSilenceTimeoutInSeconds", "int", BOTH, SECONDS, .remark = "default 5"),
    FIELD("maxRecordDurationInSeconds", "int", BOTH, SECONDS, .remark = "default 5"),
    FIELD("playBeep", "bool", BOTH, .remark = "default true"),
    FIELD("stopTones", "key", BOTH, .list = true),
    FIELD("streamWhileRecording", "bool", BETA, .remark = "in the schema only"),
    CONTEXT,
    {0}};

static const struct field dtmf[] = {
    FIELD("tones", "tone", BOTH, .list = true, .required = true, .least = 1),
    FIELD("delayBetweenTonesMs", "int", BOTH, .min = 0, .max = INT_MOST),
    CONTEXT,
    {0}};

static const struct field recording_status[] = {
    FIELD("status", "recordingStatus", BOTH, .required = true), CONTEXT, {0}};

static const struct field transcription[] = {
    FIELD("language", "string", BETA, .remark = "only en-us now"), CONTEXT, {0}};

static const struct field quality[] = {
    FIELD("quality", "teleconferenceDeviceQuality", BOTH, .required = true), {0}};

static const struct field invite[] = {FIELD("participants", "invitationParticipantInfo", BOTH,
                                            .list = true, .required = true, .least = 1, .most = 5),
                                      CONTEXT,
                                      {0}};

static const struct field mute_all[] = {
    FIELD("participants", "string", BETA, .list = true, .remark = "ids"), CONTEXT, {0}};

static const struct field hold[] = {FIELD("customPrompt", "prompt", BOTH), CONTEXT, {0}};

static const struct field synthetic[] = {
    FIELD("id", "guid", BETA, .required = true),
    FIELD("detectionDateTime", "dateTime", BETA, .required = true),
    FIELD("detections", "syntheticMediaDetectionDetail", BETA, .list = true, .required = true),
    FIELD("contentMetadata", "mediaMetadata", BETA, .required = true),
    FIELD("overallConfidence", "number", BETA, .required = true, .min = 0, .max = 1),
    FIELD("isMalicious", "bool", BETA, .required = true),
    FIELD("severity", "detectionSeverity", BETA),
    {0}};

static const struct field group_create[] = {
    FIELD("id", "string", BOTH, .least = 1, .remark = "chosen by the app"),
    FIELD("routingMode", "routingMode", BOTH, .required = true),
    FIELD("sources", "string", BOTH, .list = true, .required = true, .remark = "participant ids"),
    FIELD("receivers", "string", BOTH, .list = true, .required = true, .remark = "participant ids"),
    {0}};

static const struct field group_update[] = {
    FIELD("id", "string", BOTH, .least = 1, .remark = "no property to change; examples send it"),
    FIELD("routingMode", "routingMode", BOTH),
    FIELD("sources", "string", BOTH, .list = true, .remark = "participant ids"),
    FIELD("receivers", "string", BOTH, .list = true, .remark = "participant ids"),
    {0}};

static const struct field reject_join[] = {FIELD("reason", "rejectReason", BOTH, .required = true),
                                           {0}};
static const struct field invite_bot[] = {
    FIELD("inviteUri", "uri", BOTH, .required = true, .remark = "where the call is offered anew"),
    {0}};

/* What rows have in common: an action of the call or of a participant, and an operation. */
#define ROW(n, o, l, v, p) .name = n, .object = o, .lua = l, .verb = v, .path = p
#define ACTION(n)          ROW(n, "call", n, "POST", CALL "/" n)
#define EACH(n)            ROW("participant." n, "participant", n, "POST", PARTICIPANT "/" n)
#define OPERATION(t)       .completes = COMPLETES_OPERATION, .operation = t
#define OK(status, v, s)   .success = status, .versions = VERSION_##v, .section = s

const struct method method_table[] = {
    /* --- the call (reference 3) */
    {ROW("create", "ivr", "createCall", "POST", CALLS), .body = "call", .fields = create,
     .bare = "targets", .completes = COMPLETES_STATE, .repeat = REPEAT_NEVER, OK(201, BOTH, "3.1")},
    {ROW("get", "call", "get", "GET", CALL), .fields = no_fields, .repeat = REPEAT_HARMLESS,
     OK(200, BOTH, "3.2")},
    {ROW("delete", "call", "delete", "DELETE", CALL), .fields = no_fields,
     .completes = COMPLETES_STATE, .repeat = REPEAT_HARMLESS, OK(204, BOTH, "3.3")},
    {ACTION("keepAlive"), .fields = no_fields, .repeat = REPEAT_HARMLESS, OK(200, BOTH, "3.4")},
    {ACTION("answer"), .fields = answer, .completes = COMPLETES_STATE, .repeat = REPEAT_NEVER,
     OK(202, BOTH, "3.5")},
    {ACTION("reject"), .fields = reject, .bare = "reason", .completes = COMPLETES_STATE,
     .repeat = REPEAT_REFUSED, OK(202, BOTH, "3.6")},
    {ACTION("redirect"), .fields = redirect, .bare = "targets", .completes = COMPLETES_STATE,
     .repeat = REPEAT_NEVER, OK(202, BOTH, "3.7")},
    {ACTION("transfer"), .fields = transfer, .bare = "transferTarget", .completes = COMPLETES_STATE,
     .repeat = REPEAT_NEVER, OK(202, BOTH, "3.8")},
    {ACTION("mute"), .fields = context, OPERATION("muteParticipantOperation"), .own_context = true,
     .repeat = REPEAT_HARMLESS, OK(200, BOTH, "3.9")},
    {ACTION("unmute"), .fields = context, OPERATION("unmuteParticipantOperation"),
     .own_context = true, .repeat = REPEAT_HARMLESS, OK(200, BOTH, "3.9")},
    {ACTION("changeScreenSharingRole"), .fields = share, .bare = "role", .repeat = REPEAT_HARMLESS,
     OK(202, BOTH, "3.10")},
    {ACTION("playPrompt"), .fields = play, .bare = "prompts", OPERATION("playPromptOperation"),
     .own_context = true, .media = true, .repeat = REPEAT_CONTEXT, OK(200, BOTH, "3.11")},
    {ACTION("recordResponse"), .fields = record, .bare = "prompts", OPERATION("recordOperation"),
     .own_context = true, .media = true, .repeat = REPEAT_CONTEXT, OK(200, BOTH, "3.12")},
    {ROW("recording.download", "recording", "download", "GET", "{url}"), .fields = no_fields,
     .repeat = REPEAT_HARMLESS, OK(200, BOTH, "3.12")},
    {ACTION("cancelMediaProcessing"), .fields = context,
     OPERATION("cancelMediaProcessingOperation"), .own_context = true, .repeat = REPEAT_HARMLESS,
     OK(200, BOTH, "3.13")},
    {ACTION("subscribeToTone"), .fields = context, OPERATION("subscribeToToneOperation"),
     .own_context = true, .repeat = REPEAT_HARMLESS, OK(200, BOTH, "3.14")},
    {ROW("sendDtmfTones", "call", "sendDtmfTones", "POST", CALL "/microsoft.graph.sendDtmfTones"),
     .fields = dtmf, .bare = "tones", OPERATION("sendDtmfTonesOperation"), .own_context = true,
     .repeat = REPEAT_CONTEXT, OK(200, BOTH, "3.15")},
    {ACTION("addLargeGalleryView"), .fields = context, OPERATION("addLargeGalleryViewOperation"),
     .own_context = true, .repeat = REPEAT_CONTEXT, OK(202, BOTH, "3.16")},
    {ACTION("updateRecordingStatus"), .fields = recording_status, .bare = "status",
     OPERATION("updateRecordingStatusOperation"), .own_context = true, .repeat = REPEAT_HARMLESS,
     OK(200, BOTH, "3.17")},
    {ROW("startRecording", "call", "startRecording", "POST",
         CALL "/microsoft.graph.StartRecording"),
     .fields = context, OPERATION("startRecordingOperation"), .repeat = REPEAT_NEVER,
     OK(202, BETA, "3.18")},
    {ROW("stopRecording", "call", "stopRecording", "POST", CALL "/microsoft.graph.StopRecording"),
     .fields = context, OPERATION("stopRecordingOperation"), .repeat = REPEAT_REFUSED,
     OK(202, BETA, "3.18")},
    {ROW("startTranscription", "call", "startTranscription", "POST",
         CALL "/microsoft.graph.StartTranscription"),
     .fields = transcription, .bare = "language", OPERATION("startTranscriptionOperation"),
     .repeat = REPEAT_NEVER, OK(202, BETA, "3.18")},
    {ROW("stopTranscription", "call", "stopTranscription", "POST",
         CALL "/microsoft.graph.StopTranscription"),
     .fields = transcription, .bare = "language", OPERATION("stopTranscriptionOperation"),
     .repeat = REPEAT_REFUSED, OK(202, BETA, "3.18")},
    {ROW("logTeleconferenceDeviceQuality", "ivr", "logTeleconferenceDeviceQuality", "POST",
         CALLS "/logTeleconferenceDeviceQuality"),
     .fields = quality, .bare = "quality", .repeat = REPEAT_NEVER, OK(200, BOTH, "3.19")},
    /* --- participants (4) */
    {ROW("listParticipants", "call", "listParticipants", "GET", CALL "/participants"),
     .fields = no_fields, .repeat = REPEAT_HARMLESS, OK(200, BOTH, "4.1")},
    {ROW("participant.get", "participant", "get", "GET", PARTICIPANT), .fields = no_fields,
     .repeat = REPEAT_HARMLESS, OK(200, BOTH, "4.2")},
    {ROW("invite", "call", "invite", "POST", CALL "/participants/invite"), .fields = invite,
     .bare = "participants", OPERATION("inviteParticipantsOperation"), .own_context = true,
     .repeat = REPEAT_NEVER, OK(200, BOTH, "4.3")},
    {ROW("participant.delete", "participant", "delete", "DELETE", PARTICIPANT), .fields = no_fields,
     .repeat = REPEAT_REFUSED, OK(204, BOTH, "4.4")},
    {EACH("mute"), .fields = context, OPERATION("muteParticipantOperation"), .own_context = true,
     .repeat = REPEAT_HARMLESS, OK(200, BOTH, "4.5")},
    {ROW("muteAll", "call", "muteAll", "POST", CALL "/participants/muteAll"), .fields = mute_all,
     .bare = "participants", OPERATION("muteParticipantsOperation"), .own_context = true,
     .repeat = REPEAT_HARMLESS, OK(200, BETA, "4.6")},
    {EACH("startHoldMusic"), .fields = hold, .bare = "customPrompt",
     OPERATION("startHoldMusicOperation"), .own_context = true, .repeat = REPEAT_CONTEXT,
     OK(202, BOTH, "4.7")},
    {EACH("stopHoldMusic"), .fields = context, OPERATION("stopHoldMusicOperation"),
     .own_context = true, .repeat = REPEAT_REFUSED, OK(202, BOTH, "4.7")},
    {EACH("admitFromLobby"), .fields = context, OPERATION("admitFromLobbyOperation"),
     .own_context = true, .repeat = REPEAT_REFUSED, OK(200, BETA, "4.9")},
    {ROW("admitAllFromLobby", "call", "admitAllFromLobby", "POST",
         CALL "/participants/admitAllFromLobby"),
     .fields = context, OPERATION("admitAllFromLobbyOperation"), .own_context = true,
     .repeat = REPEAT_HARMLESS, OK(200, BETA, "4.9")},
    {EACH("removeFromLobby"), .fields = context, OPERATION("removeFromLobbyOperation"),
     .own_context = true, .repeat = REPEAT_REFUSED, OK(200, BETA, "4.9")},
    {EACH("reportSyntheticMedia"), .fields = synthetic, .repeat = REPEAT_NEVER,
     OK(200, BETA, "4.10")},
    /* --- other collections (5) */
    {ROW("createAudioRoutingGroup", "call", "createAudioRoutingGroup", "POST",
         CALL "/audioRoutingGroups"),
     .fields = group_create, .repeat = REPEAT_NEVER, OK(200, BOTH, "5.1")},
    {ROW("listAudioRoutingGroups", "call", "listAudioRoutingGroups", "GET",
         CALL "/audioRoutingGroups"),
     .fields = no_fields, .repeat = REPEAT_HARMLESS, OK(200, BOTH, "5.1")},
    {ROW("audioRoutingGroup.get", "audioRoutingGroup", "get", "GET", GROUP), .fields = no_fields,
     .repeat = REPEAT_HARMLESS, OK(200, BOTH, "5.1")},
    {ROW("audioRoutingGroup.update", "audioRoutingGroup", "update", "PATCH", GROUP),
     .fields = group_update, .repeat = REPEAT_HARMLESS, OK(200, BOTH, "5.1")},
    {ROW("audioRoutingGroup.delete", "audioRoutingGroup", "delete", "DELETE", GROUP),
     .fields = no_fields, .repeat = REPEAT_REFUSED, OK(204, BOTH, "5.1")},
    {ROW("listContentSharingSessions", "call", "listContentSharingSessions", "GET",
         CALL "/contentSharingSessions"),
     .fields = no_fields, .repeat = REPEAT_HARMLESS, OK(200, BOTH, "5.2")},
    {ROW("contentSharingSession.get", "contentSharingSession", "get", "GET",
         CALL "/contentSharingSessions/{session}"),
     .fields = no_fields, .repeat = REPEAT_HARMLESS, OK(200, BOTH, "5.2")},
    {ROW("listOperations", "call", "listOperations", "GET", CALL "/operations"),
     .fields = no_fields, .repeat = REPEAT_HARMLESS, OK(200, BOTH, "5.3")},
    {ROW("operation.get", "operation", "get", "GET", CALL "/operations/{operation}"),
     .fields = no_fields, .repeat = REPEAT_HARMLESS, OK(200, BOTH, "5.3")},
    /* --- bodies of the answer to a participantJoiningNotification (6) */
    {.name = "acceptJoinResponse",
     .object = "joining",
     .lua = "accept",
     .body = "acceptJoinResponse",
     .fields = no_fields,
     OK(200, BOTH, "6")},
    {.name = "rejectJoinResponse",
     .object = "joining",
     .lua = "reject",
     .body = "rejectJoinResponse",
     .fields = reject_join,
     .bare = "reason",
     OK(200, BOTH, "6")},
    {.name = "inviteNewBotResponse",
     .object = "joining",
     .lua = "invite",
     .body = "inviteNewBotResponse",
     .fields = invite_bot,
     .bare = "inviteUri",
     OK(200, BOTH, "6")},
    {0}};

const struct method *method_find(const char *name)
{
    for (const struct method *m = method_table; m->name; m++) {
        if (text_same(m->name, name))
            return m;
    }
    return NULL;
}

const struct method *method_of(const char *object, const char *lua)
{
    for (const struct method *m = method_table; m->name; m++) {
        if (text_same(m->object, object) && text_same(m->lua, lua))
            return m;
    }
    return NULL;
}
