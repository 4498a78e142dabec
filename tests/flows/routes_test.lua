local test = require "ivr.test"

-- What a caller hears whom no script sends to a flow.
local function hears(t, from, to, names)
    local c = t.call{ from = from, to = to }
    c:hearsAll(names)
    c:ended()
    t.equal(c:heard(), names)
end

test("the whole number", function(t) hears(t, nil, "+14255550181", { "one", "trouble" }) end)
test("the beginning of a number", function(t) hears(t, nil, "+14255550193", { "two" }) end)
test("who calls", function(t) hears(t, "+4930901820", "fine", { "one", "two" }) end)
test("the rest", function(t) hears(t, nil, "+14255550182", { "one" }) end)
