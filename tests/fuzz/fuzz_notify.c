/*
 * Fuzz target: a notification body from the network. Whatever it is, decoding ends without a crash
 * and its events can be written down and read back.
 */
#include "base/json.h"
#include "graph/notify.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct event_list events = {0};
    struct error e;

    notify_decode((const char *)data, n, &events, &e);
    for (size_t i = 0; i < events.n; i++) {
        char *text = event_encode(&events.items[i]);
        struct event back;

        if (text && event_decode(&back, text, strlen(text), &e) == 0)
            event_fini(&back);
        free(text);
    }
    event_list_fini(&events);
    return 0;
}
