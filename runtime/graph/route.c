#include "graph/methods.h"

#include "base/http.h"
#include "base/json.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char prefix[] = "microsoft.graph.";

/* One step of a path: its text and what follows it. */
struct step {
    const char *p;
    size_t n;
};

static bool next_step(const char **path, struct step *s)
{
    while (**path == '/')
        ++*path;
    s->p = *path;
    s->n = strcspn(*path, "/?#");
    *path += s->n;
    return s->n > 0;
}

static struct step bare_name(struct step s)
{
    size_t n = sizeof prefix - 1;

    if (s.n > n && strncasecmp(s.p, prefix, n) == 0)
        return (struct step){s.p + n, s.n - n};
    return s;
}

static bool same_name(struct step a, struct step b)
{
    a = bare_name(a);
    b = bare_name(b);
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

static bool is(struct step s, const char *name)
{
    return same_name(s, (struct step){name, strlen(name)});
}

/* Store a path parameter. One that cannot be decoded is no id of anything. */
static bool keep(cJSON *ids, struct step name, struct step value)
{
    char *key = strndup(name.p + 1, name.n - 2), *text = strndup(value.p, value.n);
    bool ok = key && text && http_unescape(text, false) && json_set_str(ids, key, text) == 0;

    free(key);
    free(text);
    return ok;
}

static bool matches(const struct method *m, const char *path, cJSON *ids)
{
    const char *want = m->path;
    struct step a, b;

    while (next_step(&want, &a)) {
        bool first = a.p == m->path + 1;

        if (!next_step(&path, &b))
            return false;
        if (a.p[0] == '{') {
            if (ids && !keep(ids, a, b))
                return false;
        } else if (!same_name(a, b) && !(first && is(b, "app"))) {
            return false;
        }
    }
    return !next_step(&path, &b);
}

/* A literal step beats a parameter: "/calls/logTeleconferenceDeviceQuality" is no call's id. */
static bool beaten_by_literal(const struct method *m, const char *path)
{
    const char *end = path + strcspn(path, "?#");
    const char *last = end;

    while (last > path && last[-1] != '/')
        last--;
    for (const struct method *other = method_table; other->name; other++) {
        const char *name = other->path ? strrchr(other->path, '/') : NULL;

        if (other != m && name && name[1] != '{' && strrchr(m->path, '/')[1] == '{' &&
            is((struct step){last, (size_t)(end - last)}, name + 1) && matches(other, path, NULL))
            return true;
    }
    return false;
}

const struct method *method_route(const char *verb, const char *path, cJSON *ids, bool *other_verb)
{
    bool other = false;

    for (const struct method *m = method_table; m->name; m++) {
        if (!m->path || m->path[0] != '/' || !matches(m, path, NULL))
            continue;
        if (beaten_by_literal(m, path))
            continue;
        if (strcasecmp(verb, m->verb) != 0) {
            other = true;
            continue;
        }
        if (ids && !matches(m, path, ids))
            return NULL;
        if (other_verb)
            *other_verb = false;
        return m;
    }
    if (other_verb)
        *other_verb = other;
    return NULL;
}
