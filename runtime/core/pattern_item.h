/*
 * The inside of a compiled pattern, for pattern.c (which compiles) and pattern_match.c.
 */
#ifndef IVORY_CORE_PATTERN_ITEM_H
#define IVORY_CORE_PATTERN_ITEM_H

#include "core/pattern.h"

enum op {
    OP_ONE,      /* one character                       */
    OP_OPTIONAL, /* ?                                   */
    OP_MANY,     /* *                                   */
    OP_SOME,     /* +                                   */
    OP_FEW,      /* -                                   */
    OP_OPEN,     /* ( of capture a                      */
    OP_CLOSE,    /* ) of capture a                      */
    OP_PLACE,    /* () capture a                        */
    OP_AGAIN,    /* %1: what capture a holds            */
    OP_BALANCE,  /* %bxy                                */
    OP_FRONTIER, /* %f[set]                             */
    OP_END,      /* $                                   */
    OP_DONE      /* the pattern has matched             */
};

enum test { TEST_ANY, TEST_CHAR, TEST_CLASS, TEST_SET };

/* Whether `c` belongs to %`letter`; a letter that names no class stands for itself. */
bool pattern_in_class(unsigned char c, unsigned char letter);

#endif
