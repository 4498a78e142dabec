/*
 * The documented exchanges of tests/examples, for the tests that walk them.
 */
#ifndef IVORY_TESTS_UNIT_EXAMPLES_H
#define IVORY_TESTS_UNIT_EXAMPLES_H

#include <cjson/cJSON.h>

#define EXAMPLES_DIR  "tests/examples"
#define EXAMPLES_ROOT "https://graph.microsoft.com"

/* Requests that a bot sends. Fewer would mean that a test has stopped looking. */
#define EXAMPLES_REQUESTS 102

typedef void example_visit(const char *name, const cJSON *example, void *arg);
void examples_each(example_visit *visit, void *arg);

/* The documented address of a request, its "{id}" placeholders filled: "id1", "id2". */
void examples_url(char out[600], const cJSON *request, const char *version);

/* Which version an address is of; some v1.0 pages print a beta address. */
unsigned examples_version(const char *url);

/* Every request that a bot sends, but for the one for a token. `body` may be NULL. A page prints
 * the three members of an enum as one value: each of them comes. The download of a recording has
 * the address of a file, not one below EXAMPLES_ROOT. */
struct example_request {
    const char *name, *verb, *url;
    const cJSON *body, *headers;
};
typedef void example_request_visit(const struct example_request *r, void *arg);
void examples_each_request(example_request_visit *visit, void *arg);

#endif
