/* Media, tones and recording state of a call: reference §3.9–§3.18. */
#include "exchange/rest.h"

#include "base/json.h"
#include "exchange/media.h"
#include "exchange/roster.h"

#include <stdlib.h>
#include <string.h>

static void mute_self(struct rest *r, bool muted)
{
    rest_operation(r, true, NULL, NULL);
    if (r->leg->me->muted == muted)
        return;
    r->leg->me->muted = muted;
    roster_told(r->s, r->leg->me, NULL, r->now);
}

static void mute(struct rest *r)
{
    mute_self(r, true);
}

static void unmute(struct rest *r)
{
    mute_self(r, false);
}

static void change_screen_sharing_role(struct rest *r)
{
    const char *role = json_str(r->args, "role");

    if (!r->leg->app_media) {
        rest_error(r, 400, "invalidRequest",
                   "changeScreenSharingRole: only with application-hosted media.");
        return;
    }
    rest_empty(r);
    conference_share(r->s, r->leg->me, role && strcmp(role, "sharer") == 0, r->now);
}

/* --- the queue ----------------------------------------------------------------------------- */

/* Whether each prompt has an address; answers 400 when not. */
static bool sound_prompts(struct rest *r, const cJSON *prompts)
{
    const cJSON *item;
    int n = 0;

    cJSON_ArrayForEach (item, prompts) {
        n++;
        if (rest_is_http(json_str(json_get(item, "mediaInfo"), "uri")))
            continue;
        rest_error(r, 400, "invalidRequest",
                   "prompts[%d].mediaInfo.uri: an absolute address is required.", n);
        return false;
    }
    return true;
}

static bool take_prompts(struct rest *r, struct operation *op, const cJSON *prompts)
{
    int n = cJSON_GetArraySize(prompts);
    const cJSON *item;

    if (n == 0)
        return true;
    op->prompts = calloc((size_t)n, sizeof *op->prompts);
    if (!op->prompts) {
        board_nomem(r->s);
        return false;
    }
    cJSON_ArrayForEach (item, prompts) {
        const cJSON *info = json_get(item, "mediaInfo");
        struct prompt *p = &op->prompts[op->nprompts++];

        board_set(r->s, &p->uri, json_str(info, "uri"));
        board_set(r->s, &p->resource, json_str(info, "resourceId"));
    }
    return r->s->err == 0;
}

static void play_prompt(struct rest *r)
{
    const cJSON *prompts = json_get(r->args, "prompts");
    struct operation *op;

    if (!sound_prompts(r, prompts) || !(op = rest_operation(r, false, NULL, NULL)))
        return;
    op->loop = json_bool(r->args, "loop", false);
    if (take_prompts(r, op, prompts))
        media_queue(r->s, r->leg, op, r->now);
}

static void record_response(struct rest *r)
{
    const cJSON *prompts = json_get(r->args, "prompts"), *item;
    struct operation *op;
    struct take *t;
    size_t n = 0;

    if (!sound_prompts(r, prompts) || !(op = rest_operation(r, false, "recordingLocation", "null")))
        return;
    /* The null of the answer gives way to what the end will say. */
    board_set(r->s, &op->extra, NULL);
    t = op->take = calloc(1, sizeof *t);
    if (!t) {
        board_nomem(r->s);
        return;
    }
    t->initial_ms = json_int(r->args, "initialSilenceTimeoutInSeconds", 5) * INT64_C(1000);
    t->silence_ms = json_int(r->args, "maxSilenceTimeoutInSeconds", 5) * INT64_C(1000);
    t->longest_ms = json_int(r->args, "maxRecordDurationInSeconds", 5) * INT64_C(1000);
    t->beep = json_bool(r->args, "playBeep", true);
    cJSON_ArrayForEach (item, json_get(r->args, "stopTones")) {
        char key = item->valuestring ? item->valuestring[0] : '\0';

        if (key >= 'a' && key <= 'd')
            key = (char)(key - 32);
        if (key && !strchr(t->stop, key) && n + 1 < sizeof t->stop)
            t->stop[n++] = key;
    }
    if (json_bool(r->args, "bargeInAllowed", false))
        media_barge_in(r->s, r->leg, r->now);
    if (take_prompts(r, op, prompts))
        media_queue(r->s, r->leg, op, r->now);
}

static void cancel_media_processing(struct rest *r)
{
    if (rest_operation(r, true, NULL, NULL))
        media_cancel(r->s, r->leg, r->now);
}

static void subscribe_to_tone(struct rest *r)
{
    if (rest_operation(r, true, NULL, NULL))
        r->leg->subscribed = true;
}

