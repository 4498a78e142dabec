#include "test.h"

#include "base/json.h"
#include "host/mocks.h"

#include <stdlib.h>
#include <string.h>

static int add(struct mocks *m, const char *text, struct error *e)
{
    cJSON *mock = NULL;

    if (json_parse(&mock, text, strlen(text), e) < 0)
        return ERR_NOMEM;
    return mocks_add(m, mock, e);
}

static int ask(struct mocks *m, const char *verb, const char *url, const char *body,
               struct http_message *answer, int64_t *delay)
{
    struct http_message request = {0};
    int rc = http_request_init(&request, verb, url);

    if (rc == 0 && body)
        rc = http_set_body(&request, "application/json", body, strlen(body));
    if (rc == 0)
        rc = mocks_answer(m, &request, answer, delay);
    http_fini(&request);
    return rc;
}

static void the_last_fitting_mock_answers(void)
{
    struct mocks m = {0};
    struct http_message answer;
    int64_t delay;

    EXPECT_INT(add(&m, "{\"url\":\"https://a.test/*\",\"json\":{\"b\":1,\"a\":2}}", NULL), 0);
    EXPECT_INT(add(&m,
                   "{\"url\":\"https://a.test/*/x\",\"method\":\"post\",\"status\":201,"
                   "\"body\":\"made\",\"delay\":1.5,\"headers\":{\"X-A\":\"b\"}}",
                   NULL),
               0);
    EXPECT_INT(ask(&m, "GET", "https://a.test/q/x", NULL, &answer, &delay), 0);
    EXPECT_INT(answer.status, 200);
    EXPECT_STR(answer.body, "{\"a\":2,\"b\":1}");
    EXPECT_INT(delay, 0);
    http_fini(&answer);
    EXPECT_INT(ask(&m, "POST", "https://a.test/q/x", "{\"k\":[1]}", &answer, &delay), 0);
    EXPECT_INT(answer.status, 201);
    EXPECT_STR(answer.body, "made");
    EXPECT_STR(http_header(&answer, "x-a"), "b");
    EXPECT_INT(delay, 1500);
    http_fini(&answer);
    mocks_fini(&m);
}

static void without_a_mock_there_is_no_answer(void)
{
    struct mocks m = {0};
    struct http_message answer;
    int64_t delay;

    EXPECT_INT(add(&m, "{\"url\":\"https://a.test/\"}", NULL), 0);
    EXPECT_INT(ask(&m, "GET", "https://a.test/more", NULL, &answer, &delay), 0);
    EXPECT_INT(answer.status, 0);
    EXPECT_STR(answer.body, "no mock for GET https://a.test/more");
    http_fini(&answer);
    mocks_fini(&m);
}

static void requests_are_remembered(void)
{
    struct mocks m = {0};
    struct http_message answer;
    int64_t delay;
    cJSON *all, *some;
    char *text;

    ask(&m, "GET", "https://a.test/1", NULL, &answer, &delay);
    http_fini(&answer);
    ask(&m, "PUT", "https://b.test/2", "{\"k\":1}", &answer, &delay);
    http_fini(&answer);
    all = mocks_requests(&m, NULL);
    some = mocks_requests(&m, "*b.test*");
    EXPECT_INT(cJSON_GetArraySize(all), 2);
    text = json_canonical(some);
    EXPECT_STR(text,
               "[{\"body\":\"{\\\"k\\\":1}\",\"headers\":{\"Content-Type\":\"application/"
               "json\"},\"json\":{\"k\":1},\"method\":\"PUT\",\"url\":\"https://b.test/2\"}]");
    free(text);
    cJSON_Delete(all);
    cJSON_Delete(some);
    mocks_fini(&m);
}

static void a_wrong_mock_is_refused(void)
{
    static const struct {
        const char *text, *why;
    } bad[] = {{"{}", "url: missing"},
               {"{\"url\":1}", "url: missing"},
               {"{\"url\":\"a\",\"Status\":1}", "Status: unknown"},
               {"{\"url\":\"a\",\"status\":\"1\"}", "status: not a number"},
               {"{\"url\":\"a\",\"delay\":-1}", "delay: not a number"},
               {"{\"url\":\"a\",\"body\":{}}", "body: not text"}};
    struct mocks m = {0};
    struct error e;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        EXPECT_INT(add(&m, bad[i].text, &e), ERR_INVALID);
        EXPECT_IN(e.text, bad[i].why);
    }
    mocks_fini(&m);
}

static void no_memory(void)
{
    EVERY_ALLOCATION(n)
    {
        struct mocks m = {0};
        struct http_message answer = {0};
        int64_t delay;
        cJSON *all = NULL;
        int rc = add(&m, "{\"url\":\"*\",\"json\":{\"a\":2},\"headers\":{\"A\":\"b\"}}", NULL);

        if (rc == 0)
            rc = ask(&m, "PUT", "https://b.test/2", "{\"k\":1}", &answer, &delay);
        if (rc == 0) {
            all = mocks_requests(&m, NULL);
            EXPECT(all || test_allocation_failed());
        } else {
            EXPECT_INT(rc, ERR_NOMEM);
        }
        cJSON_Delete(all);
        http_fini(&answer);
        mocks_fini(&m);
    }
}

const struct test mocks_tests[] = {TEST(the_last_fitting_mock_answers),
                                   TEST(without_a_mock_there_is_no_answer),
                                   TEST(requests_are_remembered),
                                   TEST(a_wrong_mock_is_refused),
                                   TEST(no_memory),
                                   {0}};
