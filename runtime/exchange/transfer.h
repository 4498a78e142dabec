/*
 * Moving people between calls: transfer (blind, consultative, out of a group), redirect before the
 * answer, and invitations. Reference §2.2, §3.7, §3.8, §4.3.
 */
#ifndef IVORY_EXCHANGE_TRANSFER_H
#define IVORY_EXCHANGE_TRANSFER_H

#include "exchange/leg.h"
#include "exchange/line.h"

/* The leg is `transferring`, `target`, `replaces` and `transferee` are set: go about it. */
void transfer_step(struct switchboard *s, struct leg *leg, int64_t now);
void transfer_accepted(struct switchboard *s, struct leg *leg, struct line *target, int64_t now);
void transfer_done(struct switchboard *s, struct leg *leg, int64_t now);
void transfer_failed(struct switchboard *s, struct leg *leg, int code, int subcode,
                     const char *message, int64_t now);

void redirect_won(struct switchboard *s, struct leg *leg, struct line *target, int64_t now);
void redirect_failed(struct switchboard *s, struct leg *leg, int code, int subcode,
                     const char *message, int64_t now);

/* Bring `identity` in for operation `op` (NULL: of a new group call). `replaces`: id of the call
 * where it is now; `participant`: which of that call. False: no room. */
bool invite(struct switchboard *s, struct leg *leg, struct operation *op, const cJSON *invitee,
            int64_t timeout_ms, int64_t now);
void invite_answered(struct switchboard *s, struct line *l, bool in, int code, int subcode,
                     const char *message, int64_t now);

#endif
