/*
 * A Teams join link (reference §2.5):
 * https://teams.microsoft.com/l/meetup-join/<thread>/<message>?context={"Tid","Oid"}
 */
#ifndef IVORY_GRAPH_JOINLINK_H
#define IVORY_GRAPH_JOINLINK_H

#include "base/error.h"

#include <cjson/cJSON.h>

/* {"chatInfo":{...}, "meetingInfo":{organizerMeetingInfo}, "tenantId":...} of `url`, which may have
 * been percent-encoded several times and may hold more before meetup-join. ERR_INVALID says what is
 * missing. */
int joinlink_decode(const char *url, cJSON **out, struct error *e);

/* What `ivory dial` takes: "+14255550100" or "tel:..." → {"targets":[phone]}, a GUID or "user:<id>"
 * → {"targets":[user]}, an https join link → chatInfo and meetingInfo. ERR_INVALID lists the three
 * forms. */
int joinlink_target(const char *text, cJSON **create_args, struct error *e);

#endif
