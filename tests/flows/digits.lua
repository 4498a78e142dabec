-- Collects digits as the caller is named, and logs what came of it.

local digits = require "ivr.digits"
local log    = require "ivr.log"

local OPTIONS = {
    plain  = { prompt = "ask", retry = "ask-again", min = 2, max = 4 },
    open   = { prompt = "ask", min = 0, max = 3, finish = "#*", tries = 1 },
    even   = { prompt = "ask", retry = "ask-again", min = 2, max = 2, allow = "%d[02468]", tries = 2 },
    total  = { prompt = "ask", max = 20, total = 4, tries = 1 },
    secret = { prompt = "ask", min = 4, max = 4, secret = true },
    deaf   = { prompt = "ask", max = 1, barge = false, tries = 1 },
    flush  = { prompt = "ask", max = 1, typeahead = "flush", tries = 1 },
    keep   = { prompt = "ask", max = 1, tries = 1 },
    mute   = { max = 1, tries = 1, first = 2 },
    told   = { prompt = function(attempt, reason) return attempt == 1 and "ask" or "was-" .. reason end, min = 2, max = 2 },
}

local flow = {}

function flow.onCall(call)
    call:answer()
    call:subscribeToTone()
    call:playPrompt "hello"
    local got = digits.collect(call, OPTIONS[call.from])
    local text = tostring(got.digits)
    if call.from == "secret" then
        text = text .. " " .. got.digits .. " " .. (got.digits:open() == "1234" and "opened" or "wrong")
    end
    log.info(("%s [%s] %s %d"):format(got.ok and "ok" or "not ok", text, got.reason, got.tries))
end

return flow
