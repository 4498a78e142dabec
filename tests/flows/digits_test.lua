local test = require "ivr.test"

-- A caller of the flow with one set of options, who has heard the question begin.
local function asked(t, options)
    local c = t.call{ flow = "digits", from = options }
    c:hearsAll{ "hello", "ask" }
    return c
end

local function gives(t, c, text)
    c:ended()
    c:waits(0.5)
    t.ok(t.logged(text), "the log does not say: " .. text)
end

test("# ends an entry", function(t)
    local c = asked(t, "plain")
    c:presses "12#"
    gives(t, c, "ok [12] finish 1")
end)

test("the last digit ends an entry at once", function(t)
    local c = asked(t, "plain")
    c:presses "1234"
    gives(t, c, "ok [1234] max 1")
end)

test("a pause ends an entry that is long enough", function(t)
    local c = asked(t, "plain")
    c:presses "123"
    gives(t, c, "ok [123] timeout 1")
end)

test("an entry that is too short is asked for again", function(t)
    local c = asked(t, "plain")
    c:presses "1#"
    c:hears "ask-again"
    c:presses "77#"
    gives(t, c, "ok [77] finish 2")
end)

test("# alone is no entry", function(t)
    local c = asked(t, "plain")
    c:presses "#"
    c:hears "ask-again"
end)

test("nothing, three times", function(t)
    local c = asked(t, "plain")
    c:hearsAll{ "ask-again", "ask-again" }
    gives(t, c, "not ok [] noinput 3")
end)

test("the last wrong entry can be seen", function(t)
    local c = asked(t, "even")
    c:presses "13"
    c:hears "ask-again"
    c:presses "15"
    gives(t, c, "not ok [15] nomatch 2")
end)

test("the entry has to match as a whole", function(t)
    local c = asked(t, "even")
    c:presses "14"
    gives(t, c, "ok [14] max 1")
end)

test("a star is no digit", function(t)
    local c = asked(t, "plain")
    c:presses "12*4"
    c:hears "ask-again"
end)

test("an empty entry, where it is allowed", function(t)
    local c = asked(t, "open")
    c:presses "*"
    gives(t, c, "ok [] finish 1")
end)

test("nothing is not an empty entry", function(t)
    gives(t, asked(t, "open"), "not ok [] noinput 1")
end)

test("the whole entry takes no longer than total", function(t)
    local c = asked(t, "total")
    for _ = 1, 3 do
        c:presses "1"
        c:waits(1.8)
    end
    gives(t, c, "ok [111] timeout 1")
end)

test("secret digits show as ***", function(t)
    local c = asked(t, "secret")
    c:presses "1234"
    gives(t, c, "ok [*** *** opened] max 1")
end)

test("keys pressed before the question answer it, and it is not asked", function(t)
    t.noFaults() -- when a key comes matters here
    local c = t.call{ flow = "digits", from = "keep" }
    c:hears "hello"
    c:presses "7"
    gives(t, c, "ok [7] max 1")
    t.equal(c:heard(), { "hello" })
end)

test("... unless they are to be forgotten", function(t)
    t.noFaults() -- when a key comes matters here
    local c = t.call{ flow = "digits", from = "flush" }
    c:hears "hello"
    c:presses "7"
    c:hears "ask"
    c:waits(0.2)
    c:presses "8"
    gives(t, c, "ok [8] max 1")
end)

test("without barge-in the prompt is heard to its end and keys meanwhile are forgotten", function(t)
    t.noFaults() -- when a key comes matters here
    local c = asked(t, "deaf")
    c:presses "7"
    gives(t, c, "not ok [] noinput 1")
end)

test("without a prompt", function(t)
    t.noFaults() -- when a key comes matters here
    local c = t.call{ flow = "digits", from = "mute" }
    c:hears "hello"
    c:waits(2)
    c:presses "5"
    gives(t, c, "ok [5] max 1")
end)

test("a function says what to say", function(t)
    local c = asked(t, "told")
    c:hears "was-noinput"
    c:presses "1#"
    c:hears "was-nomatch"
    c:presses "12"
    gives(t, c, "ok [12] max 3")
end)

test("hang-up in the middle of an entry", function(t)
    local c = asked(t, "plain")
    c:presses "1"
    c:hangsUp()
    t.equal(c:ended().by, "caller")
    c:waits(5)
    t.ok(not t.logged "ok [")
end)
