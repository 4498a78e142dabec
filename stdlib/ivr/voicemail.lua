-- Voicemail: record a message, let the caller hear it, and keep, repeat or cancel it.

local ivr  = require "ivr"
local menu = require "ivr.menu"

local M = {}

---@class ivr.VoicemailOptions
---@field prompt?   ivr.PromptItem  what is said before the beep (default "voicemail-greeting")
---@field again?    ivr.PromptItem  said instead when the caller records anew (default "voicemail-again")
---@field silence?  ivr.PromptItem  said when nothing was heard (default "voicemail-silence")
---@field short?    ivr.PromptItem  said when the message was too short (default "voicemail-short")
---@field played?   ivr.PromptItem  said before the message is played back (default "voicemail-played")
---@field choices?  ivr.PromptItem  the keys: 1 keeps, 2 records again, 3 cancels (default "voicemail-choices")
---@field finish?   string   key that ends the message (default "#")
---@field beep?     boolean  (default true)
---@field max?      integer  longest message in seconds, 1–120 (default 120)
---@field first?    integer  seconds of silence at the start before it counts as nothing said (default 5)
---@field pause?    integer  seconds of silence that end the message (default 5)
---@field shortest? number   seconds below which a message is too short (default 1)
---@field tries?    integer  silent or short attempts in all (default 3)
---@field taken?    fun(recording?: ivory.Recording)  is given each message at once, and nil when the caller takes it back:
---  whoever hangs up instead of pressing 1, or while still speaking, has left a message too

---@class ivr.VoicemailResult
---@field ok         boolean
---@field recording? ivory.Recording
---@field reason?    "silence"|"short"|"cancelled"

-- What became of one take. A message that was ended is left, even if the caller hangs up while it is fetched: hence the shield.
---@async
local function fetch(recorded, opts)
    if not recorded.ok then
        return nil, "silence"
    end
    return ivr.shield(function()
        local recording = recorded:download()
        if recording.seconds < (opts.shortest or 1) then
            return nil, "short"
        end
        if opts.taken then
            opts.taken(recording)
        end
        return recording
    end)
end

-- One take. Whoever hangs up while speaking has left a message too: its end is told with the hang-up or just after it.
---@async
local function take(call, prompt, opts)
    local recording = call:start("recordResponse", {
        prompts = { prompt },
        playBeep = opts.beep ~= false,
        stopTones = { opts.finish or "#" },
        maxRecordDurationInSeconds = opts.max or 120,
        initialSilenceTimeoutInSeconds = opts.first or 5,
        maxSilenceTimeoutInSeconds = opts.pause or 5,
    })
    local recorded
    local _ <close> = setmetatable({}, { __close = function()
        if recorded then
            return
        elseif not call.ended then
            return recording:cancel()
        end
        local ok, late = pcall(recording.await, recording)
        if ok then
            fetch(late, opts)
        end
    end })
    recorded = recording:await()
    call:flushTones() -- the finish key comes as a tone too
    return fetch(recorded, opts)
end

---@async
local function review(call, recording, opts)
    local choices = opts.choices or "voicemail-choices"
    local pick = menu.choose(call, {
        prompt = { opts.played or "voicemail-played", recording, choices },
        retry = choices,
        keys = { ["1"] = "keep", ["2"] = "again", ["3"] = "cancel" },
        ignore = opts.finish or "#", -- a late one of the recording
    })
    return pick.choice or "keep" -- nobody records a message to have it thrown away
end

--- Records a message and lets the caller review it.
---@async
---@param call ivory.Call
---@param opts? ivr.VoicemailOptions
---@return ivr.VoicemailResult
function M.record(call, opts)
    opts = opts or {}
    local prompt = opts.prompt or "voicemail-greeting"
    local failed, reason = 0, nil
    while failed < (opts.tries or 3) do
        local recording
        recording, reason = take(call, prompt, opts)
        if not recording then
            failed = failed + 1
            prompt = opts[reason] or ("voicemail-" .. reason)
        else
            local choice = review(call, recording, opts)
            if choice == "keep" then
                return { ok = true, recording = recording }
            end
            if opts.taken then
                opts.taken(nil)
            end
            if choice == "cancel" then
                return { ok = false, reason = "cancelled" }
            end
            prompt = opts.again or "voicemail-again"
        end
    end
    return { ok = false, reason = reason }
end

return M
