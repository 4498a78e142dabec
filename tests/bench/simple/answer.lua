-- The least that a caller can hear.
local flow = {}

function flow.onCall(call)
    call:answer()
    call:playPrompt "main-menu"
end

return flow
