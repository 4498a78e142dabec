/*
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing over U+10FFFF.
 */
#ifndef IVORY_BASE_UTF8_H
#define IVORY_BASE_UTF8_H

#include <stddef.h>

/* Length of the well-formed character at `p`, of which `n` bytes are there; 0 when there is none.
 */
size_t utf8_character(const unsigned char *p, size_t n);

/* The offset of the first byte that does not belong to a well-formed character, or `n`. */
size_t utf8_check(const char *text, size_t n);

#endif
