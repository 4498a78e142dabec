/*
 * Finds test files. A flows folder is the folder asked for, and each one below it that has prompts
 * or routes of its own; a *_test.lua belongs to the innermost flows folder around it.
 */
#ifndef IVORY_HOST_TESTFILES_H
#define IVORY_HOST_TESTFILES_H

#include "base/error.h"

#include <stddef.h>

struct test_folder {
    char *folder;
    char **files; /* paths, sorted */
    size_t nfiles;
};

struct test_folders {
    struct test_folder *items; /* sorted by folder; some may have no tests */
    size_t n;
};

/* ERR_IO when a folder cannot be read. After a failure too, to be ended with testfiles_fini. */
int testfiles_find(struct test_folders *out, const char *folder, struct error *e);
void testfiles_fini(struct test_folders *t);

#endif
