-- Goes on until the caller has enough of it.

local ended = require "lib.ended"
local menu = require "ivr.menu"

local flow = {}

function flow.onCall(call)
    ended(call)
    call:answer()
    while true do
        menu.choose(call, { prompt = "top", keys = { ["1"] = true }, first = 60 })
    end
end

return flow
