-- Offers a menu as the caller is named, and logs what came of it.

local log     = require "ivr.log"
local menu    = require "ivr.menu"
local prompts = require "ivr.prompts"

local function extension(keys)
    return { prompt = "ask", retry = "ask-again", noinput = "was-noinput", nomatch = "was-nomatch", keys = keys }
end

local OPTIONS = {
    plain   = extension{ ["1"] = "one", ["*"] = "star", ["#"] = "pound" },
    mixed   = extension{ ["1"] = "sales", ["10[0-9]"] = "extension", ["109"] = "boss" },
    sets    = extension{ ["[2-4]"] = "few", ["5"] = "five" },
    again   = { prompt = "ask", retry = "ask-again", again = "0", tries = 2, keys = { ["1"] = "one" } },
    ignore  = { prompt = "ask", retry = "ask-again", ignore = "#", tries = 1, keys = { ["1"] = "one" } },
    spelled = { prompt = function() return { "ask", prompts.digits(12) } end, tries = 1, keys = { ["1"] = "one" } },
    long    = { prompt = prompts.digits(("12"):rep(11)), tries = 1, keys = { ["1"] = "one" } },
    none    = {},
}

local flow = {}

function flow.onCall(call)
    call:answer()
    local pick = menu.choose(call, OPTIONS[call.from])
    log.info(("%s [%s] %s %s %d"):format(pick.ok and "ok" or "not ok", pick.choice or "", pick.key or "", pick.reason or "",
        pick.tries))
end

function flow.onError(_, err)
    log.error("failed: " .. tostring(err))
end

return flow
