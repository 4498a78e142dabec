#include "host/public_path.h"

#include <string.h>

/* What follows `prefix`; NULL: `url` does not begin so. */
static const char *after(const char *url, const char *prefix)
{
    size_t n = strlen(prefix);

    return strncmp(url, prefix, n) == 0 ? url + n : NULL;
}

/* Take `n` bytes as the name, if they fit. */
static bool take_name(struct public_path *out, const char *p, size_t n)
{
    if (n >= sizeof out->name)
        return false;
    memcpy(out->name, p, n);
    out->name[n] = '\0';
    return true;
}

static bool parse_webhook(struct public_path *out, const char *rest)
{
    size_t n;

    if (*rest == '/')
        rest++;
    else if (*rest && *rest != '?')
        return false;
    n = strcspn(rest, "?");
    out->kind = PUBLIC_WEBHOOK;
    return !memchr(rest, '/', n) && take_name(out, rest, n);
}

static bool parse_audio(struct public_path *out, const char *rest, bool recording)
{
    size_t n = strcspn(rest, "?");
    bool text = n > 4 && strncmp(rest + n - 4, ".txt", 4) == 0;

    out->kind = PUBLIC_AUDIO;
    out->store = recording ? STORE_RECORDING : text ? STORE_TEXT : STORE_PROMPT;
    return take_name(out, rest, strcspn(rest, "/.?"));
}

void public_path_parse(struct public_path *out, const char *url)
{
    const char *webhook = after(url, "/api/calls"), *prompt = after(url, "/prompts/"),
               *recording = after(url, "/recordings/");
    bool good = false;

    *out = (struct public_path){0};
    if (webhook)
        good = parse_webhook(out, webhook);
    else if (prompt || recording)
        good = parse_audio(out, prompt ? prompt : recording, recording != NULL);
    if (!good)
        *out = (struct public_path){0};
}
