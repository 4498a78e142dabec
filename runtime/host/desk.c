#include "host/desk.h"

#include "host/cdr.h"
#include "host/replay.h"
#include "host/timeline.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int open_journal(const struct desk_options *o, struct journal **j, struct error *e)
{
    char path[1100];

    snprintf(path, sizeof path, "%s/journal.db", config_str(o->cfg, "data"));
    return journal_open_reader(j, path, e);
}

/* The key file; without one there is nothing that it could open. */
static int open_seal(const struct desk_options *o, struct seal **seal, struct error *e)
{
    const char *given = config_str(o->cfg, "journal.key_file");
    char path[1100];

    snprintf(path, sizeof path, "%s/journal.key", config_str(o->cfg, "data"));
    if (access(given ? given : path, F_OK))
        return 0;
    return seal_read(seal, given ? given : path, e);
}

static int since_of(const struct desk_options *o, int64_t *since, struct error *e)
{
    *since = 0;
    return o->since ? cdr_since(o->since, (int64_t)time(NULL) * 1000, since, e) : 0;
}

int desk_cdr(const struct desk_options *o, struct error *e)
{
    struct journal *j = NULL;
    int64_t since;
    int err = since_of(o, &since, e);

    if (!err)
        err = open_journal(o, &j, e);
    if (!err)
        err = cdr_write(j, since, o->csv, o->out, e);
    journal_close(j);
    return err ? EXIT_FAILURE : 0;
}

int desk_show(const struct desk_options *o, struct error *e)
{
    struct journal *j = NULL;
    int err = open_journal(o, &j, e);

    if (!err)
        err = timeline_write(j, o->key, o->json, o->out, e);
    journal_close(j);
    return err ? EXIT_FAILURE : 0;
}

int desk_calls(const struct desk_options *o, struct error *e)
{
    struct journal *j = NULL;
    int err = open_journal(o, &j, e);

    if (!err)
        err = cdr_open_calls(j, o->json, o->out, e);
    journal_close(j);
    return err ? EXIT_FAILURE : 0;
}

int desk_replay(const struct desk_options *o, struct error *e)
{
    struct replay_config c = {.core = o->core, .tones = o->tones, .out = o->out};
    struct seal *seal = NULL;
    int status = REPLAY_CANNOT;
    int64_t since;
    int err = since_of(o, &since, e);

    if (!err)
        err = open_journal(o, &c.journal, e);
    if (!err)
        err = open_seal(o, &seal, e);
    if (!err && o->flows)
        err = bundle_read(&c.bundle, o->flows, o->stdlib, e);
    c.seal = seal;
    if (!err)
        status = o->key ? replay_call(&c, o->key) : replay_all(&c, since);
    bundle_unref(c.bundle);
    seal_close(seal);
    journal_close(c.journal);
    return status;
}
