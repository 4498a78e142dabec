#include "test.h"

#include "base/id.h"
#include "host/prompt_store.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "build/test-prompt-store"

static void put_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");

    if (!EXPECT(f != NULL))
        exit(2);
    fputs(text, f);
    fclose(f);
}

/* Files in the store's folder `name`; all are removed. */
static int sweep(const char *name)
{
    char path[600];
    DIR *d;
    int n = 0;

    snprintf(path, sizeof path, FOLDER "/data/%s", name);
    d = opendir(path);
    for (struct dirent *f; d && (f = readdir(d));) {
        if (f->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, FOLDER "/data/%s/%s", name, f->d_name);
        unlink(path);
        n++;
    }
    if (d)
        closedir(d);
    return n;
}

/* A bundle of one prompt that says `text`. */
static void make_bundle(struct bundle *b, struct bundle_prompt *p, const char *wav,
                        const char *text)
{
    mkdir(FOLDER, 0755);
    put_file(FOLDER "/hello.wav", wav);
    unlink(FOLDER "/hello.txt");
    if (text)
        put_file(FOLDER "/hello.txt", text);
    *p = (struct bundle_prompt){.path = FOLDER "/hello.wav"};
    sha256_hex(p->hash, wav, strlen(wav));
    *b = (struct bundle){.prompts = p, .nprompts = 1};
}

/* The content of a stored file; free() it. */
static char *stored(struct prompt_store *s, enum store_kind kind, const char *hash)
{
    char *path = prompt_store_path(s, kind, hash), *text;

    if (!EXPECT(path != NULL))
        exit(2);
    text = test_read_file(path, NULL);
    free(path);
    return text;
}

static void keeps_prompts_and_their_words(void)
{
    struct prompt_store *s = NULL;
    struct bundle_prompt p;
    struct bundle b;
    struct stat st;
    char *text;
    struct error e;

    make_bundle(&b, &p, "WAV", "Hello.");
    EXPECT_INT(prompt_store_new(&s, FOLDER "/data", &e), 0);
    sweep("prompts");
    EXPECT(stat(FOLDER "/data/prompts", &st) == 0 && (st.st_mode & 0777) == 0700);
    EXPECT(prompt_store_path(s, STORE_PROMPT, p.hash) == NULL);
    EXPECT_INT(prompt_store_add(s, &b, &e), 0);
    text = stored(s, STORE_PROMPT, p.hash);
    EXPECT_STR(text, "WAV");
    free(text);
    put_file(FOLDER "/hello.txt", "Hello!");
    EXPECT_INT(prompt_store_add(s, &b, &e), 0);
    text = stored(s, STORE_TEXT, p.hash);
    EXPECT_STR(text, "Hello!");
    free(text);
    EXPECT_INT(sweep("prompts"), 2); /* nothing temporary is left */
    prompt_store_free(s);
}

static void refuses_what_is_not_as_it_says(void)
{
    static const char *const names[] = {
        "",
        "abc",
        "../../../../etc/hostname",
        "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
        "../../../../../../../../../../../../../../../../../../etc/hostna"};
    struct prompt_store *s = NULL;
    struct bundle_prompt p;
    struct bundle b;
    struct error e;

    make_bundle(&b, &p, "WAV", NULL);
    EXPECT_INT(prompt_store_new(&s, FOLDER "/data", &e), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        EXPECT(prompt_store_path(s, STORE_PROMPT, names[i]) == NULL);
        EXPECT(prompt_store_path(s, STORE_RECORDING, names[i]) == NULL);
        EXPECT_INT(prompt_store_put_recording(s, names[i], "x", 1, &e), ERR_INVALID);
    }
    put_file(FOLDER "/hello.wav", "other");
    EXPECT_INT(prompt_store_add(s, &b, &e), ERR_CONFLICT);
    EXPECT_IN(e.text, "hello.wav has changed");
    unlink(FOLDER "/hello.wav");
    EXPECT(prompt_store_add(s, &b, &e) < 0);
    EXPECT_IN(e.text, "it has gone");
    EXPECT_INT(sweep("prompts"), 0);
    prompt_store_free(s);
    put_file(FOLDER "/file", "");
    EXPECT_INT(prompt_store_new(&s, FOLDER "/file/data", &e), ERR_IO);
    EXPECT_IN(e.text, FOLDER "/file");
}

static void keeps_recordings(void)
{
    struct prompt_store *s = NULL;
    char hash[65], *text;
    struct error e;

    mkdir(FOLDER, 0755);
    EXPECT_INT(prompt_store_new(&s, FOLDER "/data", &e), 0);
    sweep("recordings");
    sha256_hex(hash, "sound", 5);
    EXPECT(prompt_store_path(s, STORE_RECORDING, hash) == NULL);
    EXPECT_INT(prompt_store_put_recording(s, hash, "sound", 5, &e), 0);
    EXPECT_INT(prompt_store_put_recording(s, hash, "sound", 5, &e), 0);
    EXPECT_INT(prompt_store_put_recording(s, hash, "noise", 5, &e), ERR_INVALID);
    text = stored(s, STORE_RECORDING, hash);
    EXPECT_STR(text, "sound");
    free(text);
    EXPECT_INT(sweep("recordings"), 1);
    prompt_store_free(s);
}

static void survives_failing_memory(void)
{
    struct bundle_prompt p;
    struct bundle b;
    char hash[65];

    make_bundle(&b, &p, "WAV", "Hello.");
    sha256_hex(hash, "sound", 5);
    EVERY_ALLOCATION(n)
    {
        struct prompt_store *s = NULL;

        if (prompt_store_new(&s, FOLDER "/data", NULL) == 0 && prompt_store_add(s, &b, NULL) == 0)
            prompt_store_put_recording(s, hash, "sound", 5, NULL);
        prompt_store_free(s);
    }
    sweep("prompts");
    sweep("recordings");
}

const struct test prompt_store_tests[] = {TEST(keeps_prompts_and_their_words),
                                          TEST(refuses_what_is_not_as_it_says),
                                          TEST(keeps_recordings),
                                          TEST(survives_failing_memory),
                                          {0}};
