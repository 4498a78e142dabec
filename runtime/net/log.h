/*
 * The log: one line an entry on standard error, as text or JSON lines. Thread-safe.
 */
#ifndef IVORY_NET_LOG_H
#define IVORY_NET_LOG_H

#include <stdbool.h>
#include <stdio.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
    FILE *to;
    enum log_level least;
    bool json;
    unsigned long *counts; /* of lines by level, counted atomically; may be NULL */
};

/* `call`: the call's key, or NULL. Control characters in the text are escaped: one entry, one line.
 */
void log_write(const struct log *l, enum log_level level, const char *call, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* LOG_INFO for an unknown name. */
enum log_level log_level_parse(const char *name);

#endif
