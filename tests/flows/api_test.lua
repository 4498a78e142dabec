local test = require "ivr.test"

local MEETING = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_cnVudGltZQ%40thread.v2/0"
    .. "?context=%7b%22Tid%22%3a%2272f988bf-86f1-41af-91ab-2d7cd011db47%22"
    .. "%2c%22Oid%22%3a%22550fae72-d251-43ec-868c-373732c2704f%22%7d"

local function run(t, case) return t.call{ flow = "api", to = case } end

local function logs(t, ...)
    for _, text in ipairs{ ... } do t.ok(t.logged(text), "the log does not say: " .. text) end
end

test("keys come in the order in which they were pressed, once each, whatever the service does", function(t)
    t.faults{ reorder = 0.5, repeat_ = 0.5 }
    local c = run(t, "tones")
    c:hears "one"
    c:waits(1)
    c:presses("1234567890*#", 0.05)
    c:ended()
    logs(t, "keys: 1234567890*\n")
end)

test("keys pressed ahead are kept, or flushed", function(t)
    local c = run(t, "typeahead")
    c:hears "long"
    c:waits(0.5)
    c:presses "12#"
    c:hears "long"
    c:waits(0.5)
    c:presses "34"
    c:ended()
    logs(t, "ahead: 12\n", "flushed: 2", "after: nil")
end)

test("a second fiber that plays waits for the first", function(t)
    local c = run(t, "lane")
    c:hearsAll{ "long", "one" }
    c:ended()
    logs(t, "lane: true true")
end)

test("a fiber can take the lane from another", function(t)
    local c = run(t, "preempt")
    c:hears "long"
    c:hears("one", 2)
    c:ended()
    logs(t, "preempt: false true")
end)

test("a transfer that succeeds", function(t)
    local p = t.phone{ number = "+14255550150", answer = 1 }
    local c = run(t, "transfer")
    p:rings()
    c:waits(5)
    t.equal(c:heard(), {})
    t.ok(not t.logged "transfer: false")
end)

test("a transfer that fails raises, and the call goes on", function(t)
    local p = t.phone{ number = "+14255550150" }
    local c = run(t, "transfer")
    p:refuses(486)
    c:hears "two"
    t.equal(c:ended().by, "bot")
    logs(t, "transfer: false")
end)

test("a hang-up of which no word comes is seen by the next request", function(t)
    t.noFaults()
    local c = run(t, "gone")
    c:hears "one"
    c:waits(2)
    t.faults{ drop = 1 }
    c:hangsUp()
    c:waits(5)
    logs(t, "gone: hangup")
    t.ok(not t.logged "gone: not here")
    t.ok(not t.logged "error")
end)

test("who is not there is no hang-up", function(t)
    local c = run(t, "nobody")
    c:hears "one"
    t.equal(c:ended().by, "bot")
    logs(t, "nobody: false 404")
end)

test("a second leg", function(t)
    local p = t.phone{ number = "+14255550151", answer = 2 }
    local c = run(t, "leg")
    p:rings()
    p:hears "two"
    t.equal(p:ended().by, "bot")
    c:hears "one"
    c:ended()
    logs(t, "leg: true")
end)

test("a second leg that is refused", function(t)
    local p = t.phone{ number = "+14255550151" }
    local c = run(t, "leg")
    p:refuses(603)
    c:hears "one"
    c:ended()
    logs(t, "leg: false")
end)

test("a second leg that hangs up is an error on that leg only", function(t)
    local p = t.phone{ number = "+14255550151", answer = 1 }
    local c = run(t, "legHangup")
    p:hears "long"
    p:waits(1)
    p:hangsUp()
    c:hears "one"
    t.equal(c:ended().by, "bot")
    logs(t, "played: false", "legHangup: false hangup")
end)

test("the caller hangs up while there is a second leg", function(t)
    local p = t.phone{ number = "+14255550151", answer = 1 }
    local c = run(t, "legHangup")
    p:hears "long"
    p:waits(1)
    c:hangsUp()
    t.equal(p:ended().by, "bot")
end)

