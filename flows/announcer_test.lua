local test = require "ivr.test"

local MEETING = "https://teams.microsoft.com/l/meetup-join/19%3ameeting_aXZvcnk%40thread.v2/0"
    .. "?context=%7b%22Tid%22%3a%2272f988bf-86f1-41af-91ab-2d7cd011db47%22"
    .. "%2c%22Oid%22%3a%22550fae72-d251-43ec-868c-373732c2704f%22%7d"

test("whoever is in the meeting hears the announcement", function(t)
    local somebody = t.joins(MEETING)
    t.dial("announcer", MEETING)
    somebody:hears "announcement"
    somebody:waits(20)
    t.ok(t.logged "announced")
    t.equal(somebody:heard(), { "announcement" })
end)

test("it waits until somebody comes", function(t)
    local somebody = t.phone{ number = "+14255550124" }
    t.dial("announcer", MEETING)
    somebody:waits(30)
    somebody = t.joins(MEETING)
    somebody:hears "announcement"
end)

test("when nobody comes it gives up", function(t)
    local clock = t.phone{ number = "+14255550124" }
    t.dial("announcer", MEETING)
    clock:waits(400)
    t.ok(t.logged "nobody came")
    t.ok(not t.logged "announced")
end)
