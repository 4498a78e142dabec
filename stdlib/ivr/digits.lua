-- Digits: ask for a number and collect it key by key.

local ivr     = require "ivr"
local prompts = require "ivr.prompts"

local M = {}

---@class ivr.DigitsOptions: ivr.AskOptions
---@field prompt?  ivr.Prompt|fun(attempt: integer, reason?: string): ivr.Prompt?
---@field retry?   ivr.Prompt|fun(attempt: integer, reason?: string): ivr.Prompt?  from the second attempt on (default: `prompt`)
---@field min?     integer  fewest digits (default 1)
---@field max?     integer  most digits (default 32); the last one ends the entry at once
---@field finish?  string   keys that end the entry (default "#"); "" for none
---@field allow?   string   Lua pattern that the whole entry has to match (default "%d*")
---@field tries?   integer  attempts in all (default 3)
---@field between? number   seconds between two keys (default 3); a longer pause ends the entry
---@field total?   number   seconds for the whole entry from its first key on

---@class ivr.DigitsResult
---@field ok     boolean
---@field digits string|ivr.Secret  what was entered, also when it was refused
---@field reason "finish"|"max"|"timeout"|"noinput"|"nomatch"  what ended the entry, or why there is none
---@field tries  integer  attempts used

--- Digits that show nobody what they are: `tostring` gives "***", `:open()` the digits.
---@class ivr.Secret
---@field open fun(self: ivr.Secret): string

---@param digits string
---@return ivr.Secret
local function seal(digits)
    local function hidden() return "***" end
    return setmetatable({ open = function() return digits end },
        { __tostring = hidden, __concat = function(a, b) return tostring(a) .. tostring(b) end, __metatable = false })
end

-- One attempt: what was pressed, and what ended it; nil for a pause.
---@async
local function entry(call, prompt, opts)
    local finish, max, between = opts.finish or "#", opts.max or 32, opts.between or 3
    local pressed = ""
    local tone = prompts.ask(call, prompt, opts)
    local deadline = ivr.now() + (opts.total or math.huge)
    while tone do
        if finish:find(tone.key, 1, true) then
            return pressed, "finish"
        end
        pressed = pressed .. tone.key
        if #pressed >= max then
            return pressed, "max"
        end
        local why
        tone, why = prompts.nextKey(call, math.max(0, math.min(between, deadline - ivr.now())), opts)
        if why == "resumed" then
            return entry(call, prompt, opts)
        end
    end
    return pressed, nil
end

-- "finish", "max" or "timeout" for an entry that is good; false and the reason for one that is not.
local function judge(pressed, ended, opts)
    if pressed == "" and not ended then
        return false, "noinput"
    end
    if #pressed < (opts.min or 1) or not pressed:find("^" .. (opts.allow or "%d*") .. "$") then
        return false, "nomatch"
    end
    return true, ended or "timeout"
end

--- Asks for digits, up to `tries` times. No input and a wrong entry are results, not errors.
---@async
---@param call ivory.Call
---@param opts ivr.DigitsOptions
---@return ivr.DigitsResult
function M.collect(call, opts)
    local ok, reason, pressed
    local tries = opts.tries or 3
    for attempt = 1, tries do
        pressed, reason = entry(call, prompts.forAttempt(opts, attempt, reason), opts)
        ok, reason = judge(pressed, reason, opts)
        if ok then
            tries = attempt
            break
        end
        call:flushTones() -- keys after a wrong one were meant for something else
    end
    return { ok = ok, digits = opts.secret and seal(pressed) or pressed, reason = reason, tries = tries }
end

return M
