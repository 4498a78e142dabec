/*
 * From the configuration to what the parts are made with.
 */
#ifndef IVORY_HOST_SETTINGS_H
#define IVORY_HOST_SETTINGS_H

#include "core/core.h"
#include "exchange/service.h"
#include "host/config.h"
#include "net/log.h"

/* Limits, language and fallback; the bindings are the caller's to add. */
void settings_core(const struct config *cfg, struct core_config *out);

/* The exchange; `log` must outlive it. */
void settings_exchange(const struct config *cfg, const struct log *log, const char *secret,
                       struct exchange_service_config *out);

/* Where an exchange that is a process of its own offers calls; to be freed. NULL: no memory. */
char *settings_webhook(const struct config *cfg);

void settings_log(const struct config *cfg, struct log *out);

/* What a line of an error begins with: its priority where systemd's journal reads it, else nothing.
 */
const char *settings_error_priority(void);

#endif
