/* From what a flow wrote to the arguments of a method. */
#include "base/json.h"
#include "bindings/internal.h"
#include "core/luajson.h"

#include <stdio.h>
#include <string.h>

static const struct field *field_of(const struct method *m, const char *name)
{
    for (const struct field *fd = m->fields; fd->name; fd++)
        if (strcmp(fd->name, name) == 0)
            return fd;
    return NULL;
}

/* Whether the table at `index` is the method's argument table rather than one bare argument: it has
 * no list part and some key is a field, or there is no bare form. Raises nothing. */
static bool is_arguments(lua_State *L, int index, const struct method *m)
{
    bool any = false, known = false;

    if (!m->bare)
        return true;
    if (lua_rawlen(L, index) > 0)
        return false;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        any = true;
        known = known || (lua_type(L, -2) == LUA_TSTRING && field_of(m, lua_tostring(L, -2)));
    }
    return !any || known;
}

/* A prompt of the catalogue in place of its name; recordings by their hash; the rest as it is. */
static int resolve(cJSON *parent, cJSON *item, const char *path, const struct call *call,
                   struct error *e)
{
    const char *name = cJSON_IsString(item) ? item->valuestring : json_str(item, "name");
    const char *hash = json_str(item, "hash");
    const char *language = json_str(item, "language");
    const struct bundle_prompt *p;
    cJSON *ref, *inner;

    if (!name && !hash)
        return 0;
    if (!language)
        language = call->core->cfg.language;
    p = hash ? NULL
             : bundle_prompt(cell_bundle(call->cell->cell), language, call->core->cfg.language,
                             name);
    if (!hash && !p)
        return error_set(e, ERR_NOTFOUND, "%s: there is no prompt \"%.80s\" in language \"%s\"",
                         path, name, language);
    ref = cJSON_CreateObject();
    inner = ref ? cJSON_AddObjectToObject(ref, hash ? "recording" : "prompt") : NULL;
    if (!inner ||
        (p &&
         (json_set_str(inner, "language", p->language) || json_set_str(inner, "name", p->name))) ||
        json_set_str(inner, "hash", hash ? hash : p->hash) ||
        !cJSON_ReplaceItemViaPointer(parent, item, ref)) {
        cJSON_Delete(ref);
        return error_set(e, ERR_NOMEM, "not enough memory");
    }
    return 0;
}

/* Field `name` holds one prompt, not a list: resolve it in a list of its own. */
static int resolve_single(cJSON *args, const char *name, const struct call *call, struct error *e)
{
    cJSON *list = cJSON_CreateArray(), *copy = json_copy(json_get(args, name));
    int err;

    if (!list || !copy || !cJSON_AddItemToArray(list, copy)) {
        cJSON_Delete(copy);
        cJSON_Delete(list);
        return error_set(e, ERR_NOMEM, "not enough memory");
    }
    err = resolve(list, list->child, name, call, e);
    if (!err && json_set(args, name, cJSON_DetachItemFromArray(list, 0)))
        err = error_set(e, ERR_NOMEM, "not enough memory");
    cJSON_Delete(list);
    return err;
}

static int resolve_all(cJSON *args, const struct method *m, const struct call *call,
                       struct error *e)
{
    char path[96];

    for (const struct field *fd = m->fields; fd->name; fd++) {
        cJSON *v = strcmp(fd->type, "prompt") == 0 ? json_get(args, fd->name) : NULL;
        int n = cJSON_IsArray(v) ? cJSON_GetArraySize(v) : 0;
        int err = v && !cJSON_IsArray(v) ? resolve_single(args, fd->name, call, e) : 0;

        for (int i = 0; i < n && !err; i++) {
            snprintf(path, sizeof path, "%s[%d]", fd->name, i + 1);
            err = resolve(v, cJSON_GetArrayItem(v, i), path, call, e);
        }
        if (err)
            return err;
    }
    return 0;
}

int args_read(cJSON **out, lua_State *L, int index, const struct method *m, const struct call *call,
              unsigned version, struct error *e)
{
    cJSON *args = NULL, *value = NULL;
    bool bare =
        !lua_isnoneornil(L, index) && (!lua_istable(L, index) || !is_arguments(L, index, m));
    int err = 0;

    if (bare && !m->bare)
        return error_set(e, ERR_INVALID, "takes a table of arguments, not a %s",
                         luaL_typename(L, index));
    if (!lua_isnoneornil(L, index))
        err = luajson_read(&value, L, index, e);
    if (err && bare) { /* the path begins at the field that the bare argument fills */
        struct error inner = *e;
        error_set(e, err, "%s%s%.400s", m->bare, strchr("[.", inner.text[0]) ? "" : ": ",
                  inner.text);
    }
    if (err)
        return err;
    args = value && !bare ? value : cJSON_CreateObject();
    if (!args)
        cJSON_Delete(value);
    if (!args || (bare && json_set(args, m->bare, value))) {
        cJSON_Delete(args);
        return error_set(e, ERR_NOMEM, "not enough memory");
    }
    if (!cJSON_IsObject(args))
        err = error_set(e, ERR_INVALID, "takes a table with names, not a list");
    if (!err)
        err = resolve_all(args, m, call, e);
    if (!err)
        err = method_check(m, version, args, e);
    if (err) {
        cJSON_Delete(args);
        return err;
    }
    *out = args;
    return 0;
}
