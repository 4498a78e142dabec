local test = require "ivr.test"

local MAIN = { from = "+14255550123", to = "+14255550199" }

-- A caller who has heard the main menu begin.
local function caller(t)
    local c = t.call(MAIN)
    c:hearsAll{ "welcome", "main-menu" }
    return c
end

-- Who is called when `key` is pressed in the main menu.
local function reaches(name, key, number)
    test(name, function(t)
        local p = t.phone{ number = number }
        local c = caller(t)
        c:presses(key)
        c:hears "connecting"
        p:answers()
        p:hangsUp()
        c:ended()
        t.equal(c:heard(), { "welcome", "main-menu", "connecting" })
    end)
end

reaches("1 connects to sales", "1", "+14255550101")
reaches("0 connects to the operator", "0", "+14255550100")

-- The same by way of the support menu.
local function supports(name, key, number)
    test(name, function(t)
        local p = t.phone{ number = number }
        local c = caller(t)
        c:presses "2"
        c:hears "support-menu"
        c:waits(3)
        c:presses(key)
        c:hears "connecting"
        p:answers()
        p:hangsUp()
        c:ended()
    end)
end

supports("2, then 1 connects to billing", "1", "+14255550102")
supports("2, then 2 connects to technical support", "2", "+14255550103")
supports("2, then 0 connects to the operator", "0", "+14255550100")

test("keys pressed ahead go through two menus without a word", function(t)
    local p = t.phone{ number = "+14255550103" }
    local c = caller(t)
    c:presses "3"
    c:hears "hours" -- which a key does not interrupt
    c:presses "22"
    c:hears "connecting"
    p:answers()
    t.equal(c:heard(), { "welcome", "main-menu", "hours", "connecting" })
end)

test("keys pressed during the welcome are not lost", function(t)
    t.noFaults() -- the time between two prompts matters here
    local p = t.phone{ number = "+14255550101" }
    local c = t.call(MAIN)
    c:hears "welcome"
    c:waits(0.3)
    c:presses "1"
    c:hears "connecting"
    p:answers()
end)

test("9 goes back to the top, which is said without the welcome", function(t)
    local c = caller(t)
    c:presses "2"
    c:hears "support-menu"
    c:presses "9"
    c:hears "main-menu"
    c:hangsUp()
    c:ended()
end)

test("3 says the hours, then the menu again", function(t)
    local c = caller(t)
    c:presses "3"
    c:hearsAll{ "hours", "main-menu" }
    c:hangsUp()
    c:ended()
end)

test("* repeats and does not count as an attempt", function(t)
    local c = caller(t)
    for _ = 1, 5 do
        c:presses "*"
        c:hearsAll{ "welcome", "main-menu" }
    end
    c:presses "3"
    c:hears "hours"
end)

test("whoever presses nothing is asked three times, then the call ends politely", function(t)
    local c = caller(t)
    c:hearsAll{ "no-input", "main-menu-short", "no-input", "main-menu-short", "goodbye" }
    t.equal(c:ended().by, "bot")
end)

test("whoever presses nothing in the support menu gets the operator", function(t)
    local p = t.phone{ number = "+14255550100" }
    local c = caller(t)
    c:presses "2"
    c:hearsAll{ "support-menu", "no-input", "support-menu-short", "no-input", "support-menu-short", "connecting" }
    p:answers()
end)

test("a wrong key is said to be wrong, and what follows it is forgotten", function(t)
    t.noFaults() -- both keys have to be there at once
    local c = caller(t)
    c:presses("71", 0)
    c:hearsAll{ "no-match", "main-menu-short" }
    c:presses "#"
    c:hearsAll{ "no-match", "main-menu-short" }
    c:presses "8"
    c:hears "goodbye"
    c:ended()
end)

test("a key after a wrong one is taken", function(t)
    t.noFaults() -- it is pressed at a moment that throttling moves
    local c = caller(t)
    c:presses "7"
    c:hears "no-match"
    c:presses "3"
    c:hears "hours"
end)

test("when nobody takes the call, the caller is told", function(t)
    local p = t.phone{ number = "+14255550101" }
    local c = caller(t)
    c:presses "1"
    c:hears "connecting"
    p:refuses(486)
    c:hearsAll{ "nobody-there", "goodbye" }
    t.equal(c:ended().by, "bot")
    t.ok(t.logged "transfer to sales")
end)

test("hang-up in the sub-menu", function(t)
    local c = caller(t)
    c:presses "2"
    c:hears "support-menu"
    c:waits(1)
    c:hangsUp()
    t.equal(c:ended().by, "caller")
end)
