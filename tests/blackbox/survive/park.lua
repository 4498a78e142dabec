-- Waits long for one key.

local ended = require "lib.ended"

local flow = {}

function flow.onCall(call)
    ended(call)
    call:answer()
    call:subscribeToTone()
    call:playPrompt "hold"
    local tone = call:nextTone{ timeout = 3600 }
    call:playPrompt(tone and tone.key == "1" and "bye" or "no-match")
end

return flow
