-- A reminder call: `ivory dial reminder +14255550123`. The one who picks up confirms with 1 or asks for another call with 2.

local log  = require "ivr.log"
local menu = require "ivr.menu"

local flow = {}

-- What the end of a call says about one that was never answered (SIP-like codes).
local UNANSWERED = { [408] = "no answer", [480] = "not reachable", [486] = "busy", [487] = "no answer", [603] = "declined" }

function flow.onCall(call)
    local outcome -- "confirmed", "again", "unheard"; nil while nobody has picked up

    -- Busy, no answer and a machine that hangs up all end here: the flow below just stops at its wait.
    call:onEnd(function()
        local result = call.result or {}
        local text = outcome or UNANSWERED[result.code] or ("failed: " .. (result.message or "unknown"))
        log.info(("reminder to %s: %s"):format(call.to or "unknown", text))
    end)

    if not call:waitFor("established", 60) then
        outcome = "no answer"
        return -- stops the ringing
    end

    outcome = "unheard" -- until a key shows that a person listens: a machine presses none
    local pick = menu.choose(call, {
        prompt = { "reminder", "reminder-choices" }, retry = { "reminder", "reminder-choices" },
        nomatch = "no-match", again = "*", first = 4,
        keys = { ["1"] = "confirmed", ["2"] = "again" },
    })
    if pick.ok then
        outcome = pick.choice
        call:playPrompt{ "reminder-" .. outcome, "goodbye" }
    else
        call:playPrompt "goodbye"
    end
end

return flow
