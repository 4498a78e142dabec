#include "test.h"

#include "base/json.h"
#include "graph/joinlink.h"
#include "graph/methods.h"

#include <stdlib.h>
#include <string.h>

#define HOST    "https://teams.microsoft.com"
#define THREAD  "19%3ameeting_Win6Ydo4wsMijFjZS00ZGVj%40thread.v2"
#define TID     "9f386a15-f9cc-445b-8106-ac85e314a07b"
#define OID     "5810cede-f3cc-42eb-b2c1-e9bd5d53ec96"
#define CONTEXT "?context=%7b%22Tid%22%3a%22" TID "%22%2c%22Oid%22%3a%22" OID "%22%7d"

static void decodes(int line, const char *url, const char *thread, const char *message)
{
    struct error e = {""};
    cJSON *v = NULL;
    const cJSON *user;

    test_expect(joinlink_decode(url, &v, &e) == 0, __FILE__, line, "%s: %s", url, e.text);
    test_expect_str(json_str(json_get(v, "chatInfo"), "threadId"), thread, url, __FILE__, line);
    test_expect_str(json_str(json_get(v, "chatInfo"), "messageId"), message, url, __FILE__, line);
    user = json_get(json_get(json_get(v, "meetingInfo"), "organizer"), "user");
    test_expect_str(json_str(user, "id"), OID, url, __FILE__, line);
    test_expect_str(json_str(user, "tenantId"), TID, url, __FILE__, line);
    test_expect_str(json_str(v, "tenantId"), TID, url, __FILE__, line);
    /* and it is what create takes */
    test_expect_int(method_check(method_find("create"), VERSION_V1, v, &e), 0, e.text, __FILE__,
                    line);
    cJSON_Delete(v);
}

static void refuses(int line, const char *url, const char *why)
{
    struct error e = {""};
    cJSON *v = NULL;

    test_expect_int(joinlink_decode(url, &v, &e), ERR_INVALID, url, __FILE__, line);
    test_expect_in(e.text, why, url, __FILE__, line);
    EXPECT(v == NULL);
}

#define DECODES(url, thread, message) decodes(__LINE__, url, thread, message)
#define REFUSES(url, why)             refuses(__LINE__, url, why)

static void links_of_real_life(void)
{
    static const char thread[] = "19:meeting_Win6Ydo4wsMijFjZS00ZGVj@thread.v2";

    DECODES(HOST "/l/meetup-join/" THREAD "/0" CONTEXT, thread, "0");
    DECODES("HTTPS://Teams.Microsoft.com:443/l/Meetup-Join/" THREAD "/0" CONTEXT "&anon=true",
            thread, "0");
    DECODES("https://teams.live.com/l/meetup-join/" THREAD "/0" CONTEXT, thread, "0");
    DECODES(HOST "/_#/l/meetup-join/" THREAD "/0" CONTEXT, thread, "0");
    DECODES(HOST "/l/meetup-join/19:meeting_Win6Ydo4wsMijFjZS00ZGVj@thread.v2/0?context="
                 "{\"Tid\":\"" TID "\",\"Oid\":\"" OID "\"}",
            thread, "0");
    DECODES(HOST "/l/meetup-join/19%253ameeting_Win6Ydo4wsMijFjZS00ZGVj%2540thread.v2/0?context="
                 "%257b%2522Tid%2522%253a%2522" TID "%2522%252c%2522Oid%2522%253a%2522" OID
                 "%2522%257d",
            thread, "0");
    DECODES("https%3A%2F%2Fteams.microsoft.com%2Fl%2Fmeetup-join%2F19%253ameeting_Win6Ydo4wsMijFjZ"
            "S00ZGVj%2540thread.v2%2F0%3Fcontext%3D%257b%2522Tid%2522%253a%2522" TID
            "%2522%252c%2522Oid%2522%253a%2522" OID "%2522%257d",
            thread, "0");
    DECODES(HOST "/l/meetup-join/19%3acbee7c1c860e465f8258e3cebf7bee0d%40thread.skype/"
                 "1533758867081" CONTEXT,
            "19:cbee7c1c860e465f8258e3cebf7bee0d@thread.skype", "1533758867081");
}

static void keeps_the_reply_of_a_channel(void)
{
    cJSON *v = NULL;
    struct error e;

    EXPECT_INT(joinlink_decode(HOST "/l/meetup-join/t/1?context={\"Tid\":\"a\",\"Oid\":\"b\","
                                    "\"MessageId\":\"77\"}",
                               &v, &e),
               0);
    EXPECT_STR(json_str(json_get(v, "chatInfo"), "replyChainMessageId"), "77");
    cJSON_Delete(v);
}

