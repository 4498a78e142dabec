#include "graph/joinlink.h"

#include "base/http.h"
#include "base/json.h"
#include "graph/expand.h"
#include "graph/value.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINK_MAX 4096

/* What a link says; the pointers reach into the decoded text. */
struct link {
    char *thread, *message;
    cJSON *context;
};

/* Only hosts of Teams: the ids of another site's link mean nothing to the service. */
static bool is_teams(const char *host, size_t n)
{
    static const char *const hosts[] = {"teams.microsoft.com", "teams.live.com"};

    if (n > 4 && strncmp(host + n - 4, ":443", 4) == 0)
        n -= 4;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        if (strlen(hosts[i]) == n && strncasecmp(host, hosts[i], n) == 0)
            return true;
    }
    return false;
}

/* Undo percent-encoding until none is left: mail programs encode a link a second time. */
static bool decode(char *text)
{
    for (int i = 0; i < 4; i++) {
        if (!strchr(text, '%'))
            return true;
        if (!http_unescape(text, false))
            return false;
    }
    return false;
}

/* Cut the segment at `*at` off its text and step behind it; "" when there is none. */
static char *cut_segment(char **at)
{
    char *segment = *at, *end = segment + strcspn(segment, "/?#&");

    *at = *end ? end + 1 : end;
    *end = '\0';
    return segment;
}

static int find_context(const char *query, struct link *l, struct error *e)
{
    static const char mark[] = "context=";
    const char *at = strstr(query, mark), *end;

    if (!at)
        return error_set(e, ERR_INVALID, "no context in the link's query");
    at += sizeof mark - 1;
    end = *at == '{' ? strrchr(at, '}') : NULL;
    if (!end || json_parse(&l->context, at, (size_t)(end + 1 - at), NULL))
        return error_set(e, ERR_INVALID, "the link's context is no JSON object");
    if (!json_str(l->context, "Tid"))
        return error_set(e, ERR_INVALID, "no tenant (Tid) in the link's context");
    if (!json_str(l->context, "Oid"))
        return error_set(e, ERR_INVALID, "no organizer (Oid) in the link's context");
    return 0;
}

/* Split `url` in place. It is decoded as a whole, since what wraps a link encodes all of it, and no
 * id in it holds a slash. */
static int parse(char *url, struct link *l, struct error *e)
{
    static const char scheme[] = "https://", mark[] = "/meetup-join/";
    char *host = url + sizeof scheme - 1, *at;
    size_t n;

    if (!decode(url))
        return error_set(e, ERR_INVALID, "the link's percent-encoding is broken");
    if (strncasecmp(url, scheme, sizeof scheme - 1) != 0)
        return error_set(e, ERR_INVALID, "a join link begins with https://");
    n = strcspn(host, "/?#");
    if (!is_teams(host, n))
        return error_set(e, ERR_INVALID, "%.*s is no host of Teams", (int)n, host);
    at = strcasestr(host + n, mark);
    if (!at)
        return error_set(e, ERR_INVALID,
                         "no meetup-join in the link (a short /meet/ link names no organizer)");
    at += sizeof mark - 1;
    l->thread = cut_segment(&at);
    if (!*l->thread)
        return error_set(e, ERR_INVALID, "no thread id after meetup-join");
    l->message = cut_segment(&at);
    if (!*l->message || strchr(l->message, '='))
        return error_set(e, ERR_INVALID, "no message id after the thread id");
    return find_context(at, l, e);
}

static cJSON *chat_of(const struct link *l)
{
    const char *reply = json_str(l->context, "MessageId");
    cJSON *chat = value_object("chatInfo");

    if (!chat || json_set_str(chat, "threadId", l->thread) ||
        json_set_str(chat, "messageId", l->message) ||
        (reply && json_set_str(chat, "replyChainMessageId", reply))) {
        cJSON_Delete(chat);
        return NULL;
    }
    return chat;
}

