-- In a meeting, and in it again when the service has lost us while nobody was there to notice.

local ivr = require "ivr"
local log = require "ivr.log"

local flow = { rejoin = true }

function flow.onCall(call)
    call:onEnd(function(why)
        ivr.sleep(1)
        log.info("over: " .. why)
    end)
    if not call:waitFor("established", 30) then return log.warn "not let in" end
    local deadline = ivr.now() + 60
    while #call.roster < 3 and ivr.now() < deadline do ivr.sleep(1) end
    log.info(("roster: %d, rejoined: %s, %s"):format(#call.roster, tostring(call.rejoined), call.meetingInfo["@odata.type"]))
    call:continueAs("again", "here")
end

function flow.onContinue(call, state)
    call:playPrompt "one"
    log.info(("said it, %s, %s"):format(state, tostring(call.rejoined)))
end

return flow
