/* What the service posts: tokens and keys, calls that are not known yet, what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "graph/notify.h"
#include "test.h"
#include "wire_peer.h"

#define OFFER                                                                                      \
    "{\"value\":[{\"changeType\":\"created\",\"resourceUrl\":\"/communications/calls/" PEER_CALL   \
    "\",\"resourceData\":{\"state\":\"incoming\"}}]}"

static void refuses_what_it_cannot_use(void)
{
    static struct peer p;
    const struct wire_action *line;
    char path[80];
    char *big = malloc(NOTIFY_MAX_BODY + 2);

    peer_init(&p);
    peer_open(&p);
    memset(big, ' ', NOTIFY_MAX_BODY + 1);
    big[NOTIFY_MAX_BODY + 1] = '\0';
    EXPECT_INT(peer_post(&p, "", NULL, big), 413);
    big[NOTIFY_MAX_BODY] = '\0';
    EXPECT_INT(peer_post(&p, "", NULL, big), 400);
    free(big);
    EXPECT_INT(peer_post(&p, "", NULL, ""), 400);
    EXPECT_INT(peer_post(&p, "", NULL, "nonsense"), 400);
    EXPECT_INT(peer_post(&p, "", NULL, "[]"), 400);
    EXPECT(peer_logged(&p, "refused"));
    peer_offer(&p);
    EXPECT_INT(peer_notify(&p, "0123456789abcdef0123456789abcdef", "updated", PEER_CALL, "{}"),
               404);
    EXPECT_INT(peer_notify(&p, "x", "updated", PEER_CALL, "{}"), 404);
    EXPECT_INT(peer_notify(&p, "../../etc/passwd", "updated", PEER_CALL, "{}"), 404);
    EXPECT_INT(peer_notify(&p, ".1", "updated", PEER_CALL, "{}"), 404);
    snprintf(path, sizeof path, "%s.99999999999999999999", p.key);
    EXPECT_INT(peer_notify(&p, path, "updated", PEER_CALL, "{}"), 404);
    while ((line = peer_next(&p, WIRE_LOG))) /* what a peer wrote stays on one line */
        EXPECT(!strpbrk(line->text, "\r\n\x1b"));
    EXPECT_INT(peer_notify(&p, "a\n\x1b[2J", "updated", PEER_CALL, "{}"), 404);
    EXPECT(peer_logged(&p, "no call a??[2J"));
    EXPECT(!peer_event(&p));
    peer_close(&p);
}

static void a_repeated_offer_is_no_second_call(void)
{
    static struct peer p;

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    EXPECT_INT(peer_post(&p, "", NULL, OFFER), 202);
    EXPECT_INT(peer_notify(&p, "", "created", PEER_ID, "{\"state\":\"Incoming\"}"), 202);
    EXPECT(!peer_event(&p));
    EXPECT_INT(wire_calls(p.w), 1);
    /* A repeated update is the machine's to recognise. */
    EXPECT_INT(peer_notify(&p, p.key, "updated", PEER_CALL, "{\"state\":\"established\"}"), 202);
    EXPECT_INT(peer_notify(&p, p.key, "updated", PEER_CALL, "{\"state\":\"established\"}"), 202);
    EXPECT_INT(peer_count(&p, WIRE_EVENT), 2);
    peer_close(&p);
}

static void takes_an_offer_in_the_older_form(void)
{
    static struct peer p;
    const struct event *ev;

    peer_init(&p);
    peer_open(&p);
    EXPECT_INT(peer_post(&p, "", NULL,
                         "{\"value\":[{\"changeType\":\"created\",\"resource\":\"/app/calls/"
                         "1D6DE2D4-CD51-4309-8DAA-70768651088E\",\"resourceData\":{\"state\":"
                         "\"incoming\"}}]}"),
               202);
    ev = peer_event(&p);
    EXPECT(ev && ev->kind == EVENT_START);
    EXPECT_STR(ev ? ev->call_id : NULL, "1d6de2d4cd5143098daa70768651088e");
    peer_close(&p);
}

