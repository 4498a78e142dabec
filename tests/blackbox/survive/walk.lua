-- Three menus to walk about in; 0 is the way out.

local ended = require "lib.ended"
local menu = require "ivr.menu"

local KEYS = {
    top   = { ["1"] = "left", ["2"] = "right", ["0"] = "out" },
    left  = { ["5"] = "left", ["9"] = "top" },
    right = { ["3"] = "left", ["9"] = "top" },
}

local flow = {}

function flow.onCall(call)
    ended(call)
    call:answer()
    local at = "top"
    repeat
        at = menu.choose(call, { prompt = at, keys = KEYS[at], first = 60, nomatch = "no-match", noinput = "no-input" }).choice
    until at == "out" or not at
    call:playPrompt "bye"
end

return flow
