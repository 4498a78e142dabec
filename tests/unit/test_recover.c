#include "test.h"

#include "base/json.h"
#include "host/summary.h"
#include "host/gate.h"
#include "host/mailbox.h"
#include "host/memory_store.h"
#include "host/recorder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY "0123456789abcdef0123456789abcdef"

static struct seal *test_seal(void)
{
    static const unsigned char key[SEAL_KEY] = {7};
    struct seal *s = NULL;

    EXPECT_INT(seal_new(&s, key), 0);
    return s;
}

static struct event event_of(const char *json)
{
    struct event ev = {0};
    struct error e = {""};

    if (event_decode(&ev, json, strlen(json), &e))
        test_expect(false, __FILE__, __LINE__, "%s", e.text);
    return ev;
}

#define TONE(t)                                                                                    \
    "{\"kind\":\"tone\",\"time\":1500,\"key\":\"" KEY "\",\"data\":{\"tone\":\"" t                 \
    "\",\"sequenceId\":4}}"

static void a_bundle_comes_back_as_it_was(void)
{
    static const struct bundle_source sources[] = {
        {"flows/main.lua", "return {}\n\0x", 12}, {"flows/b.lua", "", 0}, {NULL, NULL, 0}};
    struct bundle *b = NULL, *again = NULL;
    struct error e = {""};
    char *bytes;
    size_t n;

    EXPECT_INT(bundle_from(&b, sources, &e), 0);
    bytes = bundle_encode(b, &n);
    EXPECT_INT(bundle_decode(&again, bytes, n, &e), 0);
    EXPECT_STR(again->id, b->id);
    EXPECT_INT(again->nfiles, 2);
    EXPECT_INT(bundle_file(again, "flows/main.lua")->n, 12);
    bundle_unref(again);
    for (size_t i = 0; i < n; i++) { /* cut short, or with one byte that is not what it was */
        char was = bytes[i];

        again = NULL;
        if (i == 0 || bytes[i - 1] != '\n' || i < 90)
            EXPECT(bundle_decode(&again, bytes, i, &e) != 0 || i >= n);
        bundle_unref(again);
        again = NULL;
        bytes[i] = (char)(was ^ 1);
        if (bundle_decode(&again, bytes, n, &e) == 0)
            EXPECT_STR(again->id, b->id); /* the folder's name is not part of the id */
        bundle_unref(again);
        bytes[i] = was;
    }
    free(bytes);
    bundle_unref(b);
}

static void a_key_is_written_sealed(void)
{
    struct seal *seal = test_seal();
    struct event ev = event_of(TONE("tone7")), back = {0};
    struct error e = {""};
    char *text = recorder_event_text(seal, &ev);

    EXPECT(strstr(text, "tone7") == NULL);
    EXPECT_IN(text, "\"sealed\":");
    EXPECT_INT(recorder_event_read(seal, text, strlen(text), &back, &e), 0);
    EXPECT_STR(json_str(back.data, "tone"), "tone7");
    EXPECT_INT(json_int(back.data, "sequenceId", 0), 4);
    event_fini(&back);
    strstr(text, KEY)[0] = 'f'; /* the value of another call */
    EXPECT_INT(recorder_event_read(seal, text, strlen(text), &back, &e), ERR_NOTFOUND);
    free(text);
    event_fini(&ev);
    seal_close(seal);
}

/* One short call with a key, written down; its summary and timeline. */
static void write_call(struct memory_store *m, bool keep, bool secret)
{
    struct store store = memory_store_use(m);
    struct seal *seal = test_seal();
    struct recorder_config cfg = {.store = &store, .seal = seal, .keep_tones = keep};
    struct event start = event_of("{\"kind\":\"start\",\"time\":1000,\"key\":\"" KEY
                                  "\",\"data\":{\"direction\":\"incoming\",\"bundle\":\"b1\"}}");
    struct event tone = event_of(TONE("tone7"));
    struct command play = {.kind = COMMAND_METHOD,
                           .key = KEY,
                           .seq = 1,
                           .method = "playPrompt",
                           .where = "flows/main.lua:3"};
    static const char prompts[] = "{\"prompts\":[{\"prompt\":{\"name\":\"welcome\"}},{\"prompt\":{"
                                  "\"name\":\"digit-7\"}}]}"; /* reads the key back */
    struct command end = {.kind = COMMAND_END, .key = KEY, .seq = 2};
    const struct engine_record *hooks;
    struct recorder *r = NULL;

    EXPECT_INT(recorder_new(&r, &cfg), 0);
    hooks = recorder_hooks(r);
    json_parse(&play.args, prompts, sizeof prompts - 1, NULL);
    end.args = cJSON_CreateObject();
    json_set_str(end.args, "result", "done");
    if (secret)
        json_set(end.args, "secret", cJSON_CreateTrue());
    EXPECT(hooks->event(hooks->arg, &start) > 0);
    EXPECT(hooks->command(hooks->arg, &play) > 0);
    EXPECT(hooks->event(hooks->arg, &tone) > 0);
    EXPECT(hooks->command(hooks->arg, &end) > 0);
    EXPECT_INT(hooks->event(hooks->arg, &tone), 0); /* it is over */
    event_fini(&start);
    event_fini(&tone);
    command_fini(&play);
    command_fini(&end);
    recorder_free(r);
    seal_close(seal);
}

