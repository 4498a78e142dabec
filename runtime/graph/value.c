#include "graph/value.h"

#include "base/json.h"

#include <string.h>
#include <strings.h>

int value_set_type(cJSON *o, const char *type)
{
    char text[128] = TYPE_PREFIX;

    strncat(text, type, sizeof text - sizeof TYPE_PREFIX);
    return json_set_str(o, TYPE_KEY, text);
}

cJSON *value_object(const char *type)
{
    cJSON *o = cJSON_CreateObject();

    if (o && value_set_type(o, type)) {
        cJSON_Delete(o);
        return NULL;
    }
    return o;
}

/* One page of the documentation prints the type without '#'. */
const char *value_type(const cJSON *o)
{
    static const char prefix[] = "microsoft.graph.";
    const char *text = json_str(o, TYPE_KEY);

    if (!text)
        return NULL;
    text += *text == '#';
    return strncasecmp(text, prefix, sizeof prefix - 1) == 0 ? text + sizeof prefix - 1 : text;
}

static void exchange(cJSON *a, cJSON *b)
{
    cJSON was = *a;

    a->type = (b->type & ~cJSON_StringIsConst) | (was.type & cJSON_StringIsConst);
    a->child = b->child;
    a->valuestring = b->valuestring;
    a->valueint = b->valueint;
    a->valuedouble = b->valuedouble;
    b->type = (was.type & ~cJSON_StringIsConst) | (b->type & cJSON_StringIsConst);
    b->child = was.child;
    b->valuestring = was.valuestring;
    b->valueint = was.valueint;
    b->valuedouble = was.valuedouble;
}

/* A text that lies within its value (base/json.h) gets memory of its own. */
static int loosen(cJSON *v)
{
    char *own;

    if (!v->valuestring || !(v->type & cJSON_IsReference))
        return 0;
    if (!(own = strdup(v->valuestring)))
        return ERR_NOMEM;
    v->valuestring = own;
    v->type &= ~cJSON_IsReference;
    return 0;
}

int value_swap(cJSON *a, cJSON *b)
{
    if (loosen(a) || loosen(b))
        return ERR_NOMEM;
    exchange(a, b);
    return 0;
}

void value_become(cJSON *to, cJSON *from)
{
    CHECK(!(from->type & cJSON_IsReference));
    exchange(to, from);
    cJSON_Delete(from);
}

int value_move(cJSON *parent, cJSON *item, cJSON *o, const char *name)
{
    return json_set(o, name, cJSON_DetachItemViaPointer(parent, item));
}
