#include "host/cdr.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const columns[] = {"key",     "began",   "ended", "ms",      "direction",
                                      "from",    "to",      "flow",  "result",  "code",
                                      "subcode", "message", "keys",  "prompts", "bundle"};
enum { COLUMNS = sizeof columns / sizeof *columns };

struct writing {
    FILE *out;
    bool csv, json;
    struct error *e;
};

static void write_time(FILE *out, int64_t ms)
{
    time_t s = (time_t)(ms / 1000);
    struct tm tm;
    char text[32];

    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", gmtime_r(&s, &tm));
    fprintf(out, "%s.%03dZ", text, (int)(ms % 1000));
}

/* A field between quotes; one that a spreadsheet would take for a formula is led by a quote. */
static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    if (text[0] && strchr("=+-@\t\r", text[0]) &&
        strspn(text + 1, "0123456789 ") != strlen(text + 1))
        fputc('\'', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void write_prompts(FILE *out, const cJSON *prompts)
{
    const cJSON *p;

    fputc('"', out);
    cJSON_ArrayForEach (p, prompts) {
        fprintf(out, "%s", p == prompts->child ? "" : " ");
        for (const char *c = cJSON_IsString(p) ? p->valuestring : ""; *c; c++)
            fputc(*c == '"' ? '\'' : *c, out);
    }
    fputc('"', out);
}

static void write_row(FILE *out, const cJSON *o)
{
    for (int i = 0; i < COLUMNS; i++) {
        const cJSON *v = json_get(o, columns[i]);

        if (i)
            fputc(',', out);
        if (strcmp(columns[i], "began") == 0 || strcmp(columns[i], "ended") == 0)
            write_time(out, json_int(o, columns[i], 0));
        else if (cJSON_IsArray(v))
            write_prompts(out, v);
        else if (cJSON_IsString(v))
            write_text(out, v->valuestring);
        else if (v)
            fprintf(out, "%lld", (long long)json_int(o, columns[i], 0));
    }
    fputs("\r\n", out);
}

static int write_call(void *arg, const struct journal_call *c)
{
    struct writing *w = arg;
    cJSON *o = NULL;
    int err;

    if (!w->csv) {
        fprintf(w->out, "%.*s\n", (int)c->n, (const char *)c->facts);
        return 0;
    }
    err = json_parse(&o, c->facts, c->n, w->e);
    if (!err)
        write_row(w->out, o);
    cJSON_Delete(o);
    return err;
}

int cdr_write(struct journal *j, int64_t since, bool csv, FILE *out, struct error *e)
{
    struct writing w = {out, csv, !csv, e};

    for (int i = 0; csv && i < COLUMNS; i++)
        fprintf(out, "%s%s", columns[i], i + 1 < COLUMNS ? "," : "\r\n");
    return journal_each_ended(j, since, write_call, &w, e);
}

static int write_open(void *arg, const struct journal_call *c)
{
    struct writing *w = arg;
    cJSON *o = NULL;
    const char *direction;

    if (w->json) {
        fprintf(w->out, "{\"key\":\"%s\",\"since\":%lld,\"bundle\":\"%s\",\"attempts\":%d}\n",
                c->key, (long long)c->began, c->bundle, c->attempts);
        return 0;
    }
    json_parse(&o, c->facts, c->n, NULL); /* what cannot be read is listed all the same */
    direction = json_str(json_get(o, "data"), "direction");
    fprintf(w->out, "%s  %-9s since ", c->key, direction ? direction : "");
    write_time(w->out, c->began);
    fputs("  waits for the service to be started\n", w->out);
    cJSON_Delete(o);
    return 0;
}

int cdr_open_calls(struct journal *j, bool json, FILE *out, struct error *e)
{
    struct writing w = {out, false, json, e};

    return journal_each_open(j, write_open, &w, e);
}

int cdr_since(const char *text, int64_t now, int64_t *since, struct error *e)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    struct tm tm = {0};
    char *end;
    long n = strtol(text, &end, 10);

    for (size_t i = 0; i < 3; i++) {
        if (end > text && *end == units[i].unit && !end[1] && n >= 0 && n < 1000000) {
            *since = now - n * units[i].ms;
            return 0;
        }
    }
    end = strptime(text, "%Y-%m-%d", &tm);
    if (end && *end == 'T')
        end = strptime(end + 1, "%H:%M:%S", &tm);
    if (end && *end == 'Z')
        end++;
    if (!end || *end)
        return error_set(e, ERR_INVALID,
                         "--since: 2026-11-23, 2026-11-23T10:00:00 (UTC), or 90m, 36h, 7d; not %s",
                         text);
    *since = (int64_t)timegm(&tm) * 1000;
    return 0;
}
