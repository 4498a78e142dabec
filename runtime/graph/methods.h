/*
 * The method table: every method of the API that a bot may call, one row each, and the types their
 * fields have. Bindings, argument checks, request encoding, retries, the exchange's answers, `ivory
 * methods`, the editor definitions and the docs all read it. Adding a method is adding a row.
 * Facts: reference §3–§6 and the schema; `section` says where.
 */
#ifndef IVORY_GRAPH_METHODS_H
#define IVORY_GRAPH_METHODS_H

#include "base/error.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum { VERSION_V1 = 1, VERSION_BETA = 2, VERSION_BOTH = 3 };

/* "v1.0" or "beta"; version_parse gives 0 for anything else. */
const char *version_name(unsigned version);
unsigned version_parse(const char *name);

/* A property of a type or an argument of a method. `type` is "string", "int", "number", "bool",
 * "guid", "dateTime", "duration", "uri" (https, or http to this machine), "key" (a character of the
 * dialpad), or the name of an entry in the type or enum tables. A `filled` field may be left out of
 * the arguments, for request_encode puts it in (callbackUri, media, modalities); when it is also
 * `required`, then on the wire. */
struct field {
    const char *name;
    const char *type;
    bool list;
    bool required;
    bool filled;
    double min, max;      /* of a number; both 0 = any */
    unsigned least, most; /* members of a list, or bytes of a string; most 0 = any */
    unsigned versions;
    const char *remark; /* units, rules; may be NULL */
};

/* A complex type. `base` names the type it extends, `abstract` needs "@odata.type" on the wire. */
struct type {
    const char *name;
    const char *base;
    bool abstract, open;
    unsigned versions;
    const struct field *fields; /* ends with name NULL; inherited ones not repeated */
};

struct enumeration {
    const char *name;
    const char *const *members;   /* wire spelling; ends with NULL */
    const char *const *beta_only; /* members that v1.0 lacks; NULL or ends with NULL */
};

/* How a method completes (reference §2.6): the answer alone; an operation (the answer says whether
 * it is final or a notification follows); or a change of the call's state. */
enum completion { COMPLETES_ANSWER, COMPLETES_OPERATION, COMPLETES_STATE };

/* What a second sending would do (limits §5), when nobody knows what became of the first. */
enum repetition {
    REPEAT_NONE,     /* it is no request                                                       */
    REPEAT_HARMLESS, /* nothing new: answered like the first                                   */
    REPEAT_REFUSED, /* nothing new: refused (404, 409), since it is so already; that is a success */
    REPEAT_CONTEXT, /* be recognised by its clientContext                                     */
    REPEAT_NEVER    /* act twice, so it is never sent blindly                                 */
};

/* Path parameters are {call}, {participant}, {group}, {session}, {operation}; recording.download's
 * "{url}" stands for the whole address. */
struct method {
    const char *name;   /* as `ivory methods` says it: "playPrompt", "participant.mute" */
    const char *object; /* whose method it is in Lua: "ivr", "call", "participant",
                           "audioRoutingGroup", "contentSharingSession", "operation",
                           "recording"; "joining" for the answers of reference §6 */
    const char *lua;    /* its name there: "playPrompt", "mute" */
    const char *verb;   /* "POST", ...; NULL = no request: the answer to a joining notification */
    const char *path;   /* below the version, "/communications/calls/{call}/mute"; NULL as verb */
    const char *body;   /* type of the body where it says "@odata.type" of itself, or NULL */
    const struct field *fields; /* ends with name NULL */
    const char *bare;           /* the field that a single bare argument fills, or NULL */
    enum completion completes;
    const char *operation; /* type of the operation, "playPromptOperation", or NULL */
    enum repetition repeat;
    bool media;       /* goes through the call's media queue (reference §2.7) */
    bool own_context; /* the runtime adds a clientContext when none is given */
    unsigned success; /* documented status: 200, 201, 202, 204 */
    unsigned versions;
    const char *section; /* "3.11" */
};

/* The table, ending with a row whose name is NULL. */
extern const struct method method_table[];
const struct method *method_find(const char *name);
/* By object and Lua name. */
const struct method *method_of(const char *object, const char *lua);
/* By verb and path of a request (version prefix removed, `/app` alias and `microsoft.graph.`
 * accepted, letters in any case, query ignored). Path parameters go into `ids` (an object, may be
 * NULL). When the path is known but not with this verb, returns NULL and sets `*other_verb`. */
const struct method *method_route(const char *verb, const char *path, cJSON *ids, bool *other_verb);

const struct type *type_find(const char *name); /* NULL: no such type */
const struct enumeration *enumeration_find(const char *name);
/* Field `name` of `type` or of the types it extends. */
const struct field *type_field(const struct type *type, const char *name);

/* Spelling of an enum member as the wire has it, given in any case; NULL when it is none. */
const char *enumeration_member(const struct enumeration *en, const char *text);

/* Check `args` (an object) for `m` and complete it in place: short forms become what they stand for
 * ({phone="+1..."} → invitationParticipantInfo with identitySet, "+1..." or a user's GUID alone
 * too, {uri=...} → mediaPrompt, mediaConfig "serviceHosted", one value where a list is due),
 * polymorphic values get "@odata.type", enum members their spelling, tones "1" → "tone1",
 * "12#" → three. What is in its full form already passes unchanged, so checking twice is harmless;
 * so do {"prompt":{...}} and {"recording":{...}} of the bindings, which request_encode resolves.
 * ERR_INVALID names the field by its path, counting from 1 as Lua does: "prompts[21]: at most 20";
 * unknown field, wrong type, missing, range. ERR_UNSUPPORTED: a field or method that the version
 * lacks ("loop: only in beta (reference 3.11)"). ERR_NOMEM. After an error `args` is half done. */
int method_check(const struct method *m, unsigned version, cJSON *args, struct error *e);

/* The same for a body on the wire, as the service judges it: no short forms, what is abstract must
 * say its "@odata.type", a `filled` field may be required. Changes nothing but the case of enum
 * members. */
int method_check_body(const struct method *m, unsigned version, cJSON *body, struct error *e);

/* The table as text (one line a method; free() it) or as JSON: an array of {name, object, lua,
 * verb, path, fields: [{name, type, list, required, filled, min, max, least, most, versions,
 * remark}], bare, completes: "answer" | "operation" | "state", operation, repeat: "harmless" |
 * "refused" | "context" | "never", media, success, versions: ["v1.0", "beta"], section}. What is
 * not so is left out; verb and path of what is no request are null. NULL = no memory. */
char *methods_text(void);
cJSON *methods_json(void);

#endif
