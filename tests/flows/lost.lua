-- Fails, and its onError fails too.

local flow = {}

function flow.onCall(call)
    call:answer()
    error "the first"
end

function flow.onError(call)
    call:playPrompt "one"
    error "the second"
end

return flow
