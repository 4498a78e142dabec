-- What docs/lua-api.md says of the call and its methods, a case each. What came of it is logged.

local ivr   = require "ivr"
local http  = require "ivr.http"
local log   = require "ivr.log"
local cases = require "lib.cases"

local flow = {}

local function describe(err)
    if type(err) ~= "table" then return tostring(err) end
    return ("%s %s"):format(tostring(err.code), tostring(err.message))
end

-- Every key, in order, until "#" or a pause.
local function keys(call)
    local pressed = ""
    while true do
        local tone = call:nextTone{ timeout = 4 }
        if not tone or tone.key == "#" then return pressed end
        pressed = pressed .. tone.key
    end
end

function flow.tones(call)
    call:answer()
    call:subscribeToTone()
    call:playPrompt "one"
    log.info("keys: " .. keys(call))
end

-- Keys that came before the question are kept, unless they are flushed.
function flow.typeahead(call)
    call:answer()
    call:subscribeToTone()
    call:playPrompt "long"
    log.info("ahead: " .. keys(call))
    call:playPrompt "long"
    log.info("flushed: " .. call:flushTones())
    log.info("after: " .. tostring(call:nextTone{ timeout = 2 }))
end

-- Two fibers, one lane: the second prompt waits for the first.
function flow.lane(call)
    call:answer()
    local got = ivr.all{
        a = function() return call:playPrompt "long" end,
        b = function() return call:playPrompt "one" end,
    }
    log.info(("lane: %s %s"):format(tostring(got.a.ok), tostring(got.b.ok)))
end

-- One fiber takes the lane from the other.
function flow.preempt(call)
    call:answer()
    local got = ivr.all{
        a = function() return call:playPrompt "long" end,
        b = function()
            ivr.sleep(1)
            return call:playPrompt("one", { lane = "preempt" })
        end,
    }
    log.info(("preempt: %s %s"):format(tostring(got.a.ok), tostring(got.b.ok)))
end

function flow.transfer(call)
    call:answer()
    local ok, err = pcall(call.transfer, call, "+14255550150")
    log.info(("transfer: %s %s"):format(tostring(ok), describe(err)))
    call:playPrompt "two"
end

-- A second leg: another phone is rung, hears something, and is let go; the caller hears of it.
function flow.leg(call)
    call:answer()
    local leg = ivr.createCall "+14255550151"
    local ok = pcall(leg.waitFor, leg, "established", 20)
    if ok then
        leg:playPrompt "two"
        leg:hangup()
    end
    log.info("leg: " .. tostring(ok))
    call:playPrompt "one"
end

-- The second leg hangs up: an error in waits on that leg only.
function flow.legHangup(call)
    call:answer()
    local leg = ivr.createCall "+14255550151"
    leg:waitFor("established", 20)
    local played = leg:playPrompt "long"
    log.info("played: " .. tostring(played.ok))
    ivr.sleep(1)
    local ok, err = pcall(leg.playPrompt, leg, "two")
    log.info(("legHangup: %s %s"):format(tostring(ok), describe(err)))
    call:playPrompt "one"
end

function flow.timeouts(call)
    call:answer()
    call:subscribeToTone()
    local ok, err = pcall(call.playPrompt, call, "long", { timeout = 1 })
    log.info(("play: %s %s"):format(tostring(ok), describe(err)))
    log.info("tone: " .. tostring(call:nextTone{ timeout = 1 }))
    log.info("state: " .. tostring(call:waitFor("terminated", 1)))
    local op = call:start("playPrompt", "long")
    ok = pcall(op.await, op, 0.5)
    op:cancel()
    log.info("await: " .. tostring(ok))
    call:playPrompt "two"
end

-- Errors are values that can be caught; the call goes on.
function flow.goesOn(call)
    call:answer()
    local ok, err = pcall(call.playPrompt, call, "no-such-prompt")
    log.info(("missing: %s %s"):format(tostring(ok), describe(err)))
    ok, err = pcall(call.playPrompt, call, {})
    log.info(("empty: %s %s"):format(tostring(ok), describe(err)))
    ok, err = pcall(call.redirect, call, { targets = { "+14255550150" }, timeout = 5 })
    log.info(("range: %s %s"):format(tostring(ok), describe(err)))
    ok, err = pcall(call.playPrompt, call, { prompts = { "one" }, volume = 11 })
    log.info(("unknown: %s %s"):format(tostring(ok), describe(err)))
    call:playPrompt "one"
end

-- The service lost the word of the caller's hang-up: the flow hears of it from the next request.
function flow.gone(call)
    call:onEnd(function(why) log.info("gone: " .. why) end)
    call:answer()
    call:playPrompt "one"
    ivr.sleep(3)
    local ok, err = pcall(call.playPrompt, call, "two")
    log.info(("gone: not here %s %s"):format(tostring(ok), describe(err)))
end

-- What is not there below a call that is: an error like another.
function flow.nobody(call)
    call:answer()
    local nobody = call:participant "00000000-0000-0000-0000-000000000000"
    local ok, err = pcall(nobody.get, nobody)
    log.info(("nobody: %s %s"):format(tostring(ok), type(err) == "table" and tostring(err.status) or tostring(err)))
    call:playPrompt "one"
end

function flow.http(call)
    call:answer()
    local answer = http.get("https://crm.example.com/customers/17")
    log.info(("get: %d %s"):format(answer.status, answer.json.name))
    answer = http.post("https://crm.example.com/tickets", { json = { subject = "call", lines = { 1, 2 } } })
    log.info(("post: %d"):format(answer.status))
    local ok, err = pcall(http.get, "https://crm.example.com/slow", { timeout = 2 })
    log.info(("slow: %s %s"):format(tostring(ok), type(err) == "table" and tostring(err.code or err.status) or tostring(err)))
    call:playPrompt "one"
end

function flow.record(call)
    call:answer()
    local result = call:recordResponse{
        prompts = { "one" }, maxRecordDurationInSeconds = 10, maxSilenceTimeoutInSeconds = 2,
        initialSilenceTimeoutInSeconds = 3, playBeep = false, stopTones = { "#" },
    }
    if not result.ok then
        return log.info("record: nothing, " .. tostring(result.completionReason))
    end
    local recording = result:download()
    log.info(("record: %.0f s, %d digits"):format(recording.seconds, #recording.hash))
    call:playPrompt(recording)
end

function flow.facts(call)
    call:answer()
    log.info(("facts: %s %s %s %s"):format(call.direction, call.from, call.to, call.state))
    log.info(("key: %d %s"):format(#call.key, tostring(call.resource.id ~= nil)))
    log.info(os.date("!date: %Y-%m-%d %H:%M", math.floor(ivr.now())))
    call:onEnd(function() log.info(("over: %s %s"):format(tostring(call.ended), tostring(call.result.code))) end)
end

function flow.reject(call) call:reject "busy" end

function flow.redirect(call) call:redirect "+14255550150" end

function flow.sendTones(call)
    call:answer()
    call:sendDtmfTones "12#"
    call:playPrompt "one"
end

return cases(flow)
