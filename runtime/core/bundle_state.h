/*
 * Making a bundle, for the files of bundle_*.c.
 */
#ifndef IVORY_CORE_BUNDLE_STATE_H
#define IVORY_CORE_BUNDLE_STATE_H

#include "core/bundle.h"

/* Sort what was put into `b` and give it its id. ERR_NOMEM. */
int bundle_seal(struct bundle *b, struct error *e);

#endif
