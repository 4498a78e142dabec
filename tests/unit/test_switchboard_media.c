/* The media queue in virtual time: prompts, cancelling, recording, sending tones. */
#include "switchboard_world.h"
#include "test.h"

#include "base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PLAY(prompts, context) "{\"clientContext\":\"" context "\",\"prompts\":[" prompts "]}"

static void prompts_play_as_long_as_they_last(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    world_forget(&w);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/playPrompt",
                             PLAY(WORLD_RESOURCE("1500.wav", "r") "," WORLD_PROMPT(500), "a")),
               200);
    EXPECT_STR(json_str(w.answer, "@odata.type"), "#microsoft.graph.playPromptOperation");
    EXPECT_STR(json_str(w.answer, "status"), "running");
    EXPECT_INT(w.fetches, 2);
    EXPECT_IN(world_said(&w), "play http://127.0.0.1/1500.wav - 1500");
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/playPrompt",
                             PLAY(WORLD_RESOURCE("moved/1500.wav", "r"), "b")),
               200);
    EXPECT_INT(w.fetches, 2);
    world_pass(&w, 1999);
    EXPECT_INT(w.notifications, 0);
    world_pass(&w, 1);
    EXPECT_INT(w.notifications, 1);
    EXPECT_IN(world_told(&w), "\"changeType\":\"deleted\"");
    EXPECT_IN(world_told(&w), "\"status\":\"completed\",\"clientContext\":\"a\"");
    EXPECT_IN(world_told(&w), "\"completionReason\":\"completedSuccessfully\"");
    world_pass(&w, 1499);
    EXPECT_INT(w.notifications, 1);
    world_pass(&w, 1);
    EXPECT_INT(w.notifications, 2);
    EXPECT_INT(world_count(world_said(&w), "stop - {\"completed\":true}"), 3);
    world_close(&w);
}

static void prompt_that_cannot_be_had_ends_unknown(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    world_forget(&w);
    for (int i = 0; i < 2; i++) {
        EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/playPrompt",
                                 PLAY(WORLD_RESOURCE("gone", "g"), "a")),
                   200);
        EXPECT_INT(w.notifications, i + 1);
        EXPECT_INT(w.fetches, i + 1); /* asked for again: it may be there by now */
    }
    EXPECT_IN(world_told(&w), "\"status\":\"completed\"");
    EXPECT_IN(world_told(&w), "\"completionReason\":\"unknown\"");
    EXPECT_INT(world_count(world_said(&w), "play "), 0);
    world_close(&w);
}

static void cancelling_ends_all_in_order(void)
{
    struct world w;
    char line[ID_MAX];
    const char *told;

    world_open(&w, NULL);
    world_call(&w, line);
    world_forget(&w);
    world_request(&w, "POST", WORLD_CALL "/playPrompt", PLAY(WORLD_PROMPT(1000), "one"));
    world_request(&w, "POST", WORLD_CALL "/recordResponse", "{\"clientContext\":\"two\"}");
    world_request(&w, "POST", WORLD_CALL "/playPrompt", PLAY(WORLD_PROMPT(1000), "three"));
    world_pass(&w, 500);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/cancelMediaProcessing", NULL), 200);
    EXPECT_STR(json_str(w.answer, "status"), "completed");
    EXPECT_INT(w.notifications, 3);
    told = strstr(world_told(&w), "\"clientContext\":\"one\"");
    EXPECT_IN(told, "mediaOperationCanceled");
    EXPECT_IN(world_said(&w), "stop - {\"completed\":false}");
    told = strstr(told ? told : "", "\"clientContext\":\"two\"");
    EXPECT_IN(told, "\"code\":400,\"subcode\":8508");
    EXPECT_IN(told, "\"recordingLocation\":\"\"");
    EXPECT_IN(told, "operationCanceled");
    EXPECT_IN(told, "\"clientContext\":\"three\"");
    world_pass(&w, 60000);
    EXPECT_INT(w.notifications, 3);
    world_close(&w);
}

