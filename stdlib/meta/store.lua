---@meta ivr.store

-- `require "ivr.store"`: values that outlive calls and crashes, shared by all flows.

---@class ivr.store
local store = {}

--- The value of that name, nil when there is none.
---@async
---@param name string  1 to 64 bytes
---@return any
function store.get(name) end

--- Sets it; nil removes it.
---@async
---@param name string
---@param value any  plain data, at most 64 KiB as JSON
---@return any value
function store.put(name, value) end

--- Adds to a number, which begins at 0, and returns the sum. No other call comes between.
---@async
---@param name string
---@param by? number  1
---@return number
function store.incr(name, by) end

return store
