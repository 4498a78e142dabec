/* Preloaded: while the file $SLOW_DISK exists, fsync and fdatasync last for the milliseconds in it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static void wait_for_disk(void)
{
    const char *path = getenv("SLOW_DISK");
    FILE *f = path ? fopen(path, "r") : NULL;
    struct timespec t;
    long ms = 0;

    if (f && fscanf(f, "%ld", &ms) != 1)
        ms = 0;
    if (f)
        fclose(f);
    t = (struct timespec){ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static int pass_on(const char *name, int fd)
{
    int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);

    wait_for_disk();
    return next(fd);
}

int fsync(int fd);
int fdatasync(int fd);

int fsync(int fd)
{
    return pass_on("fsync", fd);
}

int fdatasync(int fd)
{
    return pass_on("fdatasync", fd);
}