static void holds_events_of_unknown_calls(void)
{
    static struct peer p;
    const struct event *ev;

    peer_init(&p);
    peer_open(&p);
    EXPECT_INT(peer_notify(&p, "", "updated", PEER_CALL, "{\"state\":\"establishing\"}"), 202);
    EXPECT_INT(peer_notify(&p, "", "updated", "another", "{\"state\":\"established\"}"), 202);
    EXPECT_INT(peer_notify(&p, "", "updated", PEER_ID, "{\"state\":\"established\"}"), 202);
    peer_wait(&p, 4999);
    EXPECT(!peer_event(&p));
    EXPECT_INT(peer_post(&p, "", NULL, OFFER), 202);
    ev = peer_event(&p);
    EXPECT_INT(ev->kind, EVENT_START);
    strcpy(p.key, ev->key);
    for (int i = 0; i < 2; i++) {
        ev = peer_event(&p);
        EXPECT_STR(ev ? ev->key : NULL, p.key);
        EXPECT_STR(ev ? json_str(ev->data, "state") : NULL, i ? "established" : "establishing");
        EXPECT_INT(ev ? ev->time : 0, p.now);
    }
    EXPECT(!peer_event(&p));
    peer_wait(&p, 1);
    EXPECT(peer_logged(&p, "of call another, which nobody knows"));
    EXPECT_INT(peer_notify(&p, "", "created", "another", "{\"state\":\"incoming\"}"), 202);
    peer_event(&p);
    EXPECT(!peer_event(&p)); /* the early one is gone */
    peer_close(&p);
}

static void bounds_what_it_holds(void)
{
    static struct peer p;

    peer_init(&p);
    peer_open(&p);
    for (int i = 0; i < 1005; i++)
        EXPECT_INT(peer_notify(&p, "", "updated", PEER_CALL, "{\"state\":\"established\"}"), 202);
    EXPECT_INT(peer_count(&p, WIRE_LOG), 5);
    EXPECT(peer_logged(&p, "too many"));
    peer_offer(&p);
    EXPECT_INT(peer_count(&p, WIRE_EVENT), 1000);
    EXPECT_INT(wire_next_deadline(p.w) - p.now, 15 * 60 * 1000); /* no timer for nothing */
    peer_close(&p);
}

/* --- tokens ------------------------------------------------------------------------------------
 */

static void open_checked(struct peer *p)
{
    peer_init(p);
    p->cfg.verify = true;
    EXPECT_INT(jwt_signer_new(&p->signer, NULL), 0);
    peer_open(p);
}

static void serve_keys(struct peer *p, const struct jwt_signer *s)
{
    char *jwks = jwt_signer_jwks(s);

    peer_serve(p, "GET", "https://keys.example/openid", 200,
               "{\"jwks_uri\":\"https://keys.example/keys\"}");
    peer_serve(p, "GET", "https://keys.example/keys", 200, jwks);
    free(jwks);
}

/* Post an offer and say how it ended by now; 0 = not yet. */
static int post_offer(struct peer *p, const char *bearer)
{
    return peer_post(p, "", bearer, OFFER);
}

static int answer_status(struct peer *p)
{
    const struct wire_action *a = peer_next(p, WIRE_ANSWER);

    return a ? a->message.status : 0;
}

static void checks_tokens(void)
{
    static struct peer p;
    struct jwt_signer *other = NULL;
    char *good, *bad, *foreign;
    const struct event *ev;

    open_checked(&p);
    EXPECT_INT(jwt_signer_new(&other, NULL), 0);
    good = peer_bearer(&p, p.signer, PEER_TENANT);
    bad = peer_bearer(&p, other, PEER_TENANT);
    foreign = peer_bearer(&p, p.signer, "another-tenant");
    EXPECT_INT(post_offer(&p, NULL), 401); /* no keys are needed to say so */
    EXPECT_INT(post_offer(&p, "Bearer x"), 401);
    EXPECT(!peer_request(&p, NULL));
    EXPECT(peer_logged(&p, "rule 1"));
    EXPECT_INT(post_offer(&p, good), 0); /* waits for the keys */
    EXPECT_INT(post_offer(&p, bad), 0);
    EXPECT(!peer_event(&p));
    serve_keys(&p, p.signer);
    EXPECT_INT(answer_status(&p), 202);
    EXPECT_INT(answer_status(&p), 401);
    ev = peer_event(&p);
    EXPECT(ev && ev->kind == EVENT_START);
    EXPECT_STR(ev ? json_str(ev->data, "tenant") : NULL, PEER_TENANT);
    strcpy(p.key, ev ? ev->key : "");
    EXPECT_INT(peer_post(&p, p.key, good, OFFER), 202);
    EXPECT_INT(peer_post(&p, "", good, "nonsense"), 400);
    EXPECT_INT(peer_post(&p, "", bad, "nonsense"), 401); /* nothing is read before the token */
    EXPECT_INT(post_offer(&p, foreign), 403);
    EXPECT_INT(peer_post(&p, p.key, foreign, "{\"value\":[]}"), 403);
    peer_wait(&p, (3900 + 301) * 1000); /* a token that was found good expires all the same */
    EXPECT_INT(post_offer(&p, good), 401);
    EXPECT(peer_logged(&p, "expired"));
    free(good);
    free(bad);
    free(foreign);
    jwt_signer_free(other);
    peer_close(&p);
}