static void send_dtmf_tones(struct rest *r)
{
    struct operation *op = rest_operation(r, false, NULL, NULL);
    const cJSON *tone;
    struct buf b = {0};

    if (!op)
        return;
    cJSON_ArrayForEach (tone, json_get(r->args, "tones")) {
        buf_char(&b, leg_tone_key(tone->valuestring ? tone->valuestring : ""));
    }
    op->keys = board_take(r->s, &b);
    op->gap_ms = json_int(r->args, "delayBetweenTonesMs", -1);
    if (op->keys)
        media_tones(r->s, op, r->now);
}

/* --- recording and transcription of the meeting -------------------------------------------- */

static void update_recording_status(struct rest *r)
{
    const char *status = json_str(r->args, "status");
    enum member_recording now = RECORDING_NONE;

    if (status && strcmp(status, "recording") == 0)
        now = RECORDING_ON;
    else if (status && strcmp(status, "notRecording") == 0)
        now = RECORDING_OFF;
    else if (status && strcmp(status, "failed") == 0)
        now = RECORDING_FAILED;
    if (now == RECORDING_NONE) {
        rest_error(r, 400, "invalidRequest",
                   "status: must be one of notRecording, recording, failed.");
        return;
    }
    if (!rest_operation(r, true, NULL, NULL))
        return;
    r->leg->me->recording = now;
    roster_told(r->s, r->leg->me, NULL, r->now);
}

static void record_meeting(struct rest *r, bool on)
{
    struct conference *c = r->leg->me->conference;
    struct operation *op;

    if (c->recording == on) {
        rest_error(r, 409, "invalidRequest",
                   on ? "The meeting is being recorded already."
                      : "The meeting is not being recorded.");
        return;
    }
    op = rest_operation(r, !on, NULL, NULL);
    if (!op)
        return;
    c->recording = on;
    r->leg->me->recording = on ? RECORDING_ON : RECORDING_OFF;
    if (on)
        operation_complete_soon(r->s, op, r->now);
    roster_changed(r->s, r->leg->me, NULL, r->now);
}

static void start_recording(struct rest *r)
{
    record_meeting(r, true);
}

static void stop_recording(struct rest *r)
{
    record_meeting(r, false);
}

static void tell_transcription(struct rest *r, const struct conference *c)
{
    struct list *it, *tmp;
    struct buf b = {0};
    char *more;

    buf_fmt(&b,
            ",\"transcription\":{\"@odata.type\":\"#microsoft.graph.callTranscriptionInfo\","
            "\"state\":\"%s\",\"lastModifiedDateTime\":",
            c->transcription ? "active" : "inactive");
    board_time(&b, c->transcription_changed);
    buf_char(&b, '}');
    more = board_take(r->s, &b);
    list_each (it, tmp, &c->members) {
        struct member *m = list_entry(it, struct member, object.link);

        if (m->leg && !m->lobby && leg_in_conversation(m->leg))
            leg_state(r->s, m->leg, m->leg->state, more, r->now);
    }
    free(more);
}

static void transcribe(struct rest *r, bool on)
{
    struct conference *c = r->leg->me->conference;
    struct operation *op;

    if (c->transcription == on) {
        rest_error(r, 409, "invalidRequest",
                   on ? "The meeting is being transcribed already."
                      : "The meeting is not being transcribed.");
        return;
    }
    op = rest_operation(r, !on, NULL, NULL);
    if (!op)
        return;
    c->transcription = on;
    c->was_transcribed = true;
    c->transcription_changed = r->now;
    if (on)
        operation_complete_soon(r->s, op, r->now);
    tell_transcription(r, c);
}

static void start_transcription(struct rest *r)
{
    transcribe(r, true);
}

static void stop_transcription(struct rest *r)
{
    transcribe(r, false);
}

enum { QUEUE = NEEDS_TALK | NEEDS_MEDIA, MEETING = NEEDS_TALK | NEEDS_GROUP | NEEDS_INSIDE };

const struct rest_row rest_media_rows[] = {
    {"mute", mute, NEEDS_TALK},
    {"unmute", unmute, NEEDS_TALK},
    {"changeScreenSharingRole", change_screen_sharing_role, MEETING},
    {"playPrompt", play_prompt, QUEUE},
    {"recordResponse", record_response, QUEUE},
    {"cancelMediaProcessing", cancel_media_processing, QUEUE},
    {"subscribeToTone", subscribe_to_tone, QUEUE},
    {"sendDtmfTones", send_dtmf_tones, QUEUE},
    {"updateRecordingStatus", update_recording_status, NEEDS_TALK},
    {"startRecording", start_recording, MEETING},
    {"stopRecording", stop_recording, MEETING},
    {"startTranscription", start_transcription, MEETING},
    {"stopTranscription", stop_transcription, MEETING},
    {0},
};
