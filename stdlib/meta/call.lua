---@meta

-- The call as a flow sees it. `ivory.call` is the API's resource; `ivory.Call` adds what the runtime gives.

---@class ivory.call
---@field id? string
---@field activeModalities? ivory.modality[]  server-set (beta)
---@field answeredBy? ivory.participantInfo  who picked up (beta)
---@field callbackUri? string  https only; where notifications of this call go
---@field callChainId? string  shared by all legs of a conference or the two legs of a 1:1 call
---@field callOptions? ivory.callOptions
---@field callRoutes? ivory.callRoute[]  how the call was retargeted
---@field chatInfo? ivory.chatInfo
---@field direction? ivory.callDirection  server-set
---@field incomingContext? ivory.incomingContext  policy recording, transfers
---@field mediaConfig? ivory.mediaConfig  serviceHostedMediaConfig or appHostedMediaConfig
---@field mediaState? ivory.callMediaState  audio active or inactive
---@field meetingCapability? ivory.meetingCapability  (beta)
---@field meetingInfo? ivory.meetingInfo
---@field myParticipantId? string  the app's own participant id
---@field requestedModalities? ivory.modality[]
---@field resultInfo? ivory.resultInfo  set when the call ends or a transfer fails
---@field ringingTimeoutInSeconds? integer  1:1 outgoing, at most 115 (beta)
---@field routingPolicies? ivory.routingPolicy[]  1:1 only (beta)
---@field source? ivory.participantInfo  originator
---@field state? ivory.callState  server-set
---@field subject? string
---@field targets? ivory.invitationParticipantInfo[]  invitees
---@field tenantId? string  tenant of the call
---@field terminationReason? string  free text such as AppTransferred (beta)
---@field toneInfo? ivory.toneInfo  only in tone notifications
---@field transcription? ivory.callTranscriptionInfo  state of live transcription
---@field audioRoutingGroups? ivory.audioRoutingGroup[]
---@field contentSharingSessions? ivory.contentSharingSession[]
---@field operations? ivory.Result[]
---@field participants? ivory.participant[]

--- A call, or a leg made by `ivr.createCall`. Properties are read only.
---@class ivory.Call: ivory.call
---@field id        string  the service's id
---@field key       string  the runtime's
---@field from?     string  number or user id of the caller
---@field to?       string  number or user id that was called
---@field roster    ivory.participant[]  participants as last notified
---@field ended     boolean  it is over
---@field result?   ivory.resultInfo  why it is over
---@field resource  ivory.call  the whole resource, a copy
---@field toneSubscribed boolean  `subscribeToTone` has succeeded
---@field resumed   boolean  it was taken up again after a crash or a restart
---@field rejoined  boolean  it was begun in place of one that a meeting has lost
local Call = {}

--- Ends the call: `delete` under its usual name.
---@async
---@param options? ivory.Options
---@return true
function Call:hangup(options) end

--- Waits until the call has come to `state`.
---@async
---@param state ivory.callState
---@param timeout? number  seconds
---@return boolean reached  false after `timeout`
function Call:waitFor(state, timeout) end

--- The next key.
---@async
---@param args? { timeout?: number, secret?: boolean }  seconds, 0 looks into the buffer; `secret` keys are never kept
---@return ivory.Tone?  nil after `timeout`
function Call:nextTone(args) end

--- Forgets the keys in the buffer.
---@return integer  how many
function Call:flushTones() end

--- `fn` runs when the call ends, however it ends; the last one given runs first. It may wait for what does not need the call.
---@param fn fun(why: any)
function Call:onEnd(fn) end

--- Ends this flow and goes on as another one, in the same call; does not return. `onEnd` handlers run now, with "continue".
---@async
---@param flow string  its `onContinue(call, state)` runs, else its `onCall(call, state)`
---@param state? any  plain data, at most 64 KiB
function Call:continueAs(flow, state) end

--- Begins a method and does not wait for it.
---@param method string  "playPrompt"
---@param args? any
---@return ivory.Operation
function Call:start(method, args) end

---@param id string
---@return ivory.Participant
function Call:participant(id) end

---@param id string
---@return ivory.AudioRoutingGroup
function Call:audioRoutingGroup(id) end

---@param id string
---@return ivory.ContentSharingSession
function Call:contentSharingSession(id) end

---@param id string
---@return ivory.CallOperation
function Call:operation(id) end

--- Reads the call from the service.
---@async
---@param options? ivory.Options
---@return ivory.call
function Call:get(options) end

--- Ends the call; in a meeting, leaves it.
---@async
---@param options? ivory.Options
---@return true
function Call:delete(options) end

--- Tells the service that the call is alive. The runtime does it every 15 minutes.
---@async
---@param options? ivory.Options
---@return true
function Call:keepAlive(options) end

--- Takes an incoming call and waits until it is established.
---@async
---@param args? ivory.call.answer
---@param options? ivory.Options
---@return true
function Call:answer(args, options) end

--- Refuses an incoming call.
---@async
---@param args? ivory.call.reject|ivory.rejectReason
---@param options? ivory.Options
---@return true
function Call:reject(args, options) end

