#include "test.h"

#include "host/supervisor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* What systemd would be: a socket, and what came there. */
struct systemd {
    int fd;
    char got[8192];
};

static void systemd_init(struct systemd *s)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char name[64];
    int n = snprintf(name, sizeof name, "@ivory-test-%ld", (long)getpid());

    memcpy(at.sun_path + 1, name + 1, (size_t)n - 1);
    s->got[0] = '\0';
    s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    EXPECT_INT(bind(s->fd, (struct sockaddr *)&at,
                    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)),
               0);
    setenv("NOTIFY_SOCKET", name, 1);
    setenv("WATCHDOG_USEC", "30000", 1); /* one sign of life in 10 ms */
}

/* How many lines like this came since the last time. */
static int heard(struct systemd *s, const char *line)
{
    size_t used = 0;
    ssize_t n;
    int count = 0;

    while ((n = recv(s->fd, s->got + used, sizeof s->got - used - 1, 0)) > 0)
        used += (size_t)n;
    s->got[used] = '\0';
    for (const char *at = s->got; (at = strstr(at, line)); at++)
        count++;
    return count;
}

static void stop_loop(uv_timer_t *t)
{
    uv_stop(t->loop);
}

static void run_for(uv_loop_t *loop, unsigned ms)
{
    uv_timer_t t;

    uv_timer_init(loop, &t);
    uv_timer_start(&t, stop_loop, ms, 0);
    uv_run(loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&t, NULL);
    uv_run(loop, UV_RUN_NOWAIT);
}

static void status(void *arg, char *text, size_t n)
{
    snprintf(text, n, "%s", (const char *)arg);
}

static void one_loop_that_hangs_is_enough(void)
{
    struct systemd systemd;
    struct supervisor *s = NULL;
    struct supervised other;
    struct error e = {""};
    uv_loop_t loop, worker;

    systemd_init(&systemd);
    uv_loop_init(&loop);
    uv_loop_init(&worker);
    EXPECT_INT(supervisor_new(&s, &loop, status, "busy", &e), 0);
    EXPECT(!getenv("NOTIFY_SOCKET") && !getenv("WATCHDOG_USEC"));
    supervisor_say(s, SUPERVISOR_READY);
    EXPECT_INT(heard(&systemd, "READY=1\nSTATUS=busy\n"), 1);
    run_for(&loop, 100);
    EXPECT(heard(&systemd, "WATCHDOG=1\n") > 0);
    EXPECT_INT(supervisor_watch(s, &other, &worker), 0);
    run_for(&loop, 100); /* the worker is asked, and does not answer */
    EXPECT_INT(heard(&systemd, "WATCHDOG=1\n"), 1);
    run_for(&loop, 100);
    EXPECT_INT(heard(&systemd, "WATCHDOG=1\n"), 0);
    uv_run(&worker, UV_RUN_NOWAIT);
    run_for(&loop, 100);
    EXPECT_INT(heard(&systemd, "WATCHDOG=1\n"), 1);
    supervisor_unwatch(&other);
    run_for(&loop, 100);
    EXPECT(heard(&systemd, "WATCHDOG=1\n") > 0);
    supervisor_say(s, SUPERVISOR_DRAINING);
    supervisor_say(s, SUPERVISOR_READY); /* a reload that ends now */
    EXPECT_INT(heard(&systemd, "STOPPING=1\nEXTEND_TIMEOUT_USEC="), 1);
    EXPECT_INT(heard(&systemd, "READY=1"), 0);
    uv_close((uv_handle_t *)&other.async, NULL);
    uv_run(&worker, UV_RUN_DEFAULT);
    supervisor_free(s);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_INT(uv_loop_close(&worker), 0);
    EXPECT_INT(uv_loop_close(&loop), 0);
    close(systemd.fd);
}

static void refuses_what_it_cannot_use(void)
{
    static const struct {
        const char *name, *value, *says;
    } bad[] = {{"NOTIFY_SOCKET", "nowhere", "NOTIFY_SOCKET"},
               {"NOTIFY_SOCKET", "/", "NOTIFY_SOCKET"},
               {"LISTEN_FDS", "many", "LISTEN_FDS"},
               {"LISTEN_FDS", "1000", "LISTEN_FDS"}};
    char pid[24];

    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct supervisor *s = NULL;
        struct error e = {""};
        uv_loop_t loop;

        uv_loop_init(&loop);
        setenv(bad[i].name, bad[i].value, 1);
        setenv("LISTEN_PID", pid, 1);
        EXPECT_INT(supervisor_new(&s, &loop, status, "", &e), ERR_INVALID);
        EXPECT_IN(e.text, bad[i].says);
        EXPECT_INT(uv_loop_close(&loop), 0);
        EXPECT(!getenv(bad[i].name));
    }
}

static void sockets_of_another_process_are_not_ours(void)
{
    struct supervisor *s = NULL;
    struct error e = {""};
    uv_loop_t loop;

    uv_loop_init(&loop);
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_PID", "1", 1);
    EXPECT_INT(supervisor_new(&s, &loop, status, "", &e), 0);
    EXPECT_INT(supervisor_take_socket(s, ""), -1);
    EXPECT_INT(supervisor_sockets_taken(s, &e), 0);
    supervisor_free(s);
    uv_run(&loop, UV_RUN_DEFAULT);
    EXPECT_INT(uv_loop_close(&loop), 0);
}

const struct test supervisor_tests[] = {TEST(one_loop_that_hangs_is_enough),
                                        TEST(refuses_what_it_cannot_use),
                                        TEST(sockets_of_another_process_are_not_ours),
                                        {0}};
