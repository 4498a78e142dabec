/*
 * Audio on disk, named by its content: <data>/prompts/<hash>.wav with the words that it says in
 * <hash>.txt, and <data>/recordings/<hash>.wav. The service fetches a prompt long after its bundle
 * has gone, so prompts are copied here when a bundle is taken into use; a file appears whole or not
 * at all. Folders are made with mode 0700. Any thread.
 */
#ifndef IVORY_HOST_PROMPT_STORE_H
#define IVORY_HOST_PROMPT_STORE_H

#include "base/error.h"
#include "core/bundle.h"

#include <stddef.h>

struct prompt_store;

/* Make the folders below `data` where they are missing. ERR_IO, ERR_NOMEM. */
int prompt_store_new(struct prompt_store **out, const char *data, struct error *e);

/* Copy the prompts of `b` that are not there yet. ERR_IO names the file; ERR_CONFLICT: a file is no
 * longer what the bundle was read from. */
int prompt_store_add(struct prompt_store *s, const struct bundle *b, struct error *e);

enum store_kind {
    STORE_PROMPT,    /* the WAV of a prompt     */
    STORE_TEXT,      /* the words that it says  */
    STORE_RECORDING, /* the WAV of a recording  */
};

/* The path of the file with that hash; free() it. NULL when the hash is not 64 lower-case
 * hexadecimal digits, there is no such file, or memory is out. */
char *prompt_store_path(const struct prompt_store *s, enum store_kind kind, const char *hash);

/* Keep a recording: `hash` is the SHA-256 of its bytes. ERR_INVALID when it is not; ERR_IO. */
int prompt_store_put_recording(struct prompt_store *s, const char *hash, const void *p, size_t n,
                               struct error *e);

void prompt_store_free(struct prompt_store *s);

#endif
