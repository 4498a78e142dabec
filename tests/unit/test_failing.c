/* Memory that fails in the journal and in recovery: nothing crashes or leaks, and no call is lost
 * without a word. */
#include "tests/unit/recover_world.h"
#include "tests/unit/test.h"

#include "base/json.h"
#include "host/gate.h"
#include "host/mailbox.h"
#include "host/values.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "0123456789abcdef0123456789abcdef"

static const char flow[] =
    "local store = require 'ivr.store'\n"
    "local http = require 'ivr.http'\n"
    "local flow = {}\n"
    "function flow.onCall(call)\n"
    "    call:answer()\n"
    "    call:subscribeToTone()\n"
    "    store.put('n', { a = 1 })\n"
    "    http.get 'https://other.test/x'\n"
    "    local key = call:nextTone{ timeout = 20 }\n"
    "    require('ivr.log').info('key ' .. (key and key.key or 'none') .. ' ' .. store.incr 'm')\n"
    "    call:nextTone{ timeout = 20 }\n"
    "    call:transfer '+14255550111'\n"
    "end\n"
    "return flow\n";

static const struct service_reply replies[] = {
    {"other.test", 200, "{\"a\":1}"},
    {"subscribeToTone", 200, "{\"id\":\"op1\",\"status\":\"completed\"}"},
    {NULL, 0, NULL},
};

#define TONE(n)                                                                                    \
    "{\"@odata.type\":\"#microsoft.graph.call\",\"state\":\"established\",\"toneInfo\":{"          \
    "\"sequenceId\":" #n ",\"tone\":\"tone" #n "\"}}"

/* A call that has heard one key and waits for the next. */
static void live(struct recover_world *w)
{
    recover_init(w, flow);
    w->replies = replies;
    recover_offer(w, true);
    recover_pass(w, 1000);
    recover_tell(w, "updated", "", TONE(1));
    recover_pass(w, 100);
    EXPECT_INT(recover_count(&w->logged, "key 1 1"), 1);
}

/* Whatever happened to the call, somebody was told, or it went on. */
static void is_accounted_for(struct recover_world *w, int err)
{
    bool went_on = recover_count(&w->asked, "/transfer") > 0;

    EXPECT(err || went_on || recover_count(&w->logged, "error ") > 0);
    EXPECT_INT(engine_recovering(w->engine), 0);
}

struct tally {
    unsigned whole, without_flow, refused;
};

/* Memory is out from the n-th allocation of recovery on for five seconds, or for that one only. */
static bool take_up(long n, bool once, struct tally *t)
{
    struct recover_world w;
    bool more;
    int err;

    live(&w);
    recover_crash(&w);
    (once ? test_fail_one_allocation : test_fail_allocation)(n);
    err = recover_begin(&w);
    for (int i = 0; !err && i < 10; i++)
        recover_pass(&w, 500);
    more = test_allocation_failed();
    test_fail_allocation(-1);
    if (err) /* nothing was begun, and it is tried again */
        t->refused++;
    recover_pass(&w, 60000);
    is_accounted_for(&w, 0);
    if (recover_count(&w.asked, "/transfer")) {
        bool without = recover_count(&w.logged, "without its flow") > 0;

        t->whole += !without;
        t->without_flow += without;
    }
    EXPECT(recover_count(&w.asked, "/transfer") <= 1);
    recover_fini(&w);
    return more;
}

static void while_calls_are_taken_up(void)
{
    for (int once = 0; once < 2; once++) {
        struct tally t = {0, 0, 0};
        long n = 0;

        while (take_up(n, once, &t) && n < 6000)
            n += n < 1200 ? 1 : 7;
        EXPECT(n < 6000);
        EXPECT(t.whole > 100); /* mostly it is only later */
        EXPECT(t.refused > 2);
        EXPECT_INT(t.without_flow, 0);
    }
}

/* The same in the life before: what could not be written ends in the fallback, or went well. */
static bool write_down(long n, bool once)
{
    struct recover_world w;
    bool begun, more;

    recover_init(&w, flow);
    w.replies = replies;
    (once ? test_fail_one_allocation : test_fail_allocation)(n);
    recover_offer(&w, true);
    recover_pass(&w, 300);
    more = test_allocation_failed();
    test_fail_allocation(-1);
    begun = core_calls(engine_core(w.engine)) > 0;
    recover_tell(&w, "updated", "", TONE(1)); /* the service says it again */
    recover_pass(&w, 10000);
    begun = begun && core_calls(engine_core(w.engine)) > 0;
    recover_crash(&w);
    EXPECT_INT(recover_begin(&w), 0);
    recover_pass(&w, 60000);
    if (begun)
        EXPECT(recover_count(&w.asked, "/transfer") == 1 || recover_count(&w.logged, "error ") > 0);
    recover_fini(&w);
    return more;
}

static void while_calls_are_written(void)
{
    for (int once = 0; once < 2; once++) {
        long n = 0;

        while (write_down(n, once) && n < 6000)
            n += n < 600 ? 1 : 7;
        EXPECT(n < 6000);
    }
}

