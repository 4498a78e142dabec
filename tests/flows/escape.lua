-- What a flow might try to get out of its fence, or into another call. Each row: what it is, a function that
-- tries it, and a part of the error that stops it. A row that is not stopped is logged as an escape.

local ivr   = require "ivr"
local log   = require "ivr.log"
local cases = require "lib.cases"

local flow = {}

-- Kept from one call to the next: calls of one version of the flows share a state.
local kept = {}

local rows = {}

local function try(what, part, fn, ...) rows[#rows + 1] = { what, part, fn, table.pack(...) } end

-- Modules of the runtime are the same for all calls.
for _, name in ipairs{ "ivr", "ivr.digits", "ivr.menu", "ivr.prompts", "ivr.voicemail", "ivr.native", "ivr.http",
                       "ivr.json", "ivr.log", "ivr.store" } do
    local module = require(name)
    try("writing to " .. name, "read-only", function() module.sleep = nil end)
    try("a new member of " .. name, "read-only", function() module.mine = 1 end)
    try("the metatable of " .. name, "protected", setmetatable, module, {})
    try("table.insert into " .. name, "read-only", table.insert, module, 1)
    try("table.move into " .. name, "read-only", table.move, { 1 }, 1, 1, 1, module)
    for key, value in pairs(module) do
        if type(value) == "function" then
            try("bytecode of " .. name .. "." .. key, "nil value", function() return ("").dump(value) end)
        end
    end
end

-- Shared metatables.
for _, value in ipairs{ "text", _G, string, table, math, os, utf8, require "ivr", require "ivr.json".null } do
    try("a metatable handed out", "boolean", function() return getmetatable(value).__index end)
    try("a metatable written", "boolean", function() getmetatable(value).__index = {} end)
end
try("a method of strings", "cannot set", function() string.upper = string.lower end)
try("a method of one string", "index", function() ("x").upper = 1 end)
try("the metatable of numbers", "expected", setmetatable, 1, {})
try("the metatable of functions", "expected", setmetatable, pcall, {})
try("the metatable of nil", "expected", setmetatable, nil, {})
try("a finalizer", "__gc", setmetatable, {}, { __gc = error })
try("a weak table", "__mode", setmetatable, {}, { __mode = "k" })

-- The environment.
try("a global", "cannot set global", load "leak = 1")
try("a global through _G", "cannot set global", function() _G.leak = 1 end)
try("a function of the base replaced", "cannot set global", function() _ENV.pcall = error end) -- luacheck: ignore
try("a global by table.insert", "cannot set global", table.insert, _G, 1)
try("an upvalue named _ENV", "undefined global", load "local function f() return _ENV end return f().io")
try("an _ENV of its own", "index", load "local _ENV = {} return io.open")
try("an _ENV that is a constant", "index", load "local _ENV <const> = nil return io")
try("a constant _ENV that is no table", "index", load "local _ENV <const> = 1; x = 1")
try("load with an environment", "nil value", function() return load("return io.open", "x", "t", {})() end)
try("load with the base as environment", "undefined global", load("return io", "x", "t", _G))
for _, name in ipairs{ "io", "debug", "package", "coroutine", "dofile", "loadfile", "loadstring", "rawset", "collectgarbage",
                       "warn", "module", "setfenv", "getfenv", "newproxy", "unpack", "arg", "jit", "bit32", "exchange" } do
    try("the global " .. name, "undefined global", function() return _G[name] end)
end
for _, name in ipairs{ "execute", "exit", "getenv", "remove", "rename", "tmpname", "setlocale" } do
    try("os." .. name, "nil value", function() return os[name]() end)
end

-- Bytecode, under any name.
for _, mode in ipairs{ "b", "bt", "", "binary" } do
    try("bytecode with mode " .. mode, "", function() return assert(load("\27Lua\x54", "x", mode)) end)
end
try("bytecode in pieces", "binary", function()
    local parts, i = { "\27", "Lua", "\x54" }, 0
    return assert(load(function() i = i + 1 return parts[i] end))
end)
try("bytecode after nothing", "binary", function()
    local parts, i = { "\27Lua" }, 0
    return assert(load(function() i = i + 1 return parts[i] end))
end)

-- Files.
for _, name in ipairs{ "../flows/bad", "..bad", "/etc/passwd", "lib/cases", "lib.cases.", ".lib", "lib..cases", "escape\0",
                       "lib.cases\0.x", "file:///etc/passwd", "lib\\cases", "C:bad", "~.x", "lib.%2e%2e", "", " ", "bad ",
                       ("a."):rep(100) .. "b" } do
    try(("require of %q"):format(name), "module", require, name)
end
try("require of a table", "string expected", require, {})
try("require of something that says it is a text", "string expected", require,
    setmetatable({}, { __tostring = function() return "ivr" end, __name = "ivr" }))

-- Coroutines by the back door.
try("waiting in a comparator", "nothing can wait here", function() table.sort({ 2, 1 }, function() ivr.sleep(1) end) end)
try("waiting in gsub", "nothing can wait here", function() return ("a"):gsub(".", function() ivr.sleep(1) end) end)
try("waiting in __tostring", "nothing can wait here",
    function() return tostring(setmetatable({}, { __tostring = function() ivr.sleep(1) return "" end })) end)
try("waiting in the reader of load", "nothing can wait here", function() return assert(load(function() ivr.sleep(1) end)) end)
try("waiting in __index of concat", "nothing can wait here",
    function() return table.concat(setmetatable({}, { __index = function() ivr.sleep(1) return "" end }), "", 1, 2) end)

-- Depth, in Lua and in C.
try("pcall in pcall in pcall", "C stack overflow", function()
    local function f() local ok, e = pcall(f) if not ok then error(e, 0) end end
    f()
end)
try("gsub in gsub", "C stack overflow", function() local function f() return (("a"):gsub("a", f)) end f() end)
try("tostring in __tostring", "C stack overflow",
    function() local t t = setmetatable({}, { __tostring = function() return tostring(t) end }) return tostring(t) end)
try("__index for ever", "loop", function()
    local t = {}
    for _ = 1, 3000 do t = setmetatable({}, { __index = t }) end
    return t.x
end)
try("__index through functions", "C stack overflow", function()
    local t
    t = setmetatable({}, { __index = function(_, k) return t[k .. "x"] end })
    return t.x
end)
try("deep source", "C stack overflow", function() return assert(load("return " .. ("("):rep(5000) .. ("x"):rep(1))) end)
try("deep tables as source", "C stack overflow", function() return assert(load("return " .. ("{"):rep(5000))) end)
try("deep JSON", "nested deeper", require "ivr.json".decode, ("["):rep(5000))
try("a table in itself as JSON", "hold itself", function() local t = {} t.t = t return require "ivr.json".encode(t) end)
try("a table doubled and doubled", "1 MiB", function()
    local t = { "x" }
    for _ = 1, 30 do t = { t, t } end
    return require "ivr.json".encode(t)
end)

-- Giants.
try("string.rep", "string_bytes", string.rep, "x", 1 << 40)
try("format with a huge width", "invalid conversion", string.format, "%1000000d", 1)
try("format with a huge precision", "invalid conversion", string.format, "%.1000000f", 1)
try("table.concat without end", "", table.concat, {}, "", 1, 1 << 60)
try("table.unpack without end", "too many results", table.unpack, {}, 1, 1 << 60)
try("table.move without end", "more than", table.move, {}, 1, 1 << 60, 2)
try("string.byte of everything", "string slice too long", function()
    local text = ("x"):rep(1 << 20)
    return (text .. text):byte(1, -1)
end)
try("a pattern", "pattern_steps", function() return ("a"):rep(300):find((".-"):rep(4) .. "b") end)
try("utf8.char of everything", "", function() return utf8.char(1 << 40) end)

-- An error that is no error.
try("an error that pretends to be a hang-up", "unwind", error,
    setmetatable({}, { __name = "unwind", __tostring = function() return "unwind" end }))

function flow.alone(call)
    call:answer()
    for _, row in ipairs(rows) do
        local what, part, fn = row[1], row[2], row[3]
        local ok, e = pcall(fn, table.unpack(row[4], 1, row[4].n))
        if ok then
            log.error("escaped: " .. what)
        elseif not tostring(e):find(part, 1, true) then
            log.error(("escaped?: %s: %q does not say %q"):format(what, tostring(e), part))
        end
    end
    for _, object in ipairs{ call, call:start "keepAlive", ivr.spawn(function() end) } do
        if getmetatable(object) then log.error("escaped: a metatable of " .. tostring(object)) end
        if pcall(function() object.x = 1 end) then log.error("escaped: set a field of " .. tostring(object)) end
        if pcall(setmetatable, object, {}) then log.error "escaped: set a metatable" end
    end
    log.info(("tried %d"):format(#rows))
end

-- Everything of this call that another could get hold of.
function flow.keeps(call)
    call:answer()
    call:onEnd(function() kept.over = true end)
    kept.call = call
    kept.operation = call:start("playPrompt", "long")
    kept.fiber = ivr.spawn(function() ivr.sleep(30) end)
    kept.method = call.playPrompt
    kept.wait = function() ivr.sleep(0) end
    call:nextTone{ timeout = 60 }
end

-- Use what the other call left, while it is on and when it is over.
function flow.takes(call)
    call:answer()
    local attempts = {
        property = function() return kept.call.state end,
        method = function() return kept.call:playPrompt "one" end,
        hangup = function() return kept.call:hangup() end,
        start = function() return kept.call:start("playPrompt", "one") end,
        tone = function() return kept.call:nextTone{ timeout = 0 } end,
        handler = function() return kept.call:onEnd(function() end) end,
        continue = function() return kept.call:continueAs("escape") end,
        method2 = function() return kept.method(kept.call, "one") end,
        wrong = function() return kept.method(kept.fiber, "one") end,
        status = function() return kept.operation.status end,
        await = function() return kept.operation:await(1) end,
        cancel = function() return kept.operation:cancel() end,
        fiber = function() return kept.fiber:await(1) end,
        cancelFiber = function() return kept.fiber:cancel() end,
    }
    for name, attempt in pairs(attempts) do
        local ok, e = pcall(attempt)
        if ok then
            log.error("escaped: " .. name)
        elseif not tostring(e):find(name == "wrong" and "expected" or "belongs to", 1, true) then
            log.error(("escaped?: %s: %s"):format(name, tostring(e)))
        end
    end
    kept.wait() -- a function of the other call is only a function: it waits here
    log.info("took " .. tostring(kept.over))
end

return cases(flow)
