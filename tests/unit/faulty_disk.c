#include "tests/unit/faulty_disk.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

static _Atomic int fault;
static _Atomic long good_writes, slow_ms, writes;

/* Our file; the real one follows it in memory. */
struct file {
    sqlite3_file base;
};

static sqlite3_vfs disk, *real;

static sqlite3_file *real_file(sqlite3_file *f)
{
    return (sqlite3_file *)((struct file *)f + 1);
}

static enum disk_fault fault_of_write(void)
{
    long left = atomic_load(&good_writes);

    atomic_fetch_add(&writes, 1);
    if (atomic_load(&fault) == DISK_GOOD)
        return DISK_GOOD;
    while (left > 0)
        if (atomic_compare_exchange_weak(&good_writes, &left, left - 1))
            return DISK_GOOD;
    return (enum disk_fault)atomic_load(&fault);
}

static int file_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    switch (fault_of_write()) {
    case DISK_FULL:
        return SQLITE_FULL;
    case DISK_WRITE_ERROR:
        return SQLITE_IOERR_WRITE;
    default:
        return real_file(f)->pMethods->xWrite(real_file(f), p, n, at);
    }
}

static int file_sync(sqlite3_file *f, int flags)
{
    long ms = atomic_load(&slow_ms);
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    nanosleep(&t, NULL);
    if (atomic_load(&fault) == DISK_SYNC_ERROR)
        return SQLITE_IOERR_FSYNC;
    return real_file(f)->pMethods->xSync(real_file(f), flags);
}

/* Everything else goes to the real file as it is. */
static int file_close(sqlite3_file *f)
{
    return real_file(f)->pMethods->xClose(real_file(f));
}
static int file_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return real_file(f)->pMethods->xRead(real_file(f), p, n, at);
}
static int file_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    return real_file(f)->pMethods->xTruncate(real_file(f), n);
}
static int file_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return real_file(f)->pMethods->xFileSize(real_file(f), n);
}
static int file_lock(sqlite3_file *f, int how)
{
    return real_file(f)->pMethods->xLock(real_file(f), how);
}
static int file_unlock(sqlite3_file *f, int how)
{
    return real_file(f)->pMethods->xUnlock(real_file(f), how);
}
static int file_check(sqlite3_file *f, int *out)
{
    return real_file(f)->pMethods->xCheckReservedLock(real_file(f), out);
}
static int file_control(sqlite3_file *f, int what, void *arg)
{
    return real_file(f)->pMethods->xFileControl(real_file(f), what, arg);
}
static int file_sector(sqlite3_file *f)
{
    return real_file(f)->pMethods->xSectorSize(real_file(f));
}
static int file_device(sqlite3_file *f)
{
    return real_file(f)->pMethods->xDeviceCharacteristics(real_file(f));
}
static int shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **p)
{
    return real_file(f)->pMethods->xShmMap(real_file(f), page, size, extend, p);
}
static int shm_lock(sqlite3_file *f, int from, int n, int flags)
{
    return real_file(f)->pMethods->xShmLock(real_file(f), from, n, flags);
}
static void shm_barrier(sqlite3_file *f)
{
    real_file(f)->pMethods->xShmBarrier(real_file(f));
}
static int shm_unmap(sqlite3_file *f, int remove)
{
    return real_file(f)->pMethods->xShmUnmap(real_file(f), remove);
}

static int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
    static const sqlite3_io_methods methods = {
        2,         file_close,  file_read,  file_write,   file_truncate, file_sync,   file_size,
        file_lock, file_unlock, file_check, file_control, file_sector,   file_device, shm_map,
        shm_lock,  shm_barrier, shm_unmap,  NULL,         NULL,
    };
    int rc;

    (void)vfs;
    memset(f, 0, sizeof(struct file));
    if (atomic_load(&fault) == DISK_OPEN_ERROR)
        return SQLITE_CANTOPEN;
    rc = real->xOpen(real, name, real_file(f), flags, out);
    if (rc == SQLITE_OK)
        f->pMethods = &methods;
    return rc;
}

void faulty_disk_use(void)
{
    real = sqlite3_vfs_find(NULL);
    disk = *real;
    disk.zName = "faulty";
    disk.szOsFile = (int)sizeof(struct file) + real->szOsFile;
    disk.xOpen = disk_open;
    faulty_disk_set(DISK_GOOD, 0);
    faulty_disk_slow(0);
    sqlite3_vfs_register(&disk, 1);
}

void faulty_disk_leave(void)
{
    sqlite3_vfs_unregister(&disk);
    sqlite3_vfs_register(real, 1);
}

void faulty_disk_set(enum disk_fault how, long after)
{
    atomic_store(&good_writes, after);
    atomic_store(&fault, how);
}

void faulty_disk_slow(long ms)
{
    atomic_store(&slow_ms, ms);
}

long faulty_disk_writes(void)
{
    return atomic_load(&writes);
}
