-- What a bad flow can do to the worker that it shares with others, by name; each gets the call.

local http = require "ivr.http"
local ivr  = require "ivr"
local json = require "ivr.json"

local kept = {}

-- Each look for an element goes through nearly 2,000 tables, in C.
local function chain()
    local t = {}
    for _ = 1, 1990 do t = setmetatable({}, { __index = t }) end
    return t
end

local attacks = {}

function attacks.loop() while true do end end -- luacheck: ignore

function attacks.caught() while true do pcall(function() while true do end end) end end -- luacheck: ignore

function attacks.memory()
    local t = {} -- luacheck: ignore
    for i = 1, 1e9 do t[i] = { i } end -- luacheck: ignore
end

function attacks.string()
    local s = ("x"):rep(1 << 20)
    while true do s = s .. s end
end

function attacks.garbage() while true do local _ = ("x"):rep(1 << 20) end end

function attacks.pattern()
    local s = ("a"):rep(1 << 20)
    while true do pcall(string.find, s, ".-.-.-b") end
end

function attacks.tables()
    local t = chain()
    while true do table.move(t, 1, 999999, 1, {}) end
end

function attacks.source()
    local t = {}
    for _ = 1, 30000 do t[#t + 1] = "goto a" end
    for i = 1, 32000 do t[#t + 1] = "::l" .. i .. "::" end
    local s = table.concat(t, " ")
    while true do load(s) end
end

function attacks.json()
    local t, list = {}, {}
    for i = 1, 30000 do t["k" .. i] = 1 end
    for i = 2, 30000 do t["k" .. i] = nil end
    for i = 1, 100000 do list[i] = t end
    while true do pcall(json.encode, list) end
end

function attacks.log() while true do pcall(print, ("x"):rep(4000)) end end

function attacks.fibers() while true do ivr.spawn(function() end):await() end end

function attacks.turns() while true do ivr.sleep(0) end end

function attacks.requests()
    for _ = 1, 50 do ivr.spawn(function() while true do pcall(http.get, "http://127.0.0.1:1/") end end) end
    ivr.sleep(60)
end

function attacks.recursion()
    local function down(n) return 1 + down(n + 1) end
    return down(1)
end

-- A cell that is nearly full: collecting it takes long.
function attacks.cell()
    while #kept < 60 do
        local t = {}
        for i = 1, 40000 do t[i] = {} end
        kept[#kept + 1] = t
        ivr.sleep(0)
    end
    while true do local _ = { {}, {}, {}, {} } end
end

return attacks
