-- Joins a meeting, says one thing and leaves: `ivory dial announcer 'https://teams.microsoft.com/l/meetup-join/...'`.

local ivr = require "ivr"
local log = require "ivr.log"

local PATIENCE = 300 -- seconds to wait for somebody to talk to

local flow = {}

-- Is anybody in the meeting but us? The roster is what the service told last; those in the lobby hear nothing.
local function somebodyListens(call)
    for _, participant in ipairs(call.roster or {}) do
        if participant.id ~= call.myParticipantId and not participant.isInLobby then
            return true
        end
    end
    return false
end

function flow.onCall(call)
    if not call:waitFor("established", 60) then
        return log.warn "nobody let us in"
    end

    local deadline = ivr.now() + PATIENCE
    while not somebodyListens(call) do
        if ivr.now() >= deadline then
            return log.warn "nobody came"
        end
        ivr.sleep(1)
    end

    ivr.sleep(2) -- whoever has just joined needs a moment to hear us
    call:playPrompt "announcement"
    log.info "announced"
end

return flow
