-- Menus: say the choices, take a key (or a short number), say what was chosen.

local prompts = require "ivr.prompts"

local M = {}

---@class ivr.MenuOptions: ivr.AskOptions
---@field keys     table<string, any>  what to press → what it means. Sets are allowed: "10[0-9]"
---@field prompt?  ivr.Prompt|fun(attempt: integer, reason?: string): ivr.Prompt?
---@field retry?   ivr.Prompt|fun(attempt: integer, reason?: string): ivr.Prompt?  from the second attempt on (default: `prompt`)
---@field noinput? ivr.Prompt  said before `retry` when nothing was pressed
---@field nomatch? ivr.Prompt  said before `retry` when a wrong key was pressed
---@field again?   string      key that says `prompt` once more; this does not count as an attempt
---@field tries?   integer     attempts in all (default 3)
---@field between? number      seconds to wait for a further key where one choice begins like another (default 2)

---@class ivr.MenuResult
---@field ok      boolean
---@field choice? any      the value in `keys`
---@field key?    string   what was pressed
---@field reason? "noinput"|"nomatch"  of the last attempt, when not ok
---@field tries   integer  attempts used

-- "10[0-9]" → { "1", "0", "[0-9]" }: one element per key.
local function elements(pattern)
    local list, at = {}, 1
    while at <= #pattern do
        local element = pattern:match("^%[[^%]]+%]", at) or pattern:sub(at, at)
        list[#list + 1] = element
        at = at + #element
    end
    return list
end

local function fits(list, pressed)
    for at = 1, #pressed do
        local element, key = list[at], pressed:sub(at, at)
        if element ~= key and not (#element > 1 and key:find(element)) then
            return false
        end
    end
    return true
end

-- The pattern that `pressed` is a whole match of, and whether a longer one begins like it.
-- "101" written out goes before "10[0-9]".
local function match(patterns, pressed)
    local whole, more = nil, false
    for pattern, list in pairs(patterns) do
        if #list >= #pressed and fits(list, pressed) then
            if #list > #pressed then
                more = true
            elseif not whole or pattern == pressed then
                whole = pattern
            end
        end
    end
    return whole, more
end

-- One attempt: the pattern that was met, and what was pressed ("" for nothing).
---@async
local function attemptOnce(call, prompt, patterns, opts)
    local pressed, found = "", nil
    local tone = prompts.ask(call, prompt, opts)
    while tone do
        local more
        pressed = pressed .. tone.key
        found, more = match(patterns, pressed)
        if not more then
            break
        end
        local why
        tone, why = prompts.nextKey(call, opts.between or 2, opts)
        if why == "resumed" then
            return attemptOnce(call, prompt, patterns, opts)
        end
    end
    return found, pressed
end

--- Asks until a choice is made, at most `tries` times. No input and wrong keys are results, not errors.
---@async
---@param call ivory.Call
---@param opts ivr.MenuOptions
---@return ivr.MenuResult
function M.choose(call, opts)
    if type(opts.keys) ~= "table" or not next(opts.keys) then
        error("menu.choose: keys missing", 2)
    end
    local patterns = {}
    for pattern in pairs(opts.keys) do
        patterns[pattern] = elements(pattern)
    end
    if opts.again then
        patterns[opts.again] = elements(opts.again)
    end

    local tries, attempt = opts.tries or 3, 1
    local prompt = prompts.forAttempt(opts, 1)
    while true do
        local found, pressed = attemptOnce(call, prompt, patterns, opts)
        if found and opts.keys[found] ~= nil then
            return { ok = true, choice = opts.keys[found], key = pressed, tries = attempt }
        elseif found then
            prompt = prompts.forAttempt(opts, 1)
        else
            local reason = pressed == "" and "noinput" or "nomatch"
            call:flushTones() -- keys after a wrong one were meant for something else
            if attempt >= tries then
                return { ok = false, reason = reason, key = pressed ~= "" and pressed or nil, tries = attempt }
            end
            attempt = attempt + 1
            local retry = prompts.forAttempt(opts, attempt, reason)
            prompt = opts[reason] and { opts[reason], retry } or retry
        end
    end
end

return M
