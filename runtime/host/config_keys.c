#include "host/config_keys.h"

#include <string.h>

#define MIB(n)      ((n)*1048576.0)
#define HOURS(n)    ((n)*3600000.0)
#define ANY_MEMORY  1099511627776.0 /* 1 TiB */
#define PROBABILITY CONFIG_NUMBER, 0, 1, "0", NULL

/* The defaults of limits are those of core/limits.h; a test compares them. */
const struct config_key config_keys[] = {
    {"listen", CONFIG_ADDRESS, 0, 0, "127.0.0.1:8080", NULL, "webhooks, prompts, recordings"},
    {"public_url", CONFIG_URL, 0, 0, NULL, NULL, "listen as Graph reaches it; needed for Graph"},
    {"flows", CONFIG_FOLDER, 0, 0, "flows", NULL,
     "folder of the flows; not there and not set: the installed examples"},
    {"data", CONFIG_TEXT, 0, 0, "var", NULL, "folder of what the service keeps; made when missing"},
    {"workers", CONFIG_INT, 1, 64, "1", NULL, "threads that run calls"},
    {"language", CONFIG_TEXT, 0, 15, "en", NULL, "of prompts, when a flow says none"},

    {"tls.cert_file", CONFIG_FILE, 0, 0, NULL, NULL,
     "of listen: certificate chain, PEM; unset: plain HTTP"},
    {"tls.key_file", CONFIG_FILE, 0, 0, NULL, NULL, "its key, PEM without a password"},

    {"fallback.prompt", CONFIG_TEXT, 0, 63, NULL, NULL, "played when a flow failed"},
    {"fallback.transfer", CONFIG_TEXT, 0, 127, NULL, NULL, "then a transfer to this phone or user"},

    {"graph.url", CONFIG_URL, 0, 0, NULL, NULL, "https://graph.microsoft.com; unset: the exchange"},
    {"graph.version", CONFIG_CHOICE, 0, 0, "v1.0", "v1.0|beta", "of the API"},
    {"graph.tenant", CONFIG_TEXT, 0, 100, NULL, NULL, "directory (tenant) id"},
    {"graph.app_id", CONFIG_TEXT, 0, 100, NULL, NULL, "application (client) id"},
    {"graph.secret_file", CONFIG_FILE, 0, 0, NULL, NULL, "holds the client secret"},
    {"graph.authority", CONFIG_URL, 0, 0, "https://login.microsoftonline.com", NULL,
     "where tokens are had"},
    {"graph.http2", CONFIG_FLAG, 0, 0, "false", NULL, "ask for HTTP/2"},
    {"graph.ca_file", CONFIG_FILE, 0, 0, NULL, NULL, "certificates to trust; unset: the system's"},

    {"inbound.verify", CONFIG_FLAG, 0, 0, "true", NULL, "check the token of each webhook"},
    {"inbound.openid", CONFIG_URL, 0, 0,
     "https://api.aps.skype.com/v1/.well-known/OpenIdConfiguration", NULL, "where the keys are"},
    {"inbound.issuers", CONFIG_LIST, 1, 10,
     "https://api.botframework.com,https://graph.microsoft.com", NULL, "whose tokens are taken"},
    {"inbound.skew", CONFIG_INT, 0, 3600, "300", NULL, "seconds that clocks may differ"},

    {"exchange.apart", CONFIG_FLAG, 0, 0, "false", NULL,
     "it is a process of its own, `ivory exchange`, so that its calls outlive the service"},
    {"exchange.listen", CONFIG_ADDRESS, 0, 0, "127.0.0.1:8090", NULL,
     "where it serves the API; it is there when graph.url is not set"},
    {"exchange.webhook", CONFIG_URL, 0, 0, NULL, NULL,
     "where calls are offered; unset: /api/calls of this service"},
    {"exchange.tenant", CONFIG_TEXT, 1, 100, "7e1f3c52-0b6a-4c0e-9d5e-2b4f8a91c370", NULL,
     "of its calls"},
    {"exchange.app_id", CONFIG_TEXT, 1, 100, "c2a6f0d4-58f1-4be7-a3a9-61d07be5f9a2", NULL,
     "that tokens are for"},
    {"exchange.secret_file", CONFIG_FILE, 0, 0, NULL, NULL, "unset: any client secret will do"},
    {"exchange.ca_file", CONFIG_FILE, 0, 0, NULL, NULL,
     "certificates to trust when it posts webhooks; unset: the system's"},
    {"exchange.phones", CONFIG_CHOICE, 0, 0, "loopback", "loopback|any", "who may be a phone"},
    {"exchange.answer_ms", CONFIG_INT, 100, 600000, "15000", NULL,
     "time to answer an offered call"},
    {"exchange.silence_ms", CONFIG_INT, 1000, HOURS(24), "2700000", NULL,
     "a call without keepAlive ends after this"},
    {"exchange.faults.drop", PROBABILITY, "notifications that are lost, 0-1"},
    {"exchange.faults.repeat", PROBABILITY, "sent twice"},
    {"exchange.faults.reorder", PROBABILITY, "sent after the next one"},
    {"exchange.faults.delay", PROBABILITY, "sent late"},
    {"exchange.faults.delay_ms", CONFIG_INT, 0, 60000, "1000", NULL, "by up to this much"},
    {"exchange.faults.throttle", PROBABILITY, "requests answered 429"},
    {"exchange.faults.fail", PROBABILITY, "requests answered 500"},
    {"exchange.faults.early", PROBABILITY, "completions sent before the answer they belong to"},

    {"reload.watch", CONFIG_FLAG, 0, 0, "true", NULL, "take flows that change; else on request"},
    {"reload.canary", CONFIG_NUMBER, 0, 100, "0", NULL,
     "percent of new calls for new flows on trial; 0: all, at once"},
    {"reload.canary_calls", CONFIG_INT, 1, 1e9, "100", NULL, "that must end well on trial"},

    {"admission.calls", CONFIG_INT, 0, 1e9, "0", NULL, "calls at once; 0: no cap"},
    {"admission.calls_per_second", CONFIG_INT, 0, 1e9, "0", NULL, "new calls; 0: no cap"},
    {"admission.per_tenant", CONFIG_INT, 0, 1e9, "0", NULL, "calls of one tenant; 0: no cap"},
    {"admission.refuse", CONFIG_CHOICE, 0, 0, "503", "503|busy",
     "what a call over a cap gets: offer it later, or a busy tone"},

    {"stop.drain", CONFIG_FLAG, 0, 0, "false", NULL,
     "SIGTERM waits for calls to end; else they go on in the next process"},
    {"stop.drain_s", CONFIG_INT, 1, 86400, "900", NULL, "and waits no longer than this"},

    {"admin.listen", CONFIG_ADDRESS, 0, 0, "127.0.0.1:8081", NULL,
     "the command line, health, metrics; others than this machine only with a token"},
    {"admin.token_file", CONFIG_FILE, 0, 0, NULL, NULL, "holds the bearer token that it wants"},
    {"admin.cert_file", CONFIG_FILE, 0, 0, NULL, NULL, "as tls.cert_file, for the admin address"},
    {"admin.key_file", CONFIG_FILE, 0, 0, NULL, NULL, "its key"},

    {"journal.enabled", CONFIG_FLAG, 0, 0, "true", NULL, "calls survive a crash and a restart"},
    {"journal.sync", CONFIG_CHOICE, 0, 0, "process", "process|power",
     "what a commit survives: a crash of the process, or a loss of power too"},
    {"journal.tones", CONFIG_CHOICE, 0, 0, NULL, "wipe|keep",
     "keys that callers pressed, when the call is over; unset: wipe with graph.url, else keep"},
    {"journal.commit_ms", CONFIG_INT, 0, 1000, "2", NULL, "writes are gathered for so long"},
    {"journal.keep_entries", CONFIG_FLAG, 0, 0, "true", NULL,
     "ended calls keep what ivory replay needs, until they expire"},
    {"journal.retain_days", CONFIG_INT, 1, 36500, "30", NULL, "what is kept of ended calls"},
    {"journal.key_file", CONFIG_TEXT, 0, 0, NULL, NULL,
     "32 bytes that seal keys; unset: journal.key in data, made when missing"},

    {"log.level", CONFIG_CHOICE, 0, 0, "info", "debug|info|warn|error",
     "the least that is written"},
    {"log.format", CONFIG_CHOICE, 0, 0, "text", "text|json", "one line an entry"},

    {"limits.turn_ms", CONFIG_INT, 1, 60000, "100", NULL, "one turn of a call"},
    {"limits.load_ms", CONFIG_INT, 10, 60000, "500", NULL, "loading a bundle"},
    {"limits.cell_bytes", CONFIG_INT, MIB(1), ANY_MEMORY, "268435456", NULL, "memory of one cell"},
    {"limits.turn_bytes", CONFIG_INT, 65536, ANY_MEMORY, "16777216", NULL,
     "growth of a cell during one turn"},
    {"limits.string_bytes", CONFIG_INT, 1024, ANY_MEMORY, "1048576", NULL, "result of string.rep"},
    {"limits.pattern_steps", CONFIG_INT, 1000, 1e12, "1000000", NULL,
     "work of one pattern function"},
    {"limits.calls_per_cell", CONFIG_INT, 1, 100000, "1000", NULL, "calls of one Lua state"},
    {"limits.fibers", CONFIG_INT, 1, 10000, "64", NULL, "live fibers of a call"},
    {"limits.timers", CONFIG_INT, 1, 10000, "64", NULL, "pending timers of a call"},
    {"limits.requests", CONFIG_INT, 1, 10000, "16", NULL, "pending HTTP requests of a call"},
    {"limits.tones", CONFIG_INT, 1, 10000, "32", NULL, "buffered tones of a leg"},
    {"limits.legs", CONFIG_INT, 1, 1000, "8", NULL, "legs of a call"},
    {"limits.entries", CONFIG_INT, 100, 1e9, "20000", NULL, "commands and events of a call"},
    {"limits.call_ms", CONFIG_INT, 1000, HOURS(1000), "14400000", NULL, "duration of a call"},
    {"limits.cleanup_ms", CONFIG_INT, 10, HOURS(1), "5000", NULL, "one end handler"},
    {"limits.cleanup_total_ms", CONFIG_INT, 10, HOURS(1), "15000", NULL,
     "all end handlers of a call"},
    {"limits.wait_ms", CONFIG_INT, 100, HOURS(1000), "600000", NULL,
     "a wait for which no timeout was given"},
    {0}};

