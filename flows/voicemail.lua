-- Voicemail: takes a message. The caller may hear it, keep it, record it again or cancel.

local log       = require "ivr.log"
local voicemail = require "ivr.voicemail"

local flow = {}

-- Where a message goes. A flow of your own would send it on here: by ivr.http to a ticket system, for example.
local function deliver(call, message)
    log.info(("message from %s, %.0f s: /recordings/%s.wav"):format(call.from or "unknown", message.seconds, message.hash))
end

function flow.onCall(call)
    local message -- the one that counts, nil while there is none

    -- This runs however the call ends. Many callers hang up instead of pressing 1: their message is kept too.
    call:onEnd(function()
        if message then
            deliver(call, message)
        end
    end)

    call:answer()
    local result = voicemail.record(call, {
        prompt = "voicemail-greeting",
        taken = function(recording) message = recording end,
    })
    if result.ok then
        call:playPrompt{ "voicemail-kept", "goodbye" }
    elseif result.reason == "cancelled" then
        call:playPrompt{ "voicemail-cancelled", "goodbye" }
    else -- silence, or too short, three times
        call:playPrompt "goodbye"
    end
end

return flow
