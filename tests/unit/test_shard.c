/* Several wires of one service: which of them gets what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/id.h"
#include "host/owners.h"
#include "test.h"
#include "wire_peer.h"

static void ids_are_spread(void)
{
    unsigned counts[4] = {0};
    char id[16];

    for (int i = 0; i < 4000; i++) {
        snprintf(id, sizeof id, "421f0b00%x", i); /* the service's begin alike */
        counts[id_shard(id, 4)]++;
    }
    for (int i = 0; i < 4; i++)
        EXPECT(counts[i] > 900 && counts[i] < 1100);
    EXPECT_INT(id_shard("any", 1), 0);
    EXPECT_INT(id_shard("any", 0), 0);
    EXPECT_INT(id_shard("0123abcd.7", 64), id_shard("0123abcd", 64));
}

/* --- two wires
 * ---------------------------------------------------------------------------------- */

static struct peer two[2];
static struct owners *owners;

static void bound(void *arg, const char *id, bool ours)
{
    owners_note(owners, id, (unsigned)((struct peer *)arg - two), ours);
}

static int find(void *arg, const char *id)
{
    (void)arg;
    return owners_find(owners, id);
}

static void open_two(void)
{
    EXPECT_INT(owners_new(&owners), 0);
    for (unsigned i = 0; i < 2; i++) {
        peer_init(&two[i]);
        two[i].cfg.shards = (struct wire_shards){2, i, bound, find, &two[i]};
        peer_open(&two[i]);
    }
}

static void close_two(void)
{
    peer_close(&two[0]);
    peer_close(&two[1]);
    owners_free(owners);
}

/* The n-th id (dashed) that falls to `shard`. */
static const char *id_of(unsigned shard, unsigned n)
{
    static char out[4][40];
    static unsigned next;
    char plain[ID_MAX], *id = out[next++ % 4];

    for (unsigned i = 0;; i++) {
        snprintf(id, 40, "00000000-0000-4000-8000-%012x", i);
        id_normalise(plain, id);
        if (id_shard(plain, 2) == shard && n-- == 0)
            return id;
    }
}

static void add(struct buf *b, const char *change, const char *id, const char *state)
{
    buf_fmt(b,
            "%s{\"changeType\":\"%s\",\"resourceUrl\":\"/communications/calls/%s\","
            "\"resourceData\":{\"state\":\"%s\"}}",
            b->n ? "," : "{\"value\":[", change, id, state);
}

/* Post it to the bare address of wire 0; parcels go to wire 1. Both statuses. */
static void post(struct buf *b, int *mine, int *theirs)
{
    const struct wire_action *a;
    struct wire_parcel *p;

    buf_str(b, "]}");
    *mine = peer_post(&two[0], "", NULL, b->p);
    *theirs = 0;
    while ((a = peer_next(&two[0], WIRE_PARCEL))) {
        EXPECT_INT(a->parcel->shard, 1);
        p = a->parcel;
        two[0].last.parcel = NULL;
        EXPECT_INT(wire_take_parcel(two[1].w, 99, p, two[1].now), 0);
        a = peer_next(&two[1], WIRE_ANSWER);
        EXPECT(a && a->id == 99);
        *theirs = a ? a->message.status : 0;
    }
    buf_fini(b);
}

static void offers_go_where_their_ids_fall(void)
{
    struct buf b = {0};
    const struct event *ev;
    int mine, theirs;

    open_two();
    add(&b, "created", id_of(0, 0), "incoming");
    add(&b, "created", id_of(1, 0), "incoming");
    add(&b, "created", id_of(1, 1), "incoming");
    post(&b, &mine, &theirs);
    EXPECT_INT(mine, 202);
    EXPECT_INT(theirs, 202);
    EXPECT_INT(wire_calls(two[0].w), 1);
    EXPECT_INT(wire_calls(two[1].w), 2);
    for (unsigned i = 0; i < 2; i++) {
        while ((ev = peer_event(&two[i]))) {
            EXPECT_INT(ev->kind, EVENT_START);
            EXPECT_INT(id_shard(ev->key, 2), i);
        }
    }
    close_two();
}

/* Only what is about others goes to others, before the answer. */
static void what_is_mine_stays(void)
{
    struct buf b = {0};
    int mine, theirs;

    open_two();
    add(&b, "created", id_of(0, 0), "incoming");
    post(&b, &mine, &theirs);
    EXPECT_INT(mine, 202);
    EXPECT_INT(theirs, 0);
    add(&b, "deleted", id_of(1, 5), "terminated"); /* nobody's: it waits where it falls to */
    buf_str(&b, "]}");
    wire_webhook(two[0].w, 7, "", NULL, b.p, b.n, two[0].now);
    buf_fini(&b);
    EXPECT_INT(peer_count(&two[0], WIRE_PARCEL), 1);
    EXPECT(two[0].all[two[0].n - 1].kind == WIRE_ANSWER);
    EXPECT(two[0].all[two[0].n - 2].kind == WIRE_PARCEL);
    close_two();
}

