---@meta

-- The values of the API: what `call.source`, `call.chatInfo`, the roster and results are made of, and what arguments take.
-- Names and members are those of the API; "beta" marks what v1.0 lacks.

---@alias ivory.autoAdmittedUsersType "everyoneInCompany"|"everyone"
---@alias ivory.callDirection "incoming"|"outgoing"
---@alias ivory.callDisposition "default"|"simultaneousRing"|"forward"
---@alias ivory.callState
---| "incoming"
---| "establishing"
---| "ringing"
---| "established"
---| "hold"
---| "transferring"
---| "transferAccepted"
---| "redirecting"
---| "terminating"
---| "terminated"
---| "unknownFutureValue"
---@alias ivory.callTranscriptionState "notStarted"|"active"|"inactive"|"unknownFutureValue"
---@alias ivory.endpointType "default"|"voicemail"|"skypeForBusiness"|"skypeForBusinessVoipPhone"|"unknownFutureValue"
---@alias ivory.mediaDirection "inactive"|"sendOnly"|"receiveOnly"|"sendReceive"
---@alias ivory.mediaState "active"|"inactive"|"unknownFutureValue"
---@alias ivory.modality "unknown"|"audio"|"video"|"videoBasedScreenSharing"|"data"|"unknownFutureValue"
---@alias ivory.onlineMeetingContentSharingDisabledReason "watermarkProtection"|"unknownFutureValue"
---@alias ivory.onlineMeetingVideoDisabledReason "watermarkProtection"|"unknownFutureValue"
---@alias ivory.operationStatus "notStarted"|"running"|"completed"|"failed"
---@alias ivory.playPromptCompletionReason "unknown"|"completedSuccessfully"|"mediaOperationCanceled"|"unknownFutureValue"
---@alias ivory.recordCompletionReason
---| "operationCanceled"
---| "stopToneDetected"
---| "maxRecordDurationReached"
---| "initialSilenceTimeout"
---| "maxSilenceTimeout"
---| "playPromptFailed"
---| "playBeepFailed"
---| "mediaReceiveTimeout"
---| "unspecifiedError"
---| "none"
---@alias ivory.recordingStatus "unknown"|"notRecording"|"recording"|"failed"|"unknownFutureValue"
---@alias ivory.rejectReason "none"|"busy"|"forbidden"|"unknownFutureValue"
---@alias ivory.routingMode "oneToOne"|"multicast"|"unknownFutureValue"
---@alias ivory.routingPolicy
---| "none"
---| "noMissedCall"
---| "disableForwardingExceptPhone"
---| "disableForwarding"
---| "preferSkypeForBusiness"
---| "unknownFutureValue"
---@alias ivory.routingType "forwarded"|"lookup"|"selfFork"|"unknownFutureValue"
---@alias ivory.screenSharingRole "viewer"|"sharer"
---@alias ivory.sendDtmfCompletionReason "unknown"|"completedSuccessfully"|"mediaOperationCanceled"|"unknownFutureValue"
---@alias ivory.tone
---| "tone0"
---| "tone1"
---| "tone2"
---| "tone3"
---| "tone4"
---| "tone5"
---| "tone6"
---| "tone7"
---| "tone8"
---| "tone9"
---| "star"
---| "pound"
---| "a"
---| "b"
---| "c"
---| "d"
---| "flash"

---@class ivory.callOptions
---@field hideBotAfterEscalation? boolean  hide the app when a 1:1 call becomes a group call
---@field isContentSharingNotificationEnabled? boolean  turns on content sharing notifications
---@field isDeltaRosterEnabled? boolean  roster notifications carry changes only
---@field isInteractiveRosterEnabled? boolean  delta roster filtered by interactivity

---@class ivory.incomingCallOptions: ivory.callOptions

---@class ivory.outgoingCallOptions: ivory.callOptions

---@class ivory.callMediaState
---@field audio? ivory.mediaState

---@class ivory.callRoute
---@field final? ivory.identitySet
---@field original? ivory.identitySet
---@field routingType? ivory.routingType

---@class ivory.callTranscriptionInfo
---@field lastModifiedDateTime? string  ISO 8601 time
---@field state? ivory.callTranscriptionState

---@class ivory.incomingContext
---@field observedParticipantId? string
---@field onBehalfOf? ivory.identitySet
---@field sourceParticipantId? string
---@field transferor? ivory.identitySet

---@class ivory.meetingCapability  beta only
---@field allowAnonymousUsersToDialOut? boolean  (beta)
---@field allowAnonymousUsersToStartMeeting? boolean  (beta)
---@field autoAdmittedUsers? ivory.autoAdmittedUsersType  (beta)

---@class ivory.resultInfo
---@field code? integer  HTTP/SIP-like class of the outcome
---@field message? string
---@field subcode? integer  detail

---@class ivory.toneInfo
---@field sequenceId? integer  grows by one per tone
---@field tone? ivory.tone

---@class ivory.mediaConfig
---@field removeFromDefaultAudioGroup? boolean  keep the app out of the main mix; not in the v1.0 schema, but in its group call examples

---@class ivory.serviceHostedMediaConfig: ivory.mediaConfig
---@field liveCaptionOptions? ivory.liveCaptionOptions  (beta)
---@field preFetchMedia? ivory.mediaInfo[]  audio the service fetches ahead

