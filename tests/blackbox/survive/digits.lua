-- Says back what was pressed.

local digits = require "ivr.digits"
local ended = require "lib.ended"
local prompts = require "ivr.prompts"

local flow = {}

function flow.onCall(call)
    ended(call)
    call:answer()
    local number = digits.collect(call, { prompt = "number", min = 6, max = 6, first = 60, between = 60 })
    for key in number.digits:gmatch "." do
        prompts.play(call, "digit-" .. key)
    end
    call:playPrompt "bye"
end

return flow
