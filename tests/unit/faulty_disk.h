/*
 * A disk that fails on command: an SQLite VFS around the default one. While it is in use, every
 * database that is opened is on it; what it does to writes, syncs and opens can be changed at any
 * time, also while another thread writes.
 */
#ifndef IVORY_TESTS_UNIT_FAULTY_DISK_H
#define IVORY_TESTS_UNIT_FAULTY_DISK_H

#include <stdbool.h>

enum disk_fault { DISK_GOOD, DISK_FULL, DISK_WRITE_ERROR, DISK_SYNC_ERROR, DISK_OPEN_ERROR };

/* From now on / not any more. All databases must be closed then. */
void faulty_disk_use(void);
void faulty_disk_leave(void);

/* After `writes` more good writes it is like that. */
void faulty_disk_set(enum disk_fault fault, long writes);
/* A sync lasts so long. */
void faulty_disk_slow(long ms);

/* Writes so far. */
long faulty_disk_writes(void);

#endif
