-- Fails, but has an onError of its own.

local log = require "ivr.log"

local flow = {}

function flow.onCall(call)
    call:answer()
    error "on purpose"
end

function flow.onError(call, err)
    log.info("rescued: " .. tostring(err))
    call:playPrompt "two"
end

return flow
