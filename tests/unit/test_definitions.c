/*
 * What editors, readers and `ivory methods` are told is what the method table says: each row has a
 * function in stdlib/meta with its arguments, each field a line in the class of the arguments.
 */
#include "test.h"

#include "base/buf.h"
#include "base/json.h"
#include "graph/methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const files[] = {"arguments", "call", "ivr", "objects", "reports", "types"};

/* All definitions, one after the other. */
static char *definitions(void)
{
    struct buf b = {0};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[64], *text;

        snprintf(path, sizeof path, "stdlib/meta/%s.lua", files[i]);
        text = test_read_file(path, NULL);
        buf_str(&b, text);
        buf_char(&b, '\n');
        free(text);
    }
    return b.p;
}

/* Where the line that begins with `text` begins; NULL when there is none. */
static const char *line_of(const char *all, const char *text)
{
    size_t n = strlen(text);

    for (const char *at = all; (at = strstr(at, text)); at += n)
        if (at == all || at[-1] == '\n')
            return at;
    return NULL;
}

/* The lines of comment just above `at`, into `out`. */
static void comment_above(const char *all, const char *at, char *out, size_t size)
{
    const char *first = at;

    while (first > all) {
        const char *line = first - 1;

        while (line > all && line[-1] != '\n')
            line--;
        if (strncmp(line, "---", 3) != 0)
            break;
        first = line;
    }
    snprintf(out, size, "%.*s", (int)(at - first), first);
}

/* What stands for the object in the definitions. */
static const char *class_of(const char *object)
{
    static const char *const names[][2] = {
        {"ivr", "ivr."},
        {"call", "Call:"},
        {"participant", "Participant:"},
        {"audioRoutingGroup", "AudioRoutingGroup:"},
        {"contentSharingSession", "ContentSharingSession:"},
        {"operation", "CallOperation:"},
        {"recording", "RecordResult:"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(object, names[i][0]) == 0)
            return names[i][1];
    return NULL;
}

static bool needs_arguments(const struct method *m)
{
    for (const struct field *f = m->fields; f->name; f++)
        if (f->required && !f->filled)
            return true;
    return strcmp(m->name, "create") ==
           0; /* somebody to call or a meeting: one of several fields */
}

static void function_is_there(const char *all, const struct method *m)
{
    bool args = m->fields->name != NULL;
    char line[200], above[2000], param[200];
    const char *at;

    snprintf(line, sizeof line, "function %s%s(%s) end\n", class_of(m->object), m->lua,
             args ? "args, options" : "options");
    at = line_of(all, line);
    if (!test_expect(at != NULL, __FILE__, __LINE__, "%s: no %s", m->name, line))
        return;
    comment_above(all, at, above, sizeof above);
    EXPECT_IN(above, "---@async\n");
    EXPECT_IN(above, "---@param options? ivory.Options\n");
    EXPECT_IN(above, "---@return ");
    snprintf(param, sizeof param, "---@param args%s ivory.%s.%s%s", needs_arguments(m) ? "" : "?",
             m->object, m->lua, m->bare ? "|" : "\n");
    if (args)
        test_expect_in(above, param, m->name, __FILE__, __LINE__);
}

/* How the definitions name the type of a field. */
static const char *lua_type_of(const struct field *f, char *out, size_t size)
{
    static const char *const names[][2] = {{"string", "string"},
                                           {"guid", "string"},
                                           {"dateTime", "string"},
                                           {"duration", "string"},
                                           {"uri", "string"},
                                           {"key", "string"},
                                           {"int", "integer"},
                                           {"number", "number"},
                                           {"bool", "boolean"},
                                           {"prompt", "ivory.Prompt"},
                                           {"participantInfo", "ivory.Party"},
                                           {"invitationParticipantInfo", "ivory.Party"}};

    snprintf(out, size, "ivory.%s", f->type);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(f->type, names[i][0]) == 0)
            snprintf(out, size, "%s", names[i][1]);
    return out;
}

/* The block of a class, its lines "---@field ..."; how many of those there are. */
static int class_block(const char *all, const struct method *m, char *out, size_t size)
{
    char line[120];
    const char *at, *end;
    int n = 0;

    out[0] = '\0';
    snprintf(line, sizeof line, "---@class ivory.%s.%s\n", m->object, m->lua);
    at = line_of(all, line);
    if (!test_expect(at != NULL, __FILE__, __LINE__, "%s: no %s", m->name, line))
        return 0;
    end = strstr(at, "\n\n");
    snprintf(out, size, "%.*s\n", end ? (int)(end - at) : (int)strlen(at), at);
    for (at = out; (at = strstr(at, "\n---@field ")); at++)
        n++;
    return n;
}

