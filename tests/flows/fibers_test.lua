local test = require "ivr.test"

local function run(t, case)
    local c = t.call{ flow = "fibers", to = case }
    return c
end

-- The flow runs to its end by itself; `logs` must have been logged, `not_logs` not.
local function logs(t, list, absent)
    for _, text in ipairs(list) do t.ok(t.logged(text), "the log does not say: " .. text) end
    for _, text in ipairs(absent or {}) do t.ok(not t.logged(text), "the log says: " .. text) end
end

local function by_itself(name, case, list, absent)
    test(name, function(t)
        local c = run(t, case)
        t.equal(c:ended().by, "bot")
        logs(t, list, absent)
    end)
end

by_itself("the first to return wins, the other is cleaned up", "first",
    { "winner: quick a b", "slow: closed" }, { "slow: went on" })
by_itself("exactly one wins", "tie", { "tie: a 1" })
by_itself("an error in first is raised and cancels the others", "firstError",
    { "firstError: false bad luck", "other: closed" })
by_itself("all waits for all", "all", { "all: X Y after 3 s" })
by_itself("an error in all cancels the rest and is raised", "allError",
    { "allError: false broken", "good: closed" }, { "good: went on" })
by_itself("a fiber is awaited, and can be cancelled", "await",
    { "await: one 2", "cancelled: closed", "await: after cancel" }, { "cancelled: went on" })
by_itself("a shielded part ends although it lost", "shield",
    { "shield: quick", "shield: to its end" }, { "shield: beyond" })

test("the flow does not end before the fibers it spawned", function(t)
    local c = run(t, "spawn")
    c:hears "one"
    t.equal(c:ended().by, "bot")
    logs(t, { "spawn: returned", "spawned: hello" })
end)

test("a shielded part ends although the caller has hung up", function(t)
    local c = run(t, "shieldHangup")
    c:waits(1)
    c:hangsUp()
    c:waits(5)
    logs(t, { "shield: to its end" }, { "shield: far beyond" })
end)

test("a hang-up passes through pcall; end handlers run last in, first out, and may wait", function(t)
    t.noFaults() -- it looks between the two handlers
    local c = run(t, "hangup")
    c:waits(2)
    c:hangsUp()
    t.equal(c:ended().by, "caller")
    c:waits(0.5)
    logs(t, { "hangup: inner closed", "hangup: closed" }, { "end 1", "end 2", "hangup: caught" })
    c:waits(1)
    logs(t, { "end 2", "end 1: " }, { "hangup: caught" })
end)

test("a hang-up ends every fiber", function(t)
    local c = run(t, "hangupAll")
    c:waits(2)
    c:hangsUp()
    c:waits(1)
    logs(t, { "a: closed", "b: closed", "c: closed", "x: closed" }, { "went on" })
end)

test("a wait on a call that is over fails at once", function(t)
    local c = run(t, "dead")
    c:waits(1)
    c:hangsUp()
    c:waits(1)
    logs(t, { "dead: false at once: true" })
    t.equal(c:heard(), {})
end)

test("where Lua cannot wait, the error says so and the call goes on", function(t)
    local c = run(t, "unyieldable")
    c:hears "one"
    c:ended()
    logs(t, { "sort: false", "gsub: false" }, { "sort: true", "gsub: true" })
end)
