#include "host/settings.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy(char *to, size_t cap, const char *from)
{
    snprintf(to, cap, "%s", from ? from : "");
}

void settings_core(const struct config *cfg, struct core_config *out)
{
    *out = (struct core_config){0};
    config_limits(cfg, &out->limits);
    copy(out->language, sizeof out->language, config_str(cfg, "language"));
    copy(out->fallback_prompt, sizeof out->fallback_prompt, config_str(cfg, "fallback.prompt"));
    copy(out->fallback_transfer, sizeof out->fallback_transfer,
         config_str(cfg, "fallback.transfer"));
}

/* systemd says which stream it has connected to its journal. */
static bool goes_to_systemd(int fd)
{
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(fd, &st) == 0 &&
           st.st_dev == device && st.st_ino == inode;
}

void settings_log(const struct config *cfg, struct log *out)
{
    *out = (struct log){.to = stderr,
                        .least = log_level_parse(config_str(cfg, "log.level")),
                        .json = strcmp(config_str(cfg, "log.format"), "json") == 0,
                        .priorities = goes_to_systemd(STDERR_FILENO)};
}

const char *settings_error_priority(void)
{
    return goes_to_systemd(STDERR_FILENO) ? "<3>" : "";
}

char *settings_webhook(const struct config *cfg)
{
    const char *given = config_str(cfg, "exchange.webhook"), *url = config_str(cfg, "public_url");
    struct buf b = {0};

    if (given)
        buf_str(&b, given);
    else if (url)
        buf_fmt(&b, "%s/api/calls", url);
    else
        buf_fmt(&b, "http%s://%s/api/calls", config_str(cfg, "tls.cert_file") ? "s" : "",
                config_str(cfg, "listen"));
    return buf_take(&b);
}

void settings_exchange(const struct config *cfg, const struct log *log, const char *secret,
                       struct exchange_service_config *out)
{
    *out = (struct exchange_service_config){
        .listen = config_str(cfg, "exchange.listen"),
        .webhook = config_str(cfg, "exchange.webhook"),
        .tenant = config_str(cfg, "exchange.tenant"),
        .app_id = config_str(cfg, "exchange.app_id"),
        .secret = secret,
        .ca_file = config_str(cfg, "exchange.ca_file"),
        .phones_anywhere = strcmp(config_str(cfg, "exchange.phones"), "any") == 0,
        .answer_ms = config_int(cfg, "exchange.answer_ms"),
        .silence_ms = config_int(cfg, "exchange.silence_ms"),
        .faults = {.drop = config_num(cfg, "exchange.faults.drop"),
                   .repeat = config_num(cfg, "exchange.faults.repeat"),
                   .reorder = config_num(cfg, "exchange.faults.reorder"),
                   .delay = config_num(cfg, "exchange.faults.delay"),
                   .delay_ms = config_int(cfg, "exchange.faults.delay_ms"),
                   .throttle = config_num(cfg, "exchange.faults.throttle"),
                   .fail = config_num(cfg, "exchange.faults.fail"),
                   .early = config_num(cfg, "exchange.faults.early")},
        .log = log,
    };
}
