/* Types of the two reports: device quality (reference 3.19) and synthetic media (4.10). */
#include "graph/typetables.h"

static const struct field no_fields[] = {{0}};

static const struct field teleconference_device_quality[] = {
    FIELD("callChainId", "guid", BOTH, .required = true),
    FIELD("cloudServiceDeploymentEnvironment", "string", BOTH),
    FIELD("cloudServiceDeploymentId", "string", BOTH),
    FIELD("cloudServiceInstanceName", "string", BOTH),
    FIELD("cloudServiceName", "string", BOTH),
    FIELD("deviceDescription", "string", BOTH, .required = true),
    FIELD("deviceName", "string", BOTH, .required = true),
    FIELD("mediaLegId", "guid", BOTH, .required = true),
    FIELD("mediaQualityList", "teleconferenceDeviceMediaQuality", BOTH, .list = true,
          .required = true),
    FIELD("participantId", "guid", BOTH, .required = true),
    {0}};

static const struct field teleconference_device_media_quality[] = {
    FIELD("averageInboundJitter", "duration", BOTH),
    FIELD("averageInboundPacketLossRateInPercentage", "number", BOTH),
    FIELD("averageInboundRoundTripDelay", "duration", BOTH),
    FIELD("averageOutboundJitter", "duration", BOTH),
    FIELD("averageOutboundPacketLossRateInPercentage", "number", BOTH),
    FIELD("averageOutboundRoundTripDelay", "duration", BOTH),
    FIELD("channelIndex", "int", BOTH, .required = true),
    FIELD("inboundPackets", "int", BOTH),
    FIELD("localIPAddress", "string", BOTH),
    FIELD("localPort", "int", BOTH),
    FIELD("maximumInboundJitter", "duration", BOTH),
    FIELD("maximumInboundPacketLossRateInPercentage", "number", BOTH),
    FIELD("maximumInboundRoundTripDelay", "duration", BOTH),
    FIELD("maximumOutboundJitter", "duration", BOTH),
    FIELD("maximumOutboundPacketLossRateInPercentage", "number", BOTH),
    FIELD("maximumOutboundRoundTripDelay", "duration", BOTH),
    FIELD("mediaDuration", "duration", BOTH),
    FIELD("networkLinkSpeedInBytes", "int", BOTH),
    FIELD("outboundPackets", "int", BOTH),
    FIELD("remoteIPAddress", "string", BOTH),
    FIELD("remotePort", "int", BOTH),
    {0}};

static const struct field teleconference_device_video_quality[] = {
    FIELD("averageInboundBitRate", "number", BOTH),
    FIELD("averageInboundFrameRate", "number", BOTH),
    FIELD("averageOutboundBitRate", "number", BOTH),
    FIELD("averageOutboundFrameRate", "number", BOTH),
    {0}};

static const struct field media_metadata[] = {FIELD("audioMetadata", "audioMetadata", BETA),
                                              FIELD("byteSize", "int", BETA),
                                              FIELD("duration", "int", BETA),
                                              FIELD("isRealTime", "bool", BETA),
                                              FIELD("mimeType", "string", BETA),
                                              FIELD("modality", "contentModality", BETA),
                                              FIELD("streamingMetadata", "streamingMetadata", BETA),
                                              FIELD("videoMetadata", "videoMetadata", BETA),
                                              {0}};

static const struct field audio_metadata[] = {FIELD("bitDepth", "int", BETA),
                                              FIELD("channels", "int", BETA),
                                              FIELD("sampleRateHz", "int", BETA),
                                              {0}};

static const struct field video_metadata[] = {FIELD("bitrateKbps", "int", BETA),
                                              FIELD("codec", "string", BETA),
                                              FIELD("frameRate", "number", BETA),
                                              {0}};

static const struct field streaming_metadata[] = {FIELD("frameDropRate", "number", BETA),
                                                  FIELD("latencyMs", "int", BETA),
                                                  FIELD("networkJitterMs", "int", BETA),
                                                  {0}};

static const struct field media_segment[] = {FIELD("endTimeSec", "int", BETA),
                                             FIELD("frameIndices", "int", BETA, .list = true),
                                             FIELD("startTimeSec", "int", BETA),
                                             {0}};

static const struct field synthetic_media_detection_detail[] = {
    FIELD("confidence", "number", BETA, .min = 0, .max = 1),
    FIELD("modality", "contentModality", BETA),
    FIELD("modelName", "string", BETA),
    FIELD("modelTasks", "string", BETA, .list = true),
    FIELD("segment", "mediaSegment", BETA),
    {0}};

static const struct field synthetic_media_detection_info[] = {
    FIELD("detectionId", "guid", BETA),
    FIELD("detectorBot", "string", BETA),
    FIELD("isParticipantTrusted", "bool", BETA),
    FIELD("syntheticConfidence", "number", BETA, .min = 0, .max = 1),
    {0}};

const struct type report_types[] = {
    {.name = "teleconferenceDeviceQuality",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = teleconference_device_quality},
    {.name = "teleconferenceDeviceMediaQuality",
     .abstract = true,
     .open = true,
     .versions = VERSION_BOTH,
     .fields = teleconference_device_media_quality},
    {.name = "teleconferenceDeviceAudioQuality",
     .base = "teleconferenceDeviceMediaQuality",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "teleconferenceDeviceVideoQuality",
     .base = "teleconferenceDeviceMediaQuality",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = teleconference_device_video_quality},
    {.name = "teleconferenceDeviceScreenSharingQuality",
     .base = "teleconferenceDeviceVideoQuality",
     .open = true,
     .versions = VERSION_BOTH,
     .fields = no_fields},
    {.name = "mediaMetadata", .versions = VERSION_BETA, .fields = media_metadata},
    {.name = "audioMetadata", .versions = VERSION_BETA, .fields = audio_metadata},
    {.name = "videoMetadata", .versions = VERSION_BETA, .fields = video_metadata},
    {.name = "streamingMetadata", .versions = VERSION_BETA, .fields = streaming_metadata},
    {.name = "mediaSegment", .versions = VERSION_BETA, .fields = media_segment},
    {.name = "syntheticMediaDetectionDetail",
     .versions = VERSION_BETA,
     .fields = synthetic_media_detection_detail},
    {.name = "syntheticMediaDetectionInfo",
     .versions = VERSION_BETA,
     .fields = synthetic_media_detection_info},
    {0}};
