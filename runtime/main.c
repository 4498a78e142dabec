/* The command line: one function per subcommand, one table. */
#include "base/buf.h"
#include "base/json.h"
#include "bindings/bindings.h"
#include "core/core.h"
#include "exchange/service.h"
#include "exchange/terminal.h"
#include "graph/methods.h"
#include "graph/notify.h"
#include "host/config.h"
#include "host/control.h"
#include "host/desk.h"
#include "host/serve.h"
#include "host/settings.h"
#include "host/simulate.h"
#include "net/http_listen.h"

#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

extern const struct bundle_source stdlib_sources[];

enum { EXIT_USAGE = 2 };

struct command_line {
    const char *config;
    char *sets[64];
    int nsets;
    bool print_config, json, hangups, faults, crash, replay, csv, all, manual;
    unsigned sample;
    const char *filter, *trace, *from;
    const char *since, *flows, *tones;
    const char *to_register; /* phone --answer */
    uint64_t seed;
    char **args;
    int nargs;
};

static int fail(const struct error *e)
{
    fprintf(stderr, "%sivory: %s\n", settings_error_priority(), e->text);
    return EXIT_FAILURE;
}

static int with_config(const struct command_line *cl, struct config **cfg)
{
    struct error e = {""};

    return config_read(cfg, cl->config, cl->sets, cl->nsets, &e) ? fail(&e) : 0;
}

static int run_serve(const struct command_line *cl)
{
    struct error e = {""};
    struct config *cfg;
    int status = with_config(cl, &cfg);

    if (status)
        return status;
    if (cl->print_config) {
        char *text = config_print(cfg);
        fputs(text ? text : "", stdout);
        free(text);
    } else {
        status = serve(cfg, stdlib_sources, &e);
        if (status < 0)
            status = fail(&e);
    }
    config_free(cfg);
    return status;
}

/* Until SIGTERM or SIGINT. */
static int exchange_until_told(struct log *log, const struct exchange_service_config *c,
                               struct error *e)
{
    struct exchange_service *x;
    sigset_t set;
    int number, err;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    err = log_writer_new(&log->writer, STDERR_FILENO, e);
    if (err)
        return err;
    err = exchange_service_start(&x, c, e);
    if (err) {
        error_prefix(e, err, "exchange.listen");
    } else {
        log_write(log, LOG_INFO, NULL, "exchange at port %u, offers calls to %s",
                  exchange_service_port(x), c->webhook);
        sigwait(&set, &number);
        exchange_service_stop(x);
    }
    log_writer_free(log->writer);
    return err;
}

static int run_exchange(const struct command_line *cl)
{
    static const char secret_key[] = "exchange.secret_file";
    struct error e = {""};
    struct config *cfg;
    struct exchange_service_config c;
    struct log log;
    const char *graph;
    char *secret, *webhook;
    int err = 0, status = with_config(cl, &cfg);

    if (status)
        return status;
    settings_log(cfg, &log);
    graph = config_str(cfg, "graph.url");
    secret = config_secret(cfg, secret_key, &e);
    webhook = settings_webhook(cfg);
    settings_exchange(cfg, &log, secret, &c);
    c.webhook = webhook;
    if (graph && !url_is_loopback(graph))
        log_write(&log, LOG_INFO, NULL, "calls come from %s; no exchange is needed", graph);
    else if (!secret && config_str(cfg, secret_key))
        err = ERR_IO;
    else if (!webhook)
        err = error_set(&e, ERR_NOMEM, "no memory");
    else
        err = exchange_until_told(&log, &c, &e);
    if (err)
        status = fail(&e);
    free(webhook);
    free(secret);
    config_free(cfg);
    return status;
}

/* Load the flows as `serve` would, and say what was found. A folder that is named is looked at
 * alone. */
static int run_check(const struct command_line *cl)
{
    struct error e = {""};
    struct config *cfg;
    struct bindings_config bindings = {VERSION_V1};
    struct core_config cc;
    struct bundle *b = NULL;
    struct core *core = NULL;
    const char *folder;
    int status = with_config(cl, &cfg);

    if (status)
        return status;
    folder = cl->nargs ? cl->args[0] : config_str(cfg, "flows");
    bindings.version = version_parse(config_str(cfg, "graph.version"));
    settings_core(cfg, &cc);
    cc.open = bindings_open;
    cc.open_arg = &bindings;
    if ((!cl->nargs && config_check(cfg, &e)) || bundle_read(&b, folder, stdlib_sources, &e) ||
        core_new(&core, &cc, &e) || core_use(core, b, &e))
        status = fail(&e);
    else
        printf("%s: bundle %.12s, %zu files, %zu prompts: good\n", folder, b->id, b->nfiles,
               b->nprompts);
    core_free(core);
    bundle_unref(b);
    config_free(cfg);
    return status;
}

