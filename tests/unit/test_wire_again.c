/* What is sent again, when, and what never. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "test.h"
#include "wire_peer.h"

static void renews_a_refused_token_once(void)
{
    static struct peer p;
    const struct http_message *m;
    uint64_t id;
    char request[64];

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_method(&p, "transfer", 1, NULL, PEER_TARGET);
    m = peer_request(&p, &id);
    EXPECT_STR(http_header(m, "Authorization"), "Bearer T1");
    snprintf(request, sizeof request, "%s", http_header(m, "Client-Request-Id"));
    peer_answer(&p, id, 401, "{\"error\":{\"code\":\"InvalidAuthenticationToken\"}}", NULL);
    m = peer_request(&p, &id);
    EXPECT_STR(http_header(m, "Authorization"), "Bearer T2");
    EXPECT_IN(m->body, "transferTarget");
    EXPECT(strcmp(request, http_header(m, "Client-Request-Id")) != 0);
    peer_answer(&p, id, 401, "{\"error\":{\"code\":\"InvalidAuthenticationToken\"}}", NULL);
    EXPECT(!peer_request(&p, NULL));
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 1, 401)), "InvalidAuthenticationToken");
    EXPECT_INT(p.tokens_given, 2);
    peer_close(&p);
}

static void waits_as_long_as_the_service_asks(void)
{
    static struct peer p;
    uint64_t id = 0;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_method(&p, "transfer", 1, NULL,
                PEER_TARGET); /* throttled is not carried out: even this goes */
    peer_request(&p, &id);
    peer_answer(&p, id, 429, "{\"error\":{\"code\":\"TooManyRequests\"}}", "2.128");
    peer_wait(&p, 2127);
    EXPECT(!peer_request(&p, NULL));
    peer_wait(&p, 1);
    peer_serve(&p, "POST", "/transfer", 202, NULL);
    peer_expect_answer(&p, 1, 202);
    /* Longer than we have time for: said at once. */
    peer_method(&p, "mute", 2, NULL, "{}");
    peer_request(&p, &id);
    peer_answer(&p, id, 503, NULL, "31");
    peer_expect_answer(&p, 2, 503);
    /* For ever throttled: said at the deadline or after some tries. */
    peer_method(&p, "mute", 3, NULL, "{}");
    for (int i = 0; peer_request(&p, &id); i++) {
        EXPECT(i < 20);
        peer_answer(&p, id, 429, NULL, "0");
        peer_wait(&p, 1000);
    }
    peer_expect_answer(&p, 3, 429);
    peer_close(&p);
}

static void repeats_what_can_be_recognised(void)
{
    static struct peer p;
    char first[1024];
    const struct http_message *m;
    uint64_t id;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_method(&p, "playPrompt", 1, NULL, PEER_PLAY);
    m = peer_request(&p, &id);
    snprintf(first, sizeof first, "%s", m->body);
    EXPECT_IN(first, "k/0/2");
    peer_answer(&p, id, 500, "{\"error\":{\"code\":\"UnknownError\"}}", NULL);
    EXPECT(!peer_request(&p, NULL)); /* not at once */
    peer_wait(&p, 250);
    m = peer_request(&p, &id);
    EXPECT_STR(m->body, first);
    peer_answer(&p, id, 0, "connection reset", NULL);
    peer_wait(&p, 500);
    peer_request(&p, &id);
    peer_answer(&p, id, 504, NULL, NULL);
    peer_wait(&p, 1000);
    peer_request(&p, &id);
    peer_answer(&p, id, 502, NULL, NULL);
    peer_wait(&p, 5000);
    EXPECT(!peer_request(&p, NULL)); /* four are enough */
    peer_expect_answer(&p, 1, 502);
    peer_close(&p);
}

