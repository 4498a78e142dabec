/*
 * Errors. Every function that can fail returns an int: 0, or one of the negative codes below.
 * Where a person will read the reason, it also fills a `struct error` given by the caller.
 * A broken invariant is not an error: CHECK stops the process, in release builds too.
 */
#ifndef IVORY_BASE_ERROR_H
#define IVORY_BASE_ERROR_H

#include <stdarg.h>

enum {
    ERR_NOMEM = -1,        /* allocation failed                                        */
    ERR_INVALID = -2,      /* the input is malformed or breaks a rule                  */
    ERR_NOTFOUND = -3,     /* no such thing                                            */
    ERR_LIMIT = -4,        /* a limit is reached                                       */
    ERR_IO = -5,           /* the system or the network refused                        */
    ERR_CONFLICT = -6,     /* not possible in this state                               */
    ERR_EXISTS = -7,       /* it is there already                                      */
    ERR_TIMEOUT = -8,      /* a deadline passed                                        */
    ERR_SCRIPT = -9,       /* Lua code failed; the text holds file and line            */
    ERR_UNSUPPORTED = -10, /* known, but not in this version or build               */
};

/* A reason for people. `text` is always terminated. */
struct error {
    char text[512];
};

/* Write the reason into `e` (may be NULL) and return `code`. */
int error_set(struct error *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
int error_vset(struct error *e, int code, const char *fmt, va_list ap);

/* Put "prefix: " before the reason in `e` (may be NULL); returns `code`. */
int error_prefix(struct error *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A short name of a code, for logs. */
const char *error_name(int code);

#define CHECK(cond) ((cond) ? (void)0 : check_failed(#cond, __FILE__, __LINE__))
_Noreturn void check_failed(const char *what, const char *file, int line);

#endif
