/*
 * The exchange as a service: a thread with a loop of its own that joins the switchboard to HTTP.
 * It serves the API (/v1.0, /beta, /recordings), tokens (/<tenant>/oauth2/v2.0/token), the keys of
 * its notifications (/v1/.well-known/...) and phones (/phone/v1, see phones.h); it posts
 * notifications, with a token as the service's own, and fetches prompts to learn how long they
 * play.
 */
#ifndef IVORY_EXCHANGE_SERVICE_H
#define IVORY_EXCHANGE_SERVICE_H

#include "base/error.h"
#include "exchange/switchboard.h"
#include "net/log.h"

#include <stdbool.h>
#include <stdint.h>

struct exchange_service;

/* Strings are copied, but `log` must outlive the service. */
struct exchange_service_config {
    const char *listen;  /* "127.0.0.1:8090"; port 0 picks one                      */
    const char *url;     /* as clients reach it; NULL: http:// and the listen address */
    const char *webhook; /* where incoming calls are offered; NULL: where `ivory serve` listens by
                            default */
    const char *tenant;
    const char *app_id;
    const char *secret;   /* of the application; NULL: any client gets a token       */
    const char *ca_file;  /* certificates to trust where it posts to; NULL: the system's */
    bool phones_anywhere; /* else only on this machine                               */
    uint64_t seed;        /* of ids and faults; 0: random                            */
    int64_t answer_ms;    /* as in switchboard_config; 0: its defaults               */
    int64_t silence_ms;
    struct switchboard_faults faults;
    const struct log *log;
};

/* Listen and start the thread. ERR_INVALID, ERR_IO, ERR_NOMEM. */
int exchange_service_start(struct exchange_service **out, const struct exchange_service_config *cfg,
                           struct error *e);

/* The port in use, from any thread. */
unsigned exchange_service_port(const struct exchange_service *s);

/* How clients on this machine reach the exchange that listens there, at `port` if that is not 0;
 * to be freed. NULL: no memory. */
char *exchange_service_url(const char *listen, unsigned port);

/* End what is in progress, join the thread, free. NULL is allowed. */
void exchange_service_stop(struct exchange_service *s);

#endif
