-- Joins a meeting, waits until two others are in it, and says something.

local ivr = require "ivr"
local log = require "ivr.log"

local flow = {}

function flow.onCall(call)
    if not call:waitFor("established", 30) then return log.warn "not let in" end
    local deadline = ivr.now() + 60
    while #call.roster < 3 and ivr.now() < deadline do ivr.sleep(1) end
    log.info("roster: " .. #call.roster)
    call:playPrompt "one"
end

return flow
