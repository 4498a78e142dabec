#include "graph/expand.h"

#include "base/json.h"
#include "graph/value.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

bool expand_is_phone(const char *text)
{
    size_t n = strspn(text + (*text == '+'), "0123456789");

    return *text == '+' && n >= 3 && n <= 15 && !text[n + 1];
}

bool expand_is_guid(const char *text)
{
    for (int i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !isxdigit((unsigned char)text[i]))
            return false;
    }
    return !text[36];
}

bool expand_is_reference(const cJSON *v, const char **key)
{
    static const char *const keys[] = {"prompt", "recording"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const cJSON *inner = json_get(v, keys[i]);
        if (cJSON_IsObject(inner) && !v->child->next && json_str(inner, "hash")) {
            if (key)
                *key = keys[i];
            return true;
        }
    }
    return false;
}

/* `v` becomes an object of `type` whose member `name` is what `v` was. */
static int wrap(cJSON *v, const char *type, const char *name, cJSON **inner)
{
    cJSON *o = value_object(type), *was = o ? cJSON_CreateNull() : NULL;

    if (!was) {
        cJSON_Delete(o);
        return ERR_NOMEM;
    }
    if (value_swap(v, was)) {
        cJSON_Delete(was);
        cJSON_Delete(o);
        return ERR_NOMEM;
    }
    if (json_set(o, name, was)) {
        cJSON_Delete(o);
        return ERR_NOMEM;
    }
    value_become(v, o);
    if (inner)
        *inner = was;
    return 0;
}

/* The members of `v` that `wanted` names move into a new object of type `of`, member `name` of `v`,
 * which is of `type`. Nothing happens when there are none. */
static int gather(cJSON *v, const char *type, const char *name, const char *of,
                  bool (*wanted)(const char *member))
{
    cJSON *inner = NULL, *next;
    int err = 0;

    for (cJSON *m = v->child; m && !err; m = next) {
        next = m->next;
        if (!wanted(m->string))
            continue;
        if (!inner && !(inner = value_object(of)))
            return ERR_NOMEM;
        err = value_move(v, m, inner, m->string);
    }
    if (!inner)
        return 0;
    if (err)
        cJSON_Delete(inner);
    else
        err = json_set(v, name, inner);
    if (!err && !value_type(v))
        err = value_set_type(v, type);
    return err;
}

static int identity(const char *type, cJSON *v)
{
    return cJSON_IsString(v) ? wrap(v, type, "id", NULL) : 0;
}

/* A phone number or a GUID alone says whose it is. */
static const char *kind_of(const cJSON *v)
{
    const char *text = cJSON_GetStringValue(v);

    if (!text)
        return NULL;
    return expand_is_phone(text) ? "phone" : expand_is_guid(text) ? "user" : NULL;
}

static int identity_set(const char *type, cJSON *v)
{
    const char *kind = kind_of(v);
    cJSON *inner;
    int err = kind ? wrap(v, type, kind, &inner) : 0;

    return kind && !err ? identity("identity", inner) : err;
}

static bool names_identity(const char *member)
{
    const struct field *f = type_field(type_find("identitySet"), member);

    return f && strcmp(f->type, "identity") == 0;
}

static int party(const char *type, cJSON *v)
{
    cJSON *inner;
    int err;

    if (kind_of(v)) {
        err = wrap(v, type, "identity", &inner);
        return err ? err : identity_set("identitySet", inner);
    }
    if (!cJSON_IsObject(v) || json_get(v, "identity"))
        return 0;
    return gather(v, type, "identity", "identitySet", names_identity);
}

static bool is_address(const cJSON *v)
{
    return cJSON_IsString(v) && strstr(v->valuestring, "://");
}

static int media_info(const char *type, cJSON *v)
{
    return is_address(v) ? wrap(v, type, "uri", NULL) : 0;
}

static bool names_media(const char *member)
{
    return strcmp(member, "uri") == 0 || strcmp(member, "resourceId") == 0;
}

static int prompt(const char *type, cJSON *v)
{
    cJSON *inner;
    int err;

    (void)type;
    if (is_address(v)) {
        err = wrap(v, "mediaPrompt", "mediaInfo", &inner);
        return err ? err : media_info("mediaInfo", inner);
    }
    if (!cJSON_IsObject(v) || value_type(v) || expand_is_reference(v, NULL))
        return 0;
    if (json_get(v, "mediaInfo"))
        return value_set_type(v, "mediaPrompt");
    return gather(v, "mediaPrompt", "mediaInfo", "mediaInfo", names_media);
}

