/*
 * Policy-based recording (reference §6): a bot is called because somebody must be recorded. It says
 * at the answer how many it takes (participantCapacity); the next ones come to it as
 * participantJoiningNotification, which the body of its HTTP answer decides.
 */
#ifndef IVORY_EXCHANGE_OBSERVE_H
#define IVORY_EXCHANGE_OBSERVE_H

#include "exchange/leg.h"

/* `leg` has been answered and established: it records whom it was called for. */
void observe_begins(struct switchboard *s, struct leg *leg);
/* `leg` is over: those whom it recorded are told. */
void observe_ends(struct switchboard *s, struct leg *leg);
/* Forget the questions that are open. */
void observe_fini(struct leg *leg);
/* `m`, recorded by m->observer, leaves. */
void observe_left(struct switchboard *s, struct member *m, int64_t now);

#endif
