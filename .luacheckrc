-- What flows and the standard library see: no io, no os but the time, no debug, package, coroutine. See docs/lua-api.md.
std = {
    read_globals = {
        "assert", "error", "getmetatable", "ipairs", "load", "next", "pairs", "pcall", "print", "rawequal", "rawget", "rawlen",
        "require", "select", "setmetatable", "tonumber", "tostring", "type", "xpcall", "_VERSION",
        os = { fields = { "time", "date", "clock", "difftime" } },
        string = { fields = { "byte", "char", "find", "format", "gmatch", "gsub", "len", "lower", "match", "pack", "packsize",
            "rep", "reverse", "sub", "unpack", "upper" } },
        table = { fields = { "concat", "insert", "move", "pack", "remove", "sort", "unpack" } },
        math = { other_fields = true },
        utf8 = { other_fields = true },
    },
}
max_line_length = 140
unused_args = false
cache = false

files["stdlib/meta"] = { ignore = { "211", "212", "241" } } -- definitions for the editor: nothing in them is used
files["stdlib/ivr/test.lua"] = { std = "lua54" }            -- runs outside the fence
files["tests/**/*.lua"] = { ignore = { "111", "112", "113", "122", "142", "143" } } -- some break the rules on purpose
exclude_files = { "build" }
