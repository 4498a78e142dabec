#include "base/text.h"
#include "graph/methods.h"

#include <string.h>
#include <strings.h>

/* Members in the order of the schema, spelled as the wire has them (types.md, Enums). */
static const struct enumeration table[] = {
    {.name = "autoAdmittedUsersType",
     .members = (const char *const[]){"everyoneInCompany", "everyone", NULL}},
    {.name = "callDirection", .members = (const char *const[]){"incoming", "outgoing", NULL}},
    {.name = "callDisposition",
     .members = (const char *const[]){"default", "simultaneousRing", "forward", NULL}},
    {.name = "callState",
     .members = (const char *const[]){"incoming", "establishing", "ringing", "established", "hold",
                                      "transferring", "transferAccepted", "redirecting",
                                      "terminating", "terminated", "unknownFutureValue", NULL},
     .beta_only = (const char *const[]){"ringing", NULL}},
    {.name = "callTranscriptionState",
     .members =
         (const char *const[]){"notStarted", "active", "inactive", "unknownFutureValue", NULL}},
    {.name = "changeType", .members = (const char *const[]){"created", "updated", "deleted", NULL}},
    {.name = "contentModality",
     .members = (const char *const[]){"audio", "video", "image", "text", "multimodal",
                                      "unknownFutureValue", NULL}},
    {.name = "detectionSeverity",
     .members = (const char *const[]){"low", "medium", "high", "unknownFutureValue", NULL}},
    {.name = "endpointType",
     .members = (const char *const[]){"default", "voicemail", "skypeForBusiness",
                                      "skypeForBusinessVoipPhone", "unknownFutureValue", NULL}},
    {.name = "mediaDirection",
     .members = (const char *const[]){"inactive", "sendOnly", "receiveOnly", "sendReceive", NULL}},
    {.name = "mediaState",
     .members = (const char *const[]){"active", "inactive", "unknownFutureValue", NULL}},
    {.name = "modality",
     .members = (const char *const[]){"unknown", "audio", "video", "videoBasedScreenSharing",
                                      "data", "unknownFutureValue", NULL},
     .beta_only = (const char *const[]){"unknown", NULL}},
    {.name = "onlineMeetingContentSharingDisabledReason",
     .members = (const char *const[]){"watermarkProtection", "unknownFutureValue", NULL}},
    {.name = "onlineMeetingVideoDisabledReason",
     .members = (const char *const[]){"watermarkProtection", "unknownFutureValue", NULL}},
    {.name = "operationStatus",
     .members = (const char *const[]){"notStarted", "running", "completed", "failed", NULL}},
    {.name = "playPromptCompletionReason",
     .members = (const char *const[]){"unknown", "completedSuccessfully", "mediaOperationCanceled",
                                      "unknownFutureValue", NULL}},
    {.name = "recordCompletionReason",
     .members = (const char *const[]){"operationCanceled", "stopToneDetected",
                                      "maxRecordDurationReached", "initialSilenceTimeout",
                                      "maxSilenceTimeout", "playPromptFailed", "playBeepFailed",
                                      "mediaReceiveTimeout", "unspecifiedError", "none", NULL}},
    {.name = "recordingStatus",
     .members = (const char *const[]){"unknown", "notRecording", "recording", "failed",
                                      "unknownFutureValue", NULL}},
    {.name = "rejectReason",
     .members = (const char *const[]){"none", "busy", "forbidden", "unknownFutureValue", NULL}},
    {.name = "routingMode",
     .members = (const char *const[]){"oneToOne", "multicast", "unknownFutureValue", NULL}},
    {.name = "routingPolicy",
     .members = (const char *const[]){"none", "noMissedCall", "disableForwardingExceptPhone",
                                      "disableForwarding", "preferSkypeForBusiness",
                                      "unknownFutureValue", NULL}},
    {.name = "routingType",
     .members =
         (const char *const[]){"forwarded", "lookup", "selfFork", "unknownFutureValue", NULL}},
    {.name = "screenSharingRole", .members = (const char *const[]){"viewer", "sharer", NULL}},
    {.name = "sendDtmfCompletionReason",
     .members = (const char *const[]){"unknown", "completedSuccessfully", "mediaOperationCanceled",
                                      "unknownFutureValue", NULL}},
    {.name = "tone",
     .members = (const char *const[]){"tone0", "tone1", "tone2", "tone3", "tone4", "tone5", "tone6",
                                      "tone7", "tone8", "tone9", "star", "pound", "a", "b", "c",
                                      "d", "flash", NULL}},
    {0}};

const struct enumeration *enumeration_find(const char *name)
{
    for (const struct enumeration *en = table; en->name; en++) {
        if (text_same(en->name, name))
            return en;
    }
    return NULL;
}

const char *enumeration_member(const struct enumeration *en, const char *text)
{
    for (const char *const *m = en->members; *m; m++) {
        if (strcasecmp(*m, text) == 0)
            return *m;
    }
    return NULL;
}
