-- Hands the caller over: +1425556xxxx, called by +1425557xxxx.

local ended = require "lib.ended"
local log = require "ivr.log"
local menu = require "ivr.menu"

local flow = {}

function flow.onCall(call)
    ended(call)
    call:answer()
    menu.choose(call, { prompt = "top", keys = { ["1"] = true }, first = 60 })
    call:playPrompt "connecting"
    local ok, err = pcall(call.transfer, call, "+1425557" .. call.from:sub(-4))
    if not ok then
        log.warn("transfer: " .. tostring(err))
        call:playPrompt "trouble"
    end
end

return flow
