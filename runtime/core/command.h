/*
 * Commands: everything the machine wants done, as plain data, numbered per call. `seq` grows by one
 * per command of the call; an answer names it. Same events, same commands, byte for byte.
 *
 * method  args: arguments of the method, checked and complete but for what only the driver knows
 *         (callbackUri, prompt URLs). Answered by EVENT_ANSWER (and EVENT_OPERATION).
 * http    args {"method","url","headers":{},"body","timeout":s}. Answered by EVENT_ANSWER with data
 *         {"status","headers","body"}, or {"error":{"code","message"}} and status 0.
 * cancel  args {"seq":n}: forget command n, if it is not on its way. No answer.
 * reply   args: the body for the joining notification ids {"joining":n}. No answer.
 * log     args {"level","text","flow","bundle"}; not part of the journal; `seq` is 0.
 * store   args {"op":"get"|"put"|"incr","name","value"}: the flows' durable values. Answered by
 *         EVENT_ANSWER with data {"value":...} (no value: there is none), or {"error":...} and
 *         status 0.
 * continue  ids {"call"}, args: what is left of the call, see core_continued. No answer.
 * end     args {"result","code","subcode","message","flow",...}: the call is over. "secret": true
 *         when a key was taken as secret: then none of its keys may be kept.
 */
#ifndef IVORY_CORE_COMMAND_H
#define IVORY_CORE_COMMAND_H

#include "base/error.h"
#include "base/id.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

enum command_kind {
    COMMAND_METHOD,
    COMMAND_HTTP,
    COMMAND_CANCEL,
    COMMAND_REPLY,
    COMMAND_LOG,
    COMMAND_STORE,
    COMMAND_CONTINUE,
    COMMAND_END,
    COMMAND_KINDS
};

struct command {
    enum command_kind kind;
    char key[KEY_MAX];
    int leg; /* which leg it is for                                             */
    uint32_t seq;
    const char *method; /* name in the method table (static string), NULL for other kinds  */
    char fiber[32];     /* path of the fiber: "1", "1.2", ...                              */
    char where[96];     /* "flows/main.lua:12", empty when the machine itself asks         */
    cJSON *ids;         /* path parameters: {"participant":id, "group":id, ...}; may be NULL */
    cJSON *args;        /* owned; may be NULL                                              */
    bool again;         /* an earlier process may have sent it; not part of its text       */
    int64_t taken_up;   /* when one took its call up after it, for the first time; 0: none  */
};

struct command_list {
    struct command *items;
    size_t n, cap;
};

/* Append, moving `c` (zeroed on success; kept by the caller on ERR_NOMEM). */
int command_list_add(struct command_list *l, struct command *c);

/* Free the commands, keep the array's memory for the next turn. */
void command_list_reset(struct command_list *l);
void command_list_fini(struct command_list *l);

const char *command_kind_name(enum command_kind k);

/* One line of JSON, members in a fixed order, arguments canonical; NULL = no memory. */
char *command_encode(const struct command *c);
int command_copy(struct command *to, const struct command *from);
void command_fini(struct command *c);

#endif
