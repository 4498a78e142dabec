-- A bad flow: the tenant of the call says what it does. See ../attack.py.

local attacks = require "lib.attacks"

return {
    onCall = function(call)
        call:answer()
        local attack = attacks[call.tenantId]
        if attack then attack(call) end
    end,
}