--- Sends an incoming call on before it is answered. Several targets ring together.
---@async
---@param args ivory.call.redirect|ivory.Party|ivory.Party[]
---@param options? ivory.Options
---@return true
function Call:redirect(args, options) end

--- Hands the other side over. When that fails, an error is raised and the call goes on.
---@async
---@param args ivory.call.transfer|ivory.Party
---@param options? ivory.Options
---@return true
function Call:transfer(args, options) end

--- Mutes the bot.
---@async
---@param args? ivory.call.mute
---@param options? ivory.Options
---@return ivory.Result
function Call:mute(args, options) end

--- Unmutes the bot.
---@async
---@param args? ivory.call.unmute
---@param options? ivory.Options
---@return ivory.Result
function Call:unmute(args, options) end

--- Takes or gives back the screen.
---@async
---@param args ivory.call.changeScreenSharingRole|ivory.screenSharingRole
---@param options? ivory.Options
---@return true
function Call:changeScreenSharingRole(args, options) end

--- Plays prompts, one after the other.
---@async
---@param args ivory.call.playPrompt|ivory.Prompt|ivory.Prompt[]
---@param options? ivory.Options
---@return ivory.Result
function Call:playPrompt(args, options) end

--- Records what the caller says, after a prompt and a beep. `:download()` fetches it.
---@async
---@param args? ivory.call.recordResponse|ivory.Prompt|ivory.Prompt[]
---@param options? ivory.Options
---@return ivory.RecordResult
function Call:recordResponse(args, options) end

--- Stops what is playing or recording and everything queued after it.
---@async
---@param args? ivory.call.cancelMediaProcessing
---@param options? ivory.Options
---@return ivory.Result
function Call:cancelMediaProcessing(args, options) end

--- Asks for the keys the caller presses. Needed once per call; the standard library does it.
---@async
---@param args? ivory.call.subscribeToTone
---@param options? ivory.Options
---@return ivory.Result
function Call:subscribeToTone(args, options) end

--- Presses keys for the other side to hear: "12#" or { "1", "2", "pound" }.
---@async
---@param args ivory.call.sendDtmfTones|ivory.tone|ivory.tone[]
---@param options? ivory.Options
---@return ivory.Result
function Call:sendDtmfTones(args, options) end

--- Adds the large gallery to a meeting.
---@async
---@param args? ivory.call.addLargeGalleryView
---@param options? ivory.Options
---@return ivory.Result
function Call:addLargeGalleryView(args, options) end

--- Tells the participants that the bot records. Must succeed before anything is kept.
---@async
---@param args ivory.call.updateRecordingStatus|ivory.recordingStatus
---@param options? ivory.Options
---@return ivory.Result
function Call:updateRecordingStatus(args, options) end

--- Starts the recording of a meeting. Beta only.
---@async
---@param args? ivory.call.startRecording
---@param options? ivory.Options
---@return ivory.Result
function Call:startRecording(args, options) end

--- Stops the recording of a meeting. Beta only.
---@async
---@param args? ivory.call.stopRecording
---@param options? ivory.Options
---@return ivory.Result
function Call:stopRecording(args, options) end

--- Starts the transcription of a meeting. Beta only.
---@async
---@param args? ivory.call.startTranscription|string
---@param options? ivory.Options
---@return ivory.Result
function Call:startTranscription(args, options) end

--- Stops the transcription of a meeting. Beta only.
---@async
---@param args? ivory.call.stopTranscription|string
---@param options? ivory.Options
---@return ivory.Result
function Call:stopTranscription(args, options) end

--- Reads the participants from the service. `call.roster` has them without asking.
---@async
---@param options? ivory.Options
---@return { value: ivory.participant[] }
function Call:listParticipants(options) end

--- Invites people into the call. A 1:1 call becomes a group call.
---@async
---@param args ivory.call.invite|ivory.Party|ivory.Party[]
---@param options? ivory.Options
---@return ivory.Result
function Call:invite(args, options) end

--- Mutes several participants. Beta only.
---@async
---@param args? ivory.call.muteAll|string[]
---@param options? ivory.Options
---@return ivory.Result
function Call:muteAll(args, options) end

--- Lets everybody in who waits in the lobby. Beta only.
---@async
---@param args? ivory.call.admitAllFromLobby
---@param options? ivory.Options
---@return ivory.Result
function Call:admitAllFromLobby(args, options) end

--- Makes a private audio path between participants.
---@async
---@param args ivory.call.createAudioRoutingGroup
---@param options? ivory.Options
---@return ivory.audioRoutingGroup
function Call:createAudioRoutingGroup(args, options) end

--- Reads the audio routing groups.
---@async
---@param options? ivory.Options
---@return { value: ivory.audioRoutingGroup[] }
function Call:listAudioRoutingGroups(options) end

--- Reads the content sharing sessions.
---@async
---@param options? ivory.Options
---@return { value: ivory.contentSharingSession[] }
function Call:listContentSharingSessions(options) end

--- Reads the operations of the call.
---@async
---@param options? ivory.Options
---@return { value: ivory.Result[] }
function Call:listOperations(options) end