static void names_what_is_missing(void)
{
    char *large = malloc(6000);

    REFUSES("http://teams.microsoft.com/l/meetup-join/" THREAD "/0" CONTEXT, "https://");
    REFUSES("https://teams.microsoft.com.evil.com/l/meetup-join/t/0" CONTEXT, "no host of Teams");
    REFUSES("https://teams.microsoft.com@evil.com/l/meetup-join/t/0" CONTEXT, "no host of Teams");
    REFUSES("https://evil.com/teams.microsoft.com/l/meetup-join/t/0" CONTEXT, "no host of Teams");
    REFUSES("https://", "no host of Teams");
    REFUSES("", "https://");
    REFUSES(HOST "/meet/9876543210?p=abc", "no meetup-join");
    REFUSES(HOST "/l/meetup-join/", "no thread id");
    REFUSES(HOST "/l/meetup-join/" CONTEXT, "no thread id");
    REFUSES(HOST "/l/meetup-join/" THREAD, "no message id");
    REFUSES(HOST "/l/meetup-join/" THREAD "/" CONTEXT, "no message id");
    REFUSES(HOST "/l/meetup-join/" THREAD CONTEXT, "no message id");
    REFUSES(HOST "/l/meetup-join/" THREAD "/0", "no context");
    REFUSES(HOST "/l/meetup-join/" THREAD "/0?context=7", "no JSON object");
    REFUSES(HOST "/l/meetup-join/" THREAD "/0?context=%7b%22Tid%22%3a%7d", "no JSON object");
    REFUSES(HOST "/l/meetup-join/" THREAD "/0?context=%7b%22Oid%22%3a%22x%22%7d", "Tid");
    REFUSES(HOST "/l/meetup-join/" THREAD "/0?context=%7b%22Tid%22%3a%22x%22%7d", "Oid");
    REFUSES(HOST "/l/meetup-join/" THREAD "/0?context=%7b%22Tid%22%3a7%7d", "Tid");
    REFUSES(HOST "/l/meetup-join/%zz/0" CONTEXT, "percent-encoding");
    REFUSES(HOST "/l/meetup-join/%00/0" CONTEXT, "percent-encoding");
    REFUSES(HOST "/l/meetup-join/%25252525253a/0" CONTEXT, "percent-encoding");
    memset(large, 'a', 5999);
    large[5999] = '\0';
    REFUSES(large, "longer than");
    free(large);
}

static void targets(void)
{
    static const struct {
        const char *text, *kind, *id;
    } cases[] = {{"+14255550100", "phone", "+14255550100"},
                 {"tel:+1 (425) 555-0100", "phone", "+14255550100"},
                 {OID, "user", OID},
                 {"user:alice", "user", "alice"}};
    static const char *const bad[] = {"",      "14255550100", "+12",       "+1234567890123456",
                                      "user:", "alice",       "+1425x",    "http://x",
                                      "+",     "tel:",        "ftp://+111"};
    struct error e;
    cJSON *v = NULL;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const cJSON *who;

        EXPECT_INT(joinlink_target(cases[i].text, &v, &e), 0);
        who = json_get(cJSON_GetArrayItem(json_get(v, "targets"), 0), "identity");
        EXPECT_STR(json_str(json_get(who, cases[i].kind), "id"), cases[i].id);
        EXPECT_INT(method_check(method_find("create"), VERSION_V1, v, &e), 0);
        cJSON_Delete(v);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        test_expect_int(joinlink_target(bad[i], &v, &e), ERR_INVALID, bad[i], __FILE__, __LINE__);
        EXPECT_IN(e.text, "join link");
    }
    EXPECT_INT(joinlink_target(HOST "/l/meetup-join/" THREAD "/0" CONTEXT, &v, &e), 0);
    EXPECT(json_get(v, "meetingInfo") != NULL);
    cJSON_Delete(v);
    EXPECT_INT(joinlink_target(HOST "/meet/1", &v, &e), ERR_INVALID);
    EXPECT_IN(e.text, "meetup-join");
}

static void survives_failing_memory(void)
{
    static const char *const texts[] = {HOST "/l/meetup-join/" THREAD "/0" CONTEXT, "+14255550100"};

    for (size_t i = 0; i < 2; i++) {
        EVERY_ALLOCATION(n)
        {
            cJSON *v = NULL;
            struct error e;
            int err = joinlink_target(texts[i], &v, &e);

            /* the parser of the context cannot tell failing memory from malformed text */
            EXPECT(err == 0 ? v != NULL : v == NULL && (err == ERR_NOMEM || err == ERR_INVALID));
            cJSON_Delete(v);
        }
    }
}

const struct test joinlink_tests[] = {
    TEST(links_of_real_life),      TEST(keeps_the_reply_of_a_channel),
    TEST(names_what_is_missing),   TEST(targets),
    TEST(survives_failing_memory), {0}};
