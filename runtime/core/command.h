/*
 * Commands: everything the machine wants done, as plain data, numbered per call. `seq` grows by one
 * per command of the call; an answer names it. Same events, same commands, byte for byte.
 *
 *   kind     args                                                    answered by
 *   method   arguments of the method, checked and complete but for    EVENT_ANSWER (+
 * EVENT_OPERATION) what only the driver knows (callbackUri, prompt URLs) http
 * {"method","url","headers":{},"body","timeout":s}         EVENT_ANSWER {"status","headers","body"}
 *   cancel   {"seq":n}: forget command n, if it is not on its way     nothing
 *   reply    the body for the joining notification `ids.joining`      nothing
 *   log      {"level","text"}; not part of the journal                nothing
 *   end      {"result":..., "code":..., ...}: the call is over        nothing
 */
#ifndef IVORY_CORE_COMMAND_H
#define IVORY_CORE_COMMAND_H

#include "base/error.h"
#include "base/id.h"

#include <cjson/cJSON.h>
#include <stdint.h>

enum command_kind {
    COMMAND_METHOD,
    COMMAND_HTTP,
    COMMAND_CANCEL,
    COMMAND_REPLY,
    COMMAND_LOG,
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
