#include "core/core.h"

#include "tests/unit/machine_world.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

#define ANSWERED(seq) "{\"kind\":\"answer\",\"seq\":" #seq ",\"status\":202}"
#define ESTABLISHED                                                                                \
    "{\"kind\":\"call\",\"change\":\"updated\",\"data\":{\"state\":\"established\","               \
    "\"mediaState\":"                                                                              \
    "{\"audio\":\"active\"}}}"
#define DELETED                                                                                    \
    "{\"kind\":\"call\",\"change\":\"deleted\",\"data\":{\"resultInfo\":{\"code\":200,"            \
    "\"subcode\":5001}}}"

static const char simple[] = "local M = {}\n"
                             "function M.onCall(call)\n"
                             "  call:onEnd(function(why) print('end ' .. why) end)\n"
                             "  call:answer()\n"
                             "  local r = call:playPrompt 'welcome'\n"
                             "  print('played', r.ok, r.completionReason)\n"
                             "  local t = call:nextTone{ timeout = 5 }\n"
                             "  print('tone', t and t.key)\n"
                             "end\n"
                             "return M\n";

static void one_call_from_start_to_end(void)
{
    struct flow_world w;
    const char *text;

    flow_init(&w, simple, NULL);
    EXPECT_INT(flow_start(&w), 0);
    EXPECT_STR(flow_take(&w),
               "{\"kind\":\"method\",\"key\":\"" WORLD_KEY "\",\"seq\":1,"
               "\"method\":\"answer\",\"fiber\":\"1\",\"where\":\"flows/main.lua:4\","
               "\"args\":{}}\n");
    flow_give(&w, ANSWERED(1));
    EXPECT_STR(flow_take(&w), "");
    flow_give(&w, ESTABLISHED);
    text = flow_take(&w);
    EXPECT_IN(text, "\"method\":\"playPrompt\"");
    EXPECT_IN(text, "\"clientContext\":\"" WORLD_KEY "/0/2\"");
    EXPECT_IN(text, "\"name\":\"welcome\"");
    flow_give(&w,
               "{\"kind\":\"answer\",\"seq\":2,\"status\":200,\"id\":\"op1\",\"data\":{\"status\":"
               "\"running\"}}");
    flow_give(&w,
               "{\"kind\":\"operation\",\"change\":\"deleted\",\"id\":\"op1\",\"data\":{\"status\":"
               "\"completed\",\"completionReason\":\"completedSuccessfully\"}}");
    EXPECT_STR(w.logs.p, "played\ttrue\tcompletedSuccessfully\n");
    flow_give(&w, "{\"kind\":\"tone\",\"data\":{\"tone\":\"tone5\",\"sequenceId\":1}}");
    EXPECT_IN(w.logs.p, "tone\t5\n");
    EXPECT_IN(flow_take(&w), "\"seq\":3,\"method\":\"delete\"");
    flow_give(&w, "{\"kind\":\"answer\",\"seq\":3,\"status\":204}");
    EXPECT_INT(core_calls(w.core), 1);
    flow_give(&w, DELETED);
    EXPECT_IN(w.logs.p, "end done\n");
    EXPECT_STR(flow_take(&w),
               "{\"kind\":\"end\",\"key\":\"" WORLD_KEY "\",\"seq\":4,\"args\":{\"code\":200,"
               "\"flow\":\"main\",\"ms\":0,\"result\":\"done\",\"subcode\":5001}}\n");
    EXPECT_INT(core_calls(w.core), 0);
    EXPECT(core_next_deadline(w.core) == INT64_MAX);
    flow_fini(&w);
}

const struct test core_tests[] = {
    TEST(one_call_from_start_to_end),
    {0},
};
