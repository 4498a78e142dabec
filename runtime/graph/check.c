#include "graph/methods.h"

#include "base/json.h"
#include "base/text.h"
#include "graph/expand.h"
#include "graph/rules.h"
#include "graph/value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Where we are in the arguments, for messages. A path too long for the room is cut. */
struct check {
    const struct method *method;
    unsigned version;
    bool strict; /* a body as the service takes it: no short forms, nothing is put in */
    struct error *error;
    char path[192];
    size_t n;
};

static size_t enter(struct check *c, const char *name)
{
    size_t was = c->n;

    if (was)
        c->n += text_copy(c->path + was, sizeof c->path - was, ".");
    c->n += text_copy(c->path + c->n, sizeof c->path - c->n, name);
    return was;
}

static size_t enter_item(struct check *c, int index)
{
    size_t was = c->n;
    int n = snprintf(c->path + was, sizeof c->path - was, "[%d]", index);

    c->n = was + (size_t)n < sizeof c->path ? was + (size_t)n : sizeof c->path - 1;
    return was;
}

static void leave(struct check *c, size_t was)
{
    c->n = was;
    c->path[was] = '\0';
}

/* "path: reason"; the arguments as a whole have no path. */
static int refuse(struct check *c, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static int refuse(struct check *c, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    error_vset(c->error, code, fmt, ap);
    va_end(ap);
    return c->n ? error_prefix(c->error, code, "%s", c->path) : code;
}

static int wanted(struct check *c, const char *what)
{
    return refuse(c, ERR_INVALID, "must be %s", what);
}

static int check_version(struct check *c, unsigned versions)
{
    if (versions & c->version)
        return 0;
    return refuse(c, ERR_UNSUPPORTED, "only in %s (reference %s)",
                  version_name(versions & VERSION_BETA ? VERSION_BETA : VERSION_V1),
                  c->method->section);
}

/* --- single values */

static int check_number(struct check *c, const struct field *f, const cJSON *v, bool whole)
{
    double x = v->valuedouble;

    if (!cJSON_IsNumber(v) || !isfinite(x) || (whole && (x != floor(x) || fabs(x) > 0x1p53)))
        return wanted(c, whole ? "a whole number" : "a number");
    if ((f->min != 0 || f->max != 0) && (x < f->min || x > f->max))
        return refuse(c, ERR_INVALID, "%.15g is not between %.15g and %.15g", x, f->min, f->max);
    return 0;
}

static int check_string(struct check *c, const struct field *f, const cJSON *v)
{
    size_t n;

    if (!cJSON_IsString(v))
        return wanted(c, "a string");
    n = strlen(v->valuestring);
    if (!f->list && n < f->least)
        return refuse(c, ERR_INVALID, "must not be empty");
    if (!f->list && f->most && n > f->most)
        return refuse(c, ERR_INVALID, "%zu bytes, at most %u", n, f->most);
    return 0;
}

/* The service accepts https alone; a machine talking to itself (the exchange) needs no certificate.
 * What has no scheme is left to the service, as one documented example shows. */
static int check_uri(struct check *c, const cJSON *v)
{
    static const char *const local[] = {"127.0.0.1", "localhost", "[::1]"};
    const char *text = cJSON_GetStringValue(v);

    if (!text || !*text)
        return wanted(c, "an address");
    if (!strstr(text, "://") || strncasecmp(text, "https://", 8) == 0)
        return 0;
    for (size_t i = 0; i < sizeof local / sizeof *local; i++) {
        size_t n = strlen(local[i]);

        if (strncasecmp(text, "http://", 7) == 0 && strncasecmp(text + 7, local[i], n) == 0 &&
            strchr("/:?#", text[7 + n]))
            return 0;
    }
    return wanted(c, "an https address");
}

/* ISO 8601 as far as a slip shows: "2026-03-13T21:00:00Z", "PT0.03S". */
static bool fits(const char *text, const char *pattern)
{
    for (; *pattern; pattern++, text++) {
        if (*pattern == '0' ? *text < '0' || *text > '9' : *text != *pattern)
            return false;
    }
    return true;
}

static bool is_duration(const char *text)
{
    text += *text == '-';
    return *text == 'P' && text[1] && strspn(text + 1, "0123456789.YMWDTHS") == strlen(text + 1) &&
           strpbrk(text + 1, "0123456789");
}

static int check_text(struct check *c, const struct field *f, const cJSON *v)
{
    const char *text = cJSON_GetStringValue(v);

    if (strcmp(f->type, "guid") == 0)
        return text && expand_is_guid(text) ? 0 : wanted(c, "a GUID");
    if (strcmp(f->type, "dateTime") == 0)
        return text && fits(text, "0000-00-00T00:00:00")
                   ? 0
                   : wanted(c, "a time, 2026-12-31T23:59:59Z");
    if (strcmp(f->type, "duration") == 0)
        return text && is_duration(text) ? 0 : wanted(c, "a duration, PT1.5S");
    if (strcmp(f->type, "key") == 0)
        return text && text[0] && !text[1] && strchr("0123456789*#ABCDabcd", text[0])
                   ? 0
                   : wanted(c, "a key: 0 to 9, *, #, A to D");
    CHECK(strcmp(f->type, "uri") == 0);
    return check_uri(c, v);
}

static int check_member(struct check *c, const struct enumeration *en, cJSON *v)
{
    const char *text = cJSON_GetStringValue(v),
               *member = text ? enumeration_member(en, text) : NULL;
    char list[256];
    size_t n = 0;

    if (!member) {
        list[0] = '\0';
        for (const char *const *m = en->members; *m && n < sizeof list; m++)
            n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", *m);
        return refuse(c, ERR_INVALID, "must be one of %s", list);
    }
    for (const char *const *m = en->beta_only; m && *m; m++) {
        if (strcmp(*m, member) == 0 && !(c->version & VERSION_BETA))
            return refuse(c, ERR_UNSUPPORTED, "%s is only in beta", member);
    }
    memcpy(v->valuestring, member, strlen(member)); /* differs in case only */
    return 0;
}

/* --- objects */

static int check_field(struct check *c, const struct field *f, cJSON *v);

static bool extends(const struct type *t, const struct type *of)
{
    while (t && t != of)
        t = t->base ? type_find(t->base) : NULL;
    return t != NULL;
}

/* A documented group call names the type of a target so. */
static bool may_stand_for(const struct type *t, const struct type *declared)
{
    return extends(t, declared) || (strcmp(t->name, "participantInfo") == 0 &&
                                    strcmp(declared->name, "invitationParticipantInfo") == 0);
}

/* Values of one type need to say which they are when it, or what it extends, is abstract. */
static bool polymorphic(const struct type *t)
{
    while (t && !t->abstract)
        t = t->base ? type_find(t->base) : NULL;
    return t != NULL;
}

static int check_members(struct check *c, const struct field *fields, const struct type *type,
                         cJSON *o)
{
    for (cJSON *m = o->child; m; m = m->next) {
        const struct field *f = fields;
        size_t was;
        int err;

        if (m->string[0] == '@')
            continue;
        while (f && f->name && strcmp(f->name, m->string) != 0)
            f++;
        if (type)
            f = type_field(type, m->string);
        if (type && type->open && !f)
            continue;
        was = enter(c, m->string);
        if (!f || !f->name)
            return refuse(c, ERR_INVALID, "no such field in %s",
                          type ? type->name : c->method->name);
        err = check_version(c, f->versions);
        if (!err && !cJSON_IsNull(m))
            err = check_field(c, f, m);
        if (err)
            return err;
        leave(c, was);
    }
    return 0;
}

static int check_required(struct check *c, const struct field *fields, const cJSON *o)
{
    for (const struct field *f = fields; f->name; f++) {
        if (f->required && (c->strict || !f->filled) && !json_get(o, f->name)) {
            enter(c, f->name);
            return refuse(c, ERR_INVALID, "required");
        }
    }
    return 0;
}

/* The type of `o`, due to be `declared`: what it says, or that. */
static int actual_type(struct check *c, const struct type *declared, const cJSON *o,
                       const struct type **out)
{
    const char *name = value_type(o);
    const struct type *t = name ? type_find(name) : declared;

    if (!t || !may_stand_for(t, declared)) {
        enter(c, TYPE_KEY);
        return refuse(c, ERR_INVALID, "%s is no %s", name, declared->name);
    }
    if (t->abstract) {
        enter(c, TYPE_KEY);
        return refuse(c, ERR_INVALID, "required: which kind of %s", declared->name);
    }
    *out = t == declared || extends(t, declared) ? t : declared;
    return check_version(c, t->versions);
}

static int check_object(struct check *c, const struct type *declared, cJSON *v)
{
    const struct type *type = declared;
    int err;

    if (!c->strict && expand_is_reference(v, NULL) &&
        (strcmp(declared->name, "prompt") == 0 || strcmp(declared->name, "mediaInfo") == 0))
        return 0;
    if (!cJSON_IsObject(v))
        return refuse(c, ERR_INVALID, "must be an object (%s)", declared->name);
    err = actual_type(c, declared, v, &type);
    if (!err)
        err = check_members(c, NULL, type, v);
    for (const struct type *t = type; !err && t; t = t->base ? type_find(t->base) : NULL)
        err = check_required(c, t->fields, v);
    if (!err && !c->strict && !value_type(v) && polymorphic(type))
        err = value_set_type(v, type->name);
    return err;
}

static int check_single(struct check *c, const struct field *f, cJSON *v)
{
    const struct enumeration *en;
    const struct type *type;
    int err = c->strict ? 0 : expand_value(f->type, v);

    if (err)
        return err;
    if (strcmp(f->type, "string") == 0)
        return check_string(c, f, v);
    if (strcmp(f->type, "bool") == 0)
        return cJSON_IsBool(v) ? 0 : wanted(c, "true or false");
    if (strcmp(f->type, "int") == 0 || strcmp(f->type, "number") == 0)
        return check_number(c, f, v, f->type[0] == 'i');
    if ((en = enumeration_find(f->type)))
        return check_member(c, en, v);
    if ((type = type_find(f->type)))
        return check_object(c, type, v);
    return check_text(c, f, v);
}

static int check_field(struct check *c, const struct field *f, cJSON *v)
{
    unsigned n = 0;
    int err;

    if (!f->list)
        return check_single(c, f, v);
    if (c->strict && !cJSON_IsArray(v))
        return wanted(c, "a list");
    err = c->strict ? 0 : expand_list(f->type, v);
    for (cJSON *item = err ? NULL : v->child; item && !err; item = item->next) {
        size_t was = enter_item(c, (int)++n);

        if (f->most && n > f->most)
            return refuse(c, ERR_INVALID, "at most %u", f->most);
        err = check_single(c, f, item);
        if (!err)
            leave(c, was);
    }
    if (!err && n < f->least)
        return refuse(c, ERR_INVALID, "at least %u", f->least);
    return err;
}

static int check_all(struct check *c, cJSON *args)
{
    const struct method *m = c->method;
    const char *type = value_type(args);
    int err;

    if (!cJSON_IsObject(args))
        return error_set(c->error, ERR_INVALID, "arguments must be an object with named fields");
    if (!(m->versions & c->version))
        return error_set(c->error, ERR_UNSUPPORTED, "%s: only in %s (reference %s)", m->name,
                         version_name(m->versions), m->section);
    if (type && (!m->body || strcmp(type, m->body) != 0))
        return error_set(c->error, ERR_INVALID, TYPE_KEY ": %s takes no %s", m->name, type);
    err = check_members(c, m->fields, NULL, args);
    if (!err)
        err = check_required(c, m->fields, args);
    return err ? err : rules_check(m, args, c->error);
}

int method_check(const struct method *m, unsigned version, cJSON *args, struct error *e)
{
    struct check c = {.method = m, .version = version, .error = e};
    int err = check_all(&c, args);

    if (!err && m->body && !value_type(args))
        err = value_set_type(args, m->body);
    return err == ERR_NOMEM ? error_set(e, err, "out of memory") : err;
}

int method_check_body(const struct method *m, unsigned version, cJSON *body, struct error *e)
{
    struct check c = {.method = m, .version = version, .strict = true, .error = e};

    return check_all(&c, body);
}
