local test = require "ivr.test"

local ECHO = { from = "+14255550123", to = "+14255550111" }

test("every key is said, in order, until #", function(t)
    local c = t.call(ECHO)
    c:hears "echo-welcome"
    c:presses "120"
    c:hearsAll{ "digit-1", "digit-2", "digit-0" }
    c:waits(3)
    c:presses "*"
    c:hears "star"
    c:presses "#"
    c:hears "goodbye"
    t.equal(c:ended().by, "bot")
end)

test("whoever presses nothing is let go", function(t)
    local c = t.call(ECHO)
    c:hears "echo-welcome"
    c:hears("goodbye", 20)
    t.equal(c:ended().by, "bot")
end)

test("hang-up in the middle", function(t)
    local c = t.call(ECHO)
    c:hears "echo-welcome"
    c:presses "5"
    c:hears "digit-5"
    c:hangsUp()
    t.equal(c:ended().by, "caller")
end)
