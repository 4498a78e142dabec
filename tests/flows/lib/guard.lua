-- A value for a `<close>` variable that logs when it is closed.
local log = require "ivr.log"

---@param text string
return function(text)
    return setmetatable({}, { __close = function() log.info(text) end })
end
