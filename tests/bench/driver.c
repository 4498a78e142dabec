/*
 * The load driver: plays Microsoft Graph (play.h) for a bot and measures it. Prints one line of
 * JSON; status 1 when there were deviations.
 *
 *   driver --listen PORT --server PORT --pid PID MODE [--seconds S] [--warm-up S]
 *     --calls N      closed loop: N calls at a time
 *     --rate R       open loop: R new calls a second, whatever the bot does; --even: at even
 *                    distances, else as a Poisson process
 *     --park N       bring N calls up to where they wait for a key, let them be, hang up
 *
 * In the open loop times count from when a call should have been offered, so a bot that stalls
 * does not hide it. CPU time and memory are those of process PID, from /proc. The driver waits
 * without sleeping; `driver_busy` is the share of the time in which it had something to do.
 */
#include "play.h"

#include <getopt.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { AT_A_TIME = 64, WARM_CALLS = 1000 };

struct driver {
    struct play *play;
    int pid;
    uint64_t ended; /* calls over, or parked */
};

static void on_ended(void *arg)
{
    ((struct driver *)arg)->ended++;
}

/* --- what the server uses -------------------------------------------------------------------- */

/* Seconds of user and system time. */
static double cpu_of(int pid)
{
    char path[64], text[1024];
    unsigned long user = 0, system = 0;
    FILE *f;
    char *at;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    f = fopen(path, "r");
    if (!f || !fgets(text, sizeof text, f) || !(at = strrchr(text, ')')) ||
        sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        fail("process %d is gone", pid);
    fclose(f);
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

/* KiB of a line of /proc/PID/smaps_rollup: "Rss:", "Pss:". */
static long memory_of(int pid, const char *what)
{
    char path[64], line[256];
    long kib = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", pid);
    f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (strncmp(line, what, strlen(what)) == 0)
            kib = strtol(line + strlen(what), NULL, 10);
    }
    if (!f || kib < 0)
        fail("process %d is gone", pid);
    fclose(f);
    return kib;
}

/* --- loops ----------------------------------------------------------------------------------- */

struct mark {
    uint64_t at, ended;
    double cpu, busy;
};

static struct mark mark(const struct driver *d)
{
    return (struct mark){now_ns(), d->ended, cpu_of(d->pid),
                         (double)net_busy_ns(play_net(d->play)) / 1e9};
}

static void run(struct driver *d, int64_t wait_ns)
{
    static const uint64_t second = 1000000000u;
    uint64_t before = now_ns();

    net_run(play_net(d->play), wait_ns);
    if (now_ns() / second != before / second)
        play_give_up(d->play);
}

/* Let what is in progress come to its end; after twenty seconds it never will. */
static void drain(struct driver *d)
{
    uint64_t until = now_ns() + 20000000000u;

    while (play_in_progress(d->play) && now_ns() < until)
        run(d, 100000000);
    play_give_up(d->play);
}

static void keep_busy(struct driver *d, size_t calls, uint64_t until)
{
    uint64_t now;

    while ((now = now_ns()) < until) {
        while (play_in_progress(d->play) < calls && play_offer(d->play, now))
            ;
        run(d, 100000000);
    }
}

/* A number of (0, 1], the same sequence in every run. */
static double random_share(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return (double)((*state >> 11) + 1) / (double)(UINT64_C(1) << 53);
}

static void keep_rate(struct driver *d, double rate, bool even, uint64_t *next, uint64_t until)
{
    static uint64_t state = 1;

    while (*next < until) {
        uint64_t now = now_ns();

        if (*next > now) {
            run(d, (int64_t)(*next - now));
            continue;
        }
        if (!play_offer(d->play, *next))
            fail("the bot does not keep up: no room for another call");
        *next += (uint64_t)((even ? 1 : -log(random_share(&state))) / rate * 1e9);
        run(d, 0);
    }
}

static void print(const struct driver *d, const struct mark *from, const struct mark *to)
{
    const struct histogram *h = play_times(d->play);
    double seconds = (double)(to->at - from->at) / 1e9, cpu = to->cpu - from->cpu;
    double calls = (double)(to->ended - from->ended);

    printf("{\"calls\":%.0f,\"seconds\":%.3f,\"cpu\":%.2f,\"driver_busy\":%.2f,\"per_second\":%.1f,"
           "\"per_cpu_second\":%.1f,\"times\":%llu,\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,"
           "\"p999\":%.1f,\"max\":%.1f,\"deviations\":",
           calls, seconds, cpu, (to->busy - from->busy) / seconds, calls / seconds,
           cpu > 0 ? calls / cpu : 0, (unsigned long long)h->n, histogram_at(h, .5),
           histogram_at(h, .9), histogram_at(h, .99), histogram_at(h, .999), (double)h->most / 1e3);
}

static void measure(struct driver *d, size_t calls, double rate, bool even, double warm_up,
                    double seconds)
{
    uint64_t begin = now_ns(), next = begin, from = begin + (uint64_t)(warm_up * 1e9);
    uint64_t until = from + (uint64_t)(seconds * 1e9);
    struct mark a, b;

    if (rate > 0)
        keep_rate(d, rate, even, &next, from);
    else
        keep_busy(d, calls, from);
    memset(play_times(d->play), 0, sizeof(struct histogram));
    a = mark(d);
    if (rate > 0)
        keep_rate(d, rate, even, &next, until);
    else
        keep_busy(d, calls, until);
    b = mark(d);
    drain(d);
    print(d, &a, &b);
}

/* --- parked calls ---------------------------------------------------------------------------- */

static bool in_order(const struct driver *d)
{
    return play_deviations(d->play, NULL) == 0;
}

static void bring_up(struct driver *d, uint64_t calls)
{
    uint64_t begun = d->ended;

    while (d->ended < begun + calls && in_order(d)) {
        while (play_in_progress(d->play) < AT_A_TIME &&
               d->ended + play_in_progress(d->play) < begun + calls &&
               play_offer(d->play, now_ns()))
            ;
        run(d, 100000000);
    }
}

static void hang_up(struct driver *d)
{
    bool more = true;

    while ((more || play_in_progress(d->play)) && in_order(d)) {
        while (more && play_in_progress(d->play) < AT_A_TIME)
            more = play_hang_up(d->play);
        run(d, 100000000);
    }
}

static void rest(struct driver *d, double seconds)
{
    uint64_t until = now_ns() + (uint64_t)(seconds * 1e9);

    while (now_ns() < until)
        run(d, 50000000);
}

static void park(struct driver *d, uint64_t calls, double seconds)
{
    struct mark warm, up, rested, down;
    long before, rss, pss, after;

    bring_up(d, WARM_CALLS);
    hang_up(d);
    rest(d, 1);
    before = memory_of(d->pid, "Rss:");
    warm = mark(d);
    bring_up(d, calls);
    rest(d, 1);
    up = mark(d);
    rss = memory_of(d->pid, "Rss:");
    pss = memory_of(d->pid, "Pss:");
    rest(d, seconds);
    rested = mark(d);
    hang_up(d);
    rest(d, 1);
    down = mark(d);
    after = memory_of(d->pid, "Rss:");
    printf("{\"calls\":%llu,\"rss_warm\":%ld,\"rss\":%ld,\"pss\":%ld,\"rss_after\":%ld,"
           "\"kib_per_call\":%.2f,\"up_ms\":%.3f,\"down_ms\":%.3f,\"parked_cpu_percent\":%.2f,"
           "\"deviations\":",
           (unsigned long long)calls, before, rss, pss, after,
           (double)(rss - before) / (double)calls, (up.cpu - warm.cpu) * 1e3 / (double)calls,
           (down.cpu - rested.cpu) * 1e3 / (double)calls,
           100 * (rested.cpu - up.cpu) / ((double)(rested.at - up.at) / 1e9));
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"listen", 1, NULL, 'l'},  {"server", 1, NULL, 's'},
                                            {"pid", 1, NULL, 'p'},     {"calls", 1, NULL, 'c'},
                                            {"rate", 1, NULL, 'r'},    {"even", 0, NULL, 'e'},
                                            {"park", 1, NULL, 'k'},    {"seconds", 1, NULL, 't'},
                                            {"warm-up", 1, NULL, 'w'}, {NULL, 0, NULL, 0}};
    struct driver d = {0};
    struct play_config cfg = {.connections = 256, .ended = on_ended, .arg = &d};
    unsigned long calls = 0, parked = 0, bad;
    double rate = 0, seconds = 5, warm_up = 1;
    bool even = false;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'l':
            cfg.listen = (unsigned)atoi(optarg);
            break;
        case 's':
            cfg.server = (unsigned)atoi(optarg);
            break;
        case 'p':
            d.pid = atoi(optarg);
            break;
        case 'c':
            calls = strtoul(optarg, NULL, 10);
            break;
        case 'r':
            rate = strtod(optarg, NULL);
            break;
        case 'e':
            even = true;
            break;
        case 'k':
            parked = strtoul(optarg, NULL, 10);
            break;
        case 't':
            seconds = strtod(optarg, NULL);
            break;
        case 'w':
            warm_up = strtod(optarg, NULL);
            break;
        default:
            return 2;
        }
    }
    if (!cfg.listen || !cfg.server || !d.pid || !calls + !(rate > 0) + !parked != 2)
        fail("usage: driver --listen PORT --server PORT --pid PID --calls N | --rate R | --park N");
    cfg.calls = parked ? parked + AT_A_TIME + WARM_CALLS : calls ? calls : 20000;
    cfg.parks = parked > 0;
    d.play = play_new(&cfg);
    net_spin(play_net(d.play));
    if (parked)
        park(&d, parked, seconds);
    else
        measure(&d, calls, rate, even, warm_up, seconds);
    bad = play_deviations(d.play, stdout);
    puts("}");
    return bad ? 1 : 0;
}
