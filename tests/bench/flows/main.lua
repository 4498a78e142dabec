-- The flow that make bench measures: ten webhooks and five requests a call.

local menu = require "ivr.menu"

local flow = {}

function flow.onCall(call)
    call:answer()
    local pick = menu.choose(call, { prompt = "main-menu", first = 3600, keys = { ["1"] = "operator" } })
    if pick.ok then
        call:playPrompt "connecting"
        call:transfer "+14255550100"
    end
end

return flow
