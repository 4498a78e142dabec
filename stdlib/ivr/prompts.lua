-- Prompts: say one, say several, and ask for a key with them.
--
-- A prompt is a name of the catalogue ("main-menu"), a recording, `{ uri = ... }`, or a list of these,
-- which is said as one.

local ivr = require "ivr"

local M = {}

local AT_ONCE = 20 -- so many prompts fit into one playPrompt
local LONGER_THAN_ANY_PROMPT = 3600

---@alias ivr.PromptItem string|ivory.Recording|ivory.mediaInfo
---@alias ivr.Prompt ivr.PromptItem|ivr.Prompt[]

---@class ivr.AskOptions
---@field typeahead? "keep"|"flush"  keys pressed before the question: answer it ("keep", the default) or are forgotten
---@field barge?     boolean  a key interrupts the prompt (default true); `false` also forgets what was pressed meanwhile
---@field first?     number   seconds to wait for the first key after the prompt (default 5)
---@field secret?    boolean  the keys are never kept: not in the log, not in the journal
---@field ignore?    string   keys that are passed over, "#" for example

-- One flat list out of names, recordings and lists of them.
local function flatten(prompt, list)
    if type(prompt) == "table" and prompt[1] ~= nil then
        for _, part in ipairs(prompt) do
            flatten(part, list)
        end
    elseif prompt ~= nil then
        list[#list + 1] = prompt
    end
    return list
end

--- Says a prompt to its end. A list may be of any length.
---@async
---@param call ivory.Call
---@param prompt ivr.Prompt?  nil says nothing
---@return boolean ok  false when it was cancelled or could not be played
function M.play(call, prompt)
    local list = flatten(prompt, {})
    for from = 1, #list, AT_ONCE do
        local part = table.move(list, from, math.min(from + AT_ONCE - 1, #list), 1, {})
        if not call:playPrompt({ prompts = part }).ok then
            return false
        end
    end
    return true
end

--- The next key, from the buffer or by waiting for it.
---@async
---@param call ivory.Call
---@param timeout number  seconds; 0 looks into the buffer only
---@param opts ivr.AskOptions
---@return ivory.Tone?  nil when none came in time
---@return "resumed"?   the host was away while the time ran out: ask again
function M.nextKey(call, timeout, opts)
    local deadline = ivr.now() + timeout
    local tone, why
    repeat
        local left = math.max(0, deadline - ivr.now())
        tone, why = call:nextTone{ timeout = left, secret = opts.secret or false }
    until not tone or not (opts.ignore and opts.ignore:find(tone.key, 1, true))
    return tone, why
end

--- Says a prompt and waits for the first key. A key pressed early is not lost: it silences the prompt and is the answer.
--- When it was pressed before the prompt began, the prompt is not said at all.
---@async
---@param call ivory.Call
---@param prompt ivr.Prompt?
---@param opts? ivr.AskOptions
---@return ivory.Tone?  nil when no key came within `first` seconds after the prompt
function M.ask(call, prompt, opts)
    opts = opts or {}
    if not call.toneSubscribed then
        call:subscribeToTone()
    end
    if opts.typeahead == "flush" then
        call:flushTones()
    end
    local tone
    if opts.barge == false then
        M.play(call, prompt)
        call:flushTones()
    else
        tone = M.nextKey(call, 0, opts)
        if not tone and prompt then
            -- Whichever comes first ends the other: the key silences the prompt.
            local _, key = ivr.first{
                said = function() M.play(call, prompt) end,
                pressed = function() return M.nextKey(call, LONGER_THAN_ANY_PROMPT, opts) end,
            }
            tone = key
        end
    end
    local why
    if not tone then
        tone, why = M.nextKey(call, opts.first or 5, opts)
    end
    if why == "resumed" then -- what was pressed may have been lost, and the prompt is forgotten
        return M.ask(call, prompt, opts)
    end
    return tone
end

--- What to say in a given attempt: `prompt` first, `retry` after that; a function is asked.
---@param opts { prompt: ivr.Prompt|function?, retry: ivr.Prompt|function? }
---@param attempt integer
---@param reason? string  why the attempt before failed: "noinput", "nomatch"
---@return ivr.Prompt?
function M.forAttempt(opts, attempt, reason)
    local prompt = opts.prompt
    if attempt > 1 and opts.retry ~= nil then
        prompt = opts.retry
    end
    if type(prompt) == "function" then
        prompt = prompt(attempt, reason)
    end
    return prompt
end

local SPOKEN = { ["*"] = "star", ["#"] = "pound" }

--- The names of the prompts that spell `text` key by key: `digits("12#")` is `{ "digit-1", "digit-2", "pound" }`.
---@param text string|integer
---@return string[]
function M.digits(text)
    local list = {}
    for key in tostring(text):gmatch "[%d*#]" do
        list[#list + 1] = SPOKEN[key] or ("digit-" .. key)
    end
    return list
end

return M
