/* Any bytes as a key set or as a token; the first byte says which. */
#include "graph/jwt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static const char *const issuers[] = {"https://api.botframework.com", NULL};

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct jwt_rules rules = {issuers, "11111111-2222-3333-4444-555555555555", 300};
    struct jwt_claims claims;
    struct jwt_keys *keys = NULL;
    struct error e;
    char *text;

    if (!n)
        return 0;
    text = malloc(n);
    if (!text)
        return 0;
    memcpy(text, data + 1, n - 1);
    text[n - 1] = '\0';
    if (data[0] & 1) {
        if (jwt_keys_parse(&keys, text, n - 1, &e) == 0)
            (void)jwt_check("Bearer e30.e30.e30", keys, &rules, 1700000000, &claims, &e);
        jwt_keys_free(keys);
    } else if (jwt_check(text, NULL, &rules, 1700000000, &claims, &e) == JWT_OK) {
        abort(); /* accepted without a key */
    }
    free(text);
    return 0;
}
