-- Flow tests: phones that follow a script. The runner (runtime/exchange/caller.c) loads this file into a
-- state of its own, not into a cell, and gives it the exchange as a table of functions. A script is a
-- coroutine; it waits by yielding until something happens to a phone, or until a time.
local exchange = ...
assert(type(exchange) == "table", "ivr.test is for *_test.lua files, which `ivory test` runs")

-- `reason`: why the test failed; `skip` when it does not want to run.
local M = { tests = {}, skip = {} }
local scripts, phones, listening, patience

-- By key, as in flows: the order of text keys differs from process to process otherwise, and with it the run.
local function before(a, b)
    local ta, tb = type(a), type(b)
    if ta ~= tb then return ta < tb end
    return (ta == "number" or ta == "string") and a < b
end

local each = pairs
function pairs(t) -- luacheck: ignore 121
    local mt = getmetatable(t)
    if mt and mt.__pairs then return each(t) end
    local keys, i = {}, 0
    for k in each(t) do keys[#keys + 1] = k end
    table.sort(keys, before)
    return function()
        i = i + 1
        while keys[i] ~= nil and t[keys[i]] == nil do i = i + 1 end
        return keys[i], t[keys[i]]
    end, t
end

-- The place in the test file that called into this one.
local function place()
    for level = 3, 30 do
        local info = exchange.info(level, "Sl")
        if not info then return "" end
        if info.currentline > 0 and info.source ~= "@stdlib/ivr/test.lua" then
            return info.source:sub(2) .. ":" .. info.currentline .. ": "
        end
    end
    return ""
end

local function seconds(ms) return ("%.3f s"):format(ms / 1000) end

local function fail(text, ...)
    error(setmetatable({ text = place() .. "at " .. seconds(exchange.elapsed()) .. ": " .. text:format(...) },
        { __tostring = function(e) return e.text end }), 0)
end

local function milliseconds(s, default)
    s = s == nil and default or s
    if type(s) ~= "number" or s ~= s or s < 0 or s > 1e6 then fail("%s is not a time in seconds", tostring(s)) end
    return math.floor(s * 1000 + 0.5)
end

-- Wait for whatever comes next on any phone, at most until `at`.
local function pause(at) coroutine.yield(at) end

local function sleep(ms)
    local at = exchange.now() + ms
    while exchange.now() < at do pause(at) end
end

-- Wait until `ready()` gives something, and return that; nil after `ms` of `busy`-free time.
local function await(ms, ready, busy)
    local at = exchange.now() + ms + patience
    while true do
        local value = ready()
        if value ~= nil then return value end
        if busy then at = math.max(at, busy() + ms + patience) end
        if exchange.now() >= at then return nil end
        pause(at)
    end
end

local function quoted(names)
    local out = {}
    for i, name in ipairs(names) do out[i] = '"' .. name .. '"' end
    return #out > 0 and table.concat(out, ", ") or "nothing"
end

---A phone with a script. Made by `t.call`, `t.phone` and `t.joins`.
---@class ivr.test.Phone
local Phone = {}
Phone.__index = Phone

local function phone_new(number)
    return setmetatable({ number = number, plays = {}, taken = 0, busy_until = 0, keys = "" }, Phone)
end

local function attach(phone, line)
    phone.line, phone.state, phone.over, phone.left = line, "calling", nil, nil
    phones[line] = phone
    return phone
end

-- The present line, once it is connected.
local function connected(phone, what)
    local state = await(10000, function()
        if phone.over then return "over" end
        return phone.state == "connected" and "connected" or nil
    end)
    if state == "over" then fail("cannot %s: the call has ended (%s)", what, phone:why()) end
    if not state then fail("cannot %s: nobody answered", what) end
    return phone.line
end

function Phone:why()
    local over = self.over
    return over and ("%s/%s %s"):format(over.code, over.subcode, over.message or "") or "not yet"
end

---Wait until prompt `name` begins to play; it must be the next one. Time in which another prompt plays does not count.
---@param name string
---@param within? number seconds, default 10
---@async
function Phone:hears(name, within)
    local function nothing(why)
        fail('expected to hear "%s", %s; heard so far: %s', name, why, quoted(self:heard()))
    end
    local play = await(milliseconds(within, 10), function()
        return self.plays[self.taken + 1] or self.over and false
    end, function() return self.busy_until end)
    if play == nil then nothing("heard nothing more") end
    if not play then nothing("but the call ended: " .. self:why()) end
    if play.name ~= name then
        nothing(('heard "%s" instead, at %s'):format(play.name, seconds(play.at)))
    end
    self.taken = self.taken + 1
    return self
end

---@param names string[]
---@async
function Phone:hearsAll(names)
    for _, name in ipairs(names) do self:hears(name) end
    return self
end

---Press keys at once, `gap` seconds (0.1) between two.
---@async
function Phone:presses(keys, gap)
    gap = milliseconds(gap, 0.1)
    if type(keys) ~= "string" or not keys:find("^[%d*#A-D]+$") then fail("%s are not keys", tostring(keys)) end
    for i = 1, #keys do
        local line = connected(self, "press " .. keys:sub(i, i))
        if i > 1 then sleep(gap) end
        if not exchange.press(line, keys:sub(i, i)) then
            fail("cannot press %s: the call has ended (%s)", keys:sub(i, i), self:why())
        end
    end
    return self
end

---@async
function Phone:waits(s)
    sleep(milliseconds(s))
    return self
end

---Speak a WAV beside the test file, or that many seconds of a plain tone, and wait until it is spoken.
---@param what string|number
---@async
function Phone:speaks(what)
    local line = connected(self, "speak")
    if type(what) == "string" then what = place():match("^(.*/)") .. what else milliseconds(what) end
    local ms, why = exchange.speak(line, what)
    if not ms then fail("cannot speak: %s", why) end
    sleep(ms)
    return self
end

function Phone:hangsUp()
    if self.line and not self.over then
        self.left = true
        exchange.hang_up(self.line)
    end
    return self
end

---Wait for the end of the call. Time in which a prompt plays does not count.
---@param within? number seconds, default 30
---@return { code: integer, subcode: integer, message: string, by: string }
---@async
function Phone:ended(within)
    local over = await(milliseconds(within, 30), function() return self.over end,
        function() return self.busy_until end)
    if not over then fail("the call has not ended; heard so far: %s", quoted(self:heard())) end
    sleep(100 + patience) -- the runtime hears of it a moment later
    return over
end

---Names of the prompts heard so far.
---@return string[]
function Phone:heard()
    local names = {}
    for i, play in ipairs(self.plays) do names[i] = play.name end
    return names
end

---Wait until the bot rings this phone.
---@async
function Phone:rings(within)
    if not await(milliseconds(within, 30), function() return self.state end) then
        fail("%s does not ring", self.number)
    end
    return self
end

---Pick up, when it rings.
---@async
function Phone:answers(within)
    self:rings(within)
    if not exchange.pick_up(self.line) then fail("%s cannot be picked up", self.number) end
    connected(self, "talk")
    return self
end

---Refuse, when it rings: 486 busy, 603 declined, 480 not there.
---@async
function Phone:refuses(code, within)
    self:rings(within)
    if not exchange.refuse(self.line, code or 486) then fail("%s cannot refuse", self.number) end
    return self
end

---Begin or end sharing the screen in the meeting.
---@param on boolean
---@async
function Phone:shares(on)
    if not exchange.share(connected(self, "share"), on) then fail("cannot share: not in a meeting") end
    return self
end

---What the bot has sent as keys so far.
function Phone:receivedKeys() return self.keys end

-- The last part of a prompt's address is its name.
local function play_name(url)
    if url:find("/recordings/", 1, true) then return "recording" end
    return url:match("/prompts/.*/([^/]+)%.wav$") or url
end

local happen = {}

function happen.state(phone, what, _, over)
    phone.state = what == "transferred" and "connected" or what
    if what == "ended" then
        over = over or {}
        phone.over = { code = over.code, subcode = over.subcode, message = over.message,
            by = phone.left and "caller" or "bot" }
    end
end

function happen.play(phone, url, ms)
    local name = play_name(url)
    phone.busy_until = exchange.now() + ms
    phone.plays[#phone.plays + 1] = { name = name, at = exchange.elapsed() }
end

function happen.stop(phone) phone.busy_until = exchange.now() end

function happen.tones(phone, keys) phone.keys = phone.keys .. keys end

-- Something happened to `line`. Called by the runner.
function M.happened(line, kind, text, ms, body)
    local phone = phones[line]
    if kind == "ring" then
        phone = listening[text]
        if not phone then return end
        attach(phone, line)
        phone.state = "ringing"
    elseif phone and happen[kind] then
        happen[kind](phone, text, ms, body)
    end
    for _, script in ipairs(scripts) do script.woken = true end
end

local t = {}

local function start(fn, ...)
    local arguments = table.pack(...)
    local script = { woken = true }
    script.run = coroutine.create(function() fn(table.unpack(arguments, 1, arguments.n)) end)
    scripts[#scripts + 1] = script
    return script
end

---A caller: dials at once.
---@param o? { from?: string, to?: string, flow?: string }
---@return ivr.test.Phone
function t.call(o)
    o = o or {}
    local from = o.from or "+14255550100"
    local line, why = exchange.dial(from, o.to or "+14255550199", o.flow)
    if not line then fail("cannot call: %s", why) end
    return attach(phone_new(from), line)
end

---A phone that the bot may call.
---@param o { number: string, answer?: number }
---@return ivr.test.Phone
function t.phone(o)
    local phone = phone_new(o.number)
    if not exchange.register(o.number, o.answer and milliseconds(o.answer) or -1) then
        fail("%s is no number for a phone", tostring(o.number))
    end
    listening[o.number] = phone
    return phone
end

---A phone that joins a meeting.
---@param meeting string its join link, or the id of its chat thread
---@param from? string
---@return ivr.test.Phone
function t.joins(meeting, from)
    from = from or "+14255550101"
    local line, why = exchange.join(from, meeting)
    if not line then fail("cannot join: %s", why) end
    return attach(phone_new(from), line)
end

---What `ivory dial` does. Returns the call's key.
---@return string
function t.dial(flow, target)
    local key, why = exchange.outgoing(flow, target)
    if not key then fail("cannot dial %s: %s", tostring(target), why) end
    return key
end

---Run `fn` beside this script.
function t.run(fn, ...) start(fn, ...) end

local function parse_time(text)
    local y, mo, d, h, mi, s = tostring(text):match("^(%d%d%d%d)-(%d%d)-(%d%d)T(%d%d):(%d%d):?(%d*%.?%d*)Z?$")
    if not y then fail("%s is not a time such as 2026-12-25T10:00:00Z", tostring(text)) end
    y, mo, d = math.tointeger(y), math.tointeger(mo), math.tointeger(d)
    -- Days since the epoch in the Gregorian calendar, with years that begin in March.
    local year = mo > 2 and y or y - 1
    local days = 365 * year + year // 4 - year // 100 + year // 400
        + (153 * (mo > 2 and mo - 3 or mo + 9) + 2) // 5 + d - 1 - 719468
    return math.floor(((days * 24 + h) * 60 + mi) * 60000 + (tonumber(s) or 0) * 1000)
end

---Set the clock (UTC): to any time before the first call, afterwards only forward.
---@async
function t.at(time)
    local at = parse_time(time)
    if not exchange.set_clock(at) then
        if at < exchange.now() then fail("%s is in the past", time) end
        sleep(at - exchange.now())
    end
end

---Seconds since the epoch.
function t.now() return exchange.now() / 1000 end

---Faults of the exchange from now on: probabilities 0 to 1.
---@param o { drop?: number, repeat_?: number, reorder?: number, delay?: number, throttle?: number, fail?: number, early?: number }
function t.faults(o)
    local ok, why = pcall(exchange.faults, o)
    if not ok then fail("faults: %s", why) end
end

---This test counts on a service without faults: `ivory test --faults` and `--crash` leave it out.
function t.noFaults() if exchange.faulty() then error(M.skip, 0) end end

---When the runtime is killed in this test (`ivory test --crash`), the service loses its calls in meetings meanwhile.
function t.losesMeetings() exchange.lose_meetings() end

---Answer the flow's HTTP requests whose URL matches (`*` stands for anything). The last one given wins.
---@param o { url: string, method?: string, status?: integer, headers?: table, json?: any, body?: string, delay?: number }
function t.http(o)
    local ok, why = pcall(exchange.mock, o)
    if not ok or why then fail("http: %s", why) end
end

---The flow's HTTP requests so far, those whose URL matches `pattern` when it is given.
---@return { method: string, url: string, headers: table, body: string?, json: any }[]
function t.httpCalls(pattern) return exchange.requests(pattern) end

---Whether a log line of this test contains `text`.
function t.logged(text) return exchange.logged(text) end

local function show(v, depth)
    if type(v) == "string" then return ("%q"):format(v) end
    if type(v) ~= "table" then return tostring(v) end
    if (depth or 0) > 4 then return "{...}" end
    local parts = {}
    for k, value in pairs(v) do
        parts[#parts + 1] = (type(k) == "string" and k or "[" .. tostring(k) .. "]") .. " = " .. show(value, (depth or 0) + 1)
    end
    table.sort(parts)
    return "{ " .. table.concat(parts, ", ") .. " }"
end

local function same(a, b)
    if type(a) ~= "table" or type(b) ~= "table" then return a == b end
    for k, v in pairs(a) do if not same(v, b[k]) then return false end end
    for k in pairs(b) do if a[k] == nil then return false end end
    return true
end

---Fail unless the two are equal; tables are compared by content.
function t.equal(got, want)
    if not same(got, want) then fail("is %s, expected %s", show(got), show(want)) end
end

---Fail unless `value` is true (or anything but nil and false).
function t.ok(value, text)
    if not value then fail("%s", text or "is " .. tostring(value)) end
end

-- Begin test `i`. Called by the runner, as the rest below.
function M.begin(i, allowance)
    scripts, phones, listening, patience, M.reason = {}, {}, {}, allowance, nil
    start(M.tests[i].run, t)
end

local function resume(script)
    script.woken, script.at = false, nil
    local ok, value = coroutine.resume(script.run)
    if not ok then
        M.reason = M.reason or (value == M.skip and value) or tostring(value)
        coroutine.close(script.run)
    elseif coroutine.status(script.run) ~= "dead" then
        script.at = value
    end
    script.done = coroutine.status(script.run) == "dead"
end

-- Run every script that has something to do. Returns how many are left and the earliest time one waits for.
function M.run()
    local i, now, earliest = 1, exchange.now(), nil ---@type integer, integer, integer?
    while i <= #scripts and not M.reason do
        local script = scripts[i]
        if script.woken or script.at and script.at <= now then resume(script) end
        if script.done then
            table.remove(scripts, i)
        else
            if script.at and (not earliest or script.at < earliest) then earliest = script.at end
            i = i + 1
        end
    end
    if M.reason then scripts = {} end
    return #scripts, earliest
end

-- Everyone puts the receiver down, and picks up no more.
function M.leave()
    local lines = {}
    for line, phone in pairs(phones) do
        if phone.line == line and not phone.over then lines[#lines + 1] = line end
    end
    table.sort(lines)
    for _, line in ipairs(lines) do phones[line]:hangsUp() end
    for number in pairs(listening) do exchange.unregister(number) end
    listening = {}
end

return setmetatable(M, {
    __call = function(_, name, run)
        if type(name) ~= "string" or type(run) ~= "function" then
            error('test("what it shows", function(t) ... end)', 2)
        end
        local info = exchange.info(2, "Sl")
        M.tests[#M.tests + 1] = { name = name, run = run, place = info.source:sub(2) .. ":" .. info.currentline }
    end,
})
