/*
 * A bundle: a content-addressed snapshot of a flows folder and of the standard library. Its id is
 * the SHA-256 over names and bytes, so the same content is the same bundle wherever it was read.
 * Sources are held in memory; prompts are held as a catalogue (language, name, hash, length), their
 * bytes stay in the file. Immutable once made; shared by reference count. Thread-safe to read; the
 * count is atomic.
 */
#ifndef IVORY_CORE_BUNDLE_H
#define IVORY_CORE_BUNDLE_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bundle_file {
    char
        *name; /* as `require` and error messages say it: "flows/main.lua", "stdlib/ivr/menu.lua" */
    char *text;
    size_t n;
    char *code; /* the same compiled, see bundle_compile; else NULL */
    size_t ncode;
};

struct bundle_prompt {
    char *language; /* "en"                                     */
    char *name;     /* "main-menu"                              */
    char *path;     /* the file it was read from                */
    char hash[65];  /* SHA-256 of the file's bytes              */
    int64_t ms;     /* how long it plays                        */
};

struct bundle {
    char id[65];
    struct bundle_file *files; /* sorted by name */
    size_t nfiles;
    struct bundle_prompt *prompts; /* sorted by language, name */
    size_t nprompts;
    char *folder; /* where it was read from */
    int refs;
};

/* Files the build put into the binary: the standard library. The last entry has name NULL. */
struct bundle_source {
    const char *name;
    const char *text;
    size_t n;
};

/* Read `folder`: every *.lua in it and below (tests left out: *_test.lua and tests/), and
 * prompts/<language>/<name>.wav; hidden names are left out, links are followed. `stdlib` is added
 * (its names begin with "stdlib/"; NULL: none). Checks each WAV (RIFF PCM, one channel, 16 bit,
 * 16 kHz); nothing is compiled here. Errors name file and reason: ERR_IO, ERR_INVALID (a prompt of
 * the wrong format or in the wrong place, a file over 1 MiB, a name that is not UTF-8), ERR_LIMIT
 * (over 10,000 files). */
int bundle_read(struct bundle **out, const char *folder, const struct bundle_source *stdlib,
                struct error *e);

/* A bundle of files in memory, with no prompts; names as above ("flows/main.lua"). */
int bundle_from(struct bundle **out, const struct bundle_source *sources, struct error *e);

/* Compile its files, so that cells only load them: for who makes many cells of one bundle, before
 * it is shared. What cannot be compiled stays text, and is refused where it is loaded. */
void bundle_compile(struct bundle *b);

/* The file of that name, or NULL. */
const struct bundle_file *bundle_file(const struct bundle *b, const char *name);

/* Prompt `name` in `language`, else in the language without its region ("de-AT" → "de"), else in
 * `fallback` (and without its region); NULL when there is none. Languages are spelt as the folders
 * are; both may be NULL. */
const struct bundle_prompt *bundle_prompt(const struct bundle *b, const char *language,
                                          const char *fallback, const char *name);

/* Prompt with that hash, or NULL. */
const struct bundle_prompt *bundle_prompt_by_hash(const struct bundle *b, const char *hash);

/* The bundle as bytes, and back: sources, and the catalogue of prompts. free() the bytes; NULL = no
 * memory. ERR_INVALID: damaged. */
char *bundle_encode(const struct bundle *b, size_t *n);
int bundle_decode(struct bundle **out, const void *p, size_t n, struct error *e);

struct bundle *bundle_ref(struct bundle *b);
void bundle_unref(struct bundle *b);

/* Read the header of a WAV held in memory: length in ms, and where its samples are. ERR_INVALID
 * says what is wrong when it is not RIFF/WAVE PCM mono 16 bit 16 kHz (limits §3) or is cut short.
 */
int wav_check(const void *p, size_t n, int64_t *ms, size_t *data_at, size_t *data_n,
              struct error *e);

#endif
