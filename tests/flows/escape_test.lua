local test = require "ivr.test"

-- What got out is in the log, each with its name.
local function nothing_escaped(t) t.ok(not t.logged "escaped", "something escaped: see the log") end

test("nothing that a flow tries gets it out of its fence", function(t)
    local c = t.call{ flow = "escape", to = "alone" }
    t.equal(c:ended().by, "bot")
    t.ok(t.logged "tried ", "not all was tried")
    nothing_escaped(t)
end)

test("a call cannot use what another one left, while it is on nor afterwards", function(t)
    t.noFaults() -- what one call leaves for another in memory is gone with the process
    local first = t.call{ flow = "escape", to = "keeps" }
    first:hears "long"
    local second = t.call{ flow = "escape", to = "takes", from = "+14255550170" }
    t.equal(second:ended().by, "bot")
    t.ok(t.logged "took nil")
    first:presses "1"
    t.equal(first:ended(60).by, "bot")
    local third = t.call{ flow = "escape", to = "takes", from = "+14255550171" }
    t.equal(third:ended().by, "bot")
    t.ok(t.logged "took true")
    nothing_escaped(t)
end)
