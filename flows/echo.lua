-- Says every key that is pressed, until #. The smallest flow that listens: good for trying a phone.

local prompts = require "ivr.prompts"

local flow = {}

function flow.onCall(call)
    call:answer()
    local tone = prompts.ask(call, "echo-welcome", { first = 15 })
    while tone and tone.key ~= "#" do
        prompts.play(call, prompts.digits(tone.key))
        tone = call:nextTone{ timeout = 15 } -- keys pressed while we spoke are waiting here, in their order
    end
    call:playPrompt "goodbye"
end

return flow
