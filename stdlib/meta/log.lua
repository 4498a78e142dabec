---@meta ivr.log

-- `require "ivr.log"`: lines in the log, with the call they belong to. `print` is `log.info`.

---@class ivr.log
local log = {}

---@param text any
function log.debug(text) end

---@param text any
function log.info(text) end

---@param text any
function log.warn(text) end

---@param text any
function log.error(text) end

return log
