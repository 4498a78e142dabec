/*
 * What a path at the public address asks for: a webhook about new calls or about one call, or audio
 * that the call service fetches. Text in, a few fields out; knows nothing of what there is.
 */
#ifndef IVORY_HOST_PUBLIC_PATH_H
#define IVORY_HOST_PUBLIC_PATH_H

#include "host/prompt_store.h"

enum { PUBLIC_NAME_MAX = 65 };

struct public_path {
    enum public_kind {
        PUBLIC_UNKNOWN,
        PUBLIC_WEBHOOK, /* /api/calls[/<key>], the key is `name`; "" for new calls */
        PUBLIC_AUDIO,   /* /prompts/<hash>/<language>/<name>.wav, the same as .txt, and
                           /recordings/<hash>.wav: the hash alone, which is `name`, finds it */
    } kind;
    enum store_kind store; /* of audio */
    char name[PUBLIC_NAME_MAX];
};

/* `url` may have a query. Whether a hash is one, the store says. */
void public_path_parse(struct public_path *out, const char *url);

#endif