static void loop_plays_until_cancelled(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/playPrompt",
                             "{\"loop\":true,\"prompts\":[" WORLD_PROMPT(1000) "]}"),
               400);
    EXPECT_IN(json_str(json_get(w.answer, "error"), "message"), "beta");
    EXPECT_INT(world_request(&w, "POST", WORLD_BETA "/playPrompt",
                             "{\"loop\":true,\"prompts\":[" WORLD_PROMPT(1000) "]}"),
               200);
    world_forget(&w);
    world_pass(&w, 10500);
    EXPECT_INT(w.notifications, 0);
    EXPECT_INT(world_count(world_said(&w), "play "), 10);
    world_request(&w, "POST", WORLD_BETA "/cancelMediaProcessing", "{}");
    EXPECT_INT(w.notifications, 1);
    world_close(&w);
}

/* --- recording ----------------------------------------------------------------------------- */

static int16_t ramp[16000 * 3];

static void record(struct world *w, char line[ID_MAX], const char *body)
{
    for (size_t i = 0; i < sizeof ramp / sizeof *ramp; i++)
        ramp[i] = (int16_t)(i % 3000 + 1);
    world_open(w, NULL);
    world_call(w, line);
    world_forget(w);
    EXPECT_INT(world_request(w, "POST", WORLD_CALL "/recordResponse", body), 200);
    EXPECT(json_get(w->answer, "recordingLocation") == NULL);
}

/* The recording that the last notification names; `n` bytes. free() it. */
static unsigned char *fetch_recording(struct world *w, size_t *n)
{
    const char *at = strstr(world_told(w), "\"recordingLocation\":\"");
    const char *key = strstr(world_told(w), "\"recordingAccessToken\":\"");
    struct http_message request, response;
    char url[128], token[64];
    unsigned char *p = NULL;

    if (!EXPECT(at && key))
        return NULL;
    snprintf(url, sizeof url, "%.*s", (int)strcspn(at + 21, "\""), at + 21);
    snprintf(token, sizeof token, "Bearer %.36s", key + 24);
    EXPECT_INT(world_request_as(w, "Bearer other", "GET", url, NULL), 401);
    EXPECT_INT(world_request_as(w, NULL, "GET", url, NULL), 401);
    EXPECT_INT(world_request_as(w, token, "POST", url, NULL), 405);
    http_request_init(&request, "GET", url);
    http_set_header(&request, "Authorization", token);
    EXPECT_INT(switchboard_request(w->s, &request, w->now, &response), 0);
    EXPECT_INT(response.status, 200);
    EXPECT_STR(http_header(&response, "Content-Type"), "application/octet-stream");
    *n = response.n;
    p = (unsigned char *)response.body;
    response.body = NULL;
    http_fini(&response);
    http_fini(&request);
    return p;
}

static int sample(const unsigned char *wav, size_t i)
{
    return (int16_t)(wav[44 + 2 * i] | wav[45 + 2 * i] << 8);
}