static void the_gate(void)
{
    EVERY_ALLOCATION(n)
    {
        struct gate g;
        struct command c = {.kind = COMMAND_METHOD, .key = KEY, .method = "answer"}, d = c;
        struct engine_action a = {.kind = ENGINE_ANSWER, .id = 9};
        int first, second, third;

        gate_init(&g);
        first = gate_command(&g, &c, 5, 1000);
        second = gate_command(&g, &d, 5, 1000);
        third = gate_answer(&g, &a, 6, 1500);
        test_fail_allocation(-1);
        EXPECT(!first || first == ERR_NOMEM);
        EXPECT_INT(gate_has(&g, KEY), !first || !second);
        EXPECT_INT(c.method != NULL, first != 0); /* it stays with whoever gave it */
        EXPECT_INT(a.id, third ? 9 : 0);
        for (int i = 0; i < 3; i++)
            if (gate_first(&g, 9, 0))
                gate_remove(&g, gate_first(&g, 9, 0));
        EXPECT(!gate_has(&g, KEY));
        EXPECT(gate_first(&g, 9, 0) == NULL);
        gate_fini(&g);
    }
}

static void the_mailbox(void)
{
    EVERY_ALLOCATION(n)
    {
        struct event ev = {.kind = EVENT_SIGNAL, .key = KEY};
        struct mailbox m;
        int opened, webhook = ERR_NOMEM, event = ERR_NOMEM, got = 0;
        struct letter *l;

        mailbox_init(&m);
        opened = mailbox_open(&m, KEY);
        if (!opened) {
            webhook = mailbox_webhook(&m, KEY, 3, KEY, "Bearer x", "{}", 2);
            event = mailbox_event(&m, &ev);
        }
        test_fail_allocation(-1);
        EXPECT_INT(mailbox_is_open(&m, KEY), !opened);
        while ((l = mailbox_take(&m, KEY))) {
            EXPECT(l->is_event || (l->body && l->path_key && l->authorization));
            letter_free(l);
            got++;
        }
        EXPECT_INT(got, !webhook + !event);
        EXPECT_INT(m.letters, 0);
        EXPECT_INT(m.bytes, 0);
        mailbox_fini(&m);
    }
}

static void the_values(void)
{
    static const char *const ops[] = {
        "{\"op\":\"put\",\"name\":\"n\",\"value\":{\"a\":[1,2]}}",
        "{\"op\":\"get\",\"name\":\"n\"}", "{\"op\":\"incr\",\"name\":\"m\",\"value\":2}",
        "{\"op\":\"incr\",\"name\":\"m\",\"value\":3}", "{\"op\":\"put\",\"name\":\"n\"}"};
    struct values *v = NULL;
    int64_t sum = 0;

    EVERY_ALLOCATION(n)
    {
        sum = 0;
        if (values_new(&v, NULL)) {
            v = NULL;
            continue;
        }
        for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
            struct command c = {.kind = COMMAND_STORE, .key = KEY, .seq = (uint32_t)i};
            struct values_change change;
            struct event ev = {0};

            json_parse(&c.args, ops[i], strlen(ops[i]), NULL);
            if (c.args && values_apply(v, &c, &ev, &change) == 0) {
                EXPECT(ev.data != NULL);
                if (strcmp(json_str(c.args, "op"), "incr") == 0) {
                    sum += json_int(c.args, "value", 0);
                    EXPECT_INT(json_int(ev.data, "value", -1), sum); /* never counted half */
                }
                values_change_fini(&change);
            }
            event_fini(&ev);
            command_fini(&c);
        }
        values_free(v);
    }
    EXPECT_INT(sum, 5);
}

/* What is written of events and commands, and read again. */
static void the_texts(void)
{
    static const unsigned char bytes[SEAL_KEY] = {7};
    static const char tone[] = "{\"kind\":\"tone\",\"time\":1500,\"key\":\"" KEY
                               "\",\"data\":{\"tone\":\"tone7\",\"sequenceId\":4}}";
    struct command c = {.kind = COMMAND_METHOD, .key = KEY, .method = "transfer", .seq = 4};
    struct event ev = {0};
    struct seal *seal = NULL;

    EXPECT_INT(seal_new(&seal, bytes), 0);
    EXPECT_INT(event_decode(&ev, tone, sizeof tone - 1, NULL), 0);
    EXPECT_INT(json_parse(&c.args, "{\"a\":{\"b\":[1]}}", 15, NULL), 0);
    EVERY_ALLOCATION(n)
    {
        char *text = recorder_event_text(seal, &ev), *command = recorder_command_text(seal, &c);
        struct event back = {0};
        struct error e = {""};
        int err = text ? recorder_event_read(seal, text, strlen(text), &back, &e) : ERR_NOMEM;

        test_fail_allocation(-1);
        EXPECT(!text || !strstr(text, "tone7"));
        if (!err)
            EXPECT_STR(json_str(back.data, "tone"), "tone7");
        else
            EXPECT(back.data == NULL);
        if (command)
            EXPECT_IN(command, "\"digest\":\"");
        event_fini(&back);
        free(command);
        free(text);
    }
    event_fini(&ev);
    command_fini(&c);
    seal_close(seal);
}

const struct test failing_tests[] = {
    TEST(the_gate),
    TEST(the_mailbox),
    TEST(the_values),
    TEST(the_texts),
    TEST(while_calls_are_written),
    TEST(while_calls_are_taken_up),
    {0},
};
