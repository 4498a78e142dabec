---@meta ivr.http

-- `require "ivr.http"`: requests to other services.

---@class ivory.HttpOptions
---@field headers? table<string, string>
---@field body?    string
---@field json?    any  sent as JSON instead of `body`
---@field timeout? number  seconds

---@class ivory.HttpRequest: ivory.HttpOptions
---@field method string
---@field url    string

---@class ivory.HttpResponse
---@field status  integer
---@field headers table<string, string>
---@field body    string
---@field json?   any  the body, when it is JSON

---@class ivr.http
local http = {}

---@async
---@param url string
---@param opts? ivory.HttpOptions
---@return ivory.HttpResponse
function http.get(url, opts) end

---@async
---@param url string
---@param opts? ivory.HttpOptions
---@return ivory.HttpResponse
function http.post(url, opts) end

---@async
---@param request ivory.HttpRequest
---@return ivory.HttpResponse
function http.request(request) end

return http
