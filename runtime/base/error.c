#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int error_vset(struct error *e, int code, const char *fmt, va_list ap)
{
    if (e)
        vsnprintf(e->text, sizeof e->text, fmt, ap);
    return code;
}

int error_set(struct error *e, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vset(e, code, fmt, ap);
    va_end(ap);
    return code;
}

int error_prefix(struct error *e, int code, const char *fmt, ...)
{
    char old[sizeof e->text];
    size_t used;
    va_list ap;

    if (!e)
        return code;
    memcpy(old, e->text, sizeof old);
    va_start(ap, fmt);
    vsnprintf(e->text, sizeof e->text, fmt, ap);
    va_end(ap);
    used = strlen(e->text);
    snprintf(e->text + used, sizeof e->text - used, ": %s", old);
    return code;
}

const char *error_name(int code)
{
    static const char *const names[] = {"ok",      "nomem",  "invalid",    "notfound",
                                        "limit",   "io",     "state",      "exists",
                                        "timeout", "script", "unsupported"};
    int i = -code;

    return i >= 0 && i < (int)(sizeof names / sizeof *names) ? names[i] : "unknown";
}

void check_failed(const char *what, const char *file, int line)
{
    fprintf(stderr, "ivory: broken invariant: %s (%s:%d)\n", what, file, line);
    abort();
}
