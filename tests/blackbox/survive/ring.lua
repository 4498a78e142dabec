-- Calls somebody else and tells how it went.

local ended = require "lib.ended"
local ivr = require "ivr"
local log = require "ivr.log"
local menu = require "ivr.menu"

local flow = {}

function flow.onCall(call)
    ended(call)
    call:answer()
    menu.choose(call, { prompt = "top", keys = { ["1"] = true }, first = 60 })
    call:playPrompt "connecting"
    local ok, leg = pcall(ivr.createCall, "+1425557" .. call.from:sub(-4))
    if not ok then
        log.warn("outgoing call: " .. tostring(leg))
        call:playPrompt(leg.code == "inDoubt" and "doubt" or "trouble")
        return
    end
    if leg:waitFor("established", 30) then
        leg:playPrompt "announce"
    end
    leg:hangup()
    call:playPrompt "bye"
end

return flow
