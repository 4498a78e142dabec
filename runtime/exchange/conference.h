/*
 * A conference is who talks to whom: bots' legs and phones' lines, as members. A 1:1 call is a
 * conference of two that ends with either; a group call ends when the last phone leaves; a meeting
 * has a key by which others join, and stays while anybody is in it. Two phones after a transfer are
 * a conference without a bot. Members are the API's participants; roster.h writes them down.
 */
#ifndef IVORY_EXCHANGE_CONFERENCE_H
#define IVORY_EXCHANGE_CONFERENCE_H

#include "exchange/board.h"

#include <cjson/cJSON.h>

struct leg;
struct line;

enum member_recording { RECORDING_NONE, RECORDING_OFF, RECORDING_ON, RECORDING_FAILED };

struct member {
    struct board_object object; /* in conference.members */
    struct conference *conference;
    char id[BOARD_GUID];
    struct leg *leg;      /* a bot, or */
    struct line *line;    /* a phone, or neither: the large gallery */
    char *identity;       /* JSON of the identitySet */
    char *metadata;       /* text or NULL */
    struct leg *observer; /* who records it by policy */
    bool pending;         /* invited, not in yet: not in the roster */
    bool lobby, muted, hidden, sharing, music;
    enum member_recording recording;
    double synthetic; /* confidence of the last report; < 0: none */
    char detection[BOARD_GUID];
    unsigned source; /* of its audio stream */
    int64_t sequence;
};

struct routing_group {
    struct list link;
    char *id;
    bool multicast;
    cJSON *sources, *receivers; /* arrays of participant ids */
};

struct sharing_session {
    struct list link;
    char id[BOARD_GUID];
    char presenter[BOARD_GUID]; /* participant id */
};

struct conference {
    struct board_object object; /* in switchboard.all_conferences */
    char id[BOARD_GUID];
    char chain[BOARD_GUID]; /* callChainId of its calls */
    char *key;              /* of a meeting, in switchboard.meetings */
    char *passcode;
    bool group, meeting, joined /* a phone has been in */;
    bool recording, transcription, was_transcribed, gallery;
    int64_t transcription_changed;
    struct list members;
    size_t nmembers;
    struct list groups, sessions;
    unsigned next_source;
    int64_t sequence; /* of the roster */
    bool over;
};

/* NULL when memory is out (remembered). */
struct conference *conference_new(struct switchboard *s, bool group);

/* A new member; `identity` is JSON, copied. NULL: memory is out, or the conference is full. */
struct member *conference_add(struct switchboard *s, struct conference *c, const char *identity);

/* Take a member out; others are told when the conference is a group. The member is buried. */
void conference_remove(struct switchboard *s, struct member *m, const char *reason, int64_t now);

/* After a member left: end what cannot go on. The codes are for the one left alone in a 1:1. */
void conference_settle(struct switchboard *s, struct conference *c, int code, int subcode,
                       const char *message, int64_t now);

struct member *conference_find(const struct conference *c, const char *id);

/* The n-th member (from 0) that is a phone in the conversation, or NULL. */
struct line *conference_phone(const struct conference *c, size_t n);

/* The meeting of that key; made when there is none. */
struct conference *conference_meeting(struct switchboard *s, const char *key);

/* The key of a meeting as a phone or `chatInfo`, `meetingInfo` name it. False: they name none. */
bool conference_key_text(char out[256], const char *text);
bool conference_key_json(char out[256], const cJSON *chat, const cJSON *meeting);

/* JSON of the identitySet of an address: phone number, user id, or guest. free() it. */
char *conference_identity(struct switchboard *s, const char *address);

/* The first id in an identitySet: of phone, user, application, ... NULL when it has none. */
const char *conference_identity_id(const cJSON *identity, const char **kind);

/* Begin and end sharing; a second beginning is nothing new. */
void conference_share(struct switchboard *s, struct member *m, bool on, int64_t now);

void routing_group_free(struct routing_group *g);

#endif
