/*
 * Limits: what one flow, one turn and one call may use. Every one has a key under `limits.` in the
 * configuration, this default, and an error that names it with flow, call and line.
 */
#ifndef IVORY_CORE_LIMITS_H
#define IVORY_CORE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

struct limits {
    int64_t turn_ms;          /* 100      one turn of a call                              */
    int64_t load_ms;          /* 500      loading a bundle                                */
    size_t cell_bytes;        /* 256 MiB  memory of one cell                              */
    size_t turn_bytes;        /* 16 MiB   growth of a cell during one turn                */
    size_t string_bytes;      /* 1 MiB    result of string.rep and of one concatenation by it */
    int64_t pattern_steps;    /* 1,000,000  work of one pattern function                  */
    unsigned calls_per_cell;  /* 1,000                                                    */
    unsigned fibers;          /* 64       live fibers of a call                           */
    unsigned timers;          /* 64       pending timers of a call                        */
    unsigned requests;        /* 16       pending HTTP requests of a call                 */
    unsigned tones;           /* 32       buffered tones of a leg                         */
    unsigned legs;            /* 8        legs of a call                                  */
    uint32_t entries;         /* 20,000   commands and events of a call                   */
    int64_t call_ms;          /* 4 h      duration of a call                              */
    int64_t cleanup_ms;       /* 5,000    one end handler                                 */
    int64_t cleanup_total_ms; /* 15,000   all end handlers of a call                      */
    int64_t wait_ms;          /* 10 min   a wait for which no timeout was given           */
};

#define LIMITS_DEFAULT                                                                             \
    {                                                                                              \
        .turn_ms = 100, .load_ms = 500, .cell_bytes = 256u << 20, .turn_bytes = 16u << 20,         \
        .string_bytes = 1u << 20, .pattern_steps = 1000000, .calls_per_cell = 1000, .fibers = 64,  \
        .timers = 64, .requests = 16, .tones = 32, .legs = 8, .entries = 20000,                    \
        .call_ms = 4 * 3600 * 1000, .cleanup_ms = 5000, .cleanup_total_ms = 15000,                 \
        .wait_ms = 600 * 1000,                                                                     \
    }

#endif
