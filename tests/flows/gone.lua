-- In a meeting, without `rejoin`: when the call is lost, that is the end of it.

local ivr = require "ivr"
local log = require "ivr.log"

local flow = {}

function flow.onCall(call)
    call:onEnd(function(why) log.info("cleaned up: " .. why) end)
    if not call:waitFor("established", 30) then return log.warn "not let in" end
    ivr.sleep(10)
    log.info("roster: " .. #call.roster)
end

return flow
