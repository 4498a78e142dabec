/*
 * One service per data folder: two would take up the same calls from the journal. The lock is on
 * the file "lock" in the folder and goes with the process, however that ends.
 */
#ifndef IVORY_HOST_DATA_LOCK_H
#define IVORY_HOST_DATA_LOCK_H

#include "base/error.h"

/* Take the lock of `folder`, which must be there; `fd` is then to be closed at the end. ERR_EXISTS:
 * another process has it, and `e` names that; ERR_IO. */
int data_lock(int *fd, const char *folder, struct error *e);

#endif