static void fields_are_there(const char *all, const struct method *m)
{
    char block[8000], line[200], type[100];
    int want = 0, got = class_block(all, m, block, sizeof block);

    for (const struct field *f = m->fields; f->name; f++, want++) {
        const char *at, *end;
        bool beta;

        snprintf(line, sizeof line, "---@field %s%s %s", f->name,
                 f->required && !f->filled ? "" : "?", lua_type_of(f, type, sizeof type));
        at = line_of(block, line);
        if (!test_expect(at != NULL, __FILE__, __LINE__, "%s: no %s", m->name, line))
            continue;
        end = at + strcspn(at, "\n");
        beta = end - at > 6 && strncmp(end - 6, "(beta)", 6) == 0;
        test_expect_int(beta, f->versions == VERSION_BETA && m->versions != 0, line, __FILE__,
                        __LINE__);
        if (f->list)
            test_expect(memmem(at, (size_t)(end - at), "[]", 2) != NULL ||
                            strstr(type, "mediaPrompt"),
                        __FILE__, __LINE__, "%s: %s is a list", m->name, f->name);
        if (strncmp(type, "ivory.", 6) == 0) {
            char defined[120], alias[120];

            snprintf(defined, sizeof defined, "---@class %s", type);
            snprintf(alias, sizeof alias, "---@alias %s", type);
            test_expect(line_of(all, defined) || line_of(all, alias), __FILE__, __LINE__,
                        "%s.%s: %s is not defined", m->name, f->name, type);
        }
    }
    test_expect_int(got, want, m->name, __FILE__, __LINE__);
}

static void definitions_agree_with_the_table(void)
{
    char *all = definitions();

    for (const struct method *m = method_table; m->name; m++) {
        if (!m->verb)
            continue; /* the flow answers these with what onParticipantJoining returns */
        if (!test_expect(class_of(m->object) != NULL, __FILE__, __LINE__, "%s", m->object))
            continue;
        function_is_there(all, m);
        if (m->fields->name)
            fields_are_there(all, m);
    }
    free(all);
}

/* The page names every method, in the words a flow uses. */
static void the_page_names_every_method(void)
{
    char *page = test_read_file("docs/lua-api.md", NULL);

    for (const struct method *m = method_table; m->name; m++) {
        char name[80];

        snprintf(name, sizeof name, "`%s", m->lua);
        if (m->verb && strcmp(m->object, "recording") != 0)
            test_expect_in(page, name, m->name, __FILE__, __LINE__);
    }
    free(page);
}

static const cJSON *named(const cJSON *list, const char *name)
{
    const cJSON *v;

    cJSON_ArrayForEach (v, list)
        if (strcmp(json_str(v, "name"), name) == 0)
            return v;
    return NULL;
}

/* `ivory methods --json` and `ivory methods`: every row, every field. */
static void methods_agree_with_the_table(void)
{
    cJSON *all = methods_json();
    char *text = methods_text();

    for (const struct method *m = method_table; m->name; m++) {
        const cJSON *row = named(all, m->name);
        int n = 0;

        EXPECT_STR(json_str(row, "path"), m->path);
        EXPECT_STR(json_str(row, "verb"), m->verb);
        for (const struct field *f = m->fields; f->name; f++, n++) {
            const cJSON *v = named(json_get(row, "fields"), f->name);
            char shown[120];

            EXPECT_STR(json_str(v, "type"), f->type);
            EXPECT_INT(json_bool(v, "list", false), f->list);
            EXPECT_INT(json_bool(v, "required", false), f->required && !f->filled);
            snprintf(shown, sizeof shown, "%s%s: %s%s", f->name,
                     f->required && !f->filled ? "!" : "", f->type, f->list ? "[]" : "");
            test_expect_in(text, shown, m->name, __FILE__, __LINE__);
        }
        EXPECT_INT(cJSON_GetArraySize(json_get(row, "fields")), n);
    }
    cJSON_Delete(all);
    free(text);
}

const struct test definitions_tests[] = {TEST(definitions_agree_with_the_table),
                                         TEST(the_page_names_every_method),
                                         TEST(methods_agree_with_the_table),
                                         {0}};