static void recording_ends_after_silence(void)
{
    struct world w;
    char line[ID_MAX];
    unsigned char *wav;
    size_t n = 0;

    record(&w, line, "{\"maxSilenceTimeoutInSeconds\":2,\"maxRecordDurationInSeconds\":60}");
    EXPECT_IN(world_said(&w), "record - {\"beep\":true} 60000");
    world_pass(&w, 400 + 1000); /* the beep, a pause */
    EXPECT_INT(switchboard_speak(w.s, line, ramp, 16000, w.now), 0);
    world_pass(&w, 500);
    EXPECT_INT(switchboard_speak(w.s, line, ramp, 8000, w.now), 0); /* goes on behind the first */
    world_pass(&w, 2999);
    EXPECT_INT(w.notifications, 0);
    world_pass(&w, 1);
    EXPECT_INT(w.notifications, 1);
    EXPECT_IN(world_told(&w), "\"status\":\"completed\"");
    EXPECT_IN(world_told(&w), "\"completionReason\":\"maxSilenceTimeout\"");
    EXPECT_IN(world_told(&w), "\"code\":200");
    wav = fetch_recording(&w, &n);
    if (wav && EXPECT_INT(n, 44 + 2 * 16 * 4500)) {
        EXPECT(memcmp(wav, "RIFF", 4) == 0 && memcmp(wav + 8, "WAVEfmt ", 8) == 0);
        EXPECT_INT(sample(wav, 15999), 0);
        EXPECT_INT(sample(wav, 16000), 1);
        EXPECT_INT(sample(wav, 16000 + 2500), 2501);
        EXPECT_INT(sample(wav, 32000), 1);
        EXPECT_INT(sample(wav, 40000), 0);
    }
    free(wav);
    world_request(&w, "DELETE", WORLD_CALL, NULL);
    world_pass(&w, 59000);
    free(fetch_recording(&w, &n));
    world_pass(&w, 2000);
    EXPECT_INT(world_request(&w, "GET", "/recordings/00000000-0000-0000-0000-000000000000", NULL),
               404);
    EXPECT(switchboard_next_deadline(w.s) == INT64_MAX);
    world_close(&w);
}

static void recording_without_speech_fails(void)
{
    struct world w;
    char line[ID_MAX];

    record(&w, line,
           "{\"playBeep\":false,\"initialSilenceTimeoutInSeconds\":3,"
           "\"maxRecordDurationInSeconds\":30,\"prompts\":[" WORLD_PROMPT(700) "]}");
    world_pass(&w, 3699);
    EXPECT_INT(w.notifications, 0);
    world_pass(&w, 1);
    EXPECT_INT(w.notifications, 1);
    EXPECT_IN(world_told(&w), "\"status\":\"failed\"");
    EXPECT_IN(world_told(&w), "initialSilenceTimeout");
    world_close(&w);
}

static void recording_ends_at_a_stop_tone(void)
{
    struct world w;
    char line[ID_MAX];
    unsigned char *wav;
    size_t n = 0;

    record(&w, line, "{\"playBeep\":false,\"stopTones\":[\"#\",\"1\"]}");
    switchboard_speak(w.s, line, ramp, 16000, w.now);
    world_pass(&w, 600);
    switchboard_press(w.s, line, '2', w.now);
    world_drain(&w);
    EXPECT_INT(w.notifications, 0);
    switchboard_press(w.s, line, '#', w.now);
    world_drain(&w);
    EXPECT_INT(w.notifications, 1);
    EXPECT_IN(world_told(&w), "stopToneDetected");
    wav = fetch_recording(&w, &n);
    EXPECT_INT(n, 44 + 2 * 16 * 600);
    free(wav);
    world_close(&w);
}

static void recording_is_as_long_as_allowed(void)
{
    struct world w;
    char line[ID_MAX];
    unsigned char *wav;
    size_t n = 0;

    record(&w, line, "{\"playBeep\":true,\"maxRecordDurationInSeconds\":2}");
    switchboard_speak(w.s, line, ramp, 48000, w.now); /* speaks into the beep */
    world_pass(&w, 2400);
    EXPECT_INT(w.notifications, 1);
    EXPECT_IN(world_told(&w), "maxRecordDurationReached");
    wav = fetch_recording(&w, &n);
    if (wav && EXPECT_INT(n, 44 + 2 * 16 * 2000))
        EXPECT_INT(sample(wav, 0), 401);
    free(wav);
    world_close(&w);
}

static void recording_fails_with_its_prompt(void)
{
    struct world w;
    char line[ID_MAX];

    record(&w, line, "{\"prompts\":[" WORLD_RESOURCE("gone", "g") "]}");
    EXPECT_INT(w.notifications, 1);
    EXPECT_IN(world_told(&w), "playPromptFailed");
    EXPECT_IN(world_told(&w), "\"status\":\"failed\"");
    world_close(&w);
}

