-- A menu, as in the README.
local menu = require "ivr.menu"

local flow = {}

function flow.onCall(call)
    call:answer()
    local pick = menu.choose(call, { prompt = "main-menu", keys = { ["1"] = "hours", ["0"] = "operator" } })
    if pick.choice == "hours" then
        call:playPrompt "connecting"
    else
        call:transfer "+14255550100"
    end
end

return flow
