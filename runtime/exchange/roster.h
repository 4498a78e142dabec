/*
 * Participants as the API shows them, and the notifications about them: the whole roster after each
 * change, or only the change for a call with isDeltaRosterEnabled (reference §2.5). A call with
 * isContentSharingNotificationEnabled is told of sharing sessions (§5.2).
 */
#ifndef IVORY_EXCHANGE_ROSTER_H
#define IVORY_EXCHANGE_ROSTER_H

#include "exchange/conference.h"

/* One participant. `removed` is the reason of a leaver, else NULL. */
void roster_participant(struct buf *b, const struct member *m, const char *removed);

/* An array of all whom `reader` may see; from the lobby that is the reader alone. */
void roster_array(struct buf *b, const struct conference *c, const struct member *reader);

/* `m` came, changed, or left (`removed`): tell the bots of a group. */
void roster_changed(struct switchboard *s, struct member *m, const char *removed, int64_t now);

/* The same even in a 1:1 call, where only mutes are told (reference §3.9). */
void roster_told(struct switchboard *s, struct member *m, const char *removed, int64_t now);

/* A leg has come in: the whole roster to it, the newcomer to the others of a group. */
void roster_first(struct switchboard *s, struct leg *leg, int64_t now);

void roster_session(struct buf *b, const struct sharing_session *x, bool beta);
void roster_sharing(struct switchboard *s, struct conference *c, const struct sharing_session *x,
                    const char *change, int64_t now);

void roster_group(struct buf *b, const struct routing_group *g);

#endif