static void barging_in_ends_what_plays(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    world_request(&w, "POST", WORLD_CALL "/playPrompt", PLAY(WORLD_PROMPT(9000), "a"));
    world_request(&w, "POST", WORLD_CALL "/playPrompt", PLAY(WORLD_PROMPT(9000), "b"));
    world_forget(&w);
    world_request(&w, "POST", WORLD_CALL "/recordResponse", "{\"bargeInAllowed\":true}");
    EXPECT_INT(w.notifications, 2);
    EXPECT_INT(world_count(world_told(&w), "mediaOperationCanceled"), 2);
    EXPECT_IN(world_said(&w), "record - ");
    world_close(&w);
}

/* --- tones --------------------------------------------------------------------------------- */

static void tones_are_sent_one_by_one(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    world_forget(&w);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/microsoft.graph.sendDtmfTones",
                             "{\"tones\":[\"tone1\",\"star\",\"pound\"],"
                             "\"delayBetweenTonesMs\":1000}"),
               200);
    EXPECT_STR(json_str(w.answer, "status"), "running");
    EXPECT_INT(world_count(world_said(&w), "tones "), 1);
    world_pass(&w, 1100);
    EXPECT_IN(world_said(&w), "tones *");
    world_pass(&w, 1199);
    EXPECT_IN(world_said(&w), "tones #");
    EXPECT_INT(w.notifications, 0);
    world_pass(&w, 1);
    EXPECT_INT(w.notifications, 1);
    EXPECT_IN(world_told(&w), "completedSuccessfully");
    world_request(&w, "POST", WORLD_CALL "/sendDtmfTones", "{\"tones\":[\"tone1\",\"tone2\"]}");
    world_request(&w, "POST", WORLD_CALL "/cancelMediaProcessing", "{}");
    EXPECT_INT(w.notifications, 2);
    EXPECT_IN(world_told(&w), "mediaOperationCanceled");
    world_close(&w);
}

static void muted_bot_is_not_heard(void)
{
    struct world w;
    char line[ID_MAX];

    world_open(&w, NULL);
    world_call(&w, line);
    world_forget(&w);
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/mute", "{\"clientContext\":\"m\"}"), 200);
    EXPECT_STR(json_str(w.answer, "@odata.type"), "#microsoft.graph.muteParticipantOperation");
    EXPECT_IN(world_told(&w), "/participants\"");
    EXPECT_IN(world_told(&w), "\"isMuted\":true");
    world_request(&w, "POST", WORLD_CALL "/playPrompt", PLAY(WORLD_PROMPT(1000), "a"));
    world_pass(&w, 1000);
    EXPECT_INT(world_count(world_said(&w), "play "), 0);
    EXPECT_IN(world_told(&w), "completedSuccessfully");
    EXPECT_INT(world_request(&w, "POST", WORLD_CALL "/unmute", NULL), 200);
    world_request(&w, "POST", WORLD_CALL "/playPrompt", PLAY(WORLD_PROMPT(1000), "a"));
    EXPECT_INT(world_count(world_said(&w), "play "), 1);
    world_close(&w);
}

const struct test switchboard_media_tests[] = {TEST(prompts_play_as_long_as_they_last),
                                               TEST(prompt_that_cannot_be_had_ends_unknown),
                                               TEST(cancelling_ends_all_in_order),
                                               TEST(loop_plays_until_cancelled),
                                               TEST(recording_ends_after_silence),
                                               TEST(recording_without_speech_fails),
                                               TEST(recording_ends_at_a_stop_tone),
                                               TEST(recording_is_as_long_as_allowed),
                                               TEST(recording_fails_with_its_prompt),
                                               TEST(barging_in_ends_what_plays),
                                               TEST(tones_are_sent_one_by_one),
                                               TEST(muted_bot_is_not_heard),
                                               {0}};
