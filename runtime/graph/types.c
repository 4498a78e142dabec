#include "graph/typetables.h"

#include "base/text.h"

#include <string.h>

const char *version_name(unsigned version)
{
    return version == VERSION_BETA ? "beta" : "v1.0";
}

unsigned version_parse(const char *name)
{
    if (strcmp(name, "v1.0") == 0)
        return VERSION_V1;
    return strcmp(name, "beta") == 0 ? VERSION_BETA : 0;
}

const struct type *type_find(const char *name)
{
    static const struct type *const tables[] = {call_types, party_types, operation_types,
                                                report_types};

    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        for (const struct type *t = tables[i]; t->name; t++) {
            if (text_same(t->name, name))
                return t;
        }
    }
    return NULL;
}

const struct field *type_field(const struct type *type, const char *name)
{
    for (; type; type = type->base ? type_find(type->base) : NULL) {
        for (const struct field *f = type->fields; f->name; f++) {
            if (text_same(f->name, name))
                return f;
        }
    }
    return NULL;
}
