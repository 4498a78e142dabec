#include "test.h"

#include "base/json.h"
#include "graph/methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool known_type(const char *name)
{
    static const char *const builtin[] = {"string",   "int",      "number", "bool", "guid",
                                          "dateTime", "duration", "uri",    "key"};

    for (size_t i = 0; i < sizeof builtin / sizeof *builtin; i++) {
        if (strcmp(builtin[i], name) == 0)
            return true;
    }
    return type_find(name) || enumeration_find(name);
}

static void check_fields(const char *of, const struct field *f)
{
    for (; f->name; f++) {
        test_expect(known_type(f->type), __FILE__, __LINE__, "%s.%s: type %s", of, f->name,
                    f->type);
        test_expect(f->versions != 0, __FILE__, __LINE__, "%s.%s: no version", of, f->name);
    }
}

static void table_is_whole(void)
{
    size_t n = 0;

    for (const struct method *m = method_table; m->name; m++, n++) {
        const struct field *bare = m->fields;

        check_fields(m->name, m->fields);
        EXPECT(method_find(m->name) == m);
        EXPECT(method_of(m->object, m->lua) == m);
        EXPECT(m->versions && m->section && m->success);
        EXPECT(!m->verb == !m->path);
        EXPECT(!m->verb == (m->repeat == REPEAT_NONE)); /* none is left to chance */
        while (m->bare && bare->name && strcmp(bare->name, m->bare) != 0)
            bare++;
        EXPECT(!m->bare || bare->name);
        EXPECT((m->completes == COMPLETES_OPERATION) == (m->operation != NULL));
        if (m->operation) {
            const struct type *t = type_find(m->operation);
            EXPECT(t && strcmp(t->base, "commsOperation") == 0);
        }
        if (m->body)
            EXPECT(type_find(m->body) != NULL);
    }
    EXPECT_INT(n, 48);
}

static void types_resolve(void)
{
    static const char *const some[] = {"call", "identitySet", "playPromptOperation",
                                       "teleconferenceDeviceQuality", "mediaMetadata"};

    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        const struct type *t = type_find(some[i]);
        if (EXPECT(t != NULL))
            check_fields(t->name, t->fields);
    }
    EXPECT(type_find("none") == NULL);
    EXPECT(type_field(type_find("mediaPrompt"), "mediaInfo") != NULL);
    EXPECT(type_field(type_find("recordOperation"), "clientContext") != NULL);
    EXPECT(type_field(type_find("recordOperation"), "prompts") == NULL);
    EXPECT_INT(version_parse("v1.0"), VERSION_V1);
    EXPECT_INT(version_parse("beta"), VERSION_BETA);
    EXPECT_INT(version_parse("v2.0"), 0);
    EXPECT_STR(enumeration_member(enumeration_find("operationStatus"), "RUNNING"), "running");
    EXPECT(enumeration_member(enumeration_find("tone"), "tone10") == NULL);
}

static void routes(void)
{
    static const struct {
        const char *verb, *path, *method;
        bool other;
    } cases[] = {
        {"POST", "/communications/calls", "create", false},
        {"POST", "/app/calls/", "create", false},
        {"GET", "/communications/calls", NULL, true},
        {"get", "/Communications/Calls/57DAB8B1?$select=state", "get", false},
        {"POST", "/communications/calls/x/playprompt", "playPrompt", false},
        {"POST", "/communications/calls/x/microsoft.graph.playPrompt", "playPrompt", false},
        {"POST", "/communications/calls/x/sendDtmfTones", "sendDtmfTones", false},
        {"POST", "/communications/calls/x/microsoft.graph.StartRecording", "startRecording", false},
        {"POST", "/app/calls/x/startrecording", "startRecording", false},
        {"GET", "/communications/calls/x/playPrompt", NULL, true},
        {"POST", "/communications/calls/logTeleconferenceDeviceQuality",
         "logTeleconferenceDeviceQuality", false},
        {"DELETE", "/communications/calls/logTeleconferenceDeviceQuality", NULL, true},
        {"POST", "/communications/calls/x/participants/invite", "invite", false},
        {"GET", "/communications/calls/x/participants/invite", NULL, true},
        {"POST", "/communications/calls/x/participants/p/mute", "participant.mute", false},
        {"POST", "/communications/calls/x/mute", "mute", false},
        {"PATCH", "/communications/calls/x/audioRoutingGroups/g", "audioRoutingGroup.update",
         false},
        {"GET", "/communications/calls/x/contentsharingsessions/s", "contentSharingSession.get",
         false},
        {"GET", "/communications/calls/x/operations", "listOperations", false},
        {"POST", "/communications/calls/x/raiseHand", NULL, false},
        {"POST", "/communications/calls/x/playPrompt/more", NULL, false},
        {"GET", "/communications/callsx", NULL, false},
        {"GET", "", NULL, false},
        {"GET", "/", NULL, false},
        {"GET", "https://file.location/17e3b46c", NULL, false},
        {"GET", "/{url}", NULL, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool other = false;
        const struct method *m = method_route(cases[i].verb, cases[i].path, NULL, &other);

        test_expect_str(m ? m->name : NULL, cases[i].method, cases[i].path, __FILE__, __LINE__);
        test_expect_int(other, cases[i].other, cases[i].path, __FILE__, __LINE__);
    }
}

static void routes_keep_ids(void)
{
    cJSON *ids = cJSON_CreateObject();

    EXPECT(method_route("GET", "/communications/calls/A-1/participants/19%3aB?x=/y", ids, NULL));
    EXPECT_STR(json_str(ids, "call"), "A-1");
    EXPECT_STR(json_str(ids, "participant"), "19:B");
    EXPECT(!method_route("GET", "/communications/calls/A%0/participants", ids, NULL));
    EXPECT(!method_route("GET", "/communications/calls/A%00/participants", ids, NULL));
    cJSON_Delete(ids);
}

static void describes_itself(void)
{
    cJSON *all = methods_json();
    char *text = methods_text();
    const cJSON *m = NULL, *f, *loop = NULL;

    cJSON_ArrayForEach (f, all) {
        EXPECT(json_str(f, "name") && json_str(f, "completes") && json_get(f, "fields"));
        EXPECT(cJSON_HasObjectItem(f, "verb") && cJSON_HasObjectItem(f, "path"));
        if (strcmp(json_str(f, "name"), "playPrompt") == 0)
            m = f;
    }
    EXPECT_STR(json_str(m, "verb"), "POST");
    EXPECT_STR(json_str(m, "path"), "/communications/calls/{call}/playPrompt");
    EXPECT_STR(json_str(m, "completes"), "operation");
    EXPECT_INT(cJSON_GetArraySize(json_get(m, "versions")), 2);
    cJSON_ArrayForEach (f, json_get(m, "fields")) {
        if (strcmp(json_str(f, "name"), "loop") == 0)
            loop = f;
    }
    EXPECT_STR(cJSON_GetStringValue(cJSON_GetArrayItem(json_get(loop, "versions"), 0)), "beta");
    EXPECT_IN(text, "participant.startHoldMusic");
    EXPECT_IN(text, "prompts!: prompt[]");
    cJSON_Delete(all);
    free(text);
    EVERY_ALLOCATION(n)
    {
        cJSON_Delete(methods_json());
        free(methods_text());
        n += 40; /* every 40th of thousands */
    }
}

const struct test methods_tests[] = {TEST(table_is_whole),  TEST(types_resolve),    TEST(routes),
                                     TEST(routes_keep_ids), TEST(describes_itself), {0}};
