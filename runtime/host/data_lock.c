#include "host/data_lock.h"

#include "base/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* The process that has the lock has written its number into the file. */
static int refuse(int fd, const char *folder, struct error *e)
{
    char pid[16] = "";

    if (pread(fd, pid, sizeof pid - 1, 0) < 0)
        pid[0] = '\0';
    pid[strspn(pid, "0123456789")] = '\0';
    return error_set(e, ERR_EXISTS, "data: another service (process %s) uses the folder %s",
                     *pid ? pid : "unknown", folder);
}

/* For people: on a full disk the lock is as good without. */
static void say_who(int fd)
{
    char pid[16];
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid());

    if (pwrite(fd, pid, (size_t)n, 0) == n && ftruncate(fd, n))
        return;
}

int data_lock(int *fd, const char *folder, struct error *e)
{
    struct buf path = {0};
    int err = 0, lock = -1;

    if (buf_fmt(&path, "%s/lock", folder)) {
        err = error_set(e, ERR_NOMEM, "no memory");
        goto out;
    }
    lock = open(path.p, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0)
        err = error_set(e, ERR_IO, "data: cannot open %s: %s", path.p, strerror(errno));
    else if (flock(lock, LOCK_EX | LOCK_NB))
        err = errno == EWOULDBLOCK
                  ? refuse(lock, folder, e)
                  : error_set(e, ERR_IO, "data: cannot lock %s: %s", path.p, strerror(errno));
    else
        say_who(lock);
    if (!err) {
        *fd = lock;
        lock = -1;
    }
out:
    if (lock >= 0)
        close(lock);
    buf_fini(&path);
    return err;
}