static int media_config(const char *type, cJSON *v)
{
    static const char *const names[] = {"serviceHosted", "appHosted"};

    (void)type;
    for (size_t i = 0; cJSON_IsString(v) && i < sizeof names / sizeof *names; i++) {
        if (strcasecmp(v->valuestring, names[i]) == 0) {
            cJSON *o = value_object(i ? "appHostedMediaConfig" : "serviceHostedMediaConfig");
            if (!o)
                return ERR_NOMEM;
            value_become(v, o);
            return 0;
        }
    }
    if (!cJSON_IsObject(v) || value_type(v))
        return 0;
    return value_set_type(v, json_get(v, "blob") ? "appHostedMediaConfig"
                                                 : "serviceHostedMediaConfig");
}

static int meeting_info(const char *type, cJSON *v)
{
    static const struct {
        const char *member, *type;
    } kinds[] = {{"organizer", "organizerMeetingInfo"},
                 {"token", "tokenMeetingInfo"},
                 {"joinMeetingId", "joinMeetingIdMeetingInfo"}};

    (void)type;
    for (size_t i = 0; !value_type(v) && i < sizeof kinds / sizeof *kinds; i++) {
        if (json_get(v, kinds[i].member))
            return value_set_type(v, kinds[i].type);
    }
    return 0;
}

/* Lua may say 1 for "1". */
static int key(const char *type, cJSON *v)
{
    char digit[2] = {0};
    cJSON *o;

    (void)type;
    if (!cJSON_IsNumber(v) || v->valuedouble != (double)v->valueint || v->valueint < 0 ||
        v->valueint > 9)
        return 0;
    digit[0] = (char)('0' + v->valueint);
    if (!(o = cJSON_CreateString(digit)))
        return ERR_NOMEM;
    value_become(v, o);
    return 0;
}

static int tone(const char *type, cJSON *v)
{
    char name[] = "tone0";
    const char *text;
    int err = key(type, v);
    cJSON *o;

    text = cJSON_GetStringValue(v);
    if (err || !text || !text[0] || text[1])
        return err;
    if (isdigit((unsigned char)*text))
        name[4] = *text;
    else if (*text != '*' && *text != '#')
        return 0;
    o = cJSON_CreateString(*text == '*' ? "star" : *text == '#' ? "pound" : name);
    if (!o)
        return ERR_NOMEM;
    value_become(v, o);
    return 0;
}

int expand_value(const char *type, cJSON *v)
{
    static const struct {
        const char *type;
        int (*expand)(const char *type, cJSON *v);
    } forms[] = {
        {"identity", identity},
        {"identitySet", identity_set},
        {"participantInfo", party},
        {"invitationParticipantInfo", party},
        {"prompt", prompt},
        {"mediaInfo", media_info},
        {"mediaConfig", media_config},
        {"meetingInfo", meeting_info},
        {"tone", tone},
        {"key", key},
    };

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].type, type) == 0)
            return forms[i].expand(type, v);
    }
    return 0;
}

/* Whether `v` is several keys in one string, "12#", for a list of `type`. */
static bool is_keys(const char *type, const cJSON *v)
{
    bool tones = strcmp(type, "tone") == 0;
    const char *text = cJSON_GetStringValue(v);

    if (!text || (!tones && strcmp(type, "key") != 0))
        return false;
    return !tones || !enumeration_member(enumeration_find(type), text);
}

int expand_list(const char *type, cJSON *v)
{
    cJSON *list, *one;
    int err = 0;

    if (cJSON_IsArray(v))
        return 0;
    if (!(list = cJSON_CreateArray()))
        return ERR_NOMEM;
    if (is_keys(type, v)) {
        for (const char *at = v->valuestring; *at && !err; at++) {
            char text[] = {*at, '\0'};
            one = cJSON_CreateString(text);
            if (!one || !cJSON_AddItemToArray(list, one))
                err = ERR_NOMEM;
        }
    } else if (!cJSON_IsObject(v) || v->child) {
        one = cJSON_CreateNull();
        if (one && value_swap(v, one) == 0) {
            cJSON_AddItemToArray(list, one);
        } else {
            cJSON_Delete(one);
            err = ERR_NOMEM;
        }
    }
    if (err)
        cJSON_Delete(list);
    else
        value_become(v, list);
    return err;
}
