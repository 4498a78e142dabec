-- A flow of several cases: the number called picks one.
---@param cases table<string, fun(call: ivory.Call)>
---@return ivory.Flow
return function(cases)
    local flow = {}

    function flow.onCall(call)
        local case = cases[call.to]
        if not case then error("no such case: " .. tostring(call.to)) end
        return case(call)
    end

    return flow
end
