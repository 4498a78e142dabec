/*
 * The inside of the wire, shared by its files and by nobody else:
 *
 *   wire.c           the public functions, the configuration
 *   wire_driver.c    what goes to the driver and comes back: actions, timers, requests under way
 *   wire_calls.c     our calls and the service's: keys, legs, ids
 *   wire_ended.c     the memory of calls that are over
 *   wire_command.c   what the core wants: HTTP, cancel, reply, end
 *   wire_request.c   one request of a call: token, encoding, retries, its answer event
 *   wire_http.c      a flow's own HTTP requests
 *   wire_answer.c    what an answer means: a call's id, a recording, a call that is gone
 *   wire_webhook.c   what the service posts
 *   wire_early.c     events that came before their call, webhooks that wait for a flow's reply
 *   wire_keys.c      the service's keys, and which of its tokens were found good
 *   wire_token.c     our tokens, one a tenant
 *   wire_shard.c     which of several wires has a call
 *
 * Time is `w->now`, set on every entrance and never going back. A timer's owner reserves its place
 * when it is made (wire_reserve), so that arming one cannot fail. What must not get lost when
 * memory is out (the answer to a command, the answer to a webhook) is allocated when the duty
 * begins.
 */
#ifndef IVORY_GRAPH_WIRE_STATE_H
#define IVORY_GRAPH_WIRE_STATE_H

#include "base/heap.h"
#include "base/json.h"
#include "base/list.h"
#include "base/map.h"
#include "graph/jwt.h"
#include "graph/wire.h"

enum {
    WIRE_CALLS_MAX = 200000,
    WIRE_WAITING_MAX = 1000,        /* webhooks that wait for keys            */
    WIRE_WAITING_BYTES = 16 << 20,  /* ... and their bodies                   */
    WIRE_EARLY_MAX = 1000,          /* events of unknown calls                */
    WIRE_EARLY_BYTES = 32 << 20,    /* ... and the bodies they came in        */
    WIRE_HELD_MAX = 1000,           /* joining webhooks that wait for a reply */
    WIRE_TENANTS_MAX = 1000,        /* tokens of ours                         */
    WIRE_ENDED_MAX = 10000,         /* ended calls that are remembered ...    */
    WIRE_ENDED_MS = 15 * 60 * 1000, /* ... and for how long                   */
    WIRE_TENANT_MAX = 64,           /* as in a parcel; length of a tenant's name, with NUL    */
    WIRE_RECORDING_MAX = 16 << 20,  /* bytes of a recording                   */
    WIRE_HTTP_BODY_MAX = 1 << 20,   /* bytes of an answer to a flow's request */
    WIRE_PATH_MAX = KEY_MAX + 12,   /* "<key>.<leg>"                          */
};

/* --- wire_driver.c
 * ----------------------------------------------------------------------------------- */

struct timer {
    struct heap_entry entry;
    void (*fire)(struct wire *w, struct timer *t);
};

/* An action on its way out, or an event that waits for its call. */
struct action {
    struct list link;
    struct wire_action a;
    int64_t expires; /* early event: dropped then     */
    size_t bytes;    /* early event: of the body it came in */
};

/* A request that the driver carries. Embedded in what asks. */
struct sending {
    uint64_t id; /* 0 = none under way */
    int64_t deadline;
    struct timer timer;
    /* Called once, the sending being over already; `response` NULL = the deadline passed. */
    void (*done)(struct wire *w, struct sending *s, const struct http_message *response);
};

/* It is `now`. A clock that goes back is not followed. */
void wire_advance(struct wire *w, int64_t now);

struct action *wire_action_new(enum wire_action_kind kind);
void wire_action_push(struct wire *w, struct action *a);
void wire_action_free(struct action *a); /* NULL is fine */

