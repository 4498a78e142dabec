/*
 * Fuzz target: any JSON as arguments of any method, the first byte chooses which. What the check
 * lets through can be encoded, and checking it again finds it good and leaves it alone.
 */
#include "base/json.h"
#include "graph/request.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct method *method_at(unsigned i)
{
    unsigned count = 0;

    while (method_table[count].name)
        count++;
    return &method_table[i % count];
}

static void encode(const struct method *m, unsigned version, cJSON *args)
{
    struct command c = {.kind = COMMAND_METHOD, .method = m->name, .args = args};
    struct request_context x = {
        "http://127.0.0.1:1",  version, "c", "http://127.0.0.1:2/k", "http://127.0.0.1:2/p",
        "http://127.0.0.1:2/r"};
    struct http_message out = {0};
    struct error e;

    c.ids = cJSON_Parse("{\"participant\":\"p\",\"group\":\"g\",\"session\":\"s\",\"operation\":"
                        "\"o\",\"url\":\"https://x/\",\"token\":\"t\"}");
    if (request_encode(&c, &x, &out, &e) == 0)
        http_fini(&out);
    cJSON_Delete(c.ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    const struct method *m;
    unsigned version;
    cJSON *args, *copy;
    struct error e;

    if (!n || json_parse(&args, (const char *)data + 1, n - 1, &e))
        return 0;
    m = method_at(data[0]);
    version = data[0] & 128 ? VERSION_V1 : VERSION_BETA;
    copy = json_copy(args);
    (void)method_check_body(m, version, copy, &e);
    cJSON_Delete(copy);
    if (method_check(m, version, args, &e) == 0) {
        char *once = json_text(args), *twice;

        if (method_check(m, version, args, &e))
            abort();
        twice = json_text(args);
        if (strcmp(once, twice) != 0)
            abort();
        free(once);
        free(twice);
        encode(m, version, args);
    }
    cJSON_Delete(args);
    return 0;
}
