---@meta

-- What belongs to a call: results, operations, keys, recordings, participants and the other collections.

--- A number "+1425…", a user's id, or one of these.
---@alias ivory.Party string|{ phone: string }|{ user: string }|{ application: string }|ivory.invitationParticipantInfo

--- A name of the catalogue, a recording, or an address.
---@alias ivory.Prompt string|ivory.Recording|ivory.mediaInfo|ivory.mediaPrompt

--- Second argument of every method.
---@class ivory.Options
---@field timeout? number  seconds to wait; then an error with code "timeout" is raised and what plays or records is cancelled
---@field lane?    "wait"|"preempt"  when another fiber is playing or recording: wait for it (default), or cancel it

--- What an operation came to. A cancelled prompt is `ok = false`, not an error.
---@class ivory.Result
---@field ok       boolean  it did what was asked
---@field id       string
---@field status   ivory.operationStatus
---@field clientContext?    string
---@field completionReason? string
---@field resultInfo?       ivory.resultInfo

--- Raised when a method fails. `tostring` makes one readable line of it.
---@class ivory.Error
---@field code     string  "timeout", "hangup", or the service's
---@field status?  integer  HTTP
---@field subcode? integer
---@field message  string
---@field method?  string
---@field where?   string  "flows/main.lua:12"

---@class ivory.Tone
---@field key        string  "0"–"9", "*", "#", "A"–"D"
---@field sequenceId integer
---@field secret     boolean

--- A recording that the runtime keeps. It can be played like a prompt.
---@class ivory.Recording
---@field hash    string
---@field seconds number
---@field bytes   integer

---@class ivory.RecordResult: ivory.Result
---@field completionReason? ivory.recordCompletionReason
local RecordResult = {}

--- Fetches the recording and keeps it: what comes back can be played.
---@async
---@param options? ivory.Options
---@return ivory.Recording
function RecordResult:download(options) end

--- A method under way, made by `call:start`.
---@class ivory.Operation
---@field id?    string
---@field status ivory.operationStatus
local Operation = {}

--- Waits for its end.
---@async
---@param timeout? number  seconds
---@return any  what the method would have returned
function Operation:await(timeout) end

--- Stops it and waits for its end.
---@async
function Operation:cancel() end

---@class ivory.Participant
---@field id string
local Participant = {}

--- Reads the participant from the service.
---@async
---@param options? ivory.Options
---@return ivory.participant
function Participant:get(options) end

--- Removes the participant, or takes the invitation back.
---@async
---@param options? ivory.Options
---@return true
function Participant:delete(options) end

--- Mutes the participant. Nobody can unmute another.
---@async
---@param args? ivory.participant.mute
---@param options? ivory.Options
---@return ivory.Result
function Participant:mute(args, options) end

--- Puts the participant on hold, with a prompt of your own if you like.
---@async
---@param args? ivory.participant.startHoldMusic|ivory.Prompt
---@param options? ivory.Options
---@return ivory.Result
function Participant:startHoldMusic(args, options) end

--- Takes the participant off hold.
---@async
---@param args? ivory.participant.stopHoldMusic
---@param options? ivory.Options
---@return ivory.Result
function Participant:stopHoldMusic(args, options) end

--- Lets the participant in. Beta only.
---@async
---@param args? ivory.participant.admitFromLobby
---@param options? ivory.Options
---@return ivory.Result
function Participant:admitFromLobby(args, options) end

--- Turns the participant away. Beta only.
---@async
---@param args? ivory.participant.removeFromLobby
---@param options? ivory.Options
---@return ivory.Result
function Participant:removeFromLobby(args, options) end

--- Reports that the participant's voice or picture seems to be made by a machine. Beta only.
---@async
---@param args ivory.participant.reportSyntheticMedia
---@param options? ivory.Options
---@return true
function Participant:reportSyntheticMedia(args, options) end

---@class ivory.AudioRoutingGroup
---@field id string
local AudioRoutingGroup = {}

--- Reads the group.
---@async
---@param options? ivory.Options
---@return ivory.audioRoutingGroup
function AudioRoutingGroup:get(options) end

--- Changes the group; what is not given stays.
---@async
---@param args? ivory.audioRoutingGroup.update
---@param options? ivory.Options
---@return ivory.audioRoutingGroup
function AudioRoutingGroup:update(args, options) end

--- Deletes the group.
---@async
---@param options? ivory.Options
---@return true
function AudioRoutingGroup:delete(options) end

---@class ivory.ContentSharingSession
---@field id string
local ContentSharingSession = {}

--- Reads the session.
---@async
---@param options? ivory.Options
---@return ivory.contentSharingSession
function ContentSharingSession:get(options) end

---@class ivory.CallOperation
---@field id string
local CallOperation = {}

--- Reads the operation.
---@async
---@param options? ivory.Options
---@return ivory.Result
function CallOperation:get(options) end