/* A line for the log, lost when memory is out. */
void wire_log(struct wire *w, const char *level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* About the call of that key. */
void wire_log_call(struct wire *w, const char *level, const char *key, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Room for `n` more timers; wire_release gives it back. ERR_NOMEM. */
int wire_reserve(struct wire *w, size_t n);
void wire_release(struct wire *w, size_t n);
void wire_timer_arm(struct wire *w, struct timer *t, int64_t at);
void wire_timer_stop(struct wire *w, struct timer *t);

/* Send `m` (moved) with `deadline`. ERR_NOMEM: not sent, `done` is not called. */
int wire_sending_start(struct wire *w, struct sending *s, struct http_message *m, int64_t deadline);
void wire_sending_abort(struct wire *w, struct sending *s);
/* The same without a word to the driver. */
void wire_sending_forget(struct wire *w, struct sending *s);

/* --- wire.c -------------------------------------------------------------------------------------
 */

void wire_random(struct wire *w, void *p, size_t n);
void wire_guid(struct wire *w, char out[37]);

/* Replace what is not printable ASCII: texts of peers go into logs and events, and may have been
 * cut within a character. */
void wire_plain(char *text);

/* A name that may stand in an address: letters, digits, . _ - only, not beginning with a dot. */
bool wire_tenant_valid(const char *tenant);

/* --- wire_calls.c ----------------------------------------------------------------------------- */

struct call {
    char key[KEY_MAX];
    char scenario[37];
    char *tenant; /* whose token its requests carry                                         */
    char *peer;   /* tenant that the service's tokens named, for comparing; NULL = none yet */
    bool over;    /* END came: out of all tables, freed with its last request               */
    struct list legs;
    struct list requests;
    struct list held;      /* joining webhooks */
    struct list over_link; /* in w->over */
};

struct leg {
    struct list link;
    struct call *call;
    int number;
    bool incoming;
    bool ended;            /* the service has it no more               */
    bool gone;             /* so it says: why is about to be told, or not */
    char *id;              /* normalised; NULL = the service has not said it */
    char *spelled;         /* as the service writes it                  */
    struct timer timer;    /* keepAlive; after the end: forgetting it */
    struct request *check; /* keepAlive or a look whether it is there */
    struct list doubts;    /* answers with 404 that wait for what the look says */
};

struct call *wire_call_find(const struct wire *w, const char *key);
/* A new key, and its START as an event in `a`; `what` ("call" or "create") is taken over in any
 * case. ERR_NOMEM, ERR_LIMIT. */
int wire_call_start(struct wire *w, const char *what, cJSON *resource, const char *flow,
                    const char *tenant, struct action *a, struct call **out);
/* A new call with its leg 0. ERR_NOMEM, ERR_LIMIT. */
int wire_call_new(struct wire *w, const char *key, const char *tenant, struct call **out);
struct leg *wire_leg_find(const struct call *c, int number);
int wire_leg_new(struct wire *w, struct call *c, int number, struct leg **out);
struct leg *wire_leg_by_id(const struct wire *w, const char *id);

/* The leg of a webhook's path. NULL: none; `ended` says whether it was one lately. */
struct leg *wire_leg_by_path(const struct wire *w, const char *path_key, bool *ended);
/* "<key>" or "<key>.<leg>". */
void wire_leg_path(const struct leg *l, char out[WIRE_PATH_MAX]);

/* The service calls this leg `id`; `spelled` (may be NULL) is how it writes it. A known leg is
 * renamed. Events that waited for the id do not come out before wire_leg_release. */
int wire_leg_bind(struct wire *w, struct leg *l, const char *id, const char *spelled);

/* The service has it no more; only the first time counts. */
void wire_leg_end(struct wire *w, struct leg *l);
/* `answer` (taken over) is a 404 that may mean that the leg is gone: the service is asked, and the
 * answer goes out after what it said, so that a call that is over is told as over; by the service's
 * notification, which knows why, if that comes soon. */
void wire_leg_doubt(struct wire *w, struct leg *l, struct action *answer);
/* The core never heard of its end: make the event. False when memory is out. */
bool wire_leg_report_gone(struct wire *w, struct leg *l, const char *why);
/* Outcome of a keepAlive or look; `status` 0 = none. */
void wire_leg_checked(struct wire *w, struct leg *l, const char *method, int status);

/* END: out of the tables, requests dropped where that is right, freed when the last has gone. */
void wire_call_forget(struct wire *w, struct call *c);
/* Free a call that is over and has no request left. */
void wire_call_settle(struct wire *w, struct call *c);
void wire_call_free(struct wire *w, struct call *c);

/* --- wire_shard.c ----------------------------------------------------------------------------- */

/* Whether a new key may be this one. */
bool wire_shard_takes(const struct wire *w, const char *key);
/* A call of this wire has that id now; it has not any more, and nobody will ask again. */
void wire_shard_bind(struct wire *w, const char *id);
void wire_shard_unbind(struct wire *w, const char *id);
/* Take out of `events` those of other wires, and send them there on behalf of webhook `id`.
 * ERR_NOMEM. */
int wire_share_out(struct wire *w, uint64_t id, const char *tenant, size_t bytes,
                   struct event_list *events);

/* --- wire_ended.c ------------------------------------------------------------------------------
 */

/* Remember `name`, a service's id or ("/" as `mark`) a key of ours. */
void wire_ended_add(struct wire *w, const char *mark, const char *name);
bool wire_ended_lately(const struct wire *w, const char *id);
void wire_ended_fini(struct wire *w);

/* --- wire_command.c -----------------------------------------------------------------------------
 */

int wire_command_take(struct wire *w, struct command *c);

/* --- wire_request.c, wire_answer.c ---------------------------------------------------------------
 */

enum request_kind {
    REQUEST_METHOD,   /* of the core, to the service                        */
    REQUEST_HTTP,     /* of the core, to anybody                            */
    REQUEST_DOWNLOAD, /* of the core: a recording                           */
    REQUEST_CHECK,    /* of the wire: keepAlive, get, delete of an orphan   */
};

struct request {
    struct list link;       /* in call->requests      */
    struct list token_link; /* in tenant->waiting     */
    struct call *call;
    struct leg *leg; /* NULL: none (HTTP) */
    enum request_kind kind;
    struct command command;
    const struct method *method; /* NULL: HTTP */
    bool renewed;                /* a 401 was met with a new token already */
    uint64_t token;              /* generation of the token it was sent with */
    int tries;
    bool perhaps_done; /* an earlier sending may have been carried out */
    int64_t deadline;
    struct sending sending;
    struct timer wake;     /* not under way: the time to go on or to give up */
    struct action *answer; /* the event to come; NULL for REQUEST_CHECK      */
};

/* Begin carrying out `c` (moved on success). ERR_NOMEM: nothing was begun. */
int wire_request_start(struct wire *w, enum request_kind kind, struct call *call, struct leg *leg,
                       struct command *c);
/* Its token is there, or will not be (`why`). */
void wire_request_go_on(struct wire *w, struct request *r, const char *token, uint64_t generation);
void wire_request_fail(struct wire *w, struct request *r, const char *code, const char *message);
/* Whether it can be called back: not sent, or harmless. */
bool wire_request_revocable(const struct request *r);
/* Forget it without an answer; its call stays. */
void wire_request_drop(struct wire *w, struct request *r);

/* An answer event for `c`, without data. */
void wire_answer_event(const struct wire *w, const struct command *c, struct event *ev);
/* {"error":{"code","message"}}, the message in printable ASCII; NULL = no memory. */
cJSON *wire_error_data(const char *code, const char *message);
/* Fill the answer event of `r` from `response` and draw the conclusions that are the wire's. */
void wire_answer_give(struct wire *w, struct request *r, const struct http_message *response);
/* A failure that is not the service's answer; `status` 0, {"error":{"code","message"}}. */
void wire_answer_fail(struct wire *w, struct request *r, const char *code, const char *message);

/* --- wire_http.c: a flow's own requests
 * ------------------------------------------------------------ */

/* From the arguments of an HTTP command, checked. ERR_INVALID names what is wrong, ERR_NOMEM. */
int wire_http_encode(const cJSON *args, struct http_message *out, struct error *e);
/* Its timeout in ms: 1 ms to 10 min, `fallback` when none is given. */
int64_t wire_http_timeout(const cJSON *args, int64_t fallback);
/* {"status","headers","body"}, or {"error"} for a body over the limit. NULL = no memory. */
cJSON *wire_http_data(const struct http_message *response);

/* --- wire_token.c ----------------------------------------------------------------------------- */

struct tenant;

/* The Authorization header for `r` is asked for: wire_request_go_on follows, now or later, or
 * wire_request_fail. */
void wire_token_ask(struct wire *w, struct request *r);
/* The service refused the token of that generation. */
void wire_token_refused(struct wire *w, const char *tenant, uint64_t generation);
void wire_tenant_free(struct wire *w, struct tenant *t);

/* --- wire_keys.c -------------------------------------------------------------------------------
 */

enum verdict { VERDICT_GOOD, VERDICT_BAD, VERDICT_WAIT, VERDICT_UNSURE };

struct keys {
    struct jwt_keys *set; /* NULL: never fetched */
    int64_t fetched;
    int64_t not_before; /* no fetch before that time */
    bool failed;        /* the last fetch            */
    bool second;        /* fetching the keys, the configuration was read */
    struct sending sending;
    struct list accepted; /* tokens found good, oldest first */
    struct map by_hash;
    size_t n;
    char *last; /* the header that was found good last, with `last_claims`; NULL: none */
    struct jwt_claims last_claims;
};

void wire_keys_init(struct wire *w);
void wire_keys_fini(struct wire *w);
/* Judge an Authorization header; GOOD writes the tenant. WAIT: keys are being fetched,
 * wire_webhooks_judge is called when that is over. UNSURE: they could not be. */
enum verdict wire_keys_judge(struct wire *w, const char *authorization,
                             char tenant[WIRE_TENANT_MAX], struct error *e);

/* --- wire_webhook.c --------------------------------------------------------------------------- */

int wire_webhook_take(struct wire *w, uint64_t id, const char *path_key, const char *authorization,
                      const char *body, size_t n);
void wire_webhooks_init(struct wire *w);
void wire_webhooks_fini(struct wire *w);
/* The keys came, or could not be had: judge those that waited. */
void wire_webhooks_judge(struct wire *w);

/* --- wire_early.c: what is held back -------------------------------------------------------------
 */

void wire_early_init(struct wire *w);
void wire_early_fini(struct wire *w);
/* The event in `a` (taken over) waits for its call, `bytes` long at most. */
void wire_early_add(struct wire *w, struct action *a, size_t bytes);
/* Events that waited for `l`'s id come out. */
void wire_leg_release(struct wire *w, struct leg *l);
/* An event of `l` goes out. */
void wire_leg_deliver(struct wire *w, struct leg *l, struct action *a);

/* A joining webhook that is still open. */
struct held {
    struct list link; /* in call->held */
    struct call *call;
    uint32_t number;
    struct action *answer;
    struct timer timer;
};

/* Keep a webhook open for the reply `number`; false: it cannot be, `answer` is still the caller's.
 */
bool wire_held_open(struct wire *w, struct call *c, struct action *answer, uint32_t number);
void wire_held_answer(struct wire *w, struct held *h, int status, const cJSON *body);

/* --- all of it ----------------------------------------------------------------------------------
 */

struct wire {
    struct wire_config cfg; /* its texts are ours */
    char **issuers;
    char *prompt_root, *recording_root;
    int64_t now;
    unsigned char random[512]; /* drawn in advance: the first `nrandom` are unused */
    size_t nrandom;

    struct heap timers;
    size_t reserved;
    struct list actions;
    uint64_t next_id;
    struct map sendings; /* id in hexadecimal → struct sending */

    struct map calls;  /* key → struct call */
    struct map ids;    /* service's id → struct leg */
    size_t live;       /* legs that the service has */
    struct list over;  /* calls that wait for their last request */
    struct list ended; /* oldest first */
    struct map ended_names;

    struct map tenants;
    struct keys keys;

    struct list waiting; /* webhooks, oldest first */
    size_t nwaiting, waiting_bytes;
    struct timer waiting_timer;
    struct list early; /* events, oldest first */
    size_t nearly, early_bytes;
    struct timer early_timer;
    uint32_t next_held;
    size_t nheld;
};

#endif
