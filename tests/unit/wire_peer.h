/*
 * A wire with a scripted peer around it, in virtual time: the test says what the service answers
 * and posts, and looks at what comes out, kind by kind and in order. Token requests are answered by
 * themselves unless `tokens` is off; the keys of notifications likewise with `keys`.
 */
#ifndef IVORY_TESTS_UNIT_WIRE_PEER_H
#define IVORY_TESTS_UNIT_WIRE_PEER_H

#include "base/random.h"
#include "graph/jwt.h"
#include "graph/wire.h"

#define PEER_CALL   "57dab8b1-894c-409a-b240-bd8beae78896"
#define PEER_ID     "57dab8b1894c409ab240bd8beae78896"
#define PEER_TENANT "2432b57b-0abd-43db-aa7b-16eadd115d34"
#define PEER_APP    "11111111-2222-3333-4444-555555555555"
#define PEER_START  1700000000000LL

struct peer {
    struct wire *w;
    struct wire_config cfg;
    int64_t now;
    struct random random;
    bool tokens;
    int tokens_given;
    struct jwt_signer *signer; /* of notifications, when they are checked */
    struct wire_action all[4096];
    size_t n;
    struct wire_action last; /* what peer_next gave */
    uint64_t next_webhook;
    char key[KEY_MAX];
    char kept[65]; /* hash of the recording that was kept */
    size_t kept_n;
};

/* Fill in a configuration that may still be changed, then open. */
void peer_init(struct peer *p);
void peer_open(struct peer *p);
void peer_close(struct peer *p);

/* The oldest action of `kind`, NULL when there is none; valid until the next call. */
const struct wire_action *peer_next(struct peer *p, enum wire_action_kind kind);
const struct http_message *peer_request(struct peer *p, uint64_t *id);
const struct event *peer_event(struct peer *p);
/* Actions of `kind` that are there now. */
size_t peer_count(struct peer *p, enum wire_action_kind kind);
/* Whether a log line holds `part`; forgets all lines up to it. */
bool peer_logged(struct peer *p, const char *part);

/* Answer request `id`; `retry_after` may be NULL. Status 0: no answer, `body` is the reason. */
void peer_answer(struct peer *p, uint64_t id, int status, const char *body,
                 const char *retry_after);
/* The next request must be `verb` on a URL that ends with `tail`; answer it. */
void peer_serve(struct peer *p, const char *verb, const char *tail, int status, const char *body);

/* Go to `ms` after the last moment, waking the wire whenever it wants. */
void peer_wait(struct peer *p, int64_t ms);

/* Post `body`; the status of the answer, 0 while there is none. */
int peer_post(struct peer *p, const char *path_key, const char *authorization, const char *body);
/* Post one notification, its resourceData being `data`. */
int peer_notify(struct peer *p, const char *path_key, const char *change, const char *resource,
                const char *data);

/* Give a command: `args` and `ids` are JSON text or NULL. */
void peer_method(struct peer *p, const char *method, unsigned seq, const char *ids,
                 const char *args);
void peer_command(struct peer *p, enum command_kind kind, unsigned seq, const char *ids,
                  const char *args);

/* An incoming call is offered and taken; its key goes to p->key. */
void peer_offer(struct peer *p);

/* "Bearer <token>" by the peer's signer; free() it. */
char *peer_bearer(const struct peer *p, const struct jwt_signer *by, const char *tenant);

/* Arguments of a playPrompt with a clientContext, of a transfer. */
#define PEER_PLAY                                                                                  \
    "{\"clientContext\":\"k/0/2\",\"prompts\":[{\"@odata.type\":\"#microsoft.graph.mediaPrompt\"," \
    "\"mediaInfo\":{\"uri\":\"https://bot.example/a.wav\",\"resourceId\":\"a\"}}]}"
#define PEER_TARGET "{\"transferTarget\":{\"identity\":{\"user\":{\"id\":\"u1\"}}}}"

/* The code in an answer's error, NULL when there is none. */
const char *peer_error_code(const struct event *ev);

/* The next event must be an answer to `seq` with `status`. */
const struct event *peer_expect_answer(struct peer *p, unsigned seq, int status);

#endif
