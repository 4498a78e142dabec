-- Which flow takes which call: the first line that fits. `*` at the end of a number stands for any rest.
return {
    { to = "+14255550110", flow = "voicemail" },
    { to = "+14255550111", flow = "echo" },
    { flow = "main" },
}
