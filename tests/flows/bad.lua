-- Flows that go wrong, a case each. The caller gets the fallback; other calls notice nothing.

local ivr   = require "ivr"
local log   = require "ivr.log"
local cases = require "lib.cases"

local flow = {}

function flow.raises(call)
    call:answer()
    error "on purpose"
end

function flow.raisesEarly() error "before the answer" end

function flow.missingPrompt(call)
    call:answer()
    call:playPrompt "no-such-prompt"
end

function flow.noSuchField(call)
    call:answer()
    return call.nothing.at.all
end

function flow.endless(call)
    call:answer()
    while true do end -- luacheck: ignore
end

-- Nor can it be caught.
function flow.endlessCaught(call)
    call:answer()
    while true do pcall(function() while true do end end) end -- luacheck: ignore
end

function flow.pattern(call)
    call:answer()
    local text = string.rep("a", 100000)
    log.info("pattern: " .. tostring(text:find(string.rep("a*", 30) .. "b")))
end

function flow.huge(call)
    call:answer()
    local all = {}
    for i = 1, 1e9 do all[i] = ("x"):rep(1000) .. #all end
end

function flow.hugeString(call)
    call:answer()
    return #string.rep("x", 1 << 30)
end

function flow.deep(call)
    call:answer()
    local function down(n) return 1 + down(n + 1) end
    return down(1)
end

function flow.fibers(call)
    call:answer()
    for _ = 1, 1000 do ivr.spawn(function() ivr.sleep(60) end) end
end

function flow.endHandler(call)
    call:onEnd(function() log.info "the first handler still runs" end)
    call:onEnd(function() error "in the end handler" end)
    call:answer()
    call:playPrompt "one"
end

-- An end handler that never comes to its end is cut off.
function flow.endHandlerWaits(call)
    call:onEnd(function() log.info "the first handler still runs" end)
    call:onEnd(function()
        ivr.sleep(3600)
        log.info "it went on"
    end)
    call:answer()
end

function flow.endHandlerLoops(call)
    call:onEnd(function() log.info "the first handler still runs" end)
    call:onEnd(function() while true do end end) -- luacheck: ignore
    call:answer()
end

function flow.neverAnswers() ivr.sleep(3600) end

function flow.waitsForEver(call)
    call:answer()
    call:nextTone{ timeout = 1e9 }
end

function flow.keepsPlaying(call)
    call:answer()
    while true do call:playPrompt "long" end
end

-- Goes on and on without ever waiting for anything that takes time.
function flow.spins(call)
    call:answer()
    while true do ivr.sleep(0) end
end

function flow.global(call)
    call:answer()
    notDeclared = 1 -- luacheck: ignore
end

function flow.fine(call)
    call:answer()
    call:playPrompt{ "one", "two" }
end

return cases(flow)
