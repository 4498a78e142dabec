/*
 * Doubles of the web services that flows talk to, for tests: answers prepared by URL pattern, and a
 * list of what was asked.
 */
#ifndef IVORY_HOST_MOCKS_H
#define IVORY_HOST_MOCKS_H

#include "base/error.h"
#include "base/http.h"

#include <cjson/cJSON.h>
#include <stdint.h>

struct mocks {
    cJSON *answers; /* arrays; made when first needed */
    cJSON *requests;
};

/* Prepare an answer: {"method","url","status","headers","json" or "body","delay"}. Moves `mock`.
 * ERR_INVALID names a member that is unknown, missing or of the wrong type. */
int mocks_add(struct mocks *m, cJSON *mock, struct error *e);

/* Answer `request` and remember it. The last fitting mock wins; without one the answer has status 0
 * and says so. */
int mocks_answer(struct mocks *m, const struct http_message *request, struct http_message *out,
                 int64_t *delay_ms);

/* A new array of the requests whose URL matches `pattern` (NULL: all). NULL = no memory. */
cJSON *mocks_requests(const struct mocks *m, const char *pattern);

void mocks_fini(struct mocks *m);

#endif
