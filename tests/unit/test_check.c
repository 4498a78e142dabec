#include "test.h"

#include "base/json.h"
#include "graph/methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* JSON with ' for ". */
static cJSON *json(const char *text)
{
    char *copy = strdup(text);
    cJSON *v = NULL;

    for (char *p = copy; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    test_expect_int(json_parse(&v, copy, strlen(copy), NULL), 0, text, __FILE__, __LINE__);
    free(copy);
    return v;
}

static void accepts(int line, const char *method, unsigned version, const char *args,
                    const char *want)
{
    struct error e = {""};
    cJSON *got = json(args), *expected = want ? json(want) : json_copy(got);
    int err = method_check(method_find(method), version, got, &e);
    char *text;

    test_expect(err == 0, __FILE__, line, "%s %s: %s", method, args, e.text);
    text = json_text(got);
    test_expect(err || json_equal(got, expected), __FILE__, line, "%s %s became %s", method, args,
                text);
    free(text);
    /* What came out is complete: checking it again changes nothing. */
    err = err ? 0 : method_check(method_find(method), version, got, &e);
    test_expect(err == 0, __FILE__, line, "%s %s twice: %s", method, args, e.text);
    test_expect(json_equal(got, expected) || err, __FILE__, line, "%s %s changed", method, args);
    cJSON_Delete(got);
    cJSON_Delete(expected);
}

static void refuses(int line, const char *method, unsigned version, int code, const char *args,
                    const char *why)
{
    struct error e = {""};
    cJSON *v = json(args);
    int err = method_check(method_find(method), version, v, &e);

    test_expect(err == code, __FILE__, line, "%s %s: %d (%s)", method, args, err, e.text);
    test_expect_in(e.text, why, args, __FILE__, line);
    cJSON_Delete(v);
}

#define ACCEPTS(m, args, want) accepts(__LINE__, m, VERSION_BETA, args, want)
#define REFUSES(m, args, why)  refuses(__LINE__, m, VERSION_BETA, ERR_INVALID, args, why)

#define T(t) "'@odata.type':'#microsoft.graph." t "'"
#define GUID "112f7296-5fa4-42ca-bae8-6a692b15d4b8"
#define PHONE(n)                                                                                   \
    "{" T("invitationParticipantInfo") ",'identity':{" T("identitySet") ",'phone':{" T(            \
        "identity") ",'id':'" n "'}}}"
#define USER(n)                                                                                    \
    "{" T("invitationParticipantInfo") ",'identity':{" T("identitySet") ",'user':{" T(             \
        "identity") ",'id':'" n "'}}}"
#define MEDIA(uri) "{" T("mediaInfo") ",'uri':'" uri "'}"

static void expands_parties(void)
{
    ACCEPTS("transfer", "{'transferTarget':'+14255550100'}",
            "{'transferTarget':" PHONE("+14255550100") "}");
    ACCEPTS("transfer", "{'transferTarget':'" GUID "'}", "{'transferTarget':" USER(GUID) "}");
    ACCEPTS("transfer", "{'transferTarget':{'phone':'+14255550100'}}",
            "{'transferTarget':" PHONE("+14255550100") "}");
    ACCEPTS("transfer", "{'transferTarget':{'user':'alice','replacesCallId':'c1'}}",
            "{'transferTarget':{" T(
                "invitationParticipantInfo") ",'replacesCallId':'c1',"
                                             "'identity':{" T("identitySet") ",'user':{" T(
                                                 "identity") ",'id':'alice'}}}}");
    ACCEPTS("transfer", "{'transferTarget':{'identity':{'user':'alice'}}}",
            "{'transferTarget':{'identity':{'user':{" T("identity") ",'id':'alice'}}}}");
    ACCEPTS("transfer", "{'transferTarget':{'identity':'+14255550100'}}",
            "{'transferTarget':{'identity':{" T("identitySet") ",'phone':{" T(
                "identity") ",'id':'+14255550100'}}}}");
    ACCEPTS("redirect", "{'targets':['+111','+222']}",
            "{'targets':[" PHONE("+111") "," PHONE("+222") "]}");
    ACCEPTS("redirect", "{'targets':{'phone':'+111'}}", "{'targets':[" PHONE("+111") "]}");
    ACCEPTS(
        "create", "{'targets':'+111','source':{'applicationInstance':'a'}}",
        "{" T("call") ",'targets':[" PHONE("+111") "],'source':{" T(
            "participantInfo") ",'identity':{" T("identitySet") ",'applicationInstance':{" T("ident"
                                                                                             "ity") ",'id':'a'}}}}");
    /* full forms stay as they are, without types where none are needed, and open types open */
    ACCEPTS("transfer",
            "{'transferTarget':{'identity':{'user':{'id':'a','tenantId':'t'},'x':1},"
            "'anything':null}}",
            NULL);
    ACCEPTS("redirect", "{'targets':[" PHONE("+111") "],'timeout':15}", NULL);
}

static void expands_prompts(void)
{
    static const char full[] =
        "{'prompts':[{" T("mediaPrompt") ",'mediaInfo':" MEDIA("https://x/a") "}]}";

    ACCEPTS("playPrompt", "{'prompts':'https://x/a'}", full);
    ACCEPTS("playPrompt", "{'prompts':{'uri':'https://x/a'}}", full);
    ACCEPTS("playPrompt", "{'prompts':[{'mediaInfo':'https://x/a'}]}", full);
    ACCEPTS("playPrompt", "{'prompts':[{'uri':'https://x/a','resourceId':'r','loop':2}]}",
            "{'prompts':[{" T("mediaPrompt") ",'loop':2,'mediaInfo':{" T(
                "mediaInfo") ",'uri':'https://x/a','resourceId':'r'}}]}");
    ACCEPTS("playPrompt", "{'prompts':[{'mediaInfo':{'uri':'u'}}]}",
            "{'prompts':[{" T("mediaPrompt") ",'mediaInfo':{'uri':'u'}}]}");
    /* what only request_encode can resolve */
    ACCEPTS("playPrompt",
            "{'prompts':[{'prompt':{'language':'en','name':'a','hash':'0a'}},"
            "{'recording':{'hash':'0b'}}]}",
            NULL);
    ACCEPTS("participant.startHoldMusic",
            "{'customPrompt':{'prompt':{'language':'en','name':'a','hash':'0a'}}}", NULL);
    REFUSES("playPrompt", "{'prompts':'welcome'}", "prompts[1]: must be an object (prompt)");
    REFUSES("playPrompt", "{'prompts':[{'prompt':{'name':'a'}}]}", "prompts[1]");
    REFUSES("playPrompt", "{'prompts':[{}]}", "prompts[1].@odata.type: required");
    REFUSES("playPrompt", "{'prompts':[{'resourceId':'r'}]}", "prompts[1].mediaInfo.uri: required");
    REFUSES("playPrompt", "{'prompts':[{" T("mediaInfo") ",'uri':'u'}]}",
            "prompts[1].@odata.type: mediaInfo is no prompt");
}

static void expands_media_and_meetings(void)
{
    ACCEPTS("answer", "{'mediaConfig':'serviceHosted'}",
            "{'mediaConfig':{" T("serviceHostedMediaConfig") "}}");
    ACCEPTS("answer", "{'mediaConfig':{'preFetchMedia':['https://x/a']}}",
            "{'mediaConfig':{" T("serviceHostedMediaConfig") ",'preFetchMedia':[" MEDIA(
                "https://x/a") "]}}");
    ACCEPTS("answer", "{'mediaConfig':{'blob':'b'}}",
            "{'mediaConfig':{" T("appHostedMediaConfig") ",'blob':'b'}}");
    REFUSES("answer", "{'mediaConfig':'mine'}", "mediaConfig: must be an object");
    REFUSES("answer", "{'mediaConfig':{'blub':'b'}}", "mediaConfig.blub: no such field");
    ACCEPTS("answer", "{'acceptedModalities':'AUDIO','callOptions':{'isDeltaRosterEnabled':true}}",
            "{'acceptedModalities':['audio'],'callOptions':{" T(
                "incomingCallOptions") ",'isDeltaRosterEnabled':true}}");
    ACCEPTS("create", "{'meetingInfo':{'joinMeetingId':'1','passcode':null}}",
            "{" T("call") ",'meetingInfo':{" T(
                "joinMeetingIdMeetingInfo") ",'joinMeetingId':'1','passcode':null}}");
    ACCEPTS("create", "{'meetingInfo':{'token':'t'}}",
            "{" T("call") ",'meetingInfo':{" T("tokenMeetingInfo") ",'token':'t'}}");
    ACCEPTS("rejectJoinResponse", "{'reason':'Busy'}",
            "{" T("rejectJoinResponse") ",'reason':'busy'}");
    ACCEPTS("acceptJoinResponse", "{}", "{" T("acceptJoinResponse") "}");
}

static void expands_tones(void)
{
    ACCEPTS("sendDtmfTones", "{'tones':'12#'}", "{'tones':['tone1','tone2','pound']}");
    ACCEPTS("sendDtmfTones", "{'tones':['*','A','Flash',7,'tone9']}",
            "{'tones':['star','a','flash','tone7','tone9']}");
    ACCEPTS("sendDtmfTones", "{'tones':'tone4'}", "{'tones':['tone4']}");
    REFUSES("sendDtmfTones", "{'tones':'12x'}", "tones[3]: must be one of tone0");
    REFUSES("sendDtmfTones", "{'tones':[10]}", "tones[1]");
    REFUSES("sendDtmfTones", "{'tones':{}}", "tones: at least 1");
    ACCEPTS("recordResponse", "{'stopTones':'#1'}", "{'stopTones':['#','1']}");
    ACCEPTS("recordResponse", "{'stopTones':[1,'*']}", "{'stopTones':['1','*']}");
    ACCEPTS("recordResponse", "{'stopTones':{}}", "{'stopTones':[]}");
    REFUSES("recordResponse", "{'stopTones':['tone1']}", "stopTones[1]: must be a key");
}

static void keeps_to_ranges(void)
{
    char *prompts = malloc(4000), *at = prompts + sprintf(prompts, "{'prompts':[");
    char context[400];

    for (int i = 0; i < 21; i++)
        at += sprintf(at, "%s'https://x/%d'", i ? "," : "", i);
    strcpy(at, "]}");
    REFUSES("playPrompt", prompts, "prompts[21]: at most 20");
    free(prompts);
    REFUSES("playPrompt", "{'prompts':[]}", "prompts: at least 1");
    REFUSES("playPrompt", "{}", "prompts: required");
    REFUSES("playPrompt", "{'prompts':null}", "prompts: required");
    REFUSES("recordResponse", "{'prompts':['a://b','a://c']}", "prompts[2]: at most 1");
    ACCEPTS("recordResponse", "{'maxRecordDurationInSeconds':120}", NULL);
    REFUSES("recordResponse", "{'maxRecordDurationInSeconds':121}",
            "maxRecordDurationInSeconds: 121 is not between 1 and 120");
    REFUSES("recordResponse", "{'maxSilenceTimeoutInSeconds':0}", "not between");
    REFUSES("recordResponse", "{'initialSilenceTimeoutInSeconds':1.5}", "whole number");
    REFUSES("recordResponse", "{'initialSilenceTimeoutInSeconds':'5'}", "whole number");
    REFUSES("redirect", "{'targets':'+111','timeout':14}", "timeout: 14 is not between 15 and 90");
    REFUSES("redirect", "{'targets':'+111','timeout':91}", "timeout");
    REFUSES("create", "{'targets':['+111','+112','+113','+114','+115','+116']}",
            "targets[6]: at most 5");
    REFUSES("create", "{'targets':'+111','ringingTimeoutInSeconds':116}", "ringingTimeout");
    ACCEPTS("sendDtmfTones", "{'tones':['tone1'],'delayBetweenTonesMs':0}", NULL);
    REFUSES("sendDtmfTones", "{'tones':'1','delayBetweenTonesMs':-1}", "delayBetweenTonesMs");
    sprintf(context, "{'clientContext':'%0256d'}", 0);
    ACCEPTS("subscribeToTone", context, NULL);
    sprintf(context, "{'clientContext':'%0257d'}", 0);
    REFUSES("subscribeToTone", context, "clientContext: 257 bytes, at most 256");
}

static void names_what_is_wrong(void)
{
    REFUSES("playPrompt", "{'promts':'a://b'}", "promts: no such field in playPrompt");
    REFUSES("subscribeToTone", "{'clientContext':7}", "clientContext: must be a string");
    REFUSES("get", "{'a':1}", "a: no such field in get");
    REFUSES("transfer", "{'transferTarget':{'phone':7}}",
            "transferTarget.identity.phone: must be an object");
    REFUSES("transfer", "{'transferTarget':'alice'}", "transferTarget: must be an object");
    REFUSES("transfer", "{'transferTarget':{'replacesCallId':'c'}}",
            "transferTarget.identity: required");
    REFUSES("reject", "{'reason':'later'}", "reason: must be one of none, busy, forbidden");
    REFUSES("playPrompt", "{'prompts':'a://b','loop':1}", "loop: must be true or false");
    REFUSES("redirect", "{'targets':[7]}", "targets[1]: must be an object");
    REFUSES("redirect", "{'targets':[null]}", "targets[1]: must be an object");
    REFUSES("playPrompt", "{" T("call") ",'prompts':'a://b'}", "takes no call");
    REFUSES("create", "{" T("participant") ",'targets':'+111'}", "takes no participant");
    REFUSES("participant.reportSyntheticMedia",
            "{'id':'x','detectionDateTime':'2026-03-13T21:00:00Z'}", "id: must be a GUID");
    REFUSES("participant.reportSyntheticMedia", "{'id':'" GUID "','detectionDateTime':'today'}",
            "detectionDateTime: must be a time");
    REFUSES("logTeleconferenceDeviceQuality",
            "{'quality':{'mediaQualityList':[{'channelIndex':1}]}}",
            "quality.mediaQualityList[1].@odata.type: required");
    REFUSES("logTeleconferenceDeviceQuality",
            "{'quality':{'mediaQualityList':[{" T(
                "teleconferenceDeviceAudioQuality") ",'channelIndex':1,'mediaDuration':'5s'}]}}",
            "mediaQualityList[1].mediaDuration: must be a duration");
}

static void joins_fields_by_rules(void)
{
    REFUSES("create", "{}", "targets: required, or meetingInfo");
    REFUSES("create", "{'targets':'+111','meetingInfo':{'token':'t'}}", "not together");
    REFUSES("create", "{'meetingInfo':{'organizer':'" GUID "'}}", "chatInfo: required");
    REFUSES("create", "{'targets':['+111','+112'],'routingPolicies':['none']}",
            "routingPolicies: only with exactly one target");
    REFUSES("invite", "{'participants':[{'phone':'+111','participantId':'p'},'+112']}",
            "participants[1].participantId: only with exactly one");
    REFUSES("invite", "{'participants':[{'phone':'+111','replacesCallId':'a'},'+112']}",
            "participants[2].replacesCallId: all participants");
    REFUSES("createAudioRoutingGroup",
            "{'routingMode':'oneToOne','sources':['a'],'receivers':['b','c']}",
            "receivers: a oneToOne group has exactly one");
    REFUSES("createAudioRoutingGroup",
            "{'routingMode':'multicast','sources':['a','b'],'receivers':['c']}",
            "sources: a group has exactly one");
    ACCEPTS("createAudioRoutingGroup",
            "{'routingMode':'multicast','sources':['a'],'receivers':['b','c']}", NULL);
    REFUSES("createAudioRoutingGroup", "{'sources':['a'],'receivers':['b']}",
            "routingMode: required");
}

static void knows_addresses(void)
{
    ACCEPTS("reject", "{'callbackUri':'https://bot.contoso.com/x'}", NULL);
    ACCEPTS("reject", "{'callbackUri':'http://127.0.0.1:8080/x'}", NULL);
    ACCEPTS("reject", "{'callbackUri':'http://localhost'}", NULL);
    ACCEPTS("reject", "{'callbackUri':'http://[::1]:80/'}", NULL);
    ACCEPTS("reject", "{'callbackUri':'callbackUri-value'}", NULL);
    REFUSES("reject", "{'callbackUri':'http://bot.contoso.com/x'}", "must be an https address");
    REFUSES("reject", "{'callbackUri':'http://localhost.evil.com/'}", "must be an https address");
    REFUSES("reject", "{'callbackUri':'http://127.0.0.1@evil.com/'}", "must be an https address");
    REFUSES("reject", "{'callbackUri':''}", "must be an address");
}

static void refuses_what_the_version_lacks(void)
{
#define V1(m, args, why) refuses(__LINE__, m, VERSION_V1, ERR_UNSUPPORTED, args, why)
    V1("playPrompt", "{'prompts':'a://b','loop':true}", "loop: only in beta (reference 3.11)");
    V1("playPrompt", "{'prompts':[{'uri':'a://b','loop':2}]}", "prompts[1].loop: only in beta");
    V1("muteAll", "{}", "muteAll: only in beta (reference 4.6)");
    V1("startRecording", "{}", "startRecording: only in beta");
    V1("redirect", "{'targets':'+111','maskCaller':true}", "maskCaller: only in beta");
    V1("create", "{'targets':'+111','ringingTimeoutInSeconds':30}", "only in beta");
    V1("answer", "{'acceptedModalities':['unknown']}", "unknown is only in beta");
    V1("answer", "{'mediaConfig':{'liveCaptionOptions':{}}}", "mediaConfig.liveCaptionOptions");
    accepts(__LINE__, "create", VERSION_V1,
            "{'targets':'+111','mediaConfig':{'removeFromDefaultAudioGroup':false}}",
            "{" T("call") ",'targets':[" PHONE("+111") "],'mediaConfig':{" T(
                "serviceHostedMediaConfig") ",'removeFromDefaultAudioGroup':false}}");
}

/* What a service must refuse although a flow may write it. */
static void judges_bodies_as_the_service_does(void)
{
    static const struct {
        const char *method, *body, *why; /* NULL: accepted */
    } cases[] = {
        {"playPrompt", "{'prompts':'https://x/a'}", "prompts: must be a list"},
        {"playPrompt", "{'prompts':['https://x/a']}", "prompts[1]: must be an object"},
        {"playPrompt", "{'prompts':[{'mediaInfo':{'uri':'u'}}]}",
         "prompts[1].@odata.type: required"},
        {"playPrompt", "{'prompts':[{'prompt':{'language':'en','name':'a','hash':'0a'}}]}",
         "prompts[1].@odata.type: required"},
        {"playPrompt", "{'prompts':[{" T("mediaPrompt") ",'mediaInfo':{'uri':'u'}}]}", NULL},
        {"transfer", "{'transferTarget':{'phone':'+111'}}", "transferTarget.identity: required"},
        {"sendDtmfTones", "{'tones':['1']}", "tones[1]: must be one of"},
        {"sendDtmfTones", "{'tones':['Tone1']}", NULL},
        {"answer", "{}", "mediaConfig: required"},
        {"answer", "{'mediaConfig':{" T("serviceHostedMediaConfig") "}}", NULL},
        {"create",
         "{'targets':[" PHONE("+111") "],'mediaConfig':{" T("serviceHostedMediaConfig") "}}",
         "callbackUri: required"},
        {"invite", "{'participants':[]}", "participants: at least 1"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e = {""};
        cJSON *v = json(cases[i].body);
        int err = method_check_body(method_find(cases[i].method), VERSION_BETA, v, &e);

        test_expect(err == (cases[i].why ? ERR_INVALID : 0), __FILE__, __LINE__, "%s: %s",
                    cases[i].body, e.text);
        if (cases[i].why)
            EXPECT_IN(e.text, cases[i].why);
        cJSON_Delete(v);
    }
}

static void survives_failing_memory(void)
{
    static const char *const cases[][2] = {
        {"playPrompt", "{'prompts':['https://x/a',{'uri':'https://x/b','resourceId':'r'}]}"},
        {"create", "{'targets':['+111',{'user':'u'}],'source':{'applicationInstance':'a'},"
                   "'mediaConfig':'serviceHosted','callOptions':{}}"},
        {"create", "{'chatInfo':{},'meetingInfo':{'organizer':'" GUID "'}}"},
        {"sendDtmfTones", "{'tones':'12#'}"},
        {"recordResponse", "{'stopTones':5,'prompts':'a://b'}"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        EVERY_ALLOCATION(n)
        {
            struct error e;
            cJSON *args;
            int err;

            test_fail_allocation(-1);
            args = json(cases[i][1]);
            test_fail_allocation(n);
            err = method_check(method_find(cases[i][0]), VERSION_BETA, args, &e);
            EXPECT(err == 0 ? !test_allocation_failed() : err == ERR_NOMEM);
            cJSON_Delete(args);
        }
    }
}

const struct test check_tests[] = {TEST(expands_parties),
                                   TEST(expands_prompts),
                                   TEST(expands_media_and_meetings),
                                   TEST(expands_tones),
                                   TEST(keeps_to_ranges),
                                   TEST(names_what_is_wrong),
                                   TEST(joins_fields_by_rules),
                                   TEST(knows_addresses),
                                   TEST(refuses_what_the_version_lacks),
                                   TEST(judges_bodies_as_the_service_does),
                                   TEST(survives_failing_memory),
                                   {0}};
