#include "test.h"

#include "host/public_path.h"

#include <string.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void says_what_a_path_asks_for(void)
{
    static const struct {
        const char *url;
        enum public_kind kind;
        enum store_kind store;
        const char *name;
    } rows[] = {
        {"/api/calls", PUBLIC_WEBHOOK, 0, ""},
        {"/api/calls/", PUBLIC_WEBHOOK, 0, ""},
        {"/api/calls?a=/b", PUBLIC_WEBHOOK, 0, ""},
        {"/api/calls/0123.1?x", PUBLIC_WEBHOOK, 0, "0123.1"},
        {"/api/calls/" HASH, PUBLIC_WEBHOOK, 0, HASH},
        {"/api/calls/" HASH "0", PUBLIC_UNKNOWN, 0, ""},
        {"/api/calls/a/b", PUBLIC_UNKNOWN, 0, ""},
        {"/api/callsx", PUBLIC_UNKNOWN, 0, ""},
        {"/api/call", PUBLIC_UNKNOWN, 0, ""},
        {"/prompts/" HASH "/en/menu.wav", PUBLIC_AUDIO, STORE_PROMPT, HASH},
        {"/prompts/" HASH "/en/menu.wav?x=.txt", PUBLIC_AUDIO, STORE_PROMPT, HASH},
        {"/prompts/" HASH "/en/menu.txt?x", PUBLIC_AUDIO, STORE_TEXT, HASH},
        {"/prompts/../../etc/passwd", PUBLIC_AUDIO, STORE_PROMPT, ""},
        {"/prompts/" HASH "0/en/menu.wav", PUBLIC_UNKNOWN, 0, ""},
        {"/recordings/" HASH ".wav", PUBLIC_AUDIO, STORE_RECORDING, HASH},
        {"/recordings/" HASH ".txt", PUBLIC_AUDIO, STORE_RECORDING, HASH},
        {"/recordings", PUBLIC_UNKNOWN, 0, ""},
        {"/", PUBLIC_UNKNOWN, 0, ""},
        {"", PUBLIC_UNKNOWN, 0, ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct public_path p;

        memset(&p, 1, sizeof p);
        public_path_parse(&p, rows[i].url);
        EXPECT_INT(p.kind, rows[i].kind);
        EXPECT_INT(p.store, rows[i].store);
        EXPECT_STR(p.name, rows[i].name);
    }
}

const struct test public_path_tests[] = {TEST(says_what_a_path_asks_for), {0}};
