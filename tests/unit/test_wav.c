#include "test.h"

#include "base/random.h"
#include "core/bundle.h"

#include <stdlib.h>
#include <string.h>

/* A WAV of `samples` samples with one odd chunk before them; returns its length. */
static size_t make_wav(unsigned char *p, unsigned samples)
{
    static const unsigned char head[] = {
        'R',  'I',  'F', 'F', 0,  0,    0, 0, 'W', 'A', 'V', 'E', /* size not looked at */
        'f',  'm',  't', ' ', 16, 0,    0, 0, 1,   0,   1,   0,   /* PCM, one channel   */
        0x80, 0x3E, 0,   0,   0,  0x7D, 0, 0, 2,   0,   16,  0,   /* 16 kHz, 16 bit     */
        'L',  'I',  'S', 'T', 3,  0,    0, 0, 'a', 'b', 'c', 0,   /* padded to even     */
        'd',  'a',  't', 'a', 0,  0,    0, 0};
    unsigned n = samples * 2;

    memcpy(p, head, sizeof head);
    p[sizeof head - 4] = n & 255;
    p[sizeof head - 3] = n >> 8 & 255;
    p[sizeof head - 2] = n >> 16 & 255;
    p[sizeof head - 1] = 0;
    memset(p + sizeof head, 1, n);
    return sizeof head + n;
}

static void measures_a_wav(void)
{
    static unsigned char p[100000];
    size_t at = 0, data = 0, n = make_wav(p, 24000);
    int64_t ms = 0;

    EXPECT_INT(wav_check(p, n, &ms, &at, &data, NULL), 0);
    EXPECT_INT(ms, 1500);
    EXPECT_INT(at, n - 48000);
    EXPECT_INT(data, 48000);
    p[n] = 'x'; /* a byte behind the samples is nobody's concern */
    EXPECT_INT(wav_check(p, n + 1, &ms, &at, &data, NULL), 0);
}

static void says_what_is_wrong_with_a_wav(void)
{
    static const struct {
        size_t at;
        unsigned char value;
        const char *why;
    } bad[] = {{0, 'X', "not a RIFF/WAVE file"},
               {8, 'X', "not a RIFF/WAVE file"},
               {12, 'X', "samples before their format"},
               {16, 12, "format chunk is cut short"},
               {20, 3, "not PCM (format 3)"},
               {22, 2, "2 channels"},
               {24, 0x40, "16192 Hz"}, /* 0x3F40 */
               {28, 1, "contradicts itself"},
               {32, 4, "contradicts itself"},
               {34, 8, "8 bits a sample"},
               {39 + 1, 255, "cut short"},
               {48, 'X', "no samples"},
               {52, 9, "half a sample"},
               {54, 1, "cut short: chunk 'data'"},
               {52, 0, "no samples"}};
    unsigned char p[200];
    size_t at, data;
    int64_t ms;
    struct error e;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t n = make_wav(p, 50);

        p[bad[i].at] = bad[i].value;
        if (bad[i].at == 24)
            p[25] = 0x3F;
        EXPECT_INT(wav_check(p, n, &ms, &at, &data, &e), ERR_INVALID);
        EXPECT_IN(e.text, bad[i].why);
    }
    EXPECT_INT(wav_check(NULL, 0, &ms, &at, &data, &e), ERR_INVALID);
}

/* Cut off anywhere, or with any bytes changed: an answer, and nothing read outside. */
static void survives_any_bytes(void)
{
    unsigned char p[200];
    struct random r;
    size_t at, data;
    int64_t ms;

    random_seed(&r, 5);
    for (int i = 0; i < 20000; i++) {
        size_t n = make_wav(p, 50), cut = random_below(&r, n + 1);
        unsigned char *exact;

        for (uint64_t k = random_below(&r, 4); k > 0; k--)
            p[random_below(&r, n)] = (unsigned char)random_next(&r);
        exact = malloc(cut + !cut); /* so that the sanitizer sees its end */
        memcpy(exact, p, cut);
        if (wav_check(exact, cut, &ms, &at, &data, NULL) == 0)
            EXPECT(at + data <= cut && data > 0 && ms >= 0);
        free(exact);
    }
}

const struct test wav_tests[] = {
    TEST(measures_a_wav), TEST(says_what_is_wrong_with_a_wav), TEST(survives_any_bytes), {0}};
