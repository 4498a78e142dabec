#include "net/http_listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

int listen_parse(const char *text, char *host, size_t cap, unsigned *port, struct error *e)
{
    const char *colon = strrchr(text, ':'), *start = text, *end = colon;
    char *rest;
    unsigned long value;

    if (!colon || colon == text || colon[1] < '0' || colon[1] > '9')
        return error_set(e, ERR_INVALID, "\"%s\" is not an address of the form host:port", text);
    value = strtoul(colon + 1, &rest, 10);
    if (*rest || value > 65535)
        return error_set(e, ERR_INVALID, "\"%s\": the port is not a number from 0 to 65535", text);
    if (*start == '[') {
        start++;
        end--;
        if (end <= start || *end != ']')
            return error_set(e, ERR_INVALID, "\"%s\": the bracket is not closed", text);
    } else if (memchr(start, ':', (size_t)(end - start))) {
        return error_set(e, ERR_INVALID, "\"%s\": an IPv6 address is written in brackets", text);
    }
    if ((size_t)(end - start) >= cap)
        return error_set(e, ERR_INVALID, "\"%.60s...\": the host is too long", text);
    memcpy(host, start, (size_t)(end - start));
    host[end - start] = '\0';
    if (strpbrk(host, " \t\r\n/[]"))
        return error_set(e, ERR_INVALID, "\"%s\": the host holds a stray character", text);
    *port = (unsigned)value;
    return 0;
}

bool host_is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    size_t n = strlen(host);

    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcasecmp(host, "localhost") == 0 ||
           (n > 10 && strcasecmp(host + n - 10, ".localhost") == 0);
}

bool url_is_loopback(const char *url)
{
    const char *host = strstr(url, "://"), *end, *at;
    char name[256];

    if (!host)
        return false;
    host += 3;
    end = host + strcspn(host, "/?#");
    at = memrchr(host, '@', (size_t)(end - host));
    if (at)
        host = at + 1;
    if (*host == '[') {
        host++;
        at = memchr(host, ']', (size_t)(end - host));
    } else {
        at = memchr(host, ':', (size_t)(end - host));
    }
    if (at)
        end = at;
    if ((size_t)(end - host) >= sizeof name)
        return false;
    memcpy(name, host, (size_t)(end - host));
    name[end - host] = '\0';
    return host_is_loopback(name);
}

static int try_address(const struct addrinfo *a)
{
    const int on = 1;
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), saved;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, 1024) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int address_of(int fd, union address *at)
{
    socklen_t n = sizeof *at;

    *at = (union address){{0}};
    return getsockname(fd, &at->any, &n);
}

static unsigned port_of(int fd)
{
    union address at;

    if (address_of(fd, &at))
        return 0;
    return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

bool listen_is_local(int fd)
{
    union address at;

    if (address_of(fd, &at))
        return false;
    if (at.any.sa_family == AF_INET)
        return ntohl(at.v4.sin_addr.s_addr) >> 24 == 127;
    return at.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&at.v6.sin6_addr);
}

int listen_take(int fd, unsigned *port, struct error *e)
{
    int listens = 0, type = 0;
    socklen_t n = sizeof listens, m = sizeof type;
    union address at;

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &m) || type != SOCK_STREAM ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) || !listens ||
        address_of(fd, &at) || (at.any.sa_family != AF_INET && at.any.sa_family != AF_INET6))
        return error_set(e, ERR_INVALID, "descriptor %d is no socket that listens for TCP", fd);
    if (fcntl(fd, F_SETFL, O_NONBLOCK) || fcntl(fd, F_SETFD, FD_CLOEXEC))
        return error_set(e, ERR_IO, "descriptor %d: %s", fd, strerror(errno));
    *port = port_of(fd);
    return 0;
}

int listen_open(int *fd, const char *text, unsigned *port, struct error *e)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *all;
    char host[256], service[8];
    unsigned wanted;
    int err = listen_parse(text, host, sizeof host, &wanted, e);

    if (err)
        return err;
    snprintf(service, sizeof service, "%u", wanted);
    err = getaddrinfo(host, service, &hints, &all);
    if (err)
        return error_set(e, ERR_IO, "cannot listen on %s: %s", text, gai_strerror(err));
    *fd = -1;
    for (const struct addrinfo *a = all; a && *fd < 0; a = a->ai_next)
        *fd = try_address(a);
    err = *fd < 0 ? error_set(e, ERR_IO, "cannot listen on %s: %s", text, strerror(errno)) : 0;
    freeaddrinfo(all);
    if (!err)
        *port = port_of(*fd);
    return err;
}