static int run_test(const struct command_line *cl)
{
    struct config *cfg;
    struct bindings_config bindings = {VERSION_V1};
    struct simulate_options o = {.filter = cl->filter,
                                 .trace = cl->trace,
                                 .seed = cl->seed,
                                 .hangups = cl->hangups,
                                 .faults = cl->faults,
                                 .crash = cl->crash,
                                 .replay = cl->replay,
                                 .sample = cl->sample,
                                 .stdlib = stdlib_sources};
    int status = with_config(cl, &cfg);

    if (status)
        return status;
    bindings.version = o.version = version_parse(config_str(cfg, "graph.version"));
    o.folder = cl->nargs ? cl->args[0] : config_str(cfg, "flows");
    settings_core(cfg, &o.core);
    o.core.open = bindings_open;
    o.core.open_arg = &bindings;
    status = simulate_main_tests(&o);
    config_free(cfg);
    return status;
}

static int run_phone(const struct command_line *cl)
{
    struct error e = {""};
    struct config *cfg;
    struct terminal_config t = {.in = STDIN_FILENO, .out = STDOUT_FILENO};
    char to[96] = "";
    int status = with_config(cl, &cfg);

    if (status)
        return status;
    if (cl->nargs)
        snprintf(to, sizeof to, "%s%.80s",
                 strchr("+0123456789", cl->args[0][0]) || strchr(cl->args[0], ':') ? "" : "flow:",
                 cl->args[0]);
    t.exchange = config_str(cfg, "exchange.listen");
    t.from = cl->from ? cl->from : "+15550100";
    t.to = *to ? to : "+14255550199";
    t.answer = cl->to_register;
    status = terminal_run(&t, &e);
    if (status)
        status = fail(&e);
    config_free(cfg);
    return status;
}

static int run_dial(const struct command_line *cl)
{
    struct error e = {""};
    struct config *cfg;
    cJSON *body, *answer = NULL;
    int status = with_config(cl, &cfg);

    if (status)
        return status;
    body = cJSON_CreateObject();
    if (json_set_str(body, "flow", cl->args[0]) || json_set_str(body, "target", cl->args[1]) ||
        control_request(cfg, "POST", "/admin/v1/calls", body, &answer, &e))
        status = fail(&e);
    else
        printf("call %s\n", json_str(answer, "key"));
    cJSON_Delete(body);
    cJSON_Delete(answer);
    config_free(cfg);
    return status;
}

static void print_call(const cJSON *c)
{
    time_t since = (time_t)(json_int(c, "since", 0) / 1000);
    char at[32] = "";
    const cJSON *wait;

    strftime(at, sizeof at, "%Y-%m-%d %H:%M:%S", localtime(&since));
    printf("%s  %-12s %-12s since %s  %s > %s\n", json_str(c, "key"), json_str(c, "flow"),
           json_str(c, "state"), at, json_str(c, "from"), json_str(c, "to"));
    cJSON_ArrayForEach (wait, json_get(c, "waits")) {
        printf("    fiber %s waits for %s at %s\n", json_str(wait, "fiber"), json_str(wait, "what"),
               json_str(wait, "where"));
    }
}

static int run_calls(const struct command_line *cl)
{
    struct error e = {""};
    struct config *cfg;
    cJSON *list = NULL;
    const cJSON *c;
    int status = with_config(cl, &cfg);

    if (status)
        return status;
    if (control_request(cfg, "GET", "/admin/v1/calls", NULL, &list, &e)) {
        const struct desk_options o = {.cfg = cfg, .json = cl->json, .out = stdout};
        struct error why = {""};

        fail(&e);
        status = desk_calls(&o, &why) ? EXIT_FAILURE : 0;
    } else if (cl->json) {
        char *text = json_text(list);
        puts(text ? text : "");
        free(text);
    } else {
        cJSON_ArrayForEach (c, list) {
            print_call(c);
        }
    }
    cJSON_Delete(list);
    config_free(cfg);
    return status;
}

