/* Types of the call resource, of media and of meetings (reference 3, types.md). */
#include "graph/typetables.h"

static const struct field no_fields[] = {{0}};

static const struct field call[] = {
    FIELD("id", "string", BOTH),
    FIELD("activeModalities", "modality", BETA, .list = true, .remark = "server-set"),
    FIELD("answeredBy", "participantInfo", BETA, .remark = "who picked up"),
    FIELD("callbackUri", "string", BOTH, .required = true,
          .remark = "https only; where notifications of this call go"),
    FIELD("callChainId", "string", BOTH,
          .remark = "shared by all legs of a conference or the two legs of a 1:1 call"),
    FIELD("callOptions", "callOptions", BOTH),
    FIELD("callRoutes", "callRoute", BOTH, .list = true, .remark = "how the call was retargeted"),
    FIELD("chatInfo", "chatInfo", BOTH),
    FIELD("direction", "callDirection", BOTH, .remark = "server-set"),
    FIELD("incomingContext", "incomingContext", BOTH, .remark = "policy recording, transfers"),
    FIELD("mediaConfig", "mediaConfig", BOTH,
          .remark = "serviceHostedMediaConfig or appHostedMediaConfig"),
    FIELD("mediaState", "callMediaState", BOTH, .remark = "audio active or inactive"),
    FIELD("meetingCapability", "meetingCapability", BETA),
    FIELD("meetingInfo", "meetingInfo", BOTH),
    FIELD("myParticipantId", "string", BOTH, .remark = "the app's own participant id"),
    FIELD("requestedModalities", "modality", BOTH, .list = true),
    FIELD("resultInfo", "resultInfo", BOTH, .remark = "set when the call ends or a transfer fails"),
    FIELD("ringingTimeoutInSeconds", "int", BETA, .remark = "1:1 outgoing, at most 115"),
    FIELD("routingPolicies", "routingPolicy", BETA, .list = true, .remark = "1:1 only"),
    FIELD("source", "participantInfo", BOTH, .remark = "originator"),
    FIELD("state", "callState", BOTH, .remark = "server-set"),
    FIELD("subject", "string", BOTH),
    FIELD("targets", "invitationParticipantInfo", BOTH, .list = true, .remark = "invitees"),
    FIELD("tenantId", "string", BOTH, .remark = "tenant of the call"),
    FIELD("terminationReason", "string", BETA, .remark = "free text such as AppTransferred"),
    FIELD("toneInfo", "toneInfo", BOTH, .remark = "only in tone notifications"),
    FIELD("transcription", "callTranscriptionInfo", BOTH, .remark = "state of live transcription"),
    FIELD("audioRoutingGroups", "audioRoutingGroup", BOTH, .list = true, .remark = "relationship"),
    FIELD("contentSharingSessions", "contentSharingSession", BOTH, .list = true,
          .remark = "relationship"),
    FIELD("operations", "commsOperation", BOTH, .list = true, .remark = "relationship"),
    FIELD("participants", "participant", BOTH, .list = true, .remark = "relationship"),
    {0}};

static const struct field call_options[] = {
    FIELD("hideBotAfterEscalation", "bool", BOTH,
          .remark = "hide the app when a 1:1 call becomes a group call"),
    FIELD("isContentSharingNotificationEnabled", "bool", BOTH,
          .remark = "turns on content sharing notifications"),
    FIELD("isDeltaRosterEnabled", "bool", BOTH,
          .remark = "roster notifications carry changes only"),
    FIELD("isInteractiveRosterEnabled", "bool", BOTH,
          .remark = "delta roster filtered by interactivity"),
    {0}};

static const struct field call_media_state[] = {FIELD("audio", "mediaState", BOTH), {0}};

static const struct field call_route[] = {
    FIELD("final", "identitySet", BOTH, .required = true),
    FIELD("original", "identitySet", BOTH, .required = true),
    FIELD("routingType", "routingType", BOTH, .required = true),
    {0}};

static const struct field call_transcription_info[] = {
    FIELD("lastModifiedDateTime", "dateTime", BOTH),
    FIELD("state", "callTranscriptionState", BOTH, .required = true),
    {0}};

static const struct field incoming_context[] = {FIELD("observedParticipantId", "string", BOTH),
                                                FIELD("onBehalfOf", "identitySet", BOTH),
                                                FIELD("sourceParticipantId", "string", BOTH),
                                                FIELD("transferor", "identitySet", BOTH),
                                                {0}};

static const struct field meeting_capability[] = {
    FIELD("allowAnonymousUsersToDialOut", "bool", BETA, .required = true),
    FIELD("allowAnonymousUsersToStartMeeting", "bool", BETA, .required = true),
    FIELD("autoAdmittedUsers", "autoAdmittedUsersType", BETA, .required = true),
    {0}};

static const struct field result_info[] = {
    FIELD("code", "int", BOTH, .required = true, .remark = "HTTP/SIP-like class of the outcome"),
    FIELD("message", "string", BOTH),
    FIELD("subcode", "int", BOTH, .required = true, .remark = "detail, see limits-and-errors.md"),
    {0}};

