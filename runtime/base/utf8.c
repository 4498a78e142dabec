#include "base/utf8.h"

size_t utf8_character(const unsigned char *p, size_t n)
{
    static const unsigned long least[] = {0, 0x80, 0x800, 0x10000};
    size_t more = p[0] >= 0xF0 ? 3 : p[0] >= 0xE0 ? 2 : 1;
    unsigned long rune = p[0] & (0x3Fu >> more);

    if (p[0] < 0x80)
        return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4 || n <= more)
        return 0;
    for (size_t i = 1; i <= more; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        rune = rune << 6 | (p[i] & 0x3F);
    }
    if (rune < least[more] || (rune >= 0xD800 && rune < 0xE000) || rune > 0x10FFFF)
        return 0;
    return more + 1;
}

size_t utf8_check(const char *text, size_t n)
{
    size_t at = 0;

    while (at < n) {
        size_t len = utf8_character((const unsigned char *)text + at, n - at);
        if (!len)
            return at;
        at += len;
    }
    return n;
}