/* cdr, show and replay: all read the journal. */
static int at_desk(const struct command_line *cl,
                   int (*run)(const struct desk_options *o, struct error *e))
{
    struct error e = {""};
    struct config *cfg;
    struct bindings_config bindings = {VERSION_V1};
    struct desk_options o = {.stdlib = stdlib_sources,
                             .key = cl->nargs ? cl->args[0] : NULL,
                             .since = cl->since,
                             .flows = cl->flows,
                             .tones = cl->tones,
                             .json = cl->json,
                             .csv = cl->csv,
                             .out = stdout};
    int status = with_config(cl, &cfg);

    if (status)
        return EXIT_USAGE;
    bindings.version = version_parse(config_str(cfg, "graph.version"));
    settings_core(cfg, &o.core);
    o.core.open = bindings_open;
    o.core.open_arg = &bindings;
    o.cfg = cfg;
    status = run(&o, &e);
    if (e.text[0])
        fail(&e);
    config_free(cfg);
    return status;
}

static int run_cdr(const struct command_line *cl)
{
    return at_desk(cl, desk_cdr);
}

static int run_show(const struct command_line *cl)
{
    return at_desk(cl, desk_show);
}

static int run_replay(const struct command_line *cl)
{
    if (cl->all == (cl->nargs > 0)) {
        fputs("ivory: replay wants a call, or --all\n", stderr);
        return EXIT_USAGE;
    }
    return at_desk(cl, desk_replay);
}

/* POST without a body; the exit status, and the answer when that is 0. */
static int tell_service(const struct command_line *cl, const char *path, cJSON **answer)
{
    struct error e = {""};
    struct config *cfg;
    int status = with_config(cl, &cfg);

    if (status)
        return status;
    if (control_request(cfg, "POST", path, NULL, answer, &e))
        status = fail(&e);
    config_free(cfg);
    return status;
}

static int run_reload(const struct command_line *cl)
{
    cJSON *answer = NULL;
    int status = tell_service(cl, "/admin/v1/reload", &answer);

    if (!status)
        printf("bundle %.12s\n", json_str(answer, "bundle"));
    if (!status && json_str(answer, "trial"))
        printf("on trial: bundle %.12s\n", json_str(answer, "trial"));
    cJSON_Delete(answer);
    return status;
}

static int run_drain(const struct command_line *cl)
{
    cJSON *answer = NULL;
    int status = tell_service(cl, "/admin/v1/drain", &answer);

    if (!status)
        printf("draining; %lld calls in progress\n", (long long)json_int(answer, "calls", 0));
    cJSON_Delete(answer);
    return status;
}

static void print_bundle(const cJSON *b)
{
    long age = (long)(time(NULL) - (time_t)(json_int(b, "since", 0) / 1000));

    printf("%.12s  %-8s  %3ldd %02ld:%02ld:%02ld  %6lld calls  %lld files, %lld prompts\n",
           json_str(b, "id"), json_str(b, "state"), age / 86400, age / 3600 % 24, age / 60 % 60,
           age % 60, (long long)json_int(b, "calls", 0), (long long)json_int(b, "files", 0),
           (long long)json_int(b, "prompts", 0));
}

static void print_bundles(const cJSON *list)
{
    const cJSON *b, *trial = json_get(list, "trial"), *refused = json_get(list, "refused");

    cJSON_ArrayForEach (b, json_get(list, "bundles")) {
        print_bundle(b);
    }
    if (trial)
        printf("trial: %g %% of new calls, %lld of %lld ended well, %lld failed\n",
               cJSON_GetNumberValue(json_get(trial, "percent")),
               (long long)json_int(trial, "good", 0), (long long)json_int(trial, "wanted", 0),
               (long long)json_int(trial, "failed", 0));
    if (refused)
        printf("refused: %s\n", json_str(refused, "text"));
}

