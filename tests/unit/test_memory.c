/*
 * Memory that runs out in the middle of a call: at every single allocation of it, for good or for a
 * moment, in the process or in the cell. Whatever happens to the call, it ends, and nothing is left
 * of it; the decoders and the wire have such tests of their own.
 */
#include "tests/unit/machine_world.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

#define FLOW(body)                                                                                 \
    "local ivr = require 'ivr' local http = require 'ivr.http' local json = require 'ivr.json'\n"  \
    "local store = require 'ivr.store' local log = require 'ivr.log' local M = {}\n"               \
    "local function closer() return setmetatable({}, { __close = function() ivr.sleep(1) end })\n" \
    "end\n"                                                                                        \
    "function M.onCall(call)\n" body "\nend\n"

#define LAST(more) FLOW(more) "return M"

/* Between them: everything that bindings offer. */
static const char *const stories[] = {
    LAST("call:onEnd(function(why) log.info(why) ivr.sleep(1) end) call:answer()\n"
         "call:subscribeToTone() call:playPrompt { prompts = { 'welcome' } }\n"
         "local key = call:nextTone { timeout = 1 } local r = call:recordResponse { prompts = { "
         "'welcome' } }\n"
         "r:download() call:transfer { phone = '+14255550100' }"),
    LAST("call:answer() local op = call:start('playPrompt', 'welcome') local _ = op.status\n"
         "op:cancel() local name = ivr.first { a = function() ivr.sleep(5) end, b = function()\n"
         "local _ <close> = closer() call:nextTone { timeout = 1 } end }\n"
         "ivr.all { function() ivr.sleep(1) end, function() ivr.shield(ivr.sleep, 1) end }\n"
         "pcall(function() ivr.spawn(error, 'x'):await() end) call:hangup()"),
    LAST("local t = json.decode('{\"a\":[1,null,{\"b\":\"x\"}]}') json.encode(t)\n"
         "pcall(http.post, 'http://x.test/', { json = { a = { 1, 2 } } })\n"
         "pcall(ivr.step, 's', function() return http.get 'http://x.test/' end)\n"
         "pcall(error, { code = 1 }) log.warn('x', t) call:answer()\n"
         "ivr.spawn(function() pcall(store.put, 'k', { 1 }) end) call:nextTone { timeout = 9 }"),
    FLOW("call:answer() local _ = call.resource, call.roster, call.from, call.operations\n"
         "local other = ivr.createCall { targets = { { phone = '+14255550101' } } }\n"
         "other:playPrompt 'welcome' other:hangup() call:mute()\n"
         "call:continueAs('main', { text = 'x', list = { 1, 2 } })") "function M.onContinue(call, "
                                                                     "state) log.info(state.text) "
                                                                     "call:playPrompt 'welcome' "
                                                                     "end return M",
    FLOW("call:answer() error('on purpose')") "function M.onError(call, e) call:playPrompt "
                                              "'welcome'\n"
                                              "error 'again' end return M",
};

enum { STORIES = sizeof stories / sizeof *stories };

static void tell(struct flow_world *w)
{
    static const char *const events[] = {
        "{\"kind\":\"roster\",\"data\":[{\"id\":\"a\",\"rosterSequenceNumber\":1}]}",
        TONE(1, 1),
        "{\"kind\":\"call\",\"data\":{\"subject\":\"x\",\"chatInfo\":{\"threadId\":\"t\"}}}",
        "{\"kind\":\"joining\",\"seq\":90,\"data\":{\"identity\":{\"user\":{\"id\":\"u\"}}}}",
        "{\"kind\":\"left\",\"data\":{\"participantId\":\"p\"}}",
        TONE(3, 3),
        TONE(2, 2)};

    flow_pass(w, 500);
    for (size_t i = 0; i < sizeof events / sizeof *events; i++)
        flow_give(w, events[i]);
    flow_pass(w, 20000);
}

/* The call is over, by itself or because the caller leaves, and nothing of it is left. */
static void ends(struct flow_world *w, const char *flow, long n)
{
    test_fail_allocation(-1);
    if (core_calls(w->core))
        flow_give(w, DELETED);
    flow_pass(w, 120000);
    test_expect(core_calls(w->core) == 0 && core_next_deadline(w->core) == INT64_MAX, __FILE__,
                __LINE__, "%s\n    failing at %ld: %zu calls left", flow, n, core_calls(w->core));
    buf_reset(&w->text);
    buf_reset(&w->logs);
    buf_reset(&w->record);
    event_list_fini(&w->queue);
}

/* A machine of its own each time: one that has run has room left over from before. */
static void renew(struct flow_world *w, const struct limits *l)
{
    struct core_config cfg = flow_config(l);
    struct error e;

    core_free(w->core);
    CHECK(core_new(&w->core, &cfg, &e) == 0 && core_use(w->core, w->bundle, &e) == 0);
    w->ended = false;
}

static void everywhere(void (*fail)(long n))
{
    for (int i = 0; i < STORIES; i++) {
        struct flow_world w;
        long n = 0;

        flow_init(&w, stories[i], NULL);
        w.serves = true;
        do {
            renew(&w, NULL);
            fail(n);
            if (flow_start(&w) == 0)
                tell(&w);
            ends(&w, stories[i], n++);
        } while (test_allocation_failed());
        EXPECT(n > 200);
        flow_fini(&w);
    }
}

static void runs_out_for_good(void)
{
    everywhere(test_fail_allocation);
}

static void runs_out_for_a_moment(void)
{
    everywhere(test_fail_one_allocation);
}

/* The cell's own allocator refuses, at one size after the other. */
static void runs_out_in_the_cell(void)
{
    for (int i = 0; i < STORIES; i++) {
        struct limits l = LIMITS_DEFAULT;
        struct flow_world w;

        flow_init(&w, stories[i], NULL);
        w.serves = true;
        for (l.turn_bytes = 0; l.turn_bytes < 40000; l.turn_bytes += 97) {
            renew(&w, &l);
            flow_start(&w);
            tell(&w);
            ends(&w, stories[i], (long)l.turn_bytes);
            EXPECT(w.ended);
        }
        flow_fini(&w);
    }
}

const struct test memory_tests[] = {
    TEST(runs_out_for_good), TEST(runs_out_for_a_moment), TEST(runs_out_in_the_cell), {0}};
