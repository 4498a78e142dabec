-- Time, fibers, further legs. What each does is said in meta/ivr.lua.

local native = require "ivr.native"

local ivr = {
    sleep = native.sleep,
    now = native.now,
    shield = native.shield,
    joinInfo = native.joinInfo,
    createCall = native.createCall,
    logTeleconferenceDeviceQuality = native.logTeleconferenceDeviceQuality,
}

function ivr.spawn(fn, ...)
    return native.spawn(0, fn, ...)
end

function ivr.step(name, fn, ...)
    if type(fn) ~= "function" then
        error("step: a function, not a " .. type(fn), 2)
    end
    local _ <close> = native.step(name)
    return fn(...)
end

-- Begin all branches, in the order of their names: names by number of the fiber, fibers by name.
local function begin(what, branches)
    if type(branches) ~= "table" then
        error(what .. ": a table of functions, not a " .. type(branches), 3)
    end
    for name, fn in pairs(branches) do
        if type(fn) ~= "function" then
            error(what .. ": " .. tostring(name) .. ": a function, not a " .. type(fn), 3)
        end
    end
    local group, names, fibers = native.group(), {}, {}
    for name, fn in pairs(branches) do
        local fiber = native.spawn(group, fn)
        names[native.number(fiber)] = name
        fibers[name] = fiber
    end
    return group, names, fibers
end

local function forgetting(group, ...)
    native.forget(group)
    return ...
end

function ivr.first(branches)
    local group, names, fibers = begin("first", branches)
    if next(fibers) == nil then
        error("first: there is nothing to run", 2)
    end
    local name = names[native.any(group)]
    native.close(group)
    return forgetting(group, name, fibers[name]:await())
end

function ivr.all(branches)
    local group, names, fibers = begin("all", branches)
    local failed = native.all(group)
    local results = {}
    if failed then
        native.close(group)
        fibers[names[failed]]:await() -- raises
    end
    for name, fiber in pairs(fibers) do
        results[name] = fiber:await()
    end
    native.forget(group)
    return results
end

return ivr
