/*
 * What the parts of the exchange's service share: service.c has its life and its clock, notifier.c
 * what it sends, service_http.c what it answers. Internal to service.
 */
#ifndef IVORY_EXCHANGE_SERVICE_STATE_H
#define IVORY_EXCHANGE_SERVICE_STATE_H

#include "base/list.h"
#include "exchange/access.h"
#include "exchange/phones.h"
#include "exchange/service.h"
#include "graph/jwt.h"
#include "net/http_client.h"
#include "net/http_server.h"

#include <pthread.h>
#include <uv.h>

struct exchange_service {
    struct exchange_service_config cfg; /* strings owned: */
    char *url, *webhook, *tenant, *app_id, *secret;
    unsigned port;
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t stop;
    uv_timer_t clock;  /* the switchboard's next deadline */
    uv_timer_t second; /* for the phones                  */
    bool handles;      /* the three are open              */
    struct http_server *server;
    struct http_client *client;
    struct switchboard *board;
    struct phones *phones;
    struct access access;
    struct jwt_signer *signer;
    char *bearer; /* "Bearer ..." of the notifications, until */
    int64_t bearer_end;
    struct list flights;    /* requests of ours under way                    */
    struct list held;       /* answers that wait for early notifications     */
    struct held *answering; /* the one whose request is being handled now    */
};

/* Milliseconds since the epoch. */
int64_t service_now(void);

/* Carry out the switchboard's actions until there are none, and set the clock. After every input.
 */
void service_pump(struct exchange_service *s);

/* --- notifier.c --- */

/* An answer of ours that must not go out before `early` notifications are delivered. */
struct held {
    struct list link;
    struct http_call *call;
    struct http_message response;
    unsigned early;
};

void notifier_post(struct exchange_service *s, const struct switchboard_action *a, int64_t now);
void notifier_fetch(struct exchange_service *s, const struct switchboard_action *a, int64_t now);
/* The client's callback; `arg` is the service. */
void notifier_done(void *arg, uint64_t id, const struct http_message *response);
/* Answer `call` with `response` (taken over) once what is early has been delivered: call begin
 * before the actions are carried out, end after. */
void notifier_hold_begin(struct exchange_service *s, struct http_call *call,
                         struct http_message *response);
void notifier_hold_end(struct exchange_service *s);
void notifier_fini(struct exchange_service *s);

/* --- service_http.c --- */

/* The server's callbacks; `arg` is the service. */
void service_request(void *arg, struct http_call *call, const struct http_message *request);
void service_refusal(void *arg, const struct http_message *request, struct http_message *response);

#endif
