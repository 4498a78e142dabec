-- What make bench takes the speed of `ivory test` from: a call each, picked with --filter.
local test = require "ivr.test"

for i = 1, 5000 do
    test("answer " .. i, function(t)
        t.call{ flow = "answer" }:hears "main-menu"
    end)
    test("menu " .. i, function(t)
        local c = t.call{ flow = "menu" }
        c:hears "main-menu"
        c:presses "1"
        c:hears "connecting"
    end)
end
