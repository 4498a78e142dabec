-- Each call counts its own end, so that a test sees that there was one, and only one.

local store = require "ivr.store"

return function(call)
    call:onEnd(function(why)
        store.incr(("%s.%s"):format(why, call.from))
    end)
end
