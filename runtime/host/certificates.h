/*
 * The certificates of the two listeners, from the files that the configuration names. The files are
 * looked at every two seconds, and read anew when they have changed and then kept still for so
 * long: a certificate and its key are replaced one after the other. What is broken is refused with
 * one line in the log, and the old certificate stays.
 *
 * Looked at, not watched with inotify: two files cost nothing, and renewal tools swap links in
 * folders above. On the main loop's thread.
 */
#ifndef IVORY_HOST_CERTIFICATES_H
#define IVORY_HOST_CERTIFICATES_H

#include "host/config.h"
#include "net/log.h"
#include "net/tls.h"

#include <uv.h>

struct certificates;

enum listener { LISTENER_PUBLIC, LISTENER_ADMIN, LISTENERS };

/* "public", "admin". */
const char *listener_name(enum listener which);

/* Read them for the first time. ERR_IO, ERR_INVALID, ERR_NOMEM. */
int certificates_new(struct certificates **out, uv_loop_t *loop, const struct config *cfg,
                     const struct log *log, struct error *e);

/* NULL: that listener speaks plain HTTP. */
struct tls *certificates_of(struct certificates *c, enum listener which);

/* Read what has changed now: somebody has asked. */
void certificates_reload(struct certificates *c);

/* The memory goes when the loop has run once more. NULL is allowed. */
void certificates_free(struct certificates *c);

#endif
