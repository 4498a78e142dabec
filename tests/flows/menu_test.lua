local test = require "ivr.test"

local function asked(t, options)
    local c = t.call{ flow = "menu", from = options }
    c:hears "ask"
    return c
end

local function gives(t, c, text)
    c:ended()
    c:waits(0.5)
    t.ok(t.logged(text), "the log does not say: " .. text)
end

for key, choice in pairs{ ["1"] = "one", ["*"] = "star", ["#"] = "pound" } do
    test("the key " .. key, function(t)
        local c = asked(t, "plain")
        c:presses(key)
        gives(t, c, "ok [" .. choice .. "] " .. key .. "  1")
    end)
end

test("a wrong key, nothing, a wrong key", function(t)
    local c = asked(t, "plain")
    c:presses "2"
    c:hearsAll{ "was-nomatch", "ask-again", "was-noinput", "ask-again" }
    c:presses "3"
    gives(t, c, "not ok [] 3 nomatch 3")
end)

test("where a longer choice begins like a shorter one, the shorter one waits", function(t)
    local c = asked(t, "mixed")
    c:presses "1"
    gives(t, c, "ok [sales] 1  1")
end)

test("... and the longer one does not", function(t)
    local c = asked(t, "mixed")
    c:presses "105"
    gives(t, c, "ok [extension] 105  1")
end)

test("what is written out goes before a set", function(t)
    local c = asked(t, "mixed")
    c:presses "109"
    gives(t, c, "ok [boss] 109  1")
end)

test("half a choice is none", function(t)
    local c = asked(t, "mixed")
    c:presses "10"
    c:hears "was-nomatch"
end)

test("a key that leads nowhere ends the attempt at once", function(t)
    local c = asked(t, "mixed")
    c:presses("12", 0.5)
    c:hears("was-nomatch", 0.5)
end)

test("a set", function(t)
    local c = asked(t, "sets")
    c:presses "3"
    gives(t, c, "ok [few] 3  1")
end)

test("saying it again is no attempt", function(t)
    local c = asked(t, "again")
    for _ = 1, 4 do
        c:presses "0"
        c:hears "ask"
    end
    c:presses "1"
    gives(t, c, "ok [one] 1  1")
end)

test("a key that is passed over", function(t)
    local c = asked(t, "ignore")
    c:presses "##1"
    gives(t, c, "ok [one] 1  1")
end)

test("lists within lists, and spelled digits", function(t)
    local c = asked(t, "spelled")
    c:hearsAll{ "digit-1", "digit-2" }
    c:presses "1"
    c:ended()
end)

test("more prompts than one request takes", function(t)
    local c = t.call{ flow = "menu", from = "long" }
    for _ = 1, 11 do
        c:hearsAll{ "digit-1", "digit-2" }
    end
    c:presses "1"
    gives(t, c, "ok [one] 1  1")
end)

test("a menu without keys is a mistake", function(t)
    local c = t.call{ flow = "menu", from = "none" }
    c:ended()
    t.ok(t.logged "menu.choose: keys missing")
    t.ok(t.logged "menu.lua:")
end)
