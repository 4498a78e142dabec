#include "core/bundle.h"

#include <string.h>

#define RATE 16000

static unsigned long le32(const unsigned char *p)
{
    return p[0] | (unsigned long)p[1] << 8 | (unsigned long)p[2] << 16 | (unsigned long)p[3] << 24;
}

static unsigned le16(const unsigned char *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

static int check_format(const unsigned char *p, size_t n, struct error *e)
{
    if (n < 16)
        return error_set(e, ERR_INVALID, "its format chunk is cut short");
    if (le16(p) != 1)
        return error_set(e, ERR_INVALID, "not PCM (format %u)", le16(p));
    if (le16(p + 2) != 1)
        return error_set(e, ERR_INVALID, "%u channels, must be one", le16(p + 2));
    if (le32(p + 4) != RATE)
        return error_set(e, ERR_INVALID, "%lu Hz, must be 16000", le32(p + 4));
    if (le16(p + 14) != 16)
        return error_set(e, ERR_INVALID, "%u bits a sample, must be 16", le16(p + 14));
    if (le16(p + 12) != 2 || le32(p + 8) != 2 * RATE)
        return error_set(e, ERR_INVALID, "its format chunk contradicts itself");
    return 0;
}

int wav_check(const void *data, size_t n, int64_t *ms, size_t *data_at, size_t *data_n,
              struct error *e)
{
    const unsigned char *p = data;
    bool format = false;
    size_t at = 12;

    if (n < 12 || memcmp(p, "RIFF", 4) != 0 || memcmp(p + 8, "WAVE", 4) != 0)
        return error_set(e, ERR_INVALID, "not a RIFF/WAVE file");
    /* The size in the RIFF header is often wrong in files that play well; chunks have their own. */
    while (n - at >= 8) {
        const unsigned char *chunk = p + at;
        size_t size = le32(chunk + 4);

        at += 8;
        if (size > n - at)
            return error_set(e, ERR_INVALID,
                             "cut short: chunk '%.4s' says %zu bytes, %zu are there",
                             memcmp(chunk, "data", 4) ? "fmt " : "data", size, n - at);
        if (memcmp(chunk, "fmt ", 4) == 0) {
            int err = check_format(p + at, size, e);
            if (err)
                return err;
            format = true;
        } else if (memcmp(chunk, "data", 4) == 0) {
            if (!format)
                return error_set(e, ERR_INVALID, "samples before their format");
            if (size == 0 || size % 2)
                return error_set(e, ERR_INVALID, size ? "half a sample at its end" : "no samples");
            *ms = (int64_t)(size / 2) * 1000 / RATE;
            *data_at = at;
            *data_n = size;
            return 0;
        }
        at += size;
        if (size % 2 && at < n)
            at++; /* chunks begin at even offsets */
    }
    return error_set(e, ERR_INVALID, format ? "no samples" : "no format chunk");
}
