-- Steps, the store and going on as another flow.
local ivr = require "ivr"
local http = require "ivr.http"
local log = require "ivr.log"
local store = require "ivr.store"

local flow = {}

function flow.onCall(call)
    call:answer()
    call:onEnd(function(why)
        log.info("first part over: " .. why)
    end)
    call:subscribeToTone()
    local number = store.incr "durable.calls"
    local charged = ivr.step("charge", function()
        return http.post("https://shop.test/charge", { json = { amount = 5 } }).json.receipt
    end)
    store.put("durable.receipt", { text = charged })
    call:playPrompt "one"
    call:continueAs("durable", { number = number, rounds = 0 })
end

function flow.onContinue(call, state)
    local key = call:nextTone{ timeout = 5 }
    if key and key.key == "1" then
        call:continueAs("durable", { number = state.number, rounds = state.rounds + 1 })
    end
    log.info(("call %d, %d rounds, receipt %s"):format(state.number, state.rounds, store.get("durable.receipt").text))
    call:playPrompt(state.number % 2 == 1 and "two" or "hello")
end

return flow
