local test = require "ivr.test"

local function shop(t)
    t.http{ url = "https://shop.test/*", method = "POST", json = { receipt = "r7" } }
end

test("a call goes on as another flow with what it was given", function(t)
    t.noFaults()
    shop(t)
    local c = t.call{ flow = "durable" }
    c:hears "one"
    c:waits(1)
    c:presses "1"
    c:waits(1)
    c:presses "1"
    c:hears("two", 20)
    c:ended()
    t.ok(t.logged "first part over: continue")
    t.ok(t.logged "call 1, 2 rounds, receipt r7")
    t.equal(#t.httpCalls "https://shop.test/*", 1)
end)

-- Also with a crash in between: each call counts once, and the prompt at its end tells the sum odd or even.
test("the store counts over calls", function(t)
    shop(t)
    for i = 1, 3 do
        local c = t.call{ flow = "durable" }
        c:ended(60)
        local heard = c:heard()
        t.equal(heard[#heard], i == 2 and "hello" or "two")
    end
end)
