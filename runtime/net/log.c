#include "net/log.h"

#include <stdarg.h>
#include <string.h>
#include <time.h>

#define MAX_KEY 64
#define MAX_TEXT                                                                                   \
    4096 /* longer texts are cut; no allocation, so that a lack of memory is logged                \
          */

struct line {
    size_t n;
    char p[6 * (MAX_TEXT + 3 * MAX_KEY) + 256];
};

static void add(struct line *l, const char *s)
{
    size_t n = strlen(s);

    memcpy(l->p + l->n, s, n);
    l->n += n;
}

/* Bytes of the UTF-8 character at `s`, 0 when it is none. */
static size_t utf8_length(const unsigned char *s)
{
    size_t n = *s < 0x80 ? 1 : *s >= 0xC2 && *s < 0xE0 ? 2 : *s >= 0xE0 && *s < 0xF0 ? 3 : 4;

    if (n == 4 && (*s < 0xF0 || *s > 0xF4))
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xC0) != 0x80)
            return 0;
    }
    if ((*s == 0xE0 && s[1] < 0xA0) || (*s == 0xED && s[1] > 0x9F) || (*s == 0xF0 && s[1] < 0x90) ||
        (*s == 0xF4 && s[1] > 0x8F))
        return 0;
    return n;
}

/* Control characters and what is not UTF-8 are shown as escapes. Plain text keeps quotes. */
static void add_escaped(struct line *l, const char *text, bool json)
{
    for (const unsigned char *s = (const unsigned char *)text; *s;) {
        size_t n = utf8_length(s);

        if (n == 0 || *s < 0x20 || *s == 0x7F) {
            char escape[8];
            /* JSON has no way to write a byte; a stray one becomes the character of its number. */
            snprintf(escape, sizeof escape, json ? "\\u%04x" : "\\x%02x", *s);
            add(l, *s == '\n' ? "\\n" : *s == '\t' ? "\\t" : escape);
            s++;
            continue;
        }
        if (*s == '\\' || (json && *s == '"'))
            l->p[l->n++] = '\\';
        memcpy(l->p + l->n, s, n);
        l->n += n;
        s += n;
    }
}

static void add_time(struct line *l)
{
    struct timespec now;
    struct tm tm;
    char text[40];
    size_t n;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    n = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + n, sizeof text - n, ".%03uZ", (unsigned)(now.tv_nsec / 1000000) % 1000u);
    add(l, text);
}

static void add_field(struct line *l, const char *name, const char *value, bool json)
{
    char part[MAX_KEY];

    if (!value || !*value)
        return;
    snprintf(part, sizeof part, "%s", value);
    add(l, json ? "\",\"" : " ");
    add(l, name);
    add(l, json ? "\":\"" : "=");
    add_escaped(l, part, json);
}

static void put(const struct log *l, const struct line *line, bool minor)
{
    unsigned long lost;

    if (!l->writer) {
        /* One write under the stream's lock: entries of several threads do not mix. */
        fwrite(line->p, 1, line->n, l->to);
        fflush(l->to);
        return;
    }
    lost = log_writer_add(l->writer, line->p, line->n, minor);
    if (lost)
        log_write(l, LOG_WARN, NULL, "%lu entries were lost: the log is not read fast enough",
                  lost);
}

void log_write(const struct log *l, enum log_level level, const struct log_call *call,
               const char *fmt, ...)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};
    static const char *const priorities[] = {"<7>", "<6>", "<4>", "<3>"};
    char text[MAX_TEXT];
    struct line line;
    va_list ap;
    int n;

    if (level < l->least)
        return;
    if (l->counts)
        __atomic_add_fetch(&l->counts[level], 1, __ATOMIC_RELAXED);
    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return;
    if ((size_t)n >= sizeof text)
        memcpy(text + sizeof text - 4, "...", 4);
    line.n = 0;
    add(&line, l->priorities ? priorities[level] : "");
    add(&line, l->json ? "{\"time\":\"" : "");
    add_time(&line);
    add(&line, l->json ? "\",\"level\":\"" : " ");
    add(&line, names[level]);
    if (call) {
        add_field(&line, "call", call->key, l->json);
        add_field(&line, "flow", call->flow, l->json);
        add_field(&line, "bundle", call->bundle, l->json);
    }
    add(&line, l->json ? "\",\"text\":\"" : " ");
    add_escaped(&line, text, l->json);
    add(&line, l->json ? "\"}\n" : "\n");
    put(l, &line, level < LOG_WARN);
}

enum log_level log_level_parse(const char *name)
{
    static const char *const names[] = {"debug", "info", "warn", "error"};

    for (int i = 0; name && i < 4; i++) {
        if (strcmp(names[i], name) == 0)
            return (enum log_level)i;
    }
    return LOG_INFO;
}
