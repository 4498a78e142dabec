---@meta ivr.json

-- `require "ivr.json"`: JSON.

---@class ivr.json
---@field null any  stands for null, which a table cannot hold
local json = {}

---@param value any
---@return string
function json.encode(value) end

---@param text string
---@return any
function json.decode(text) end

--- Marks a table as an array, so that an empty one is `[]`.
---@generic T: table
---@param t T
---@return T
function json.array(t) end

return json
