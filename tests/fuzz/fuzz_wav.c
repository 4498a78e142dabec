/* Any bytes as a WAV file: what is accepted has its samples inside of it, and as many as it says.
 */
#include "core/bundle.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    struct error e;
    size_t at, length;
    int64_t ms;

    if (wav_check(data, n, &ms, &at, &length, &e))
        return 0;
    if (at > n || length > n - at || ms < 0 || (size_t)ms > length / 32 + 1)
        abort();
    return 0;
}