static void the_end_keeps_a_summary(void)
{
    static const struct {
        bool keep, secret, sealed;
    } cases[] = {{false, false, false}, {true, false, true}, {true, true, false}};

    for (size_t i = 0; i < 3; i++) {
        struct memory_store *m = NULL;
        const char *summary, *timeline;

        EXPECT_INT(memory_store_new(&m), 0);
        write_call(m, cases[i].keep, cases[i].secret);
        summary = memory_store_summary(m, KEY);
        timeline = memory_store_timeline(m, KEY);
        EXPECT_IN(summary, "\"began\":1000,\"ended\":1500,\"bundle\":\"b1\"");
        EXPECT_IN(summary, "\"keys\":1,\"prompts\":[\"welcome\",\"(key)\"],\"result\":\"done\"");
        EXPECT_IN(timeline, "{\"at\":0,\"kind\":\"start\",\"what\":\"incoming\"}");
        EXPECT_IN(timeline, "\"prompts\":[\"welcome\",\"(key)\"],\"where\":\"flows/main.lua:3\"}");
        EXPECT_IN(timeline, "\"kind\":\"end\",\"what\":\"done\"}");
        EXPECT(strstr(timeline, "tone7") == NULL);
        EXPECT_INT(strstr(timeline, "\"sealed\":") != NULL, cases[i].sealed);
        memory_store_free(m);
    }
}

static void what_must_not_repeat_is_known_by_its_arguments(void)
{
    static const struct {
        enum command_kind kind;
        const char *method, *args;
        bool digest;
    } rows[] = {
        {COMMAND_METHOD, "transfer", "{}", true},
        {COMMAND_METHOD, "playPrompt", "{}", false},
        {COMMAND_METHOD, "participant.delete", NULL, false},
        {COMMAND_HTTP, NULL, "{\"method\":\"GET\"}", false},
        {COMMAND_HTTP, NULL, "{\"method\":\"POST\",\"body\":\"x\"}", true},
        {COMMAND_HTTP, NULL, "{\"method\":\"DELETE\"}", true},
        {COMMAND_STORE, NULL, "{\"op\":\"get\"}", true},
    };
    struct seal *seal = test_seal();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct command c = {.kind = rows[i].kind, .method = rows[i].method, .seq = 3};
        char *text;

        if (rows[i].args)
            json_parse(&c.args, rows[i].args, strlen(rows[i].args), NULL);
        text = recorder_command_text(seal, &c);
        test_expect((strstr(text, "\"digest\"") != NULL) == rows[i].digest, __FILE__, __LINE__,
                    "row %zu: %s", i, text);
        free(text);
        command_fini(&c);
    }
    seal_close(seal);
}

/* Recovery gives the start twice: when it begins, and when it builds the call. */
static void a_start_is_noted_once(void)
{
    struct memory_store *m = NULL;
    struct event start = event_of("{\"kind\":\"start\",\"time\":1000,\"key\":\"" KEY "\"}");
    struct command end = {.kind = COMMAND_END, .key = KEY};
    struct recorder_config cfg = {0};
    struct recorder *r = NULL;
    struct store store;

    EXPECT_INT(memory_store_new(&m), 0);
    store = memory_store_use(m);
    cfg.store = &store;
    EXPECT_INT(store.begin(store.arg, KEY, 1000, "b", "{}", 2, NULL), 0);
    EXPECT_INT(recorder_new(&r, &cfg), 0);
    recorder_resume_event(r, &start, NULL);
    recorder_resume_event(r, &start, NULL);
    recorder_hooks(r)->command(r, &end);
    EXPECT_STR(memory_store_timeline(m, KEY),
               "[{\"at\":0,\"kind\":\"start\"},{\"at\":0,\"kind\":\"end\"}]");
    event_fini(&start);
    recorder_free(r);
    memory_store_free(m);
}

