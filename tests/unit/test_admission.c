#include "host/admission.h"

#include "base/json.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static struct admission *made(int64_t calls, int64_t per_second, int64_t per_tenant)
{
    const struct admission_config c = {calls, per_second, per_tenant};
    struct admission *a = NULL;

    CHECK(admission_new(&a, &c, NULL) == 0);
    return a;
}

static void begin(struct admission *a, const char *key, const char *tenant)
{
    struct event ev = {.kind = EVENT_START, .data = cJSON_CreateObject()};

    snprintf(ev.key, sizeof ev.key, "%s", key);
    CHECK(json_set_str(ev.data, "tenant", tenant) == 0);
    admission_event(a, &ev);
    event_fini(&ev);
}

static void end(struct admission *a, const char *key)
{
    struct command c = {.kind = COMMAND_END};

    snprintf(c.key, sizeof c.key, "%s", key);
    admission_command(a, &c);
}

static void without_caps_everything_comes_in(void)
{
    struct admission *a = made(0, 0, 0);
    int after;

    for (size_t i = 0; i < 10000; i++)
        EXPECT_INT(admission_ask(a, "t", i, 1000, &after), ADMISSION_FREE);
    EXPECT_INT(after, 0);
    admission_free(a);
}

static void calls_at_once_are_capped(void)
{
    struct admission *a = made(3, 0, 0);
    int after;

    EXPECT_INT(admission_ask(a, NULL, 1, 1000, &after), ADMISSION_FREE);
    /* Let in, though not begun yet, it counts. */
    EXPECT_INT(admission_ask(a, NULL, 1, 1000, &after), ADMISSION_FREE);
    EXPECT_INT(admission_ask(a, NULL, 1, 1000, &after), ADMISSION_CALLS);
    EXPECT(after > 0);
    begin(a, "k1", "t");
    begin(a, "k2", "t");
    EXPECT_INT(admission_ask(a, NULL, 3, 1000, &after), ADMISSION_CALLS);
    EXPECT_INT(admission_ask(a, NULL, 2, 1000, &after), ADMISSION_FREE);
    EXPECT_INT(admission_refused(a, ADMISSION_CALLS), 2);
    admission_free(a);
}

static void new_calls_a_second_are_capped(void)
{
    struct admission *a = made(0, 10, 0);
    int after, in = 0;

    for (int64_t now = 1000000; now < 1010000; now += 20)
        in += admission_ask(a, NULL, 0, now, &after) == ADMISSION_FREE;
    EXPECT(in >= 108 && in <= 110); /* ten seconds, and one second's worth at the begin */
    for (int i = 0; i < 100; i++)
        admission_ask(a, NULL, 0, 1010000, &after);
    EXPECT_INT(after, 1);
    /* A clock that goes back gives nothing away, and takes nothing. */
    EXPECT_INT(admission_ask(a, NULL, 0, 5, &after), ADMISSION_CALLS_PER_SECOND);
    EXPECT_INT(admission_ask(a, NULL, 0, 1010500, &after), ADMISSION_FREE);
    admission_free(a);
}

static void calls_of_a_tenant_are_capped(void)
{
    struct admission *a = made(0, 0, 2);
    int after;

    begin(a, "k1", "Contoso");
    begin(a, "k1", "Contoso"); /* told twice */
    EXPECT_INT(admission_ask(a, "contoso", 1, 1, &after), ADMISSION_FREE);
    begin(a, "k2", "contoso");
    EXPECT_INT(admission_ask(a, "CONTOSO", 2, 1, &after), ADMISSION_PER_TENANT);
    EXPECT_INT(admission_ask(a, "fabrikam", 2, 1, &after), ADMISSION_FREE);
    end(a, "k1");
    end(a, "k1");
    end(a, "unknown");
    EXPECT_INT(admission_ask(a, "contoso", 1, 1, &after), ADMISSION_FREE);
    begin(a, "k3", "contoso");
    EXPECT_INT(admission_ask(a, "contoso", 2, 1, &after), ADMISSION_PER_TENANT);
    EXPECT_STR(admission_cap_name(ADMISSION_PER_TENANT), "per_tenant");
    admission_free(a);
}

static void without_memory_calls_are_let_in(void)
{
    EVERY_ALLOCATION(n)
    {
        const struct admission_config c = {0, 0, 1};
        struct admission *a = NULL;
        int after;

        if (admission_new(&a, &c, NULL))
            continue;
        for (int i = 0; i < 20; i++) {
            char key[16];
            struct event ev = {.kind = EVENT_START};

            snprintf(key, sizeof key, "%d", i);
            ev.data = cJSON_CreateObject();
            if (ev.data && json_set_str(ev.data, "tenant", key) == 0) {
                strcpy(ev.key, key);
                admission_event(a, &ev);
            }
            event_fini(&ev);
        }
        EXPECT_INT(admission_ask(a, "new", 1, 1, &after), ADMISSION_FREE);
        for (int i = 0; i < 20; i++) {
            char key[16];

            snprintf(key, sizeof key, "%d", i);
            end(a, key);
        }
        admission_free(a);
    }
}

const struct test admission_tests[] = {
    TEST(without_caps_everything_comes_in), TEST(calls_at_once_are_capped),
    TEST(new_calls_a_second_are_capped),    TEST(calls_of_a_tenant_are_capped),
    TEST(without_memory_calls_are_let_in),  {0}};