static void fetches_keys_again(void)
{
    static struct peer p;
    struct jwt_signer *next = NULL;
    char *old, *new;

    open_checked(&p);
    EXPECT_INT(jwt_signer_new(&next, NULL), 0);
    old = peer_bearer(&p, p.signer, PEER_TENANT);
    new = peer_bearer(&p, next, PEER_TENANT);
    EXPECT_INT(post_offer(&p, old), 0);
    serve_keys(&p, p.signer);
    EXPECT_INT(answer_status(&p), 202);
    /* An unknown key: fetched anew, but not more often than every five minutes. */
    peer_wait(&p, 5 * 60 * 1000 - 1);
    EXPECT_INT(post_offer(&p, new), 401);
    EXPECT(!peer_request(&p, NULL));
    peer_wait(&p, 1);
    EXPECT_INT(post_offer(&p, new), 0);
    EXPECT_INT(post_offer(&p, old), 202); /* not held up by it */
    peer_serve(&p, "GET", "/openid", 500, NULL);
    EXPECT_INT(answer_status(&p), 503); /* we cannot know; the old keys stay */
    EXPECT(peer_logged(&p, "old ones stay"));
    EXPECT_INT(post_offer(&p, old), 202);
    EXPECT_INT(post_offer(&p, new), 503);
    EXPECT(!peer_request(&p, NULL));
    peer_wait(&p, 10 * 1000);
    EXPECT_INT(post_offer(&p, new), 0);
    serve_keys(&p, next);
    EXPECT_INT(answer_status(&p), 202);
    EXPECT_INT(post_offer(&p, old), 401); /* withdrawn */
    free(old);
    free(new);
    new = peer_bearer(&p, next, PEER_TENANT);
    /* After two hours behind the scenes. */
    peer_wait(&p, 3600 * 1000);
    EXPECT_INT(post_offer(&p, new), 202);
    peer_wait(&p, 3600 * 1000);
    free(new);
    while (peer_request(&p, NULL)) /* keepAlive, not of interest here */
        ;
    new = peer_bearer(&p, next, PEER_TENANT);
    EXPECT_INT(post_offer(&p, new), 202);
    serve_keys(&p, next);
    free(new);
    jwt_signer_free(next);
    peer_close(&p);
}

static void waits_for_keys_only_so_long(void)
{
    static struct peer p;
    char *good;

    open_checked(&p);
    good = peer_bearer(&p, p.signer, PEER_TENANT);
    EXPECT_INT(post_offer(&p, good), 0);
    peer_serve(&p, "GET", "/openid", 200, "{\"jwks_uri\":\"http://keys.example/keys\"}");
    EXPECT_INT(answer_status(&p), 503); /* less safe than its own address */
    EXPECT(peer_logged(&p, "cannot be fetched"));
    EXPECT_INT(post_offer(&p, good), 503); /* not asked again at once */
    peer_wait(&p, 1000);
    EXPECT_INT(post_offer(&p, good), 0);
    peer_serve(&p, "GET", "/openid", 200, "{\"jwks_uri\":\"https://keys.example/keys\"}");
    peer_wait(&p, 5000);
    peer_request(&p, NULL); /* no answer to this one */
    EXPECT_INT(answer_status(&p), 0);
    for (int i = 0; i < 1000; i++)
        post_offer(&p, good);
    EXPECT(answer_status(&p) == 0); /* peer_post took the one that was refused at once */
    EXPECT(peer_logged(&p, "cannot be checked now"));
    peer_wait(&p, 5000);
    EXPECT_INT(peer_count(&p, WIRE_ANSWER), 1000);
    EXPECT_INT(answer_status(&p), 503);
    EXPECT_INT(wire_next_deadline(p.w), INT64_MAX);
    EXPECT_INT(wire_calls(p.w), 0);
    free(good);
    peer_close(&p);
}

static void bounds_the_bodies_that_wait(void)
{
    static struct peer p;
    char *good, *body = malloc(NOTIFY_MAX_BODY + 1);
    int refused = 0;

    open_checked(&p);
    good = peer_bearer(&p, p.signer, PEER_TENANT);
    memset(body, ' ', NOTIFY_MAX_BODY);
    body[NOTIFY_MAX_BODY] = '\0';
    for (int i = 0; i < 20; i++)
        refused += peer_post(&p, "", good, body) == 503;
    EXPECT_INT(refused, 4);
    serve_keys(&p, p.signer);
    EXPECT_INT(peer_count(&p, WIRE_ANSWER), 16);
    EXPECT_INT(answer_status(&p), 400);
    free(body);
    free(good);
    peer_close(&p);
}

