/*
 * Answers of the exchange's HTTP shell. Errors have the API's error body, whatever the path.
 * Internal to exchange.
 */
#ifndef IVORY_EXCHANGE_REPLY_H
#define IVORY_EXCHANGE_REPLY_H

#include "net/http_server.h"

#include <cjson/cJSON.h>
#include <stdint.h>

/* Answer with `body` (taken over; NULL = no memory: 500). */
void reply_json(struct http_call *call, int status, cJSON *body);

/* Answer with JSON text (freed here; NULL = no memory: 500). */
void reply_text(struct http_call *call, int status, char *text);

/* Answer without a body. */
void reply_empty(struct http_call *call, int status);

void reply_error(struct http_call *call, int status, const char *code, const char *message,
                 int64_t now);

/* Fill `response` with such an error; its status stands already. Without memory it stays bare. */
void reply_fill_error(struct http_message *response, const char *code, const char *message,
                      int64_t now);

/* The API's code for a status that the shell gives by itself. */
const char *reply_code(int status);

#endif
