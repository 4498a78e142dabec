-- Takes a message.

local ended = require "lib.ended"
local menu = require "ivr.menu"
local voicemail = require "ivr.voicemail"

local flow = {}

function flow.onCall(call)
    ended(call)
    call:answer()
    menu.choose(call, { prompt = "top", keys = { ["1"] = true }, first = 60 })
    local result = voicemail.record(call, {
        prompt = "greeting", silence = "silence", short = "short", played = "played", choices = "choices",
        first = 60, pause = 60,
    })
    call:playPrompt(result.ok and "kept" or "bye")
end

return flow
