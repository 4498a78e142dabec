#include "host/surroundings.h"

#include "base/json.h"
#include "graph/joinlink.h"
#include "host/recover.h"

#include <stdlib.h>
#include <string.h>

#define TENANT    "aaaaaaaa-0000-4000-8000-000000000001"
#define APP       "aaaaaaaa-0000-4000-8000-000000000002"
#define STARTS_AT 1767603600000 /* 2026-01-05T09:00:00Z, a Monday */

void simulation_broken(struct simulation *s, const char *what)
{
    if (!s->result->stuck)
        snprintf(s->result->text, sizeof s->result->text, "%s", what);
    s->result->stuck = true;
}

/* --- what the machines are given ------------------------------------------------------------- */

static void draw(void *arg, void *p, size_t n)
{
    struct simulation *s = arg;
    unsigned char *out = p;

    for (size_t i = 0; i < n; i++)
        out[i] = (unsigned char)random_next(&s->random);
}

static void trace_line(struct simulation *s, char kind, char *line)
{
    if (line)
        fprintf(s->cfg->trace, "%c %s\n", kind, line);
    else
        simulation_broken(s, "no memory for the trace");
    free(line);
}

static void saw_event(void *arg, const struct event *ev)
{
    struct simulation *s = arg;

    if (ev->kind == EVENT_START)
        s->result->calls++;
    if (s->cfg->trace)
        trace_line(s, '<', event_encode(ev));
}

static void saw_command(void *arg, const struct command *c)
{
    struct simulation *s = arg;

    if (s->cfg->trace)
        trace_line(s, '>', command_encode(c));
}

/* Whom a call resource is from: a number or an id. */
static const char *source_of(const cJSON *start)
{
    static const char *const kinds[] = {"phone", "user", "application", "guest"};
    const cJSON *identity = json_get(json_get(json_get(start, "call"), "source"), "identity");

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const char *id = json_str(json_get(identity, kinds[i]), "id");

        if (id)
            return id;
    }
    return "";
}

/* The flow that this caller wants: callers are matched by their number, in the order of dialling.
 */
static const char *route(void *arg, const struct event *start)
{
    struct simulation *s = arg;
    const char *from = source_of(start->data);

    for (size_t i = 0; i < s->ndialled; i++) {
        struct simulation_dialled *d = &s->dialled[i];

        if (strcmp(d->from, from) != 0)
            continue;
        free(s->route);
        s->route = d->flow;
        free(d->from);
        memmove(d, d + 1, (s->ndialled - i - 1) * sizeof *d);
        s->ndialled--;
        return s->route;
    }
    return NULL;
}

/* --- what the scripts are given -------------------------------------------------------------- */

static int64_t world_now(void *arg)
{
    return ((struct simulation *)arg)->now;
}

static bool world_set_clock(void *arg, int64_t at)
{
    struct simulation *s = arg;

    if (s->begun && at > s->now)
        s->limit = at + SIMULATION_BOUND_MS; /* the script will wait for it */
    if (s->begun || at < 0)
        return false;
    s->now = at;
    s->limit = at + SIMULATION_BOUND_MS;
    return true;
}

static int world_dial(void *arg, const char *from, const char *to, const char *flow,
                      char line[ID_MAX], struct error *e)
{
    struct simulation *s = arg;
    struct simulation_dialled *p = realloc(s->dialled, (s->ndialled + 1) * sizeof *p);
    int rc;

    if (!p)
        return error_set(e, ERR_NOMEM, "no memory");
    s->dialled = p;
    p += s->ndialled;
    p->from = strdup(from);
    p->flow = flow ? strdup(flow) : NULL;
    rc = p->from && (p->flow || !flow) ? 0 : error_set(e, ERR_NOMEM, "no memory");
    if (rc == 0)
        rc = switchboard_dial(s->board, from, to, s->now, line, e);
    if (rc < 0) {
        free(p->from);
        free(p->flow);
        return rc;
    }
    s->ndialled++;
    s->begun = true;
    return 0;
}

static int world_outgoing(void *arg, const char *flow, const char *target, char key[KEY_MAX],
                          struct error *e)
{
    struct simulation *s = arg;
    cJSON *create = NULL;
    int rc = joinlink_target(target, &create, e);

    if (rc < 0)
        return rc;
    s->begun = true;
    rc = engine_dial(s->engine, flow, create, s->now, key);
    return rc < 0 ? error_set(e, rc, "%s", error_name(rc)) : 0;
}

static int world_mock(void *arg, cJSON *mock, struct error *e)
{
    return mocks_add(&((struct simulation *)arg)->traffic.mocks, mock, e);
}

static cJSON *world_requests(void *arg, const char *pattern)
{
    return mocks_requests(&((struct simulation *)arg)->traffic.mocks, pattern);
}

static bool world_logged(void *arg, const char *text)
{
    struct simulation *s = arg;

    return s->log.p && strstr(s->log.p, text);
}

/* --- setting up ------------------------------------------------------------------------------ */

