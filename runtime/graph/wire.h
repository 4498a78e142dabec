/*
 * The wire: the machine between the core and the service. In: commands, HTTP answers, webhooks,
 * time. Out: HTTP requests, events, answers to webhooks. It knows which of our calls is which of
 * the service's, holds our tokens (one per tenant, renewed early, once more on 401), checks theirs,
 * retries by the method table's rule, keeps calls alive, gives each request a deadline, holds back
 * what came too early. No I/O, no clock. One thread.
 *
 * Each command of kind METHOD or HTTP ends in exactly one ANSWER event, whatever happens, unless
 * its call was over (END) before. An answer 404 to what lies below a known call waits until the
 * service was asked for that call (5 s at most): if it is gone, its end comes before the answer.
 * Where no answer of the service is the reason, `status` is 0 and
 * `data` is {"error":{"code","message"}} with code "network" or "timeout" (it may have been carried
 * out: after an `answer`, a `transfer` or another method that is never repeated, ask with `get`
 * before trying again), "cancelled", "noToken", "conflict", "invalidRequest", "itemNotFound",
 * "notSupported", "tooManyCalls", "outOfMemory"; for a recording "recordingEmpty",
 * "recordingTooLarge", "recordingNotKept", for a flow's own request "tooLarge" (over 1 MiB).
 */
#ifndef IVORY_GRAPH_WIRE_H
#define IVORY_GRAPH_WIRE_H

#include "base/http.h"
#include "core/command.h"
#include "core/event.h"
#include "graph/methods.h"

struct wire;

/* Several wires of one service (its workers) share the calls out among them. A call's key falls to
 * the wire that has it (id_shard), and an offered call goes to the wire that its id falls to. Ids
 * of other calls fall where they like: `bound` tells of those that this wire has all the same. */
struct wire_shards {
    unsigned count, self; /* 0 or 1 of them: this is the only one */
    /* This wire has (`ours`), or has no more, the call `id`, which falls to another. */
    void (*bound)(void *arg, const char *id, bool ours);
    /* Which wire told so of `id`; -1: none did. */
    int (*find)(void *arg, const char *id);
    void *arg;
};

/* Events of a webhook about calls that another wire has; the token was found good. */
struct wire_parcel {
    unsigned shard;  /* whose                                              */
    char tenant[64]; /* that the token named; empty when it is not checked */
    size_t bytes;    /* of the body they came in                           */
    struct event_list events;
};

struct wire_config {
    char
        *graph_url; /* "https://graph.microsoft.com" or the exchange's address, no trailing slash */
    unsigned version;
    char *public_url; /* ours, as the service sees it, no trailing slash */
    char *authority;  /* "https://login.microsoftonline.com"  */
    char *tenant; /* default tenant, "common" if none                                            */
    char *app_id;
    char *app_secret;
    bool verify;  /* check inbound tokens                                                        */
    char *openid; /* address of the OpenID configuration                                         */
    const char *const *issuers;
    int64_t request_ms;   /* 30,000: deadline of one request, retries included   */
    int64_t keepalive_ms; /* 15 min */
    int64_t early_ms; /* 5,000: how long an event of an unknown call waits                       */
    int64_t unknown_key_ms; /* between fetches for keys that we do not know; 0: five minutes */
    int64_t reply_ms; /* 3,000: how long a joining notification waits for the flow's reply       */
    void (*random)(void *arg, void *p, size_t n); /* keys of calls, seeds, jitter */
    void *random_arg;
    /* Keep a downloaded recording: `hash` of its bytes names it. 0 or an error code. */
    int (*keep_recording)(void *arg, const char *hash, const void *p, size_t n);
    void *keep_recording_arg;
    /* Optional. Asked before a call that is offered is begun: 0 = yes, else after how many seconds
     * to offer it again (503 with Retry-After). */
    int (*admit)(void *arg, const char *tenant);
    /* Optional. A request was answered (status 0: no answer came); `again`: it will be sent once
     * more. `method` is a name of the method table, or "http" for a flow's own. */
    void (*answered)(void *arg, const char *method, int status, bool again);
    /* Optional. A method of that call goes out, for the first time. */
    void (*sent)(void *arg, const char *key);
    void *hooks_arg;
    /* Optional, with an argument of its own. At our address for call `key` (leg 0) the service
     * tells of its call `call_id`, which is in progress; but that key is not known, or (`ended`)
     * its call is over and had another id or none. False: refuse it. */
    bool (*stray)(void *arg, const char *key, const char *call_id, const char *tenant, bool ended);
    void *stray_arg;
    struct wire_shards shards;
};

