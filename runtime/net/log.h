/*
 * The log: one line an entry on standard error, as text or JSON lines; at once, or by a writer, so
 * that nobody waits for who reads it. Thread-safe.
 */
#ifndef IVORY_NET_LOG_H
#define IVORY_NET_LOG_H

#include "net/log_writer.h"

#include <stdbool.h>
#include <stdio.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log {
    FILE *to;
    struct log_writer *writer; /* whoever made it ends it; NULL: written to `to` at once */
    enum log_level least;
    bool json;
    bool priorities; /* begin each line with "<6>" and the like, as systemd's journal takes them */
    unsigned long *counts; /* of lines by level, counted atomically; may be NULL */
};

/* The call that an entry is about. What is not known is NULL or empty. */
struct log_call {
    const char *key, *flow, *bundle;
};

/* `call` may be NULL. Control characters are escaped: one entry, one line. */
void log_write(const struct log *l, enum log_level level, const struct log_call *call,
               const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* LOG_INFO for an unknown name. */
enum log_level log_level_parse(const char *name);

#endif
