/*
 * Carries lines of the log to where they go, those that have to wait on a thread of its own, so
 * that whoever logs waits for nobody: a terminal that is held, a pipe that is not read or a slow
 * systemd-journald would stop every call otherwise. What cannot be carried as fast as it comes is
 * kept, and lost beyond that: first what is minor, so that a flow that talks without end does not
 * drown a warning. Thread-safe.
 */
#ifndef IVORY_NET_LOG_WRITER_H
#define IVORY_NET_LOG_WRITER_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { LOG_WRITER_BYTES = 4 << 20, LOG_WRITER_END_MS = 2000 };

struct log_writer;

/* `fd` stays the caller's. ERR_NOMEM, ERR_IO. */
int log_writer_new(struct log_writer **out, int fd, struct error *e);

/* Have `line` written. Returns how many were lost before it and have not been told of yet, and is
 * to be told; 0 while there is little room. */
unsigned long log_writer_add(struct log_writer *w, const char *line, size_t n, bool minor);

/* What is kept is written first, if that takes less than LOG_WRITER_END_MS. NULL is fine. */
void log_writer_free(struct log_writer *w);

#endif
