---@meta ivr

-- `require "ivr"`: time, fibers, further legs; and what a flow is.

--- What a flow file returns.
---@class ivory.Flow
---@field onCall   fun(call: ivory.Call)  runs when a call comes in, or when one was placed; the call is hung up when it returns
---@field onContinue? fun(call: ivory.Call, state: any)  runs in place of `onCall` after `call:continueAs`
---@field rejoin?    boolean  when the service has lost the call while the runtime was away, join its meeting again with a new one
---@field onError? fun(call: ivory.Call, err: ivory.Error|string)  runs when `onCall` raised while the caller is there
---@field onParticipantJoining? fun(call: ivory.Call, participant: ivory.participant): ivory.JoinAnswer  policy-based recording

---@alias ivory.JoinAnswer "accept"|{ reject: ivory.rejectReason }|{ invite: string }

--- A line of `flows/routes.lua`. The first that fits is taken; "*" at the end stands for any rest.
---@class ivory.Route
---@field to?     string
---@field from?   string
---@field tenant? string
---@field flow    string

---@class ivr
local ivr = {}

--- Waits.
---@async
---@param seconds number
function ivr.sleep(seconds) end

--- Seconds since the epoch, at the event being handled.
---@return number
function ivr.now() end

--- Runs all; the first to return wins. The others are cancelled, and have ended before this returns.
---@async
---@param branches table<string, async fun(): any>
---@return string name, any ...
function ivr.first(branches) end

--- Runs all and waits for all. An error in one cancels the rest and is raised.
---@async
---@param branches table<string, async fun(): any>
---@return table<string, any>
function ivr.all(branches) end

--- Starts a fiber. The function that started it does not end before it has.
---@param fn async fun(...): any
---@param ... any
---@return ivory.Fiber
function ivr.spawn(fn, ...) end

--- Runs `fn` to its end, also when this fiber is cancelled or the call ends meanwhile (within `limits.cleanup_ms`).
---@async
---@param fn async fun(...): any
---@param ... any
---@return any ...
function ivr.shield(fn, ...) end

--- Runs `fn`, a piece of work outside the call (HTTP, the store; no methods of the call). After a crash a step that had
--- ended is not run again; one under way is gone on with, and requests that were sent may be sent twice, with the same
--- `Idempotency-Key`.
---@async
---@param name string  letters, digits, ".", "_", "-"
---@param fn async fun(...): any
---@param ... any
---@return any ...
function ivr.step(name, fn, ...) end

--- Reads a Teams join link.
---@param url string
---@return { chatInfo: ivory.chatInfo, meetingInfo: ivory.meetingInfo, tenantId: string }
function ivr.joinInfo(url) end

--- Places another call as a leg of this one. It ends when this call ends.
---@async
---@param args ivory.ivr.createCall|ivory.Party|ivory.Party[]
---@param options? ivory.Options
---@return ivory.Call
function ivr.createCall(args, options) end

--- Reports the quality of a device of a video room.
---@async
---@param args ivory.ivr.logTeleconferenceDeviceQuality|ivory.teleconferenceDeviceQuality
---@param options? ivory.Options
---@return true
function ivr.logTeleconferenceDeviceQuality(args, options) end

---@class ivory.Fiber
local Fiber = {}

--- Waits for its end.
---@async
---@param timeout? number  seconds
---@return any ...
function Fiber:await(timeout) end

--- Cancels it and waits until it has ended.
---@async
function Fiber:cancel() end

return ivr
