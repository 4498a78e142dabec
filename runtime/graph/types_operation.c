/* Types of operations (reference 2.6) and of notifications and their answers (2.1, 6). */
#include "graph/typetables.h"

static const struct field no_fields[] = {{0}};

static const struct field comms_operation[] = {
    FIELD("id", "string", BOTH),
    FIELD("clientContext", "string", BOTH, .most = 256,
          .remark = "app-chosen, at most 256 characters"),
    FIELD("resultInfo", "resultInfo", BOTH),
    FIELD("status", "operationStatus", BOTH, .required = true),
    {0}};

static const struct field invite_participants_operation[] = {
    FIELD("participants", "invitationParticipantInfo", BOTH, .list = true, .required = true), {0}};

static const struct field mute_participants_operation[] = {
    FIELD("participants", "string", BETA, .list = true), {0}};

static const struct field play_prompt_operation[] = {
    FIELD("completionReason", "playPromptCompletionReason", BETA), {0}};

static const struct field record_operation[] = {
    FIELD("completionReason", "recordCompletionReason", BETA),
    FIELD("recordingAccessToken", "string", BOTH, .remark = "bearer token for that URL"),
    FIELD("recordingLocation", "string", BOTH, .remark = "URL to download"),
    {0}};

static const struct field send_dtmf_tones_operation[] = {
    FIELD("completionReason", "sendDtmfCompletionReason", BOTH), {0}};

static const struct field comms_notifications[] = {
    FIELD("value", "commsNotification", BOTH, .list = true), {0}};

static const struct field comms_notification[] = {
    FIELD("changeType", "changeType", BOTH, .required = true),
    FIELD("resourceUrl", "string", BOTH, .required = true,
          .remark = "path of the changed resource"),
    {0}};

static const struct field participant_joining_notification[] = {
    FIELD("id", "string", BOTH), FIELD("call", "call", BOTH, .remark = "relationship"), {0}};

static const struct field participant_left_notification[] = {
    FIELD("id", "string", BOTH),
    FIELD("participantId", "string", BOTH, .required = true),
    FIELD("call", "call", BOTH, .remark = "relationship"),
    {0}};

static const struct field reject_join_response[] = {
    FIELD("reason", "rejectReason", BOTH, .required = true), {0}};

static const struct field invite_new_bot_response[] = {
    FIELD("inviteUri", "string", BOTH, .remark = "where the call shall be offered anew"), {0}};

const struct type operation_types[] = {
    {.name = "commsOperation", .open = true, .versions = VERSION_BOTH, .fields = comms_operation},
    {.name = "addLargeGalleryViewOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "admitAllFromLobbyOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BETA,
     .fields = no_fields},
    {.name = "admitFromLobbyOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BETA,
     .fields = no_fields},
    {.name = "cancelMediaProcessingOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "inviteParticipantsOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = invite_participants_operation},
    {.name = "muteParticipantOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "muteParticipantsOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BETA,
     .fields = mute_participants_operation},
    {.name = "playPromptOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = play_prompt_operation},
    {.name = "recordOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = record_operation},
    {.name = "removeFromLobbyOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BETA,
     .fields = no_fields},
    {.name = "sendDtmfTonesOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = send_dtmf_tones_operation},
    {.name = "startHoldMusicOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "startRecordingOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BETA,
     .fields = no_fields},
    {.name = "startTranscriptionOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BETA,
     .fields = no_fields},
    {.name = "stopHoldMusicOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "stopRecordingOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BETA,
     .fields = no_fields},
    {.name = "stopTranscriptionOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BETA,
     .fields = no_fields},
    {.name = "subscribeToToneOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "unmuteParticipantOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "updateRecordingStatusOperation",
     .base = "commsOperation",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "commsNotifications", .versions = VERSION_BOTH, .fields = comms_notifications},
    {.name = "commsNotification",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = comms_notification},
    {.name = "participantJoiningNotification",
     .versions = VERSION_BOTH,
     .fields = participant_joining_notification},
    {.name = "participantLeftNotification",
     .versions = VERSION_BOTH,
     .fields = participant_left_notification},
    {.name = "participantJoiningResponse",
     .abstract = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "acceptJoinResponse",
     .base = "participantJoiningResponse",
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "rejectJoinResponse",
     .base = "participantJoiningResponse",
     .versions = VERSION_BOTH,
     .fields = reject_join_response},
    {.name = "inviteNewBotResponse",
     .base = "participantJoiningResponse",
     .versions = VERSION_BOTH,
     .fields = invite_new_bot_response},
    {0}};
