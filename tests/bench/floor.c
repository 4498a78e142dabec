/*
 * The floor: the least a bot can do in the menu scenario. One thread, epoll, no parser, no journal,
 * no token checked; it finds words in bytes and knows the state of each call. What Ivory costs
 * above this is the price of all that Ivory does.
 *
 *   floor PORT GRAPH_PORT
 */
#include "net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE = 1 << 16, ID = 36, CONNECTIONS = 256 };

enum state { FREE, OFFERED, ESTABLISHED, ASKED, CONNECTING };

struct call {
    char id[ID + 1];
    enum state state;
    bool subscribed;
};

struct floor {
    struct net *net;
    struct call *table; /* open addressing by id */
    unsigned port;
    char token[1201];
    struct pending {
        struct pending *next;
        size_t n;
        char text[3072];
    } * first, **last; /* requests that wait for a connection */
};

static struct call *find(struct floor *f, const char *id, bool add)
{
    uint64_t h = 1469598103934665603u;

    for (int i = 0; i < ID; i++)
        h = (h ^ (unsigned char)id[i]) * 1099511628211u;
    for (size_t i = 0; i < TABLE; i++) {
        struct call *c = &f->table[(h + i) % TABLE];

        if (c->id[0] && memcmp(c->id, id, ID) == 0)
            return c;
        if (!c->id[0] || (add && c->state == FREE)) {
            if (!add)
                return NULL;
            *c = (struct call){.state = OFFERED};
            memcpy(c->id, id, ID);
            return c;
        }
    }
    return NULL;
}

static void send_request(struct floor *f, const struct call *c, const char *method,
                         const char *body)
{
    char text[3072];
    size_t n = (size_t)snprintf(text, sizeof text,
                                "POST /v1.0/communications/calls/%s/%s HTTP/1.1\r\n"
                                "Host: 127.0.0.1\r\nAuthorization: Bearer %s\r\n"
                                "Content-Type: application/json\r\nClient-Request-Id: %s\r\n"
                                "Scenario-Id: %s\r\nContent-Length: %zu\r\n\r\n%s",
                                c->id, method, f->token, c->id, c->id, strlen(body), body);

    if (!net_send(f->net, NULL, text, n)) {
        struct pending *p = malloc(sizeof *p);

        if (!p)
            fail("out of memory");
        p->next = NULL;
        p->n = n;
        memcpy(p->text, text, n);
        *f->last = p;
        f->last = &p->next;
    }
}

static void on_answer(void *arg, void *what, struct message *m)
{
    struct floor *f = arg;
    struct pending *p = f->first;

    (void)what;
    if (m->status / 100 != 2)
        fail("a request was answered %d", m->status);
    if (p && net_send(f->net, NULL, p->text, p->n)) {
        f->first = p->next;
        if (!f->first)
            f->last = &f->first;
        free(p);
    }
}

static void play(struct floor *f, struct call *c, const char *prompt)
{
    char body[640];

    snprintf(body, sizeof body,
             "{\"clientContext\":\"%s-%d\",\"prompts\":[{\"@odata.type\":"
             "\"#microsoft.graph.mediaPrompt\",\"mediaInfo\":{\"@odata.type\":"
             "\"#microsoft.graph.mediaInfo\",\"uri\":\"http://127.0.0.1:%u/prompts/%s.wav\","
             "\"resourceId\":\"%s\"}}]}",
             c->id, (int)c->state, f->port, prompt, prompt);
    send_request(f, c, "playPrompt", body);
}

static void take_offer(struct floor *f, const char *id)
{
    struct call *c = find(f, id, true);
    char body[256];

    if (!c)
        fail("too many calls");
    snprintf(body, sizeof body,
             "{\"callbackUri\":\"http://127.0.0.1:%u/api/calls\",\"mediaConfig\":{\"@odata.type\":"
             "\"#microsoft.graph.serviceHostedMediaConfig\"},\"acceptedModalities\":[\"audio\"]}",
             f->port);
    send_request(f, c, "answer", body);
}

static void take_update(struct floor *f, struct call *c, const char *data)
{
    if (strstr(data, "\"toneInfo\"") && c->state == ASKED) {
        c->state = CONNECTING;
        play(f, c, "connecting");
    } else if (strstr(data, "\"state\":\"established\"") && c->state == OFFERED) {
        c->state = ESTABLISHED;
        send_request(f, c, "subscribeToTone", "{}");
        play(f, c, "main-menu");
    }
}

static void take_end(struct floor *f, struct call *c, bool operation)
{
    if (!operation)
        c->state = FREE; /* its place stays taken until it is used again */
    else if (c->state == ESTABLISHED)
        c->state = ASKED;
    else if (c->state == CONNECTING)
        send_request(f, c, "transfer",
                     "{\"transferTarget\":{\"identity\":{\"phone\":{\"id\":\"+14255550100\"}}}}");
}

static void on_request(void *arg, struct conn *on, struct message *m)
{
    static const char accepted[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
    struct floor *f = arg;
    const char *change = strstr(m->body, "\"changeType\":\""), *id = strstr(m->body, "/calls/");
    struct call *c;

    if (!change || !id || strnlen(id + 7, ID) < ID)
        fail("no notification: %s", m->body);
    if (change[14] == 'c') {
        take_offer(f, id + 7);
    } else if ((c = find(f, id + 7, false))) {
        if (change[14] == 'u')
            take_update(f, c, id);
        else
            take_end(f, c, strncmp(id + 7 + ID, "/operations/", 12) == 0);
    }
    conn_send(on, accepted, sizeof accepted - 1);
}

int main(int argc, char **argv)
{
    struct floor f = {.first = NULL};

    if (argc != 3)
        fail("usage: floor PORT GRAPH_PORT");
    f.port = (unsigned)atoi(argv[1]);
    f.last = &f.first;
    f.table = calloc(TABLE, sizeof *f.table);
    memset(f.token, 'x', sizeof f.token - 1);
    f.net = net_new(f.port, (unsigned)atoi(argv[2]), CONNECTIONS, on_request, on_answer, &f);
    for (;;)
        net_run(f.net, -1);
}