/* A second sending that is refused says that the first was carried out. */
static void what_is_so_already_is_done(void)
{
    static const struct {
        const char *method, *ids, *path;
        int first, second;  /* what the service answers; 0: nothing  */
        int told;           /* to the flow                           */
        const char *status; /* of the operation, or NULL             */
    } rows[] = {
        {"participant.stopHoldMusic", "{\"participant\":\"p\"}", "/stopHoldMusic", 500, 409, 202,
         "completed"},
        {"participant.stopHoldMusic", "{\"participant\":\"p\"}", "/stopHoldMusic", 429, 409, 409,
         NULL},
        {"audioRoutingGroup.delete", "{\"group\":\"g\"}", "/audioRoutingGroups/g", 0, 404, 204,
         NULL},
        {"audioRoutingGroup.delete", "{\"group\":\"g\"}", "/audioRoutingGroups/g", 503, 404, 404,
         NULL},
        {"participant.delete", "{\"participant\":\"p\"}", "/participants/p", 0, 403, 403, NULL},
        {"reject", NULL, "/reject", 0, 409, 202, NULL},
        {"mute", NULL, "/mute", 500, 409, 409, NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static struct peer p;
        const struct event *ev;
        uint64_t id = 0;

        peer_init(&p);
        peer_open(&p);
        peer_offer(&p);
        peer_method(&p, rows[i].method, 1, rows[i].ids, NULL);
        EXPECT_IN(peer_request(&p, &id)->url, rows[i].path);
        peer_answer(&p, id, rows[i].first, "{}", NULL);
        peer_wait(&p, 1000);
        EXPECT_IN(peer_request(&p, &id)->url, rows[i].path);
        peer_answer(&p, id, rows[i].second, "{\"error\":{\"code\":\"x\"}}", NULL);
        if (rows[i].second == 404) /* is the call itself gone? */
            peer_serve(&p, "GET", PEER_CALL, 200, "{\"state\":\"established\"}");
        ev = peer_expect_answer(&p, 1, rows[i].told);
        EXPECT_STR(json_str(ev->data, "status"), rows[i].status);
        EXPECT(!json_get(ev->data, "error") == (rows[i].told < 300));
        peer_close(&p);
    }
}

static void never_repeats_blindly(void)
{
    static struct peer p;
    const struct event *ev;
    uint64_t id = 0;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_method(&p, "transfer", 1, NULL, PEER_TARGET);
    peer_serve(&p, "POST", "/transfer", 500, "{\"error\":{\"code\":\"UnknownError\"}}");
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 1, 500)), "UnknownError");
    peer_method(&p, "answer", 2, NULL, "{}");
    peer_request(&p, &id);
    peer_answer(&p, id, 0, "connection \xff\x01 reset", NULL);
    ev = peer_expect_answer(&p, 2, 0);
    EXPECT_STR(peer_error_code(ev), "network");
    EXPECT_STR(json_str(json_get(ev->data, "error"), "message"), "connection ?? reset");
    peer_method(&p, "playPrompt", 3, NULL, "{\"prompts\":[]}"); /* no clientContext */
    if (peer_request(&p, &id))
        peer_answer(&p, id, 500, NULL, NULL);
    peer_wait(&p, 20000);
    EXPECT(!peer_request(&p, NULL));
    peer_close(&p);
}

static void gives_up_at_the_deadline(void)
{
    static struct peer p;
    const struct wire_action *a;
    uint64_t id;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    peer_method(&p, "answer", 1, NULL, "{}");
    a = peer_next(&p, WIRE_SEND);
    EXPECT_INT(a->deadline, p.now + 30000);
    id = a->id;
    peer_wait(&p, 29999);
    EXPECT(!peer_event(&p));
    peer_wait(&p, 1);
    EXPECT_STR(peer_error_code(peer_expect_answer(&p, 1, 0)), "timeout");
    a = peer_next(&p, WIRE_ABORT);
    EXPECT_INT(a ? a->id : 0, id);
    peer_answer(&p, id, 202, NULL, NULL); /* too late for anybody */
    EXPECT(!peer_event(&p));
    /* No token in time either. */
    p.tokens = false;
    p.now += 3600 * 1000;
    peer_method(&p, "mute", 2, NULL, "{}");
    EXPECT_IN(peer_request(&p, NULL)->url, "/token");
    peer_wait(&p, 60000);
    EXPECT(peer_event(&p) != NULL);
    EXPECT(!peer_event(&p));
    peer_close(&p);
}

const struct test wire_again_tests[] = {
    TEST(renews_a_refused_token_once),
    TEST(waits_as_long_as_the_service_asks),
    TEST(repeats_what_can_be_recognised),
    TEST(never_repeats_blindly),
    TEST(gives_up_at_the_deadline),
    TEST(what_is_so_already_is_done),
    {0},
};