size_t config_key_count(void)
{
    return sizeof config_keys / sizeof *config_keys - 1;
}

int config_key_find(const char *name, size_t n)
{
    for (size_t i = 0; config_keys[i].name; i++) {
        if (strncmp(config_keys[i].name, name, n) == 0 && config_keys[i].name[n] == '\0')
            return (int)i;
    }
    return -1;
}

bool config_key_is_group(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; config_keys[i].name; i++) {
        if (strncmp(config_keys[i].name, name, n) == 0 && config_keys[i].name[n] == '.')
            return true;
    }
    return false;
}

/* How many letters to insert, remove or replace to get from `a` to `b`; both under 64 long. */
static size_t distance(const char *a, const char *b)
{
    size_t row[64], n = strlen(b);

    for (size_t j = 0; j <= n; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t corner = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < n; j++) {
            size_t replace = corner + (a[i] != b[j]), best = row[j] + 1;

            corner = row[j + 1];
            best = replace < best ? replace : best;
            row[j + 1] = corner + 1 < best ? corner + 1 : best;
        }
    }
    return row[n];
}

const char *config_key_like(const char *name)
{
    const char *best = NULL;
    size_t least = 4, n = strlen(name);

    if (n >= 64)
        return NULL;
    for (size_t i = 0; config_keys[i].name; i++) {
        size_t d = distance(name, config_keys[i].name);

        if (d < least && d * 3 <= n) {
            least = d;
            best = config_keys[i].name;
        }
    }
    return best;
}
