-- Says the same until 0 is pressed, so that a key may be pressed again when nothing follows.

local ended = require "lib.ended"
local menu = require "ivr.menu"

local flow = {}

function flow.onCall(call)
    ended(call)
    call:answer()
    repeat
        local pick = menu.choose(call, { prompt = "top", keys = { ["1"] = "again", ["0"] = "out" }, first = 60 })
    until pick.choice ~= "again"
    call:playPrompt "bye"
end

return flow
