#include "graph/normalise.h"

#include "base/json.h"
#include "base/text.h"
#include "graph/value.h"

#include <string.h>
#include <strings.h>

static int object(cJSON *o, const struct type *type);

static void member(const struct enumeration *en, cJSON *v)
{
    const char *text = cJSON_GetStringValue(v), *m = text ? enumeration_member(en, text) : NULL;

    if (m)
        memcpy(v->valuestring, m, strlen(m)); /* differs in case only */
}

/* "200" → 200; text that is no number stays. */
static int number(cJSON *o, cJSON *v)
{
    int64_t x = json_int(o, v->string, INT64_MIN);
    cJSON *n;

    if (!cJSON_IsString(v) || x == INT64_MIN)
        return 0;
    if (!(n = cJSON_CreateNumber((double)x)))
        return ERR_NOMEM;
    value_become(v, n);
    return 0;
}

static int single(const struct field *f, cJSON *o, cJSON *v)
{
    const struct enumeration *en;
    const struct type *type;

    if (text_same(f->type, "string"))
        return 0;
    if (text_same(f->type, "int"))
        return o ? number(o, v) : 0;
    if ((en = enumeration_find(f->type)))
        member(en, v);
    else if (cJSON_IsObject(v) && (type = type_find(f->type)))
        return object(v, type);
    return 0;
}

static int field(const struct field *f, cJSON *o, cJSON *v)
{
    int err = 0;

    if (!f->list || !cJSON_IsArray(v))
        return single(f, o, v);
    for (cJSON *item = v->child; item && !err; item = item->next)
        err = single(f, NULL, item);
    return err;
}

/* Operations of which only the base type is known: each enum that their reason could be of. */
static void reason(cJSON *v)
{
    member(enumeration_find("playPromptCompletionReason"), v);
    member(enumeration_find("recordCompletionReason"), v);
}

static int object(cJSON *o, const struct type *declared)
{
    const struct type *said = value_type(o) ? type_find(value_type(o)) : NULL;
    const struct type *type = said ? said : declared;
    int err = 0;

    for (cJSON *m = o->child; m && !err; m = m->next) {
        const struct field *f = m->string[0] == '@' ? NULL : type_field(type, m->string);

        if (f)
            err = field(f, o, m);
        else if (text_same(m->string, "subCode") && !json_get(o, "subcode")) {
            m->string[3] = 'c';
            err = number(o, m);
        } else if (text_same(m->string, "completionReason")) {
            reason(m);
        }
    }
    return err;
}

int normalise(cJSON *v, const char *type)
{
    const struct type *t = type_find(type);
    int err = 0;

    if (cJSON_IsObject(v))
        return object(v, t);
    for (cJSON *item = cJSON_IsArray(v) ? v->child : NULL; item && !err; item = item->next)
        err = cJSON_IsObject(item) ? object(item, t) : 0;
    return err;
}
