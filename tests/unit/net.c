#include "net.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

int net_descriptors(void)
{
    uv_loop_t loop;
    DIR *d;
    int n = 0;

    /* The first loop of a process opens what stays for all. */
    if (uv_loop_init(&loop) == 0)
        uv_loop_close(&loop);
    d = opendir("/proc/self/fd");
    while (d && readdir(d))
        n++;
    if (d)
        closedir(d);
    return n;
}

long net_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void net_turn(uv_loop_t *loop, int ms)
{
    struct pollfd p = {.fd = uv_backend_fd(loop), .events = POLLIN};
    int own = uv_backend_timeout(loop);

    if (own >= 0 && own < ms)
        ms = own;
    poll(&p, 1, ms);
    uv_run(loop, UV_RUN_NOWAIT);
}

bool net_until(uv_loop_t *loop, const int *flag, int want, int ms)
{
    for (long end = net_now() + ms; *flag < want && net_now() < end;)
        net_turn(loop, 10);
    return *flag >= want;
}

bool net_close(uv_loop_t *loop)
{
    for (int i = 0; i < 100 && uv_loop_alive(loop); i++)
        net_turn(loop, 5);
    return uv_loop_close(loop) == 0;
}

int net_connect(unsigned port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

bool net_write(uv_loop_t *loop, int fd, const char *p, size_t n)
{
    for (long end = net_now() + 5000; n && net_now() < end;) {
        ssize_t done = send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done < 0 && errno != EAGAIN)
            return false;
        if (done > 0) {
            p += done;
            n -= (size_t)done;
        }
        net_turn(loop, done > 0 ? 0 : 5);
    }
    return n == 0;
}

bool net_read(uv_loop_t *loop, int fd, char *out, size_t cap, const char *stop, int ms)
{
    size_t n = 0;

    out[0] = '\0';
    for (long end = net_now() + ms; net_now() < end && n + 1 < cap;) {
        ssize_t got = recv(fd, out + n, cap - n - 1, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            return true;
        if (got > 0) {
            n += (size_t)got;
            out[n] = '\0';
        }
        if (stop && strstr(out, stop))
            return false;
        net_turn(loop, got > 0 ? 0 : 5);
    }
    return false;
}

void net_talk(uv_loop_t *loop, unsigned port, const char *request, size_t n, char *out, size_t cap,
              int ms)
{
    int fd = net_connect(port);

    out[0] = '\0';
    if (fd < 0)
        return;
    net_write(loop, fd, request, n);
    net_read(loop, fd, out, cap, NULL, ms);
    close(fd);
}