/* List the bundles, or go back to one of them. */
static int run_bundles(const struct command_line *cl)
{
    struct error e = {""};
    struct config *cfg;
    cJSON *answer = NULL, *body = NULL;
    bool use = cl->nargs == 2 && strcmp(cl->args[0], "use") == 0;
    int status = with_config(cl, &cfg);

    if (status)
        return status;
    if (cl->nargs && !use) {
        config_free(cfg);
        fputs("usage: ivory bundles [use ID] [--json]\n", stderr);
        return EXIT_USAGE;
    }
    if (use)
        body = cJSON_CreateObject();
    if ((use && json_set_str(body, "id", cl->args[1])) ||
        control_request(cfg, use ? "POST" : "GET", "/admin/v1/bundles", body, &answer, &e)) {
        status = fail(&e);
    } else if (use) {
        printf("bundle %.12s\n", json_str(answer, "bundle"));
    } else if (cl->json) {
        char *text = json_text(answer);
        puts(text ? text : "");
        free(text);
    } else {
        print_bundles(answer);
    }
    cJSON_Delete(body);
    cJSON_Delete(answer);
    config_free(cfg);
    return status;
}

static int run_methods(const struct command_line *cl)
{
    cJSON *json = cl->json ? methods_json() : NULL;
    char *text = cl->json ? cJSON_Print(json) : methods_text();

    if (text)
        puts(text);
    free(text);
    cJSON_Delete(json);
    return text ? 0 : EXIT_FAILURE;
}

/* Read all of `f`, one byte beyond the limit at most, so that the decoder sees what is too long. */
static int read_all(FILE *f, struct buf *out)
{
    char chunk[65536];
    size_t n;

    while (out->n <= NOTIFY_MAX_BODY && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        buf_add(out, chunk, n);
    return ferror(f) ? ERR_IO : out->err;
}

static int run_decode(const struct command_line *cl)
{
    struct error e = {""};
    struct event_list events = {0};
    struct buf body = {0};
    const char *name = cl->nargs ? cl->args[0] : "-";
    FILE *f = strcmp(name, "-") == 0 ? stdin : fopen(name, "rb");
    int err = f ? read_all(f, &body) : ERR_IO;

    if (err)
        error_set(&e, err, "%s cannot be read", name);
    else
        err = notify_decode(body.p ? body.p : "", body.n, &events, &e);
    for (size_t i = 0; i < events.n; i++) {
        char *line = event_encode(&events.items[i]);
        puts(line ? line : "out of memory");
        free(line);
    }
    if (f && f != stdin)
        fclose(f);
    event_list_fini(&events);
    buf_fini(&body);
    return err ? fail(&e) : 0;
}

static int run_keys(const struct command_line *cl)
{
    char *text = config_print_keys(cl->manual);

    fputs(text ? text : "", stdout);
    free(text);
    return text ? 0 : EXIT_FAILURE;
}

static int run_version(const struct command_line *cl)
{
    (void)cl;
    puts("ivory " IVORY_VERSION);
    return 0;
}

static const struct subcommand {
    const char *name, *usage;
    int least, most;
    int (*run)(const struct command_line *cl);
    const char *help;
} subcommands[] = {
    {"serve", "[--drain] [--print-config]", 0, 0, run_serve,
     "run the service; --drain: SIGTERM waits for calls to end"},
    {"check", "[DIR]", 0, 1, run_check,
     "load flows and prompts, say what is wrong with them; without DIR, with the configuration "
     "too"},
    {"test",
     "[DIR] [--filter TEXT] [--seed N] [--trace FILE] [--hangups] [--faults] "
     "[--crash [--sample N]] [--replay]",
     0, 1, run_test, "run flow tests in virtual time"},
    {"phone", "[NUMBER|FLOW] [--from NUMBER] [--answer NUMBER]", 0, 1, run_phone,
     "call from the terminal; keys on the keyboard, q hangs up"},
    {"dial", "FLOW TARGET", 2, 2, run_dial,
     "place a call: a phone number, a user id or a Teams join link"},
    {"calls", "[--json]", 0, 0, run_calls, "calls in progress"},
    {"show", "CALL [--json]", 1, 1, run_show, "what happened in a call of the journal"},
    {"cdr", "[--since DATE|7d] [--csv]", 0, 0, run_cdr, "ended calls, a line of JSON or CSV each"},
    {"replay", "CALL|--all [--since DATE|7d] [--flows DIR] [--tones KEYS]", 0, 1, run_replay,
     "run calls of the journal again; exit status 1: they go another way, 2: they cannot be run"},
    {"reload", "", 0, 0, run_reload, "read the flows anew"},
    {"drain", "", 0, 0, run_drain,
     "take no new calls, end the service when the last one has ended"},
    {"bundles", "[use ID] [--json]", 0, 2, run_bundles,
     "flows in use, on trial and of the past; go back to one"},
    {"methods", "[--json]", 0, 0, run_methods, "the methods of the API that flows can call"},
    {"decode", "[FILE]", 0, 1, run_decode, "read a notification body, print its events"},
    {"exchange", "", 0, 0, run_exchange, "the exchange alone"},
    {"keys", "[--manual]", 0, 0, run_keys, "the keys of the configuration, with range and default"},
    {"version", "", 0, 0, run_version, "print the version"},
};

static int usage(FILE *to)
{
    fputs("usage: ivory COMMAND [--config FILE] [--set KEY=VALUE]...\n\n", to);
    for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++)
        fprintf(to, "  %s %s\n      %s\n", subcommands[i].name, subcommands[i].usage,
                subcommands[i].help);
    return to == stdout ? 0 : EXIT_USAGE;
}

