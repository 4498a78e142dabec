-- The menu scenario as a bot in nginx with LuaJIT would have it: cosockets from a pool, JSON by lua-cjson, no token checked, no journal.

local cjson = require "cjson.safe"

local M = {}

local AUTHORIZATION = "Bearer " .. ("x"):rep(1200)
local calls = {}

local function read_answer(sock)
    local line = assert(sock:receive "*l")
    local status, length = tonumber(line:sub(10, 12)), 0
    repeat
        line = assert(sock:receive "*l")
        length = tonumber(line:match "^[Cc]ontent%-[Ll]ength: *(%d+)") or length
    until line == ""
    return status, length > 0 and assert(sock:receive(length)) or ""
end

local function request(id, method, fields)
    local sock, body = ngx.socket.tcp(), cjson.encode(fields):gsub("\\/", "/")
    assert(sock:connect("127.0.0.1", ngx.var.graph))
    assert(sock:send{
        "POST /v1.0/communications/calls/", id, "/", method, " HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ", AUTHORIZATION,
        "\r\nContent-Type: application/json\r\nclient-request-id: ", id, "\r\nscenario-id: ", id,
        "\r\nContent-Length: ", #body, "\r\n\r\n", body })
    local status, text = read_answer(sock)
    assert(sock:setkeepalive(600000, 256))
    if status >= 300 then
        error(method .. ": " .. status .. " " .. text)
    end
    return text ~= "" and cjson.decode(text) or nil
end

local function play(id, prompt)
    return request(id, "playPrompt", {
        clientContext = id .. "-" .. prompt,
        prompts = { {
            ["@odata.type"] = "#microsoft.graph.mediaPrompt",
            mediaInfo = {
                ["@odata.type"] = "#microsoft.graph.mediaInfo",
                uri = "http://127.0.0.1:" .. ngx.var.server_port .. "/prompts/" .. prompt .. ".wav",
                resourceId = prompt,
            },
        } },
    })
end

local function take(one)
    local id = one.resourceUrl:match "/calls/(.*)":sub(1, 36)
    local call, data = calls[id], one.resourceData
    if one.changeType == "created" then
        calls[id] = { stage = "offered" }
        request(id, "answer", {
            callbackUri = "http://127.0.0.1:" .. ngx.var.server_port .. "/api/calls",
            mediaConfig = { ["@odata.type"] = "#microsoft.graph.serviceHostedMediaConfig" },
            acceptedModalities = { "audio" },
        })
    elseif not call then
        return
    elseif one.resourceUrl:find("/operations/", 1, true) then
        if call.stage == "menu" then
            call.stage = "asked"
        elseif call.stage == "connecting" then
            request(id, "transfer", { transferTarget = { identity = { phone = { id = "+14255550100" } } } })
        end
    elseif one.changeType == "deleted" then
        calls[id] = nil
    elseif data.toneInfo and call.stage == "asked" then
        call.stage = "connecting"
        play(id, "connecting")
    elseif data.state == "established" and call.stage == "offered" then
        call.stage = "menu"
        request(id, "subscribeToTone", {})
        play(id, "main-menu")
    end
end

-- The answer goes out before anything is asked for.
function M.webhook()
    ngx.req.read_body()
    local body = cjson.decode(ngx.req.get_body_data())
    ngx.status = 202
    ngx.header["Content-Length"] = 0
    ngx.send_headers()
    ngx.eof()
    for _, one in ipairs(body.value) do
        take(one)
    end
end

return M
