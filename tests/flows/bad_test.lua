local test = require "ivr.test"

-- The fallback of the default configuration.
local FALLBACK = "trouble"

local function logs(t, ...)
    for _, text in ipairs{ ... } do t.ok(t.logged(text), "the log does not say: " .. text) end
end

-- The caller hears the fallback, the log says what happened and where, and a call beside it notices nothing.
local function falls_back(name, case, ...)
    local texts = { ... }
    test(name, function(t)
        local other = t.call{ flow = "bad", to = "fine", from = "+14255550170" }
        local c = t.call{ flow = "bad", to = case }
        c:hears(FALLBACK)
        t.equal(c:ended().by, "bot")
        other:hearsAll{ "one", "two" }
        t.equal(other:ended().by, "bot")
        logs(t, table.unpack(texts))
    end)
end

falls_back("an error in a flow", "raises", "flows/bad.lua:11", "on purpose")
falls_back("an error before the answer", "raisesEarly", "flows/bad.lua:14", "before the answer")
falls_back("a prompt that does not exist", "missingPrompt", "flows/bad.lua:18", "no-such-prompt")
falls_back("a field of nil", "noSuchField", "flows/bad.lua:23", "nothing")
falls_back("an endless loop", "endless", "flows/bad.lua:28", "turn_ms")
falls_back("an endless loop in pcall", "endlessCaught", "flows/bad.lua:34", "turn_ms")
falls_back("a pattern without end", "pattern", "flows/bad.lua:40", "pattern_steps")
falls_back("a huge table", "huge", "flows/bad.lua", "turn_bytes")
falls_back("a huge string", "hugeString", "flows/bad.lua:51", "string_bytes")
falls_back("recursion without end", "deep", "turn_bytes")
falls_back("too many fibers", "fibers", "flows/bad.lua:62", "fibers")
falls_back("a global", "global", "flows/bad.lua:108", "notDeclared")

test("onError takes over", function(t)
    local c = t.call{ flow = "rescued" }
    c:hears "two"
    t.equal(c:ended().by, "bot")
    logs(t, "rescued: flows/rescued.lua:9: on purpose")
    t.equal(c:heard(), { "two" })
end)

test("onError fails as well", function(t)
    local c = t.call{ flow = "lost" }
    c:hearsAll{ "one", FALLBACK }
    t.equal(c:ended().by, "bot")
    logs(t, "flows/lost.lua:7: the first", "flows/lost.lua:12: the second")
end)

test("a flow that does not exist", function(t)
    local c = t.call{ flow = "nowhere" }
    c:hears(FALLBACK)
    t.equal(c:ended().by, "bot")
    logs(t, "nowhere")
end)

local function cleans_up(name, case, ...)
    local texts = { ... }
    test(name, function(t)
        local c = t.call{ flow = "bad", to = case }
        t.equal(c:ended(40).by, "bot")
        c:waits(30)
        logs(t, "the first handler still runs", table.unpack(texts))
        t.ok(not t.logged "it went on")
    end)
end

cleans_up("an error in an end handler", "endHandler", "flows/bad.lua:67", "in the end handler")
cleans_up("an end handler that waits too long", "endHandlerWaits", "cleanup_ms")
cleans_up("an end handler that loops", "endHandlerLoops", "flows/bad.lua:84")

test("a flow that never answers", function(t)
    local c = t.call{ flow = "bad", to = "neverAnswers" }
    t.equal(c:ended(20).by, "bot")
    t.equal(c:heard(), {})
end)

test("a flow that waits for ever is ended by the longest duration of a call", function(t)
    local c = t.call{ flow = "bad", to = "waitsForEver" }
    c:waits(4 * 3600 + 60)
    t.equal(c:ended(1).by, "bot")
end)

test("a flow that goes on without end is ended by the number of its entries", function(t)
    local c = t.call{ flow = "bad", to = "spins" }
    t.equal(c:ended().by, "bot")
    logs(t, "limit entries")
end)

test("a flow that keeps playing ends when the caller goes", function(t)
    local c = t.call{ flow = "bad", to = "keepsPlaying" }
    for _ = 1, 50 do c:hears "long" end
    c:hangsUp()
    t.equal(c:ended().by, "caller")
end)

test("many bad calls at once, and a good one among them", function(t)
    local callers = {}
    for i = 1, 30 do
        callers[i] = t.call{ flow = "bad", to = i == 15 and "fine" or "raises", from = "+142555502" .. 10 + i }
    end
    for i, c in ipairs(callers) do c:hears(i == 15 and "one" or FALLBACK) end
    for _, c in ipairs(callers) do c:ended() end
end)
