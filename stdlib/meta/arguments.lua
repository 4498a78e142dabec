---@meta

-- The arguments of the API's methods: class `ivory.<object>.<method>` has the fields that method takes, by the API's own
-- names. `ivory methods` prints the same list; a test holds the two together.

---@class ivory.ivr.createCall
---@field callbackUri? string  https address; all notifications go there
---@field targets? ivory.Party|ivory.Party[]  1–5 of them; one: 1:1 call, several: group call, none: joins meetingInfo
---@field source? ivory.Party  the service wants identity.applicationInstance for phone targets, identity.guest for a guest
---@field requestedModalities? ivory.modality[]
---@field mediaConfig? ivory.mediaConfig
---@field chatInfo? ivory.chatInfo  to join a meeting
---@field meetingInfo? ivory.meetingInfo  to join a meeting
---@field callOptions? ivory.outgoingCallOptions
---@field subject? string
---@field routingPolicies? ivory.routingPolicy[]  1:1 only (beta)
---@field ringingTimeoutInSeconds? integer  1–115; 1:1 only (beta)
---@field callChainId? string
---@field tenantId? string  of the target or meeting; its form is not checked: an example has a bad GUID
---@field direction? ivory.callDirection  set by the service; examples send it

---@class ivory.call.answer
---@field callbackUri? string  https address; all notifications go there
---@field mediaConfig? ivory.mediaConfig
---@field acceptedModalities? ivory.modality[]
---@field callOptions? ivory.incomingCallOptions
---@field participantCapacity? integer  1 or more; policy-based recording: how many participants this bot takes

---@class ivory.call.reject
---@field reason? ivory.rejectReason
---@field callbackUri? string  https address

---@class ivory.call.redirect
---@field targets ivory.Party|ivory.Party[]  1–25 of them; several ring together
---@field timeout? integer  15–90; seconds
---@field callbackUri? string  https address
---@field maskCallee? boolean  (beta)
---@field maskCaller? boolean  (beta)
---@field targetDisposition? ivory.callDisposition  deprecated: the number of targets decides (beta)
---@field routingPolicies? ivory.routingPolicy[]  no parameter of the schema; examples send it

---@class ivory.call.transfer
---@field transferTarget ivory.Party  replacesCallId makes it consultative
---@field transferee? ivory.Party  who is moved out of a group call
---@field clientContext? string  at most 256 bytes; no parameter of the schema; an example sends it, nothing echoes it
---@field languageId? string  no parameter of the schema; an example sends it
---@field region? string  no parameter of the schema; an example sends it

---@class ivory.call.mute
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.unmute
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.changeScreenSharingRole
---@field role ivory.screenSharingRole

---@class ivory.call.playPrompt
---@field prompts ivory.Prompt|ivory.Prompt[]  1–20 of them
---@field loop? boolean  plays until cancelled; no completion is notified (beta)
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.recordResponse
---@field prompts? ivory.Prompt|ivory.Prompt[]  at most 1
---@field bargeInAllowed? boolean
---@field initialSilenceTimeoutInSeconds? integer  1–120; default 5
---@field maxSilenceTimeoutInSeconds? integer  1–120; default 5
---@field maxRecordDurationInSeconds? integer  1–120; default 5
---@field playBeep? boolean  default true
---@field stopTones? string[]
---@field streamWhileRecording? boolean  in the schema only (beta)
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.cancelMediaProcessing
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.subscribeToTone
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.sendDtmfTones
---@field tones ivory.tone|ivory.tone[]
---@field delayBetweenTonesMs? integer  0 or more
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.addLargeGalleryView
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.updateRecordingStatus
---@field status ivory.recordingStatus
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.startRecording
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.stopRecording
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.startTranscription
---@field language? string  only en-us now (beta)
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.stopTranscription
---@field language? string  only en-us now (beta)
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.ivr.logTeleconferenceDeviceQuality
---@field quality ivory.teleconferenceDeviceQuality

---@class ivory.call.invite
---@field participants ivory.Party|ivory.Party[]  1–5 of them
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.participant.mute
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.muteAll
---@field participants? string[]  ids (beta)
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.participant.startHoldMusic
---@field customPrompt? ivory.Prompt
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.participant.stopHoldMusic
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.participant.admitFromLobby
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.call.admitAllFromLobby
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.participant.removeFromLobby
---@field clientContext? string  at most 256 bytes; echoed in all notifications of the operation

---@class ivory.participant.reportSyntheticMedia
---@field id string  GUID (beta)
---@field detectionDateTime string  ISO 8601 time (beta)
---@field detections ivory.syntheticMediaDetectionDetail[]  (beta)
---@field contentMetadata ivory.mediaMetadata  (beta)
---@field overallConfidence number  0–1 (beta)
---@field isMalicious boolean  (beta)
---@field severity? ivory.detectionSeverity  (beta)

---@class ivory.call.createAudioRoutingGroup
---@field id? string  chosen by the app
---@field routingMode ivory.routingMode
---@field sources string[]  participant ids
---@field receivers string[]  participant ids

---@class ivory.audioRoutingGroup.update
---@field id? string  no property to change; examples send it
---@field routingMode? ivory.routingMode
---@field sources? string[]  participant ids
---@field receivers? string[]  participant ids