static int set_up_engine(struct simulation *s, struct error *e)
{
    static const char *const nobody[] = {NULL};
    static char tenant[] = TENANT, app[] = APP, secret[] = "secret", graph[] = TRAFFIC_SERVICE,
                login[] = TRAFFIC_LOGIN, bot[] = TRAFFIC_BOT, openid[] = TRAFFIC_SERVICE "/openid";
    struct engine_config cfg = {
        .core = s->cfg->core,
        .wire = {.graph_url = graph,
                 .version = s->cfg->version,
                 .public_url = bot,
                 .authority = login,
                 .tenant = tenant,
                 .app_id = app,
                 .app_secret = secret,
                 .verify = false,
                 .openid = openid,
                 .issuers = nobody,
                 .request_ms = 30000,
                 .keepalive_ms = 15 * 60 * 1000,
                 .early_ms = 5000,
                 .reply_ms = 3000,
                 .random = draw,
                 .random_arg = s,
                 .keep_recording = traffic_keep_recording,
                 .keep_recording_arg = &s->traffic},
        .event = saw_event,
        .command = saw_command,
        .trace_arg = s,
        .record = s->recorder ? recorder_hooks(s->recorder) : NULL,
        .route = route,
        .route_arg = s,
    };
    int rc = engine_new(&s->engine, &cfg, e);

    if (rc == 0)
        rc = core_use(engine_core(s->engine), s->cfg->bundle, e);
    if (rc == 0)
        watchdog_turn_to(s->cfg->watchdog, core_pulse(engine_core(s->engine)));
    return rc;
}

static int set_up_recorder(struct simulation *s, struct error *e)
{
    struct recorder_config cfg = {.store = &s->store, .seal = s->seal, .keep_tones = true};
    int rc = recorder_new(&s->recorder, &cfg);

    if (rc == 0)
        rc = store_bundle(&s->store, s->cfg->bundle);
    return rc < 0 ? error_set(e, rc, "%s", error_name(rc)) : 0;
}

static int set_up_journal(struct simulation *s, struct error *e)
{
    static const unsigned char key[SEAL_KEY] = {1};
    int rc = memory_store_new(&s->memory);

    if (rc < 0)
        return error_set(e, rc, "%s", error_name(rc));
    s->store = memory_store_use(s->memory);
    memory_store_stop_at(s->memory, s->cfg->crash_at);
    rc = seal_new(&s->seal, key);
    return rc < 0 ? error_set(e, rc, "%s", error_name(rc)) : set_up_recorder(s, e);
}

int simulation_crash(struct simulation *s, struct error *e)
{
    struct recovery_config cfg = {.store = &s->store, .seal = s->seal};
    int rc;

    s->crashed++;
    if (s->crashed == 1 && s->world.loses_meetings)
        s->result->lost = switchboard_lose_meetings(s->board, s->now);
    watchdog_turn_to(s->cfg->watchdog, NULL);
    engine_free(s->engine);
    recorder_free(s->recorder);
    s->engine = NULL;
    s->recorder = NULL;
    memory_store_stop_at(s->memory, s->crashed == 1 && s->cfg->crash_again
                                        ? memory_store_entries(s->memory) + s->cfg->crash_again
                                        : 0);
    rc = set_up_recorder(s, e);
    if (rc == 0)
        rc = set_up_engine(s, e);
    if (rc < 0)
        return rc;
    cfg.recorder = s->recorder;
    rc = traffic_crashed(&s->traffic, s->engine, s->now);
    return rc < 0 ? error_set(e, rc, "%s", error_name(rc))
                  : engine_recover(s->engine, &cfg, s->now, NULL, e);
}

int simulation_rebuild(struct simulation *s, struct error *e)
{
    struct recovery_config cfg = {.store = &s->store, .seal = s->seal};

    return engine_rebuild(s->engine, &cfg, e);
}

static int set_up_board(struct simulation *s, struct error *e)
{
    static char root[] = TRAFFIC_SERVICE, webhook[] = TRAFFIC_WEBHOOK, tenant[] = TENANT,
                app[] = APP;
    struct switchboard_config cfg = {
        .root = root,
        .app_id = app,
        .webhook = webhook,
        .tenant = tenant,
        .seed = s->cfg->seed,
        .answer_ms = 15000,
        .silence_ms = 45 * 60 * 1000,
        .faults = s->cfg->faults,
    };

    return switchboard_new(&s->board, &cfg, e);
}

int simulation_set_up(struct simulation *s, struct error *e)
{
    int rc;

    s->now = STARTS_AT;
    s->limit = STARTS_AT + SIMULATION_BOUND_MS;
    s->script_at = INT64_MAX;
    random_seed(&s->random, s->cfg->seed);
    traffic_init(&s->traffic);
    rc = set_up_board(s, e);
    if (rc == 0 && s->cfg->journalled)
        rc = set_up_journal(s, e);
    if (rc == 0)
        rc = set_up_engine(s, e);
    if (rc < 0)
        return rc;
    s->traffic.engine = s->engine;
    s->traffic.board = s->board;
    s->traffic.bundle = s->cfg->bundle;
    s->world = (struct caller_world){
        .switchboard = s->board,
        .arg = s,
        .now = world_now,
        .set_clock = world_set_clock,
        .dial = world_dial,
        .outgoing = world_outgoing,
        .mock = world_mock,
        .requests = world_requests,
        .logged = world_logged,
        .crashes = s->cfg->crash_at > 0,
        .faults = s->cfg->faults,
        .patience_ms = s->cfg->patience_ms,
    };
    return 0;
}

void simulation_tear_down(struct simulation *s)
{
    watchdog_turn_to(s->cfg->watchdog, NULL);
    engine_free(s->engine);
    recorder_free(s->recorder);
    seal_close(s->seal);
    memory_store_free(s->memory);
    switchboard_free(s->board);
    traffic_fini(&s->traffic);
    for (size_t i = 0; i < s->ndialled; i++) {
        free(s->dialled[i].from);
        free(s->dialled[i].flow);
    }
    free(s->dialled);
    free(s->route);
    buf_fini(&s->log);
    buf_fini(&s->serious);
}