static const struct subcommand *find_subcommand(const char *name)
{
    for (size_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++) {
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    }
    return NULL;
}

static int parse(struct command_line *cl, int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"set", required_argument, NULL, 's'},
        {"print-config", no_argument, NULL, 'p'}, {"json", no_argument, NULL, 'j'},
        {"filter", required_argument, NULL, 'f'}, {"trace", required_argument, NULL, 't'},
        {"seed", required_argument, NULL, 'n'},   {"hangups", no_argument, NULL, 'h'},
        {"faults", no_argument, NULL, 'u'},       {"from", required_argument, NULL, 'o'},
        {"answer", required_argument, NULL, 'a'}, {"crash", no_argument, NULL, 'k'},
        {"replay", no_argument, NULL, 'r'},       {"sample", required_argument, NULL, 'm'},
        {"since", required_argument, NULL, 'i'},  {"flows", required_argument, NULL, 'w'},
        {"tones", required_argument, NULL, 'e'},  {"csv", no_argument, NULL, 'v'},
        {"all", no_argument, NULL, 'l'},          {"drain", no_argument, NULL, 'd'},
        {"manual", no_argument, NULL, 'g'},       {0}};
    static char drain[] = "stop.drain=true";
    int c;

    while ((c = getopt_long(argc, argv, "c:s:", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            cl->config = optarg;
            break;
        case 'd':
            optarg = drain;
            /* fall through */
        case 's':
            if (cl->nsets == (int)(sizeof cl->sets / sizeof *cl->sets))
                return EXIT_USAGE;
            cl->sets[cl->nsets++] = optarg;
            break;
        case 'p':
            cl->print_config = true;
            break;
        case 'j':
            cl->json = true;
            break;
        case 'f':
            cl->filter = optarg;
            break;
        case 't':
            cl->trace = optarg;
            break;
        case 'n':
            cl->seed = strtoull(optarg, NULL, 0);
            break;
        case 'h':
            cl->hangups = true;
            break;
        case 'k':
            cl->crash = true;
            break;
        case 'r':
            cl->replay = true;
            break;
        case 'm':
            cl->sample = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case 'u':
            cl->faults = true;
            break;
        case 'o':
            cl->from = optarg;
            break;
        case 'i':
            cl->since = optarg;
            break;
        case 'w':
            cl->flows = optarg;
            break;
        case 'e':
            cl->tones = optarg;
            break;
        case 'v':
            cl->csv = true;
            break;
        case 'l':
            cl->all = true;
            break;
        case 'g':
            cl->manual = true;
            break;
        case 'a':
            cl->to_register = optarg;
            break;
        default:
            return EXIT_USAGE;
        }
    }
    cl->args = argv + optind;
    cl->nargs = argc - optind;
    return 0;
}

/* A call takes a few descriptors; the limit that a shell sets is meant for other programs. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    struct command_line cl = {.seed = 1};
    const struct subcommand *sub;

    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    if (argc < 2 || strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)
        return usage(argc < 2 ? stderr : stdout);
    sub = find_subcommand(argv[1]);
    if (!sub) {
        fprintf(stderr, "ivory: no command \"%s\"; ivory help lists them\n", argv[1]);
        return EXIT_USAGE;
    }
    if (parse(&cl, argc - 1, argv + 1))
        return usage(stderr);
    if (cl.nargs < sub->least || cl.nargs > sub->most) {
        fprintf(stderr, "usage: ivory %s %s\n", sub->name, sub->usage);
        return EXIT_USAGE;
    }
    return sub->run(&cl);
}
