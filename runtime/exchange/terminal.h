/*
 * The terminal phone, `ivory phone`: a phone of the exchange (phone.h) with the keyboard for a
 * keypad. It shows states, the prompts by name and with their words, keys that come from the far
 * end. 0-9 * # A-D are keys, "," waits two seconds, q hangs up, p picks up, r refuses. On a
 * terminal each key acts at once; from a pipe or a file they are taken one after the other, half a
 * second after the call is connected.
 */
#ifndef IVORY_EXCHANGE_TERMINAL_H
#define IVORY_EXCHANGE_TERMINAL_H

#include "base/error.h"

struct terminal_config {
    int in, out;          /* descriptors                                             */
    const char *exchange; /* its listen address, "127.0.0.1:8090"                    */
    const char *from;     /* who calls                                               */
    const char *to;       /* number, user or "flow:<name>"                           */
    const char *answer;   /* be reachable here instead of calling; NULL: call        */
};

/* Be a phone until the call has ended or `q`. 0: a call took place; ERR_IO: the exchange cannot be
 * reached or went away. */
int terminal_run(const struct terminal_config *cfg, struct error *e);

#endif