static cJSON *meeting_of(const struct link *l)
{
    cJSON *meeting = value_object("organizerMeetingInfo");
    cJSON *set = value_object("identitySet"), *user = value_object("identity");
    int err = meeting && set && user ? 0 : ERR_NOMEM;

    if (!err)
        err = json_set_str(user, "id", json_str(l->context, "Oid"));
    if (!err)
        err = json_set_str(user, "tenantId", json_str(l->context, "Tid"));
    if (!err) {
        err = json_set(set, "user", user);
        user = NULL;
    }
    if (!err) {
        err = json_set(meeting, "organizer", set);
        set = NULL;
    }
    cJSON_Delete(user);
    cJSON_Delete(set);
    if (err) {
        cJSON_Delete(meeting);
        return NULL;
    }
    return meeting;
}

int joinlink_decode(const char *url, cJSON **out, struct error *e)
{
    struct link l = {0};
    cJSON *info = NULL;
    char *copy;
    int err;

    if (strlen(url) > LINK_MAX)
        return error_set(e, ERR_INVALID, "the link is longer than %d bytes", LINK_MAX);
    copy = strdup(url);
    err = copy ? parse(copy, &l, e) : ERR_NOMEM;
    if (!err && !(info = cJSON_CreateObject()))
        err = ERR_NOMEM;
    if (!err)
        err = json_set(info, "chatInfo", chat_of(&l));
    if (!err)
        err = json_set(info, "meetingInfo", meeting_of(&l));
    if (!err)
        err = json_set_str(info, "tenantId", json_str(l.context, "Tid"));
    if (!err) {
        *out = info;
        info = NULL;
    }
    cJSON_Delete(info);
    cJSON_Delete(l.context);
    free(copy);
    return err == ERR_NOMEM ? error_set(e, err, "out of memory") : err;
}

/* --- what `ivory dial` takes */

/* A phone number as people write it, without what they put between the digits. */
static bool read_phone(char out[32], const char *text)
{
    size_t n = 0;

    if (strncasecmp(text, "tel:", 4) == 0)
        text += 4;
    for (; *text; text++) {
        if (strchr(" -.()", *text))
            continue;
        if (n + 1 >= 32)
            return false;
        out[n++] = *text;
    }
    out[n] = '\0';
    return expand_is_phone(out);
}

static int target(const char *kind, const char *id, cJSON **out)
{
    cJSON *args = cJSON_CreateObject(), *list = cJSON_CreateArray(), *one = cJSON_CreateObject();
    int err = args && list && one ? json_set_str(one, kind, id) : ERR_NOMEM;

    if (!err)
        err = expand_value("invitationParticipantInfo", one);
    if (!err)
        err = expand_value("identity", json_get(json_get(one, "identity"), kind));
    if (!err) {
        cJSON_AddItemToArray(list, one);
        one = NULL;
        err = json_set(args, "targets", list);
        list = NULL;
    }
    cJSON_Delete(one);
    cJSON_Delete(list);
    if (err)
        cJSON_Delete(args);
    else
        *out = args;
    return err;
}

int joinlink_target(const char *text, cJSON **create_args, struct error *e)
{
    char phone[32];
    int err;

    if (strncasecmp(text, "https:", 6) == 0 || strncasecmp(text, "https%3a", 8) == 0)
        return joinlink_decode(text, create_args, e);
    if (read_phone(phone, text))
        err = target("phone", phone, create_args);
    else if (strncasecmp(text, "user:", 5) == 0 && text[5])
        err = target("user", text + 5, create_args);
    else if (expand_is_guid(text))
        err = target("user", text, create_args);
    else
        return error_set(e, ERR_INVALID,
                         "\"%.64s\" is neither a phone number (+14255550100), a user (a GUID or "
                         "user:<id>), nor a Teams join link (https://...)",
                         text);
    return err ? error_set(e, err, "out of memory") : 0;
}