test("timeouts", function(t)
    t.noFaults() -- a prompt that is reported as played at once does not run into its timeout
    local c = run(t, "timeouts")
    c:hearsAll{ "long", "long", "two" }
    c:ended()
    logs(t, "play: false timeout", "tone: nil", "state: false", "await: false")
end)

test("errors can be caught and name what is wrong", function(t)
    local c = run(t, "goesOn")
    c:hears "one"
    t.equal(c:ended().by, "bot")
    logs(t, "missing: false", "no-such-prompt", "empty: false", "range: false", "timeout", "unknown: false", "volume")
end)

test("requests to the web", function(t)
    t.noFaults() -- it counts, and looks at moments
    t.http{ url = "https://crm.example.com/customers/*", json = { name = "Ada" } }
    t.http{ url = "https://crm.example.com/tickets", method = "POST", status = 201, json = { id = 5 } }
    t.http{ url = "*/slow", delay = 30, body = "late" }
    local c = run(t, "http")
    c:hears "one"
    c:ended()
    logs(t, "get: 200 Ada", "post: 201", "slow: ")
    t.ok(not t.logged "slow: true 200")
    t.equal(#t.httpCalls(), 3)
    t.equal(t.httpCalls("*/tickets")[1].json, { subject = "call", lines = { 1, 2 } })
    t.equal(t.httpCalls("*/tickets")[1].method, "POST")
end)

test("what is recorded can be fetched and played", function(t)
    local c = run(t, "record")
    c:hears "one"
    c:waits(0.5)
    c:speaks(4)
    c:presses "#"
    c:hears "recording"
    t.equal(c:ended().by, "bot")
    logs(t, "record: 4 s, 64 digits")
end)

test("a recording of silence", function(t)
    local c = run(t, "record")
    c:hears "one"
    c:ended()
    logs(t, "record: nothing, ")
end)

test("a meeting and who is in it", function(t)
    local ada, bob = t.joins(MEETING, "+14255550160"), t.joins(MEETING, "+14255550161")
    t.dial("meeting", MEETING)
    ada:hears "one"
    bob:hears "one"
    logs(t, "roster: 3")
end)

test("music for one who is on hold", function(t)
    local ada = t.joins(MEETING, "+14255550160")
    t.dial("hold", MEETING)
    ada:hears("music", 20)
    ada:hears("one", 20)
    logs(t, "hold: started", "hold: stopped")
end)

test("what is known of a call", function(t)
    t.at "2026-12-25T10:00:00Z"
    local c = run(t, "facts")
    t.equal(c:ended().by, "bot")
    c:waits(1)
    logs(t, "facts: incoming +14255550100 facts established", "key: 32 true", "date: 2026-12-25 10:00", "over: true 200")
end)

test("a call that is refused", function(t)
    local c = run(t, "reject")
    t.equal(c:ended().by, "bot")
end)

test("a call that is sent on", function(t)
    local p = t.phone{ number = "+14255550150", answer = 1 }
    local c = run(t, "redirect")
    p:rings()
    c:waits(3)
    t.equal(c:heard(), {})
end)

test("keys that the bot presses", function(t)
    local c = run(t, "sendTones")
    c:hears "one"
    t.equal(c:receivedKeys(), "12#")
end)

test("calls do not disturb one another", function(t)
    local callers = {}
    for i = 1, 20 do
        callers[i] = t.call{ flow = "api", to = i % 2 == 0 and "tones" or "lane", from = "+142555501" .. 10 + i }
    end
    for i, c in ipairs(callers) do
        c:hears(i % 2 == 0 and "one" or "long")
        if i % 2 == 0 then c:presses(tostring(i) .. "#") end
    end
    for _, c in ipairs(callers) do t.equal(c:ended(60).by, "bot") end
    for i = 2, 20, 2 do t.ok(t.logged("keys: " .. i .. "\n")) end
end)
