/*
 * Phones over HTTP: what a terminal needs to be a phone of the exchange. All bodies are JSON unless
 * said otherwise; errors are the API's error bodies; no token is wanted, but only this machine is
 * let in (403) unless the configuration says otherwise.
 *
 *   POST   /phone/v1/calls {"from","to"}         call the bot: 201 {"line"}
 *   POST   /phone/v1/calls {"from","meeting"}    join a meeting (thread id, meeting id or link)
 *   POST   /phone/v1/lines {"address","auto_answer"}
 *          be reachable: 201 {"line"}, a line that only rings. Calls the bot places to the address
 *          come as events "ring" with a line of their own. auto_answer: seconds until it answers by
 *          itself; absent or null: never. The same address again changes this and gives the same
 *          line.
 *   GET    /phone/v1/lines                       [{"line","address","state"}]; the state of a
 *          registration is "registered", of others as in SWITCH_STATE
 *   GET    /phone/v1/lines/<line>/events?after=N
 *          the events after number N (0: from the beginning), at once when there are any, else as
 *          soon as one comes, else [] after 25 s. A second request ends the first.
 *   POST   /phone/v1/lines/<line>/keys {"keys":"12#"}
 *   POST   /phone/v1/lines/<line>/pickup, /hangup
 *   POST   /phone/v1/lines/<line>/refuse {"code":486}       (the default; 480, 486 or 603)
 *   POST   /phone/v1/lines/<line>/speak          the body is a WAV, mono 16 bit 16 kHz
 *   POST   /phone/v1/lines/<line>/share {"on":true}
 *          204; 404 no such line, 409 not in this state, 400, 429 too much
 *   hangup of a registration ends it.
 *
 * Events: {"n":1,"at":<ms since 1970>,"kind":...} and
 *   ring    {"line","address"}                  on the registration
 *   state   {"state","with","result"}           as in SWITCH_STATE; result: {"code","subcode",...}
 *   play    {"url","ms"}                        a prompt begins; ms 0: until "stop"
 *   stop    {"completed"}
 *   record  {"ms","beep"}
 *   tones   {"tones"}                           keys that the bot sends
 *
 * A line keeps its last 1,000 events. It vanishes 60 s after its end; one that nobody asks about
 * for 5 minutes is hung up.
 */
#ifndef IVORY_EXCHANGE_PHONES_H
#define IVORY_EXCHANGE_PHONES_H

#include "exchange/switchboard.h"
#include "net/http_server.h"

struct phones;

/* `anywhere`: phones may be on other machines. */
int phones_new(struct phones **out, struct switchboard *board, bool anywhere, struct error *e);

/* Answer a request below /phone/v1/, now or later. Afterwards the switchboard may have actions. */
void phones_request(struct phones *p, struct http_call *call, const struct http_message *request,
                    int64_t now);

/* An action of the switchboard that concerns a line (RING, STATE, PLAY, STOP, RECORD, TONES). */
void phones_action(struct phones *p, const struct switchboard_action *a, int64_t now);

/* Look after what has had its time. About once a second. */
void phones_tick(struct phones *p, int64_t now);

/* Free; requests that wait are the server's to answer. */
void phones_free(struct phones *p);

#endif
