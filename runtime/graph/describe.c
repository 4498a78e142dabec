#include "graph/methods.h"

#include "base/buf.h"
#include "base/json.h"

static const char *completion_name(enum completion c)
{
    static const char *const names[] = {"answer", "operation", "state"};

    return names[c];
}

static const char *repetition_name(enum repetition r)
{
    static const char *const names[] = {NULL, "harmless", "refused", "context", "never"};

    return names[r];
}

static const char *versions_text(unsigned versions)
{
    return versions == VERSION_BOTH ? "v1.0, beta" : version_name(versions);
}

static int text_field(struct buf *b, const struct field *f, bool first)
{
    buf_fmt(b, "%s%s%s", first ? "" : ", ", f->name, f->required && !f->filled ? "!" : "");
    return buf_fmt(b, ": %s%s", f->type, f->list ? "[]" : "");
}

char *methods_text(void)
{
    struct buf b = {0};

    for (const struct method *m = method_table; m->name; m++) {
        buf_fmt(&b, "%-32s %-6s %s\n", m->name, m->verb ? m->verb : "-",
                m->path ? m->path : "(answer to a joining notification)");
        buf_fmt(&b, "%-32s %s; %s; reference %s", "", completion_name(m->completes),
                versions_text(m->versions), m->section);
        for (const struct field *f = m->fields; f->name; f++) {
            if (f == m->fields)
                buf_str(&b, "; ");
            text_field(&b, f, f == m->fields);
        }
        buf_char(&b, '\n');
    }
    return buf_take(&b);
}

static int put(cJSON *o, const char *name, const char *value)
{
    return value ? json_set_str(o, name, value) : 0;
}

static int put_or_null(cJSON *o, const char *name, const char *value)
{
    return value ? json_set_str(o, name, value) : json_set(o, name, cJSON_CreateNull());
}

static int put_true(cJSON *o, const char *name, bool value)
{
    return value ? json_set(o, name, cJSON_CreateTrue()) : 0;
}

static int put_versions(cJSON *o, unsigned versions)
{
    static const char *const both[] = {"v1.0", "beta"};
    const char *one = version_name(versions);

    return json_set(o, "versions",
                    versions == VERSION_BOTH ? cJSON_CreateStringArray(both, 2)
                                             : cJSON_CreateStringArray(&one, 1));
}

static cJSON *json_field(const struct field *f)
{
    cJSON *o = cJSON_CreateObject();
    int err = o ? 0 : ERR_NOMEM;

    if (!err)
        err = put(o, "name", f->name);
    if (!err)
        err = put(o, "type", f->type);
    if (!err)
        err = put_true(o, "list", f->list);
    if (!err)
        err = put_true(o, "required", f->required && !f->filled);
    if (!err)
        err = put_true(o, "filled", f->filled);
    if (!err && (f->min != 0 || f->max != 0))
        err = json_set(o, "min", cJSON_CreateNumber(f->min));
    if (!err && (f->min != 0 || f->max != 0))
        err = json_set(o, "max", cJSON_CreateNumber(f->max));
    if (!err && f->least)
        err = json_set_int(o, "least", f->least);
    if (!err && f->most)
        err = json_set_int(o, "most", f->most);
    if (!err)
        err = put_versions(o, f->versions);
    if (!err)
        err = put(o, "remark", f->remark);
    if (err) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

static cJSON *json_fields(const struct field *fields)
{
    cJSON *list = cJSON_CreateArray();

    for (const struct field *f = fields; list && f->name; f++) {
        cJSON *o = json_field(f);
        if (!o) {
            cJSON_Delete(list);
            return NULL;
        }
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

static cJSON *json_method(const struct method *m)
{
    cJSON *o = cJSON_CreateObject();
    int err = o ? 0 : ERR_NOMEM;

    if (!err)
        err = put(o, "name", m->name);
    if (!err)
        err = put(o, "object", m->object);
    if (!err)
        err = put(o, "lua", m->lua);
    if (!err)
        err = put_or_null(o, "verb", m->verb);
    if (!err)
        err = put_or_null(o, "path", m->path);
    if (!err)
        err = json_set(o, "fields", json_fields(m->fields));
    if (!err)
        err = put(o, "bare", m->bare);
    if (!err)
        err = put(o, "completes", completion_name(m->completes));
    if (!err)
        err = put(o, "operation", m->operation);
    if (!err)
        err = put(o, "repeat", repetition_name(m->repeat));
    if (!err)
        err = put_true(o, "media", m->media);
    if (!err)
        err = json_set_int(o, "success", m->success);
    if (!err)
        err = put_versions(o, m->versions);
    if (!err)
        err = put(o, "section", m->section);
    if (err) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

cJSON *methods_json(void)
{
    cJSON *list = cJSON_CreateArray();

    for (const struct method *m = method_table; list && m->name; m++) {
        cJSON *o = json_method(m);
        if (!o) {
            cJSON_Delete(list);
            return NULL;
        }
        cJSON_AddItemToArray(list, o);
    }
    return list;
}