enum wire_action_kind {
    WIRE_SEND,   /* send `message` (a request), answer with wire_response(id)     */
    WIRE_EVENT,  /* give `event` to the core                                      */
    WIRE_ANSWER, /* answer webhook `id` with `message` (a response)               */
    WIRE_ABORT,  /* forget request `id` if it has not been answered               */
    WIRE_LOG,    /* `text` for the log, `level` "info", "warn" or "error"; about the call of
                    `event.key`, if that is not empty                            */
    WIRE_PARCEL, /* give `parcel` to its wire: a part of webhook `id`, whose answer waits for what
                    becomes of the part. Before the answer of this wire */
};

struct wire_action {
    enum wire_action_kind kind;
    uint64_t id;
    int64_t deadline; /* SEND: when the driver gives up (answer with status 0) */
    struct http_message message;
    struct event event;
    const char *level;
    char *text;
    struct wire_parcel *parcel; /* owned */
};

/* The texts of `cfg` are copied. ERR_INVALID names what is missing, ERR_NOMEM. */
int wire_new(struct wire **out, const struct wire_config *cfg, struct error *e);
void wire_free(struct wire *w);

/* Carry out a command of the core (METHOD, HTTP, CANCEL, REPLY, END; LOG is the driver's). Moves
 * `c`, but for ERR_NOMEM, which leaves it with the caller, untouched. A METHOD or HTTP command that
 * is called back (CANCEL) is answered, too, with code "cancelled"; what is under way already and
 * not harmless goes on. The data of an HTTP command's answer is {"status","headers" (names in lower
 * case),"body"}; a body that is not UTF-8 is base64url, with "encoding":"base64url". END forgets
 * the call: a hang-up is still carried through, and a call that is created after its END is hung
 * up. */
int wire_command(struct wire *w, struct command *c, int64_t now);

/* The answer to WIRE_SEND `id`; `status` 0 with the reason as body when none came. */
int wire_response(struct wire *w, uint64_t id, const struct http_message *response, int64_t now);

/* A webhook: POST /api/calls (`path_key` empty) or /api/calls/<path_key>; `authorization` NULL = no
 * such header. `id` names it in WIRE_ANSWER, which comes at once or, while keys are fetched or the
 * flow is asked (joining), later: 202 taken, 200 with a flow's reply, 400 not to be read, 401 no or
 * a bad token, 403 of another tenant than its call, 404 no such key, 413 too long, 500 no memory,
 * 503 too much or no keys. ERR_NOMEM: there will be no WIRE_ANSWER; the driver answers 500. */
int wire_webhook(struct wire *w, uint64_t id, const char *path_key, const char *authorization,
                 const char *body, size_t n, int64_t now);

/* A part of a webhook that another wire received; taken over unless ERR_NOMEM. `id` names it in
 * WIRE_ANSWER, with a status as for a whole one. */
int wire_take_parcel(struct wire *w, uint64_t id, struct wire_parcel *p, int64_t now);
/* NULL is fine. */
void wire_parcel_free(struct wire_parcel *p);

/* Begin an outgoing call: an EVENT_START with a new key comes out. `create` = arguments of the
 * create method, taken over in any case. The key is written to `key`. ERR_NOMEM, ERR_LIMIT. */
int wire_dial(struct wire *w, const char *flow, cJSON *create, int64_t now, char key[KEY_MAX]);

/* A leg of a call that another process began: its key, tenant and our number for it, what the
 * service calls it (NULL: not known) and how it writes that (may be NULL). From now on its webhooks
 * are its own, and it is kept alive. ERR_NOMEM, ERR_LIMIT, ERR_EXISTS. */
int wire_adopt(struct wire *w, const char *key, const char *tenant, int leg, bool incoming,
               const char *call_id, const char *spelled, int64_t now);

/* A call that ended in another process: what the service still says of it, an offer too, is nothing
 * new. */
void wire_ended(struct wire *w, const char *key, const char *call_id, int64_t now);

/* The earliest time at which wire_tick has something to do; INT64_MAX when there is none. */
int64_t wire_next_deadline(const struct wire *w);
int wire_tick(struct wire *w, int64_t now);

/* Take the next action; false when there is none. The caller owns what it holds (wire_action_fini).
 */
bool wire_next(struct wire *w, struct wire_action *out);
void wire_action_fini(struct wire_action *a);

/* The key and leg of a service call id; false when unknown. */
bool wire_find(const struct wire *w, const char *call_id, char key[KEY_MAX], int *leg);

/* Legs that the service has, as far as we know. */
size_t wire_calls(const struct wire *w);

#endif