/* Hours in a queue: how the call began and how it ended stays, and how much is missing between. */
static void a_long_timeline_loses_its_middle(void)
{
    struct summary s = {.began = 0};
    struct command play = {.kind = COMMAND_METHOD,
                           .method = "playPrompt",
                           .where = "flows/q.lua:3"},
                   nothing = {.kind = COMMAND_END};
    long long shown = 0, trimmed = 0, last = -1;
    const cJSON *line;
    cJSON *lines = NULL;
    char *text;

    for (int i = 0; i < 10000; i++)
        summary_command(&s, &play, i);
    text = summary_timeline(&s, &nothing, false);
    EXPECT(text && strlen(text) < 40000);
    EXPECT_INT(json_parse(&lines, text, strlen(text), NULL), 0);
    cJSON_ArrayForEach (line, lines) {
        EXPECT(json_int(line, "at", -1) == last + 1);
        last = json_int(line, "at", -1);
        if (strcmp(json_str(line, "kind"), "trimmed") != 0) {
            shown++;
            continue;
        }
        EXPECT_INT(trimmed, 0);
        trimmed = strtoll(json_str(line, "what"), NULL, 10);
        EXPECT(last > 50 && trimmed > 9000);
        last += trimmed - 1;
    }
    EXPECT_INT(last, 9999);
    EXPECT_INT(shown + trimmed, 10000);
    cJSON_Delete(lines);
    free(text);
    summary_fini(&s);
}

static void the_gate_keeps_order(void)
{
    struct gate g;
    struct command c = {.kind = COMMAND_METHOD, .key = KEY, .method = "answer"};
    struct engine_action a = {.kind = ENGINE_ANSWER, .id = 9};
    struct gated *first;

    gate_init(&g);
    EXPECT(!gate_has(&g, KEY));
    EXPECT_INT(gate_command(&g, &c, 5, 1000), 0);
    EXPECT_INT(gate_answer(&g, &a, 6, 1500), 0);
    EXPECT(gate_has(&g, KEY));
    EXPECT(gate_first(&g, 4, 1100) == NULL);
    EXPECT_INT(gate_deadline(&g), 1000 + GATE_MS);
    first = gate_first(&g, 5, 1100);
    EXPECT(first && !first->is_answer);
    gate_remove(&g, first);
    EXPECT(!gate_has(&g, KEY));
    EXPECT(gate_first(&g, 5, 1100) == NULL);
    first = gate_first(&g, 5, 1500 + GATE_MS); /* the disk refuses: not waited for any longer */
    EXPECT(first && first->is_answer && first->answer.id == 9);
    gate_fini(&g);
}

static void mail_waits_for_its_call(void)
{
    struct mailbox m;
    struct event ev = event_of(TONE("tone1"));
    struct letter *l;
    char key[KEY_MAX];

    mailbox_init(&m);
    EXPECT(!mailbox_expects(&m, KEY, key));
    EXPECT_INT(mailbox_open(&m, KEY), 0);
    EXPECT(mailbox_expects(&m, KEY ".2", key));
    EXPECT_STR(key, KEY);
    EXPECT(!mailbox_expects(&m, "", key));
    EXPECT_INT(mailbox_webhook(&m, KEY, 3, KEY ".2", NULL, "{}", 2), 0);
    EXPECT_INT(mailbox_event(&m, &ev), 0);
    l = mailbox_take(&m, KEY);
    EXPECT(!l->is_event && l->id == 3);
    EXPECT_STR(l->body, "{}");
    letter_free(l);
    mailbox_pass(&m, KEY);
    EXPECT(!mailbox_expects(&m, KEY, key));
    EXPECT(mailbox_is_open(&m, KEY));
    mailbox_close(&m, KEY); /* with what is left in it */
    EXPECT(!mailbox_is_open(&m, KEY));
    mailbox_fini(&m);
}

const struct test recover_tests[] = {
    TEST(a_bundle_comes_back_as_it_was),
    TEST(a_key_is_written_sealed),
    TEST(the_end_keeps_a_summary),
    TEST(the_gate_keeps_order),
    TEST(mail_waits_for_its_call),
    TEST(a_long_timeline_loses_its_middle),
    TEST(what_must_not_repeat_is_known_by_its_arguments),
    TEST(a_start_is_noted_once),
    {0},
};
