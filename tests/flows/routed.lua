-- Where every call goes for which no other route fits.
local flow = {}

function flow.onCall(call)
    call:answer()
    call:playPrompt "one"
end

return flow
