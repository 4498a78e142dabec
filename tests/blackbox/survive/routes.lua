return {
    { to = "+14255550201", flow = "walk" },
    { to = "+14255550202", flow = "digits" },
    { to = "+14255550203", flow = "quit" },
    { to = "+14255550204", flow = "connect" },
    { to = "+14255550205", flow = "ring" },
    { to = "+14255550206", flow = "message" },
    { to = "+14255550207", flow = "park" },
    { to = "+14255550208", flow = "chat" },
}
