/* Types of identities, participants and what belongs to a roster (reference 4, 5). */
#include "graph/typetables.h"

static const struct field no_fields[] = {{0}};

static const struct field identity_set[] = {
    FIELD("application", "identity", BOTH),
    FIELD("device", "identity", BOTH),
    FIELD("user", "identity", BOTH),
    FIELD("applicationInstance", "identity", BOTH,
          .remark = "resource account with a number; declared on communicationsIdentitySet only"),
    FIELD("assertedIdentity", "identity", BOTH,
          .remark = "declared on communicationsIdentitySet only"),
    FIELD("azureCommunicationServicesUser", "identity", BOTH,
          .remark = "declared on communicationsIdentitySet only"),
    FIELD("encrypted", "identity", BOTH,
          .remark = "identity the app may not see; declared on communicationsIdentitySet only"),
    FIELD("guest", "identity", BOTH, .remark = "declared on communicationsIdentitySet only"),
    FIELD("onPremises", "identity", BOTH, .remark = "declared on communicationsIdentitySet only"),
    FIELD("phone", "identity", BOTH,
          .remark = "id is E.164; declared on communicationsIdentitySet only"),
    {0}};

static const struct field communications_identity_set[] = {
    FIELD("endpointType", "endpointType", BOTH), {0}};

static const struct field identity[] = {
    FIELD("displayName", "string", BOTH), FIELD("id", "string", BOTH), {0}};

static const struct field communications_application_identity[] = {
    FIELD("applicationType", "string", BOTH), FIELD("hidden", "bool", BOTH), {0}};

static const struct field communications_application_instance_identity[] = {
    FIELD("hidden", "bool", BOTH), FIELD("tenantId", "string", BOTH), {0}};

static const struct field communications_guest_identity[] = {FIELD("email", "string", BOTH), {0}};

static const struct field communications_user_identity[] = {FIELD("tenantId", "string", BOTH), {0}};

static const struct field azure_communication_services_user_identity[] = {
    FIELD("azureCommunicationServicesResourceId", "string", BOTH), {0}};

static const struct field participant[] = {
    FIELD("id", "string", BOTH),
    FIELD("info", "participantInfo", BOTH, .required = true),
    FIELD("isIdentityAnonymized", "bool", BETA),
    FIELD("isInLobby", "bool", BOTH, .required = true),
    FIELD("isMuted", "bool", BOTH, .required = true, .remark = "client- or server-muted"),
    FIELD("mediaStreams", "mediaStream", BOTH, .list = true),
    FIELD("metadata", "string", BOTH, .remark = "text blob set by the client, often JSON"),
    FIELD("preferredDisplayName", "string", BETA),
    FIELD("recordingInfo", "recordingInfo", BOTH),
    FIELD("removedState", "removedState", BOTH,
          .remark = "why the participant left (delta roster)"),
    FIELD("restrictedExperience", "onlineMeetingRestricted", BOTH),
    FIELD("rosterSequenceNumber", "int", BOTH, .remark = "orders delta rosters"),
    FIELD("syntheticMediaDetection", "syntheticMediaDetectionInfo", BETA),
    {0}};

static const struct field participant_info[] = {
    FIELD("countryCode", "string", BOTH, .remark = "ISO 3166-1 alpha-2, best estimate at start"),
    FIELD("endpointType", "endpointType", BOTH),
    FIELD("identity", "identitySet", BOTH, .required = true),
    FIELD("languageId", "string", BOTH),
    FIELD("nonAnonymizedIdentity", "identitySet", BETA),
    FIELD("participantId", "string", BOTH),
    FIELD("platformId", "string", BETA),
    FIELD("region", "string", BOTH, .remark = "home region, does not follow location"),
    {0}};

static const struct field invitation_participant_info[] = {
    FIELD("endpointType", "endpointType", BOTH,
          .remark = "not in the v1.0 schema, but in its transfer examples"),
    FIELD("hidden", "bool", BOTH, .remark = "keep out of the roster"),
    FIELD("identity", "identitySet", BOTH, .required = true),
    FIELD("participantId", "string", BOTH, .remark = "which participant to move"),
    FIELD("removeFromDefaultAudioRoutingGroup", "bool", BOTH),
    FIELD("replacesCallId", "string", BOTH,
          .remark = "call the invitee is in now; it is dropped after the join"),
    FIELD("languageId", "string", BOTH, .remark = "in no schema; the transfer examples send it"),
    FIELD("region", "string", BOTH, .remark = "in no schema; the transfer examples send it"),
    {0}};

static const struct field recording_info[] = {
    FIELD("initiatedBy", "participantInfo", BETA),
    FIELD("initiator", "identitySet", BOTH),
    FIELD("recordingStatus", "recordingStatus", BOTH, .required = true),
    {0}};

static const struct field removed_state[] = {FIELD("reason", "string", BOTH), {0}};

static const struct field online_meeting_restricted[] = {
    FIELD("contentSharingDisabled", "onlineMeetingContentSharingDisabledReason", BOTH),
    FIELD("videoDisabled", "onlineMeetingVideoDisabledReason", BOTH),
    {0}};

static const struct field audio_routing_group[] = {
    FIELD("id", "string", BOTH),
    FIELD("receivers", "string", BOTH, .list = true),
    FIELD("routingMode", "routingMode", BOTH, .required = true),
    FIELD("sources", "string", BOTH, .list = true),
    {0}};

static const struct field content_sharing_session[] = {
    FIELD("id", "string", BOTH),
    FIELD("pngOfCurrentSlide", "string", BETA),
    FIELD("presenterParticipantId", "string", BETA),
    {0}};

const struct type party_types[] = {
    {.name = "identitySet", .open = true, .versions = VERSION_BOTH, .fields = identity_set},
    {.name = "communicationsIdentitySet",
     .base = "identitySet",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = communications_identity_set},
    {.name = "identity", .open = true, .versions = VERSION_BOTH, .fields = identity},
    {.name = "communicationsApplicationIdentity",
     .base = "identity",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = communications_application_identity},
    {.name = "communicationsApplicationInstanceIdentity",
     .base = "identity",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = communications_application_instance_identity},
    {.name = "communicationsEncryptedIdentity",
     .base = "identity",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "communicationsGuestIdentity",
     .base = "identity",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = communications_guest_identity},
    {.name = "communicationsPhoneIdentity",
     .base = "identity",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "communicationsUserIdentity",
     .base = "identity",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = communications_user_identity},
    {.name = "azureCommunicationServicesUserIdentity",
     .base = "identity",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = azure_communication_services_user_identity},
    {.name = "participant", .versions = VERSION_BOTH, .fields = participant},
    {.name = "participantInfo", .versions = VERSION_BOTH, .fields = participant_info},
    {.name = "invitationParticipantInfo",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = invitation_participant_info},
    {.name = "recordingInfo", .versions = VERSION_BOTH, .fields = recording_info},
    {.name = "removedState", .versions = VERSION_BOTH, .fields = removed_state},
    {.name = "onlineMeetingRestricted",
     .versions = VERSION_BOTH,
     .fields = online_meeting_restricted},
    {.name = "audioRoutingGroup", .versions = VERSION_BOTH, .fields = audio_routing_group},
    {.name = "contentSharingSession",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = content_sharing_session},
    {0}};
