local test = require "ivr.test"

local NUMBER = "+14255550123"

-- Somebody who has picked up and hears the choices.
local function listener(t)
    local p = t.phone{ number = NUMBER }
    t.dial("reminder", NUMBER)
    p:answers()
    p:hearsAll{ "reminder", "reminder-choices" }
    return p
end

-- End handlers run after the end.
local function outcome(t, p, text)
    p:waits(1)
    t.ok(t.logged("reminder to " .. NUMBER .. ": " .. text), "the log does not say: " .. text)
end

test("1 confirms", function(t)
    local p = listener(t)
    p:presses "1"
    p:hearsAll{ "reminder-confirmed", "goodbye" }
    t.equal(p:ended().by, "bot")
    outcome(t, p, "confirmed")
end)

test("2 asks for another call", function(t)
    local p = listener(t)
    p:presses "2"
    p:hearsAll{ "reminder-again", "goodbye" }
    p:ended()
    outcome(t, p, "again")
end)

test("* repeats", function(t)
    local p = listener(t)
    p:presses "*"
    p:hearsAll{ "reminder", "reminder-choices" }
    p:presses "1"
    p:hears "reminder-confirmed"
end)

test("no key, as with a machine: said three times, then left", function(t)
    local p = listener(t)
    p:hearsAll{ "reminder", "reminder-choices", "reminder", "reminder-choices", "goodbye" } -- twice more
    p:ended()
    outcome(t, p, "unheard")
end)

test("a wrong key", function(t)
    local p = listener(t)
    p:presses "5"
    p:hearsAll{ "no-match", "reminder", "reminder-choices" }
end)

test("hang-up while listening", function(t)
    local p = listener(t)
    p:hangsUp()
    t.equal(p:ended().by, "caller")
    outcome(t, p, "unheard")
end)

test("busy", function(t)
    local p = t.phone{ number = NUMBER }
    t.dial("reminder", NUMBER)
    p:refuses(486)
    p:ended()
    outcome(t, p, "busy")
end)

test("declined", function(t)
    local p = t.phone{ number = NUMBER }
    t.dial("reminder", NUMBER)
    p:refuses(603)
    outcome(t, p, "declined")
end)

test("nobody picks up", function(t)
    local p = t.phone{ number = NUMBER }
    t.dial("reminder", NUMBER)
    p:rings()
    p:ended(150)
    outcome(t, p, "no answer")
end)
