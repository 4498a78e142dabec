#include "test.h"

#include "base/buf.h"
#include "base/heap.h"
#include "base/http.h"
#include "base/id.h"
#include "base/json.h"
#include "base/map.h"
#include "base/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void json_refuses_bad_text(void)
{
    static const struct {
        const char *text, *why;
    } bad[] = {{"", "empty"},
               {"{", "malformed"},
               {"[1,]", "malformed"},
               {"{} x", "more text"},
               {"\"\\u0000\"", "u0000"},
               {"\"\xC0\x80\"", "UTF-8"},
               {"\"\xED\xA0\x80\"", "UTF-8"},
               {"\"a\nb\"", "control"}};
    struct error e;
    char deep[300];
    cJSON *v;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        EXPECT_INT(json_parse(&v, bad[i].text, strlen(bad[i].text), &e), ERR_INVALID);
        EXPECT_IN(e.text, bad[i].why);
    }
    memset(deep, '[', sizeof deep);
    EXPECT_INT(json_parse(&v, deep, sizeof deep, &e), ERR_INVALID);
    EXPECT_IN(e.text, "nested");
}

static void json_spells_equal_values_alike(void)
{
    static const char one[] = "{\"b\":[1,{\"y\":2,\"x\":\"\xC3\xA4\"}],\"a\":null}";
    static const char two[] = " {\"a\":null , \"b\":[1,{\"x\":\"\xC3\xA4\",\"y\":2}]} ";
    cJSON *a = NULL, *b = NULL;
    char *x, *y;

    EXPECT_INT(json_parse(&a, one, strlen(one), NULL), 0);
    EXPECT_INT(json_parse(&b, two, strlen(two), NULL), 0);
    x = json_canonical(a);
    y = json_canonical(b);
    EXPECT_STR(x, y);
    EXPECT(json_equal(a, b));
    free(x);
    free(y);
    cJSON_Delete(a);
    cJSON_Delete(b);
}

static void json_reads_numbers_in_text(void)
{
    cJSON *v = NULL;
    static const char text[] = "{\"code\":\"200\",\"n\":7,\"bad\":\"7x\",\"none\":null}";

    EXPECT_INT(json_parse(&v, text, strlen(text), NULL), 0);
    EXPECT_INT(json_int(v, "code", -1), 200);
    EXPECT_INT(json_int(v, "n", -1), 7);
    EXPECT_INT(json_int(v, "bad", -1), -1);
    EXPECT(json_get(v, "none") == NULL);
    cJSON_Delete(v);
}

static void json_survives_failing_memory(void)
{
    static const char text[] = "{\"b\":[1,{\"y\":2,\"x\":\"z\"}],\"a\":null}";

    EVERY_ALLOCATION(n)
    {
        cJSON *v = NULL;
        char *s = NULL;

        if (json_parse(&v, text, strlen(text), NULL) == 0)
            s = json_canonical(v);
        cJSON_Delete(v);
        free(s);
    }
}

/* The map against a plain array, with colliding inserts and removals. */
static void try_map(struct map *m)
{
    static struct {
        char key[16];
    } values[500];
    bool present[500] = {0};
    struct random r;
    size_t count = 0;

    random_seed(&r, 1);
    for (int step = 0; step < 20000; step++) {
        size_t i = random_below(&r, 500);
        char key[16];

        snprintf(key, sizeof key, "k%zu", i);
        if (random_below(&r, 2)) {
            strcpy(values[i].key, key);
            EXPECT_INT(map_put(m, m->borrows ? values[i].key : key, &values[i]), 0);
            count += !present[i];
            present[i] = true;
        } else {
            EXPECT((map_remove(m, key) != NULL) == present[i]);
            count -= present[i];
            present[i] = false;
        }
        i = random_below(&r, 500);
        snprintf(key, sizeof key, "k%zu", i);
        if (!EXPECT(map_get(m, key) == (present[i] ? &values[i] : NULL)) || !EXPECT(m->n == count))
            break;
    }
    map_fini(m);
}

static void map_agrees_with_an_array(void)
{
    struct map m;

    map_init(&m, 42);
    try_map(&m);
    map_init_borrowing(&m, 42);
    try_map(&m);
}

static void heap_gives_deadlines_in_order(void)
{
    static struct heap_entry e[300];
    struct heap h = {0};
    struct random r;
    int64_t last = -1;
    uint64_t order = 0;
    int left = 300;

    random_seed(&r, 2);
    for (int i = 0; i < 300; i++)
        EXPECT_INT(heap_put(&h, &e[i], (int64_t)random_below(&r, 50)), 0);
    for (int i = 0; i < 300; i += 3) {
        heap_remove(&h, &e[i]);
        heap_remove(&h, &e[i]);
        left--;
    }
    while (heap_first(&h)) {
        struct heap_entry *first = heap_first(&h);
        EXPECT(first->at > last || (first->at == last && first->order > order));
        last = first->at;
        order = first->order;
        heap_remove(&h, first);
        left--;
    }
    EXPECT_INT(left, 0);
    heap_fini(&h);
}

static void ids_compare_normalised(void)
{
    char out[ID_MAX];

    EXPECT(id_equal("57dab8b1-894c-409a-b240-bd8beae78896", "57DAB8B1894C409AB240BD8BEAE78896"));
    EXPECT(!id_equal(NULL, NULL));
    EXPECT(!id_normalise(out, ""));
    EXPECT(!id_normalise(out, "a/b"));
    EXPECT(!id_normalise(out, "--"));
}

static void base64url_round_trips(void)
{
    unsigned char bytes[64], back[64];
    char text[100];

    for (size_t n = 0; n < sizeof bytes; n++) {
        random_bytes(bytes, n);
        EXPECT_INT(base64url_decode(back, sizeof back, text, base64url_encode(text, bytes, n)), n);
        EXPECT(memcmp(bytes, back, n) == 0);
    }
    EXPECT_INT(base64url_decode(back, sizeof back, "a", 1), -1);
    EXPECT_INT(base64url_decode(back, sizeof back, "a+bc", 4), -1);
}

static void http_reads_queries_and_headers(void)
{
    struct http_message m;
    char out[32];

    EXPECT(http_query("/a?x=1&context=%7B%22a%22+b#c", "context", out, sizeof out));
    EXPECT_STR(out, "{\"a\" b");
    EXPECT(!http_query("/a?context=%zz", "context", out, sizeof out));
    EXPECT(!http_query("/a", "x", out, sizeof out));
    EXPECT_INT(http_request_init(&m, "GET", "/a"), 0);
    EXPECT_INT(http_set_header(&m, "Accept", "x"), 0);
    EXPECT_INT(http_set_header(&m, "accept", "y"), 0);
    EXPECT_STR(http_header(&m, "ACCEPT"), "y");
    EXPECT_INT(http_set_header(&m, "a", "b\r\nc: d"), ERR_INVALID);
    http_fini(&m);
}

const struct test base_tests[] = {
    TEST(json_refuses_bad_text),          TEST(json_spells_equal_values_alike),
    TEST(json_reads_numbers_in_text),     TEST(json_survives_failing_memory),
    TEST(map_agrees_with_an_array),       TEST(heap_gives_deadlines_in_order),
    TEST(ids_compare_normalised),         TEST(base64url_round_trips),
    TEST(http_reads_queries_and_headers), {0}};
