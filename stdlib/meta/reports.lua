---@meta

-- The two reports a bot may send: device quality (`ivr.logTeleconferenceDeviceQuality`) and synthetic media
-- (`participant:reportSyntheticMedia`, beta).

---@alias ivory.contentModality "audio"|"video"|"image"|"text"|"multimodal"|"unknownFutureValue"
---@alias ivory.detectionSeverity "low"|"medium"|"high"|"unknownFutureValue"

---@class ivory.teleconferenceDeviceQuality
---@field callChainId? string  GUID
---@field cloudServiceDeploymentEnvironment? string
---@field cloudServiceDeploymentId? string
---@field cloudServiceInstanceName? string
---@field cloudServiceName? string
---@field deviceDescription? string
---@field deviceName? string
---@field mediaLegId? string  GUID
---@field mediaQualityList? ivory.teleconferenceDeviceMediaQuality[]
---@field participantId? string  GUID

---@class ivory.teleconferenceDeviceMediaQuality
---@field averageInboundJitter? string  ISO 8601 duration
---@field averageInboundPacketLossRateInPercentage? number
---@field averageInboundRoundTripDelay? string  ISO 8601 duration
---@field averageOutboundJitter? string  ISO 8601 duration
---@field averageOutboundPacketLossRateInPercentage? number
---@field averageOutboundRoundTripDelay? string  ISO 8601 duration
---@field channelIndex? integer
---@field inboundPackets? integer
---@field localIPAddress? string
---@field localPort? integer
---@field maximumInboundJitter? string  ISO 8601 duration
---@field maximumInboundPacketLossRateInPercentage? number
---@field maximumInboundRoundTripDelay? string  ISO 8601 duration
---@field maximumOutboundJitter? string  ISO 8601 duration
---@field maximumOutboundPacketLossRateInPercentage? number
---@field maximumOutboundRoundTripDelay? string  ISO 8601 duration
---@field mediaDuration? string  ISO 8601 duration
---@field networkLinkSpeedInBytes? integer
---@field outboundPackets? integer
---@field remoteIPAddress? string
---@field remotePort? integer

---@class ivory.teleconferenceDeviceAudioQuality: ivory.teleconferenceDeviceMediaQuality

---@class ivory.teleconferenceDeviceVideoQuality: ivory.teleconferenceDeviceMediaQuality
---@field averageInboundBitRate? number
---@field averageInboundFrameRate? number
---@field averageOutboundBitRate? number
---@field averageOutboundFrameRate? number

---@class ivory.teleconferenceDeviceScreenSharingQuality: ivory.teleconferenceDeviceVideoQuality

---@class ivory.mediaMetadata  beta only
---@field audioMetadata? ivory.audioMetadata  (beta)
---@field byteSize? integer  (beta)
---@field duration? integer  (beta)
---@field isRealTime? boolean  (beta)
---@field mimeType? string  (beta)
---@field modality? ivory.contentModality  (beta)
---@field streamingMetadata? ivory.streamingMetadata  (beta)
---@field videoMetadata? ivory.videoMetadata  (beta)

---@class ivory.audioMetadata  beta only
---@field bitDepth? integer  (beta)
---@field channels? integer  (beta)
---@field sampleRateHz? integer  (beta)

---@class ivory.videoMetadata  beta only
---@field bitrateKbps? integer  (beta)
---@field codec? string  (beta)
---@field frameRate? number  (beta)

---@class ivory.streamingMetadata  beta only
---@field frameDropRate? number  (beta)
---@field latencyMs? integer  (beta)
---@field networkJitterMs? integer  (beta)

---@class ivory.mediaSegment  beta only
---@field endTimeSec? integer  (beta)
---@field frameIndices? integer[]  (beta)
---@field startTimeSec? integer  (beta)

---@class ivory.syntheticMediaDetectionDetail  beta only
---@field confidence? number  0–1 (beta)
---@field modality? ivory.contentModality  (beta)
---@field modelName? string  (beta)
---@field modelTasks? string[]  (beta)
---@field segment? ivory.mediaSegment  (beta)

---@class ivory.syntheticMediaDetectionInfo  beta only
---@field detectionId? string  GUID (beta)
---@field detectorBot? string  (beta)
---@field isParticipantTrusted? boolean  (beta)
---@field syntheticConfidence? number  0–1 (beta)
