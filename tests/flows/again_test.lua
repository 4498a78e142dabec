local test = require "ivr.test"

local MEETING = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_cnVudGltZQ%40thread.v2/0"
    .. "?context=%7b%22Tid%22%3a%2272f988bf-86f1-41af-91ab-2d7cd011db47%22"
    .. "%2c%22Oid%22%3a%22550fae72-d251-43ec-868c-373732c2704f%22%7d"

test("a meeting is joined again when the service has lost the call", function(t)
    t.losesMeetings()
    local ada, bob = t.joins(MEETING, "+14255550160"), t.joins(MEETING, "+14255550161")
    t.dial("again", MEETING)
    ada:hears("one", 90)
    bob:hears("one", 90)
    ada:waits(10)
    t.ok(t.logged "roster: 3,")
    t.ok(not t.logged "roster: 4")
    t.ok(t.logged "said it, here")
end)

test("without rejoin the flow has its hang-up and its clean-up", function(t)
    t.losesMeetings()
    local ada = t.joins(MEETING, "+14255550160")
    t.dial("gone", MEETING)
    ada:waits(40)
    t.ok(t.logged "cleaned up: hangup" or t.logged "cleaned up: done")
    t.ok(not t.logged "roster: 3")
end)
