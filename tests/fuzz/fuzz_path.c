/*
 * A path at the public address. What it names has nothing in it that leads elsewhere, and the same
 * path with another query asks for the same.
 */
#include "host/public_path.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    char *url = malloc(n + 1 + sizeof "?x/.txt");
    struct public_path a, b;

    if (n)
        memcpy(url, data, n);
    url[n] = '\0';
    public_path_parse(&a, url);
    CHECK(strlen(a.name) < sizeof a.name && strcspn(a.name, "/?") == strlen(a.name));
    CHECK(a.kind != PUBLIC_UNKNOWN || !a.name[0]);
    CHECK(a.kind != PUBLIC_AUDIO || !strchr(a.name, '.'));
    strcpy(url + strcspn(url, "?"), "?x/.txt");
    public_path_parse(&b, url);
    CHECK(a.kind == b.kind && a.store == b.store && strcmp(a.name, b.name) == 0);
    free(url);
    return 0;
}