static void survives_failing_memory_while_checking(void)
{
    static struct peer p;
    char *good, *jwks;

    peer_init(&p);
    EXPECT_INT(jwt_signer_new(&p.signer, NULL), 0);
    good = peer_bearer(&p, p.signer, PEER_TENANT);
    jwks = jwt_signer_jwks(p.signer);
    EVERY_ALLOCATION(i)
    {
        struct wire_config cfg = p.cfg;
        struct http_message m = {.status = 200};
        struct wire_action a;
        struct wire *w;
        int answers = 0, wanted;

        cfg.verify = true;
        if (wire_new(&w, &cfg, NULL))
            continue;
        wanted = wire_webhook(w, 1, "", good, OFFER, strlen(OFFER), p.now) == 0;
        for (int round = 0; round < 3; round++) {
            while (wire_next(w, &a)) {
                answers += a.kind == WIRE_ANSWER;
                if (a.kind == WIRE_SEND) {
                    m.body = strstr(a.message.url, "/keys")
                                 ? jwks
                                 : (char *)"{\"jwks_uri\":\"https://keys.example/keys\"}";
                    if (strstr(a.message.url, "openid"))
                        m.body = (char *)"{\"jwks_uri\":\"https://keys.example/keys\"}";
                    m.n = strlen(m.body);
                    wire_response(w, a.id, &m, p.now);
                }
                wire_action_fini(&a);
            }
            wire_tick(w, p.now + 20000 * (round + 1));
        }
        EXPECT_INT(answers, wanted);
        wire_free(w);
    }
    free(good);
    free(jwks);
    jwt_signer_free(p.signer);
}

/* --- policy-based recording ----------------------------------------------------------------------
 */

#define JOINING                                                                                    \
    "{\"@odata.type\":\"#microsoft.graph.participantJoiningNotification\",\"call\":{\"id\":\"x\"}" \
    "}"

static void waits_for_the_flows_reply(void)
{
    static struct peer p;
    const struct wire_action *a;
    const struct event *ev;
    char ids[32];

    peer_init(&p);
    peer_open(&p);
    peer_offer(&p);
    EXPECT_INT(peer_notify(&p, p.key, "created", PEER_CALL, JOINING), 0);
    ev = peer_event(&p);
    if (!EXPECT(ev && ev->kind == EVENT_JOINING))
        return;
    EXPECT_STR(ev->key, p.key);
    snprintf(ids, sizeof ids, "{\"joining\":%u}", (unsigned)ev->seq);
    peer_command(&p, COMMAND_REPLY, 1, "{\"joining\":777}", "{}");
    EXPECT(peer_logged(&p, "too late"));
    peer_command(&p, COMMAND_REPLY, 2, ids, "{\"@odata.type\":\"#microsoft.graph.x\"}");
    a = peer_next(&p, WIRE_ANSWER);
    if (EXPECT(a != NULL)) {
        EXPECT_INT(a->message.status, 200);
        EXPECT_STR(a->message.body, "{\"@odata.type\":\"#microsoft.graph.x\"}");
        EXPECT_STR(http_header(&a->message, "Content-Type"), "application/json");
    }
    peer_command(&p, COMMAND_REPLY, 3, ids, "{}");
    EXPECT(peer_logged(&p, "too late"));
    EXPECT(!peer_next(&p, WIRE_ANSWER));

    EXPECT_INT(peer_notify(&p, p.key, "created", PEER_CALL, JOINING), 0);
    ev = peer_event(&p);
    peer_wait(&p, 3000); /* the flow says nothing */
    EXPECT_INT(answer_status(&p), 202);
    EXPECT(peer_logged(&p, "no reply"));

    EXPECT_INT(peer_notify(&p, p.key, "created", PEER_CALL, JOINING), 0);
    peer_command(&p, COMMAND_END, 4, NULL, NULL);
    EXPECT_INT(answer_status(&p), 202);
    EXPECT_INT(wire_next_deadline(p.w), INT64_MAX);
    peer_close(&p);
}

const struct test wire_webhook_tests[] = {
    TEST(refuses_what_it_cannot_use),
    TEST(a_repeated_offer_is_no_second_call),
    TEST(takes_an_offer_in_the_older_form),
    TEST(holds_events_of_unknown_calls),
    TEST(bounds_what_it_holds),
    TEST(checks_tokens),
    TEST(fetches_keys_again),
    TEST(waits_for_keys_only_so_long),
    TEST(bounds_the_bodies_that_wait),
    TEST(survives_failing_memory_while_checking),
    TEST(waits_for_the_flows_reply),
    {0},
};
