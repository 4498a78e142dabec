-- What docs/lua-api.md says of fibers, a case each. What came of it is logged.

local ivr   = require "ivr"
local log   = require "ivr.log"
local cases = require "lib.cases"
local guard = require "lib.guard"

local function text(err) return type(err) == "table" and tostring(err.message) or tostring(err) end

local flow = {}

-- The first to return wins; the loser has been cleaned up before `first` returns.
function flow.first(call)
    call:answer()
    local name, one, two = ivr.first{
        slow = function()
            local _ <close> = guard "slow: closed"
            ivr.sleep(10)
            log.info "slow: went on"
        end,
        quick = function()
            ivr.sleep(1)
            return "a", "b"
        end,
    }
    log.info(("winner: %s %s %s"):format(name, one, two))
end

-- Two that are ready in the same turn: exactly one wins.
function flow.tie(call)
    call:answer()
    local wins = 0
    local name = ivr.first{
        a = function() ivr.sleep(1) wins = wins + 1 return true end,
        b = function() ivr.sleep(1) wins = wins + 1 return true end,
    }
    log.info(("tie: %s %d"):format(name, wins))
end

function flow.firstError(call)
    call:answer()
    local ok, err = pcall(ivr.first, {
        bad = function() ivr.sleep(1) error("bad luck", 0) end,
        slow = function()
            local _ <close> = guard "other: closed"
            ivr.sleep(10)
        end,
    })
    log.info(("firstError: %s %s"):format(tostring(ok), text(err)))
end

function flow.all(call)
    call:answer()
    local began = ivr.now()
    local got = ivr.all{
        x = function() ivr.sleep(2) return "X" end,
        y = function() ivr.sleep(3) return "Y" end,
    }
    log.info(("all: %s %s after %.0f s"):format(got.x, got.y, ivr.now() - began))
end

function flow.allError(call)
    call:answer()
    local ok, err = pcall(ivr.all, {
        good = function()
            local _ <close> = guard "good: closed"
            ivr.sleep(10)
            log.info "good: went on"
        end,
        bad = function() ivr.sleep(1) error("broken", 0) end,
    })
    log.info(("allError: %s %s"):format(tostring(ok), text(err)))
end

-- A spawned fiber is awaited by the function that began it: the hang-up comes after it.
function flow.spawn(call)
    call:answer()
    ivr.spawn(function(word)
        ivr.sleep(2)
        log.info("spawned: " .. word)
        call:playPrompt "one"
    end, "hello")
    log.info "spawn: returned"
end

function flow.await(call)
    call:answer()
    local fiber = ivr.spawn(function() ivr.sleep(1) return "one", 2 end)
    local a, b = fiber:await()
    log.info(("await: %s %d"):format(a, b))
    local loser = ivr.spawn(function()
        local _ <close> = guard "cancelled: closed"
        ivr.sleep(100)
        log.info "cancelled: went on"
    end)
    ivr.sleep(1)
    loser:cancel()
    log.info "await: after cancel"
end

-- A shielded part runs to its end although its fiber has been cancelled.
function flow.shield(call)
    call:answer()
    local name = ivr.first{
        shielded = function()
            ivr.shield(function()
                ivr.sleep(3)
                log.info "shield: to its end"
            end)
            log.info "shield: beyond"
        end,
        quick = function() ivr.sleep(1) return true end,
    }
    log.info("shield: " .. name)
end

function flow.shieldHangup(call)
    call:answer()
    ivr.shield(function()
        ivr.sleep(3)
        log.info "shield: to its end"
    end)
    log.info "shield: beyond"
    ivr.sleep(1)
    log.info "shield: far beyond"
end

-- pcall does not catch a hang-up; clean-up runs, end handlers last in, first out.
function flow.hangup(call)
    call:onEnd(function(why) log.info("end 1: " .. type(why)) end)
    call:onEnd(function()
        ivr.sleep(1)
        log.info "end 2"
    end)
    call:answer()
    local _ <close> = guard "hangup: closed"
    local ok = pcall(function()
        local _ <close> = guard "hangup: inner closed"
        ivr.sleep(60)
    end)
    log.info("hangup: caught " .. tostring(ok))
end

-- Every fiber of the call is unwound by a hang-up.
function flow.hangupAll(call)
    call:answer()
    ivr.all{
        a = function() local _ <close> = guard "a: closed" ivr.sleep(60) end,
        b = function() local _ <close> = guard "b: closed" call:nextTone{ timeout = 60 } end,
        c = function()
            local _ <close> = guard "c: closed"
            ivr.first{ x = function() local _ <close> = guard "x: closed" ivr.sleep(60) end }
        end,
    }
    log.info "hangupAll: went on"
end

-- A new wait on a call that is over raises at once.
function flow.dead(call)
    call:answer()
    call:onEnd(function()
        local began = ivr.now()
        local ok = pcall(call.playPrompt, call, "one")
        log.info(("dead: %s at once: %s"):format(tostring(ok), tostring(ivr.now() == began)))
    end)
    ivr.sleep(60)
end

-- Where Lua cannot yield, the error says so.
function flow.unyieldable(call)
    call:answer()
    local ok, err = pcall(table.sort, { 3, 1, 2 }, function(a, b) ivr.sleep(1) return a < b end)
    log.info(("sort: %s %s"):format(tostring(ok), text(err)))
    ok, err = pcall(string.gsub, "abc", "b", function() ivr.sleep(1) return "x" end)
    log.info(("gsub: %s %s"):format(tostring(ok), text(err)))
    call:playPrompt "one"
end

return cases(flow)