/* An outgoing call's id falls where it likes: its wire says so. */
static void ids_of_placed_calls_are_noted(void)
{
    char key[KEY_MAX], path[80];
    struct buf b = {0};
    const struct event *ev;
    int mine, theirs;

    open_two();
    EXPECT_INT(wire_dial(two[1].w, "main", cJSON_CreateObject(), two[1].now, key), 0);
    EXPECT_INT(id_shard(key, 2), 1);
    EXPECT(peer_event(&two[1]) != NULL);
    snprintf(path, sizeof path, "%s", key);
    EXPECT_INT(peer_notify(&two[1], path, "updated", id_of(0, 3), "{\"state\":\"establishing\"}"),
               202);
    EXPECT((ev = peer_event(&two[1])) && ev->kind == EVENT_CALL);
    add(&b, "updated", id_of(0, 3), "established"); /* without the callback address */
    post(&b, &mine, &theirs);
    EXPECT_INT(theirs, 202);
    EXPECT((ev = peer_event(&two[1])) && ev->kind == EVENT_CALL && strcmp(ev->key, key) == 0);
    close_two();
}

/* A call with the id of another shard, as after a restart with more workers, is found, also soon
 * after its end; and is forgotten with the wire. */
static void adopted_calls_are_found(void)
{
    char plain[ID_MAX];
    struct command end = {.kind = COMMAND_END};

    open_two();
    id_normalise(plain, id_of(1, 0));
    strcpy(end.key, "00000000000000000000000000000000");
    EXPECT_INT(wire_adopt(two[0].w, end.key, PEER_TENANT, 0, true, plain, NULL, two[0].now), 0);
    EXPECT_INT(owners_find(owners, plain), 0);
    EXPECT_INT(wire_command(two[0].w, &end, two[0].now), 0);
    EXPECT_INT(owners_find(owners, plain), 0);
    peer_wait(&two[0], 16 * 60 * 1000);
    end = (struct command){.kind = COMMAND_END};
    EXPECT_INT(wire_dial(two[0].w, "main", cJSON_CreateObject(), two[0].now, end.key), 0);
    EXPECT_INT(wire_command(two[0].w, &end, two[0].now), 0); /* another end makes it look back */
    EXPECT_INT(owners_find(owners, plain), -1);
    id_normalise(plain, id_of(0, 0));
    EXPECT_INT(wire_adopt(two[0].w, "11", PEER_TENANT, 0, true, plain, NULL, two[0].now), 0);
    EXPECT_INT(owners_find(owners, plain), -1); /* it falls to it anyway */
    close_two();
}

/* Post what is in `b` to wire 0, and the parcel that comes of it to wire 1. */
static void pass_on(const struct buf *b)
{
    struct wire_parcel *p = NULL;
    struct wire_action a;

    wire_webhook(two[0].w, 1, "", NULL, b->p, b->n, two[0].now);
    while (wire_next(two[0].w, &a)) {
        if (a.kind == WIRE_PARCEL) {
            p = a.parcel;
            a.parcel = NULL;
        }
        wire_action_fini(&a);
    }
    if (p && wire_take_parcel(two[1].w, 2, p, two[1].now))
        wire_parcel_free(p);
}

/* The service sends it again, whole, after an error; so nothing may be taken twice or lost for
 * good. */
static void survives_failing_memory(void)
{
    bool more = true;

    for (long n = 0; more; n++) {
        struct buf b = {0};

        open_two();
        add(&b, "created", id_of(0, 0), "incoming");
        add(&b, "created", id_of(1, 0), "incoming");
        buf_str(&b, "]}");
        test_fail_allocation(n);
        pass_on(&b);
        more = test_allocation_failed();
        test_fail_allocation(-1);
        if (more)
            pass_on(&b);
        EXPECT_INT(wire_calls(two[0].w), 1);
        EXPECT_INT(wire_calls(two[1].w), 1);
        buf_fini(&b);
        close_two();
    }
}

const struct test shard_tests[] = {TEST(ids_are_spread),
                                   TEST(offers_go_where_their_ids_fall),
                                   TEST(what_is_mine_stays),
                                   TEST(ids_of_placed_calls_are_noted),
                                   TEST(adopted_calls_are_found),
                                   TEST(survives_failing_memory),
                                   {0}};
