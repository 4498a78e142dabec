#include "base/id.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/error.h"

/* What may stand in an id, letters in lower case; else 0. */
static const char folded[256] = {
    ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',
    ['7'] = '7', ['8'] = '8', ['9'] = '9', ['.'] = '.', ['_'] = '_', [':'] = ':', ['@'] = '@',
    ['-'] = '-', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e', ['f'] = 'f',
    ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k', ['l'] = 'l', ['m'] = 'm',
    ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't',
    ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y', ['z'] = 'z', ['A'] = 'a',
    ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h',
    ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o',
    ['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v',
    ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z'};

static char fold(char c)
{
    return folded[(unsigned char)c];
}

bool id_normalise(char out[ID_MAX], const char *id)
{
    size_t n = 0;

    for (; id && *id; id++) {
        char c = fold(*id);

        if (c == '-')
            continue;
        if (!c || n + 1 >= ID_MAX)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return n > 0;
}

bool id_equal(const char *a, const char *b)
{
    size_t n = 0;

    for (; a && b; a++, b++) {
        while (*a == '-')
            a++;
        while (*b == '-')
            b++;
        if (!*a && !*b)
            return n > 0;
        if (!fold(*a) || fold(*a) != fold(*b) || ++n == ID_MAX)
            return false;
    }
    return false;
}

/* FNV-1a, and its halves folded: the low bits of the product alone depend on the low bits of the
 * letters only. */
unsigned id_shard(const char *id, unsigned shards)
{
    uint64_t hash = 14695981039346656037u;

    if (shards < 2)
        return 0;
    for (; *id && *id != '.'; id++)
        hash = (hash ^ (unsigned char)*id) * 1099511628211u;
    return (unsigned)((hash ^ hash >> 32) % shards);
}

void hex_encode(char *out, const void *p, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *at = p;

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[at[i] >> 4];
        out[2 * i + 1] = digits[at[i] & 15];
    }
    out[2 * n] = '\0';
}

void sha256_hex(char out[65], const void *p, size_t n)
{
    unsigned char digest[32];
    unsigned len = 0;

    CHECK(EVP_Digest(p, n, digest, &len, EVP_sha256(), NULL) == 1 && len == sizeof digest);
    hex_encode(out, digest, sizeof digest);
}

void guid_format(char out[37], const unsigned char bytes[16])
{
    static const int group[] = {4, 2, 2, 2, 6};
    const unsigned char *at = bytes;
    char *to = out;

    for (int i = 0; i < 5; i++) {
        if (i)
            *to++ = '-';
        hex_encode(to, at, (size_t)group[i]);
        to += 2 * group[i];
        at += group[i];
    }
}

static const char base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

long base64url_decode(void *out, size_t cap, const char *text, size_t n)
{
    unsigned char *to = out;
    unsigned bits = 0, have = 0;
    size_t written = 0;

    if (n % 4 == 1)
        return -1;
    for (size_t i = 0; i < n; i++) {
        const char *digit = text[i] ? strchr(base64url_digits, text[i]) : NULL;

        if (!digit)
            return -1;
        bits = bits << 6 | (unsigned)(digit - base64url_digits);
        have += 6;
        if (have >= 8) {
            if (written == cap)
                return -1;
            have -= 8;
            to[written++] = (unsigned char)(bits >> have);
        }
    }
    return (long)written;
}

size_t base64url_encode(char *out, const void *p, size_t n)
{
    const unsigned char *at = p;
    unsigned bits = 0, have = 0;
    size_t written = 0;

    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | at[i];
        for (have += 8; have >= 6; have -= 6)
            out[written++] = base64url_digits[bits >> (have - 6) & 63];
    }
    if (have)
        out[written++] = base64url_digits[bits << (6 - have) & 63];
    out[written] = '\0';
    return written;
}
