/*
 * A journal as it could lie on a disk: each line is an event. What is decoded encodes to a text
 * that says the same, and the machine takes it, whatever it is and in whatever order: no crash, no
 * leak, and once the call is over and time has passed nothing is left.
 */
#include "base/error.h"
#include "bindings/bindings.h"
#include "core/core.h"
#include "graph/methods.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

#define KEY "0123456789abcdef0123456789abcdef"

static const char flow[] =
    "local ivr = require 'ivr.native' local http = require 'ivr.http' local M = {}\n"
    "function M.onCall(call)\n"
    "  call:onEnd(function() ivr.sleep(1) end) call:answer() call:subscribeToTone()\n"
    "  ivr.spawn(0, function() pcall(http.get, 'http://x.test/') ivr.sleep(5) end)\n"
    "  local op = call:start('playPrompt', { prompts = {} }) pcall(op.await, op, 3)\n"
    "  pcall(function() call:recordResponse { maxRecordDurationInSeconds = 10 } end)\n"
    "  while call:nextTone { timeout = 9 } do local _ = call.state, call.roster, call.resource "
    "end\n"
    "  call:transfer { phone = '+14255550100' }\n"
    "end\n"
    "function M.onParticipantJoining(call, p) return { reject = 'busy' } end\n"
    "function M.onParticipantLeft(call, p) end\n"
    "function M.onError(call, e) call:nextTone { timeout = 1 } end\n"
    "return M\n";

static struct core *new_core(void)
{
    static const struct bindings_config bindings = {.version = VERSION_BETA};
    const struct bundle_source files[] = {{"flows/main.lua", flow, sizeof flow - 1}, {0}};
    struct core_config cfg = {.limits = LIMITS_DEFAULT,
                              .language = "en",
                              .open = bindings_open,
                              .open_arg = (void *)&bindings};
    struct bundle *b;
    struct core *core;
    struct error e;

    cfg.limits.entries = 200;
    if (bundle_from(&b, files, &e) || core_new(&core, &cfg, &e) || core_use(core, b, &e))
        abort();
    bundle_unref(b);
    return core;
}

static void give(struct core *core, struct event *ev, int64_t now)
{
    struct command_list out = {0};

    if (!ev->key[0])
        strcpy(ev->key, KEY);
    ev->time = now;
    core_handle(core, ev, &out);
    for (size_t i = 0; i < out.n; i++)
        free(command_encode(&out.items[i]));
    command_list_fini(&out);
}

static void timers(struct core *core, int64_t now)
{
    struct event ev = {0};

    while (core_due(core, now, &ev)) {
        give(core, &ev, now);
        event_fini(&ev);
    }
}

static void line(struct core *core, const char *text, size_t n, int64_t now)
{
    struct event ev, back;
    struct error e;
    char *once, *twice;

    if (event_decode(&ev, text, n, &e))
        return;
    once = event_encode(&ev);
    if (event_decode(&back, once, strlen(once), &e))
        abort();
    twice = event_encode(&back);
    if (strcmp(once, twice) != 0)
        abort();
    free(once);
    free(twice);
    event_fini(&back);
    give(core, &ev, now);
    event_fini(&ev);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    static struct core *core;
    static int64_t now = 1764000000000;
    const char *text = (const char *)data, *end = text + n, *next;
    struct event hangup = {.kind = EVENT_CALL, .change = CHANGE_DELETED};

    if (!core)
        core = new_core();
    for (; text < end; text = next + 1) {
        next = memchr(text, '\n', (size_t)(end - text));
        next = next ? next : end;
        line(core, text, (size_t)(next - text), now);
        timers(core, now += 500);
    }
    give(core, &hangup, now);
    for (int i = 0; i < 10 && core_calls(core); i++)
        timers(core, now += 3600000);
    if (core_calls(core))
        abort();
    return 0;
}
