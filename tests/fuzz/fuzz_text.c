/*
 * The small texts that come from outside: the first byte says which parser gets the rest. Addresses
 * to listen on, join links and dial targets, queries and their escapes, resource paths of the
 * service, Retry-After, and the hash by which audio is fetched.
 */
#include "base/http.h"
#include "base/json.h"
#include "base/utf8.h"
#include "graph/expand.h"
#include "graph/joinlink.h"
#include "graph/methods.h"
#include "graph/notify.h"
#include "graph/place.h"
#include "graph/retry.h"
#include "host/prompt_store.h"
#include "net/http_listen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static void address(const char *text)
{
    char host[64], again[96], back[64];
    unsigned port, port2;
    struct error e;

    (void)url_is_loopback(text);
    if (listen_parse(text, host, sizeof host, &port, &e))
        return;
    (void)host_is_loopback(host);
    snprintf(again, sizeof again, strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
    if (port > 65535 || listen_parse(again, back, sizeof back, &port2, &e) ||
        strcmp(host, back) != 0 || port != port2)
        abort();
}

static void target(const char *text)
{
    cJSON *v = NULL;
    struct error e;

    if (joinlink_decode(text, &v, &e) == 0 && !cJSON_IsObject(v))
        abort();
    cJSON_Delete(v);
    v = NULL;
    if (joinlink_target(text, &v, &e) == 0 && !cJSON_IsObject(v))
        abort();
    cJSON_Delete(v);
    (void)expand_is_phone(text);
    (void)expand_is_guid(text);
}

static void query(char *text)
{
    char value[32];

    if (http_query(text, "flow", value, sizeof value) && strlen(value) >= sizeof value)
        abort();
    if (http_unescape(text, true))
        (void)utf8_check(text, strlen(text));
}

static void resource(const char *text)
{
    char call_id[ID_MAX], collection[32], id[ID_MAX];
    cJSON *ids = cJSON_CreateObject();
    struct place p;
    bool other;

    (void)notify_resource(text, call_id, collection, id);
    (void)place_find(text, &p);
    (void)method_route("POST", text, ids, &other);
    cJSON_Delete(ids);
}

static void after(const char *text)
{
    if (retry_delay(429, text, true, 1, 7) < -1 || retry_after_ms(text) < -1)
        abort();
}

/* Whatever is asked for, only a file named by a hash is found, and there is none. */
static void audio(const char *text)
{
    static struct prompt_store *store;
    static char folder[] = "/tmp/ivory-fuzz-XXXXXX";
    struct error e;

    if (!store && (!mkdtemp(folder) || prompt_store_new(&store, folder, &e)))
        abort();
    for (int kind = STORE_PROMPT; kind <= STORE_RECORDING; kind++)
        if (prompt_store_path(store, (enum store_kind)kind, text))
            abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    char *text;

    if (!n)
        return 0;
    text = malloc(n);
    memcpy(text, data + 1, n - 1);
    text[n - 1] = '\0';
    switch (data[0] % 6) {
    case 0:
        address(text);
        break;
    case 1:
        target(text);
        break;
    case 2:
        query(text);
        break;
    case 3:
        resource(text);
        break;
    case 4:
        after(text);
        break;
    default:
        audio(text);
        break;
    }
    free(text);
    return 0;
}