static const struct field tone_info[] = {
    FIELD("sequenceId", "int", BOTH, .required = true, .remark = "grows by one per tone"),
    FIELD("tone", "tone", BOTH, .required = true),
    {0}};

static const struct field media_config[] = {
    FIELD("removeFromDefaultAudioGroup", "bool", BOTH,
          .remark = "keep the app out of the main mix; not in the v1.0 schema, but in its group "
                    "call examples"),
    {0}};

static const struct field service_hosted_media_config[] = {
    FIELD("liveCaptionOptions", "liveCaptionOptions", BETA),
    FIELD("preFetchMedia", "mediaInfo", BOTH, .list = true,
          .remark = "audio the service fetches ahead"),
    {0}};

static const struct field app_hosted_media_config[] = {
    FIELD("blob", "string", BOTH, .remark = "opaque session text from the media library"), {0}};

static const struct field live_caption_options[] = {FIELD("streamUrl", "string", BETA), {0}};

static const struct field media_prompt[] = {
    FIELD("loop", "int", BETA, .remark = "in the beta schema only, no page"),
    FIELD("mediaInfo", "mediaInfo", BOTH, .required = true),
    {0}};

static const struct field media_info[] = {
    FIELD("resourceId", "string", BOTH, .remark = "cache key for the uri"),
    FIELD("uri", "string", BOTH, .required = true, .remark = "WAV, mono, 16-bit, 16 kHz"),
    {0}};

static const struct field media_stream[] = {
    FIELD("direction", "mediaDirection", BOTH, .required = true),
    FIELD("label", "string", BOTH),
    FIELD("mediaType", "modality", BOTH, .required = true),
    FIELD("serverMuted", "bool", BOTH, .required = true),
    FIELD("sourceId", "string", BOTH, .required = true),
    {0}};

static const struct field chat_info[] = {FIELD("messageId", "string", BOTH),
                                         FIELD("replyChainMessageId", "string", BOTH),
                                         FIELD("threadId", "string", BOTH),
                                         {0}};

static const struct field meeting_info[] = {
    FIELD("allowConversationWithoutHost", "bool", BOTH,
          .remark = "not in the v1.0 schema, but in its join examples"),
    {0}};

static const struct field organizer_meeting_info[] = {
    FIELD("organizer", "identitySet", BOTH, .required = true), {0}};

static const struct field token_meeting_info[] = {
    FIELD("token", "string", BOTH, .required = true, .remark = "from an incoming notification"),
    {0}};

static const struct field join_meeting_id_meeting_info[] = {
    FIELD("joinMeetingId", "string", BOTH, .required = true),
    FIELD("passcode", "string", BOTH, .remark = "when the meeting has one"),
    {0}};

const struct type call_types[] = {
    {.name = "call", .open = true, .versions = VERSION_BOTH, .fields = call},
    {.name = "callOptions", .abstract = true, .versions = VERSION_BOTH, .fields = call_options},
    {.name = "incomingCallOptions",
     .base = "callOptions",
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "outgoingCallOptions",
     .base = "callOptions",
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "callMediaState", .versions = VERSION_BOTH, .fields = call_media_state},
    {.name = "callRoute", .versions = VERSION_BOTH, .fields = call_route},
    {.name = "callTranscriptionInfo", .versions = VERSION_BOTH, .fields = call_transcription_info},
    {.name = "incomingContext", .versions = VERSION_BOTH, .fields = incoming_context},
    {.name = "meetingCapability", .versions = VERSION_BETA, .fields = meeting_capability},
    {.name = "resultInfo", .versions = VERSION_BOTH, .fields = result_info},
    {.name = "toneInfo", .versions = VERSION_BOTH, .fields = tone_info},
    {.name = "mediaConfig", .abstract = true, .versions = VERSION_BOTH, .fields = media_config},
    {.name = "serviceHostedMediaConfig",
     .base = "mediaConfig",
     .versions = VERSION_BOTH,
     .fields = service_hosted_media_config},
    {.name = "appHostedMediaConfig",
     .base = "mediaConfig",
     .versions = VERSION_BOTH,
     .fields = app_hosted_media_config},
    {.name = "liveCaptionOptions", .versions = VERSION_BETA, .fields = live_caption_options},
    {.name = "prompt", .abstract = true, .versions = VERSION_BOTH, .fields = no_fields},
    {.name = "mediaPrompt", .base = "prompt", .versions = VERSION_BOTH, .fields = media_prompt},
    {.name = "mediaInfo", .versions = VERSION_BOTH, .fields = media_info},
    {.name = "mediaStream", .versions = VERSION_BOTH, .fields = media_stream},
    {.name = "chatInfo", .versions = VERSION_BOTH, .fields = chat_info},
    {.name = "meetingInfo", .abstract = true, .versions = VERSION_BOTH, .fields = meeting_info},
    {.name = "organizerMeetingInfo",
     .base = "meetingInfo",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = organizer_meeting_info},
    {.name = "tokenMeetingInfo",
     .base = "meetingInfo",
     .versions = VERSION_BOTH,
     .fields = token_meeting_info},
    {.name = "joinMeetingIdMeetingInfo",
     .base = "meetingInfo",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = join_meeting_id_meeting_info},
    {0}};
