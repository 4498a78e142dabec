local test = require "ivr.test"

local BOX = { from = "+14255550123", to = "+14255550110" }

-- End handlers run after the end.
local function kept(t, c)
    c:waits(1)
    return t.logged("message from +14255550123")
end

-- A caller who has left a message of four seconds and now hears what to do with it.
local function speaker(t)
    local c = t.call(BOX)
    c:hears "voicemail-greeting"
    c:waits(8) -- the greeting and the tone
    c:speaks(4)
    c:presses "#"
    c:hearsAll{ "voicemail-played", "recording", "voicemail-choices" }
    return c
end

test("1 keeps the message", function(t)
    local c = speaker(t)
    c:presses "1"
    c:hearsAll{ "voicemail-kept", "goodbye" }
    t.equal(c:ended().by, "bot")
    t.ok(kept(t, c))
end)

test("2 records again", function(t)
    local c = speaker(t)
    c:presses "2"
    c:hears "voicemail-again"
    c:waits(5)
    c:speaks(2)
    c:presses "#"
    c:hearsAll{ "voicemail-played", "recording", "voicemail-choices" }
    c:presses "1"
    c:hearsAll{ "voicemail-kept", "goodbye" }
    c:ended()
    t.ok(kept(t, c))
end)

test("3 cancels", function(t)
    local c = speaker(t)
    c:presses "3"
    c:hearsAll{ "voicemail-cancelled", "goodbye" }
    c:ended()
    t.ok(not kept(t, c))
end)

test("whoever hangs up instead of pressing 1 has left a message", function(t)
    local c = speaker(t)
    c:hangsUp()
    t.equal(c:ended().by, "caller")
    t.ok(kept(t, c))
end)

test("whoever presses nothing has left a message", function(t)
    local c = speaker(t)
    c:hearsAll{ "voicemail-choices", "voicemail-choices", "voicemail-kept", "goodbye" }
    c:ended()
    t.ok(kept(t, c))
end)

test("a pause ends the message as # does", function(t)
    local c = t.call(BOX)
    c:hears "voicemail-greeting"
    c:waits(8)
    c:speaks(4)
    c:hears "voicemail-played"
end)

test("silence is asked about twice, then the call ends", function(t)
    local c = t.call(BOX)
    c:hearsAll{ "voicemail-greeting", "voicemail-silence", "voicemail-silence", "goodbye" }
    c:ended()
    t.ok(not kept(t, c))
end)

test("a message that is too short is taken again", function(t)
    local c = t.call(BOX)
    c:hears "voicemail-greeting"
    repeat -- pressed during the greeting or the tone, # does nothing
        c:waits(0.4)
        c:presses "#"
    until #c:heard() > 1
    c:hears "voicemail-short"
    c:hangsUp()
    c:ended()
    t.ok(not kept(t, c))
end)

test("hang-up during the greeting leaves nothing", function(t)
    local c = t.call(BOX)
    c:hears "voicemail-greeting"
    c:hangsUp()
    t.equal(c:ended().by, "caller")
    t.ok(not kept(t, c))
end)

test("whoever hangs up while speaking has left a message", function(t)
    local c = t.call(BOX)
    c:hears "voicemail-greeting"
    c:waits(8)
    c:speaks(4)
    c:hangsUp()
    t.equal(c:ended().by, "caller")
    t.ok(kept(t, c))
end)

test("whoever hangs up without a word has left nothing", function(t)
    local c = t.call(BOX)
    c:hears "voicemail-greeting"
    c:waits(9)
    c:hangsUp()
    c:ended()
    t.ok(not kept(t, c))
end)
