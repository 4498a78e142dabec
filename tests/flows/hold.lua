-- Joins a meeting and puts the other participant on hold, with music, for five seconds.

local ivr = require "ivr"
local log = require "ivr.log"

local flow = {}

local function other(call)
    for _, participant in ipairs(call.roster) do
        if participant.id ~= call.myParticipantId then return participant.id end
    end
end

function flow.onCall(call)
    if not call:waitFor("established", 30) then return log.warn "not let in" end
    while not other(call) do ivr.sleep(1) end
    local participant = call:participant(other(call))
    participant:startHoldMusic{ customPrompt = "music" }
    log.info "hold: started"
    ivr.sleep(5)
    participant:stopHoldMusic()
    log.info "hold: stopped"
    call:playPrompt "one"
end

return flow
