/*
 * The watchdog: a thread that looks every few ms whether a turn of the machine lasts too long, and
 * then interrupts the worker's thread with SIGURG, whose handler ends the turn (cell_interrupt).
 * Counted is what the worker's thread computes: on a busy machine a turn may wait for a processor
 * longer than that. A turn that is repeated has ten times as long, since it was in time before.
 * Nothing is armed per turn, since that would cost ten times a resume; and the interrupt runs on
 * the worker's thread, since a Lua hook can be set safely only there.
 *
 * SIGURG, because nothing happens when one comes late: its default is to be ignored. The handler is
 * the process's and stays installed; a thread without a watchdog ignores it.
 */
#ifndef IVORY_HOST_WATCHDOG_H
#define IVORY_HOST_WATCHDOG_H

#include "base/error.h"
#include "core/core.h"

#include <stdint.h>

struct watchdog;

/* Watch the turns of the machine behind `pulse` (NULL: none yet), which runs on the calling thread;
 * one watchdog a thread. A turn longer than `turn_ms` (1 or more) ends with the limit "turn_ms".
 * ERR_NOMEM, ERR_IO. */
int watchdog_new(struct watchdog **out, const struct core_pulse *pulse, int64_t turn_ms,
                 struct error *e);

/* Watch another machine of the same thread from now on, between two turns; NULL: none. */
void watchdog_turn_to(struct watchdog *w, const struct core_pulse *pulse);

/* How many times it has barked at a turn. */
unsigned long watchdog_barks(const struct watchdog *w);

/* Stop; on the thread that made it, before the machine is freed, unless it was turned away. NULL is
 * allowed. */
void watchdog_free(struct watchdog *w);

#endif
