-- The main menu: what a caller hears first. Every choice can be pressed ahead: "22" goes straight to technical support.

local log  = require "ivr.log"
local menu = require "ivr.menu"

local NUMBERS = {
    operator  = "+14255550100",
    sales     = "+14255550101",
    billing   = "+14255550102",
    technical = "+14255550103",
}

local flow = {}

-- Hands the caller over. When nobody takes the call, an error is raised here and the caller is still ours.
local function connect(call, who)
    call:playPrompt "connecting"
    local ok, err = pcall(call.transfer, call, NUMBERS[who])
    if not ok then
        log.warn("transfer to " .. who .. ": " .. tostring(err))
        call:playPrompt{ "nobody-there", "goodbye" }
    end
end

-- One menu. The second time it is said in short.
local function ask(call, name, keys, greeting)
    return menu.choose(call, {
        prompt = greeting and { greeting, name } or name,
        retry = name .. "-short",
        noinput = "no-input",
        nomatch = "no-match",
        again = "*",
        keys = keys,
    }).choice
end

-- Returns whom to connect, or "top".
local function support(call)
    local choice = ask(call, "support-menu", { ["1"] = "billing", ["2"] = "technical", ["9"] = "top", ["0"] = "operator" })
    return choice or "operator" -- somebody who needs help and presses nothing gets a person
end

function flow.onCall(call)
    call:answer()
    local greeting = "welcome"
    while true do
        local choice = ask(call, "main-menu",
            { ["1"] = "sales", ["2"] = "support", ["3"] = "hours", ["0"] = "operator" }, greeting)
        greeting = nil
        if choice == "support" then
            choice = support(call)
        end
        if not choice then
            return call:playPrompt "goodbye" -- when a flow returns, the call is hung up
        elseif choice == "hours" then
            call:playPrompt "hours"
        elseif choice ~= "top" then
            return connect(call, choice)
        end
    end
end

-- Something in this flow failed while the caller was there. A person takes over.
function flow.onError(call, err)
    log.error(tostring(err))
    call:playPrompt "trouble"
    call:transfer(NUMBERS.operator)
end

return flow