---@class ivory.appHostedMediaConfig: ivory.mediaConfig
---@field blob? string  opaque session text from the media library

---@class ivory.liveCaptionOptions  beta only
---@field streamUrl? string  (beta)

---@class ivory.mediaPrompt
---@field loop? integer  in the beta schema only, no page (beta)
---@field mediaInfo? ivory.mediaInfo

---@class ivory.mediaInfo
---@field resourceId? string  cache key for the uri
---@field uri? string  WAV, mono, 16-bit, 16 kHz

---@class ivory.mediaStream
---@field direction? ivory.mediaDirection
---@field label? string
---@field mediaType? ivory.modality
---@field serverMuted? boolean
---@field sourceId? string

---@class ivory.chatInfo
---@field messageId? string
---@field replyChainMessageId? string
---@field threadId? string

---@class ivory.meetingInfo
---@field allowConversationWithoutHost? boolean  not in the v1.0 schema, but in its join examples

---@class ivory.organizerMeetingInfo: ivory.meetingInfo
---@field organizer? ivory.identitySet

---@class ivory.tokenMeetingInfo: ivory.meetingInfo
---@field token? string  from an incoming notification

---@class ivory.joinMeetingIdMeetingInfo: ivory.meetingInfo
---@field joinMeetingId? string
---@field passcode? string  when the meeting has one

---@class ivory.identitySet
---@field application? ivory.identity
---@field device? ivory.identity
---@field user? ivory.identity
---@field applicationInstance? ivory.identity  resource account with a number; declared on communicationsIdentitySet only
---@field assertedIdentity? ivory.identity  declared on communicationsIdentitySet only
---@field azureCommunicationServicesUser? ivory.identity  declared on communicationsIdentitySet only
---@field encrypted? ivory.identity  identity the app may not see; declared on communicationsIdentitySet only
---@field guest? ivory.identity  declared on communicationsIdentitySet only
---@field onPremises? ivory.identity  declared on communicationsIdentitySet only
---@field phone? ivory.identity  id is E.164; declared on communicationsIdentitySet only

---@class ivory.communicationsIdentitySet: ivory.identitySet
---@field endpointType? ivory.endpointType

---@class ivory.identity
---@field displayName? string
---@field id? string

---@class ivory.communicationsApplicationIdentity: ivory.identity
---@field applicationType? string
---@field hidden? boolean

---@class ivory.communicationsApplicationInstanceIdentity: ivory.identity
---@field hidden? boolean
---@field tenantId? string

---@class ivory.communicationsEncryptedIdentity: ivory.identity

---@class ivory.communicationsGuestIdentity: ivory.identity
---@field email? string

---@class ivory.communicationsPhoneIdentity: ivory.identity

---@class ivory.communicationsUserIdentity: ivory.identity
---@field tenantId? string

---@class ivory.azureCommunicationServicesUserIdentity: ivory.identity
---@field azureCommunicationServicesResourceId? string

---@class ivory.participant
---@field id? string
---@field info? ivory.participantInfo
---@field isIdentityAnonymized? boolean  (beta)
---@field isInLobby? boolean
---@field isMuted? boolean  client- or server-muted
---@field mediaStreams? ivory.mediaStream[]
---@field metadata? string  text blob set by the client, often JSON
---@field preferredDisplayName? string  (beta)
---@field recordingInfo? ivory.recordingInfo
---@field removedState? ivory.removedState  why the participant left (delta roster)
---@field restrictedExperience? ivory.onlineMeetingRestricted
---@field rosterSequenceNumber? integer  orders delta rosters
---@field syntheticMediaDetection? ivory.syntheticMediaDetectionInfo  (beta)

---@class ivory.participantInfo
---@field countryCode? string  ISO 3166-1 alpha-2, best estimate at start
---@field endpointType? ivory.endpointType
---@field identity? ivory.identitySet
---@field languageId? string
---@field nonAnonymizedIdentity? ivory.identitySet  (beta)
---@field participantId? string
---@field platformId? string  (beta)
---@field region? string  home region, does not follow location

---@class ivory.invitationParticipantInfo
---@field endpointType? ivory.endpointType  not in the v1.0 schema, but in its transfer examples
---@field hidden? boolean  keep out of the roster
---@field identity? ivory.identitySet
---@field participantId? string  which participant to move
---@field removeFromDefaultAudioRoutingGroup? boolean
---@field replacesCallId? string  call the invitee is in now; it is dropped after the join
---@field languageId? string  in no schema; the transfer examples send it
---@field region? string  in no schema; the transfer examples send it

---@class ivory.recordingInfo
---@field initiatedBy? ivory.participantInfo  (beta)
---@field initiator? ivory.identitySet
---@field recordingStatus? ivory.recordingStatus

---@class ivory.removedState
---@field reason? string

---@class ivory.onlineMeetingRestricted
---@field contentSharingDisabled? ivory.onlineMeetingContentSharingDisabledReason
---@field videoDisabled? ivory.onlineMeetingVideoDisabledReason

---@class ivory.audioRoutingGroup
---@field id? string
---@field receivers? string[]
---@field routingMode? ivory.routingMode
---@field sources? string[]

---@class ivory.contentSharingSession
---@field id? string
---@field pngOfCurrentSlide? string  (beta)
---@field presenterParticipantId? string  (beta)
