#include "test.h"

#include "base/buf.h"
#include "base/id.h"
#include "core/bundle.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- a folder for one test --------------------------------------------------------------------*/

struct folder {
    char path[64];
};

static void folder_make(struct folder *f)
{
    snprintf(f->path, sizeof f->path, "/tmp/ivory-bundle-XXXXXX");
    if (!mkdtemp(f->path)) {
        printf("cannot make a folder in /tmp\n");
        exit(2);
    }
}

static void folder_remove(const char *path)
{
    DIR *d = opendir(path);
    const struct dirent *entry;
    char below[512];

    while (d && (entry = readdir(d))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (unlink(below) != 0)
            folder_remove(below);
    }
    if (d)
        closedir(d);
    rmdir(path);
}

/* The path of `name` in the folder, its own folders made. */
static const char *in(const struct folder *f, const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", f->path, name);
    for (char *p = path + strlen(f->path) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(path, 0700);
        *p = '/';
    }
    return path;
}

static void put(const struct folder *f, const char *name, const void *bytes, size_t n)
{
    FILE *out = fopen(in(f, name), "wb");

    if (!EXPECT(out != NULL))
        return;
    fwrite(bytes, 1, n, out);
    fclose(out);
}

static void put_text(const struct folder *f, const char *name, const char *text)
{
    put(f, name, text, strlen(text));
}

static void put_wav(const struct folder *f, const char *name, unsigned char sample)
{
    unsigned char p[44 + 3200] =
        "RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0\1\0\x80\x3E\0\0\0\x7D\0\0\2\0\20"
        "\0data\x80\x0C\0\0";

    memset(p + 44, sample, 3200);
    put(f, name, p, sizeof p);
}

static struct bundle *read_ok(const struct folder *f, const struct bundle_source *stdlib)
{
    struct bundle *b = NULL;
    struct error e = {""};

    bundle_read(&b, f->path, stdlib, &e);
    EXPECT_STR(e.text, "");
    return b;
}

static void expect_error(const struct folder *f, int code, const char *file, const char *why)
{
    struct bundle *b = NULL;
    struct error e = {""};

    EXPECT_INT(bundle_read(&b, f->path, NULL, &e), code);
    EXPECT_IN(e.text, file);
    EXPECT_IN(e.text, why);
    EXPECT(!b);
}

/* --- what is in it ----------------------------------------------------------------------------*/

static void reads_a_folder(void)
{
    static const struct bundle_source stdlib[] = {
        {"stdlib/ivr/menu.lua", "menu", 4}, {"stdlib/ivr/menu_test.lua", "x", 1}, {0}};
    struct folder f;
    struct bundle *b;

    folder_make(&f);
    put_text(&f, "main.lua", "main");
    put_text(&f, "empty.lua", "");
    put(&f, "zero.lua", "a\0b", 3);
    put_text(&f, "lib/deep/hours.lua", "hours");
    put_text(&f, "main_test.lua", "left out");
    put_text(&f, "tests/any.lua", "left out");
    put_text(&f, "lib/tests/any.lua", "left out");
    put_text(&f, ".hidden.lua", "left out");
    put_text(&f, ".git/x.lua", "left out");
    put_text(&f, "notes.txt", "left out");
    put_text(&f, "music.wav", "no prompt, so not looked at");
    put_wav(&f, "prompts/en/welcome.wav", 1);
    put_wav(&f, "prompts/de/welcome.wav", 2);
    put_text(&f, "prompts/en/welcome.txt", "Welcome.");

    b = read_ok(&f, stdlib);
    if (EXPECT_INT(b->nfiles, 5)) {
        EXPECT_STR(b->files[0].name, "flows/empty.lua");
        EXPECT_STR(b->files[0].text, "");
        EXPECT_STR(b->files[1].name, "flows/lib/deep/hours.lua");
        EXPECT_STR(b->files[2].name, "flows/main.lua");
        EXPECT_STR(b->files[2].text, "main");
        EXPECT_STR(b->files[3].name, "flows/zero.lua");
        EXPECT_INT(b->files[3].n, 3);
        EXPECT_STR(b->files[4].name, "stdlib/ivr/menu.lua");
    }
    EXPECT_STR(b->folder, f.path);
    EXPECT(bundle_file(b, "flows/main.lua") == &b->files[2]);
    EXPECT(!bundle_file(b, "main.lua"));
    EXPECT(!bundle_file(b, "flows/main_test.lua"));
    if (EXPECT_INT(b->nprompts, 2)) {
        char hash[65], *text;
        size_t n;

        EXPECT_STR(b->prompts[0].language, "de");
        EXPECT_STR(b->prompts[1].name, "welcome");
        EXPECT_INT(b->prompts[0].ms, 100);
        text = test_read_file(b->prompts[0].path, &n);
        sha256_hex(hash, text, n);
        EXPECT_STR(b->prompts[0].hash, hash);
        free(text);
        EXPECT(bundle_prompt_by_hash(b, hash) == &b->prompts[0]);
    }
    EXPECT(!bundle_prompt_by_hash(b, "0"));
    bundle_unref(bundle_ref(b));
    bundle_unref(b);
    folder_remove(f.path);
}

static void an_empty_folder_is_a_bundle(void)
{
    struct folder f;
    struct bundle *b;

    folder_make(&f);
    b = read_ok(&f, NULL);
    EXPECT_INT(b->nfiles + b->nprompts, 0);
    EXPECT_INT(strlen(b->id), 64);
    EXPECT(!bundle_file(b, "flows/main.lua"));
    EXPECT(!bundle_prompt(b, "en", "en", "x"));
    bundle_unref(b);
    bundle_unref(NULL);
    folder_remove(f.path);
}

/* --- the id -----------------------------------------------------------------------------------*/

static char *id_of(const struct folder *f)
{
    static char ids[8][65];
    static int turn;
    struct bundle *b = read_ok(f, NULL);
    char *id = ids[turn = (turn + 1) % 8];

    strcpy(id, b->id);
    bundle_unref(b);
    return id;
}

static void the_id_is_the_content(void)
{
    struct folder f, g;
    char *first;

    folder_make(&f);
    folder_make(&g);
    put_text(&f, "a.lua", "one");
    put_text(&f, "b.lua", "two");
    put_wav(&f, "prompts/en/x.wav", 1);
    put_wav(&g, "prompts/en/x.wav", 1);
    put_text(&g, "b.lua", "two");
    put_text(&g, "a.lua", "one");
    first = id_of(&f);
    EXPECT_STR(id_of(&g), first);

    put_text(&g, "prompts/en/x.txt", "spoken text is no part of it");
    EXPECT_STR(id_of(&g), first);
    put_wav(&g, "prompts/en/x.wav", 2);
    EXPECT(strcmp(id_of(&g), first) != 0);
    put_wav(&g, "prompts/en/x.wav", 1);
    EXPECT_STR(id_of(&g), first);
    put_text(&g, "a.lua", "onet"); /* the same bytes, parted elsewhere */
    put_text(&g, "b.lua", "wo");
    EXPECT(strcmp(id_of(&g), first) != 0);
    put_text(&g, "a.lua", "two");
    put_text(&g, "b.lua", "one");
    EXPECT(strcmp(id_of(&g), first) != 0);
    folder_remove(g.path);
    folder_make(&g);
    put_text(&g, "a.lua", "one");
    put_text(&g, "b.lua", "two");
    put_wav(&g, "prompts/de/x.wav", 1);
    EXPECT(strcmp(id_of(&g), first) != 0);
    folder_remove(f.path);
    folder_remove(g.path);
}

static void prompts_fall_back_by_language(void)
{
    static const struct {
        const char *language, *fallback, *name, *want;
    } rows[] = {
        {"de", "en", "both", "de"},    {"de-AT", "en", "both", "de-AT"},
        {"de-CH", "en", "both", "de"}, {"de-Latn-CH", "en", "both", "de"},
        {"de", "en", "english", "en"}, {"fr", "en", "both", "en"},
        {"fr", "en-GB", "both", "en"}, {"fr", NULL, "both", NULL},
        {NULL, "en", "both", "en"},    {NULL, NULL, "both", NULL},
        {"", "", "both", NULL},        {"de", "en", "none", NULL},
        {"de-", "fr", "both", "de"},   {"-", "en", "both", "en"},
    };
    char long_tag[200];
    struct folder f;
    struct bundle *b;

    folder_make(&f);
    put_wav(&f, "prompts/en/both.wav", 1);
    put_wav(&f, "prompts/en/english.wav", 1);
    put_wav(&f, "prompts/de/both.wav", 2);
    put_wav(&f, "prompts/de-AT/both.wav", 3);
    b = read_ok(&f, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct bundle_prompt *p =
            bundle_prompt(b, rows[i].language, rows[i].fallback, rows[i].name);
        EXPECT_STR(p ? p->language : NULL, rows[i].want);
    }
    memset(long_tag, 'd', sizeof long_tag);
    long_tag[sizeof long_tag - 1] = '\0';
    EXPECT(bundle_prompt(b, long_tag, "en", "both") != NULL);
    bundle_unref(b);
    folder_remove(f.path);
}

/* --- odd folders ------------------------------------------------------------------------------*/

static void follows_links(void)
{
    struct folder f, far;
    struct bundle *b;
    char target[128];

    folder_make(&f);
    folder_make(&far);
    put_text(&far, "one.lua", "linked");
    put_text(&far, "sub/two.lua", "linked too");
    /* as a configuration is mounted: a link to a file behind a hidden link to a folder */
    EXPECT_INT(symlink(far.path, in(&f, "..data")), 0);
    EXPECT_INT(symlink("..data/one.lua", in(&f, "one.lua")), 0);
    snprintf(target, sizeof target, "%s/sub", far.path);
    EXPECT_INT(symlink(target, in(&f, "lib")), 0);
    EXPECT_INT(symlink("nowhere", in(&f, "dangling.txt")), 0);
    EXPECT_INT(symlink("nowhere", in(&f, ".#one.lua")), 0);
    b = read_ok(&f, NULL);
    EXPECT_INT(b->nfiles, 2);
    EXPECT(bundle_file(b, "flows/one.lua") && bundle_file(b, "flows/lib/two.lua"));
    bundle_unref(b);

    EXPECT_INT(symlink("nowhere", in(&f, "gone.lua")), 0);
    expect_error(&f, ERR_IO, "gone.lua", "No such file");
    unlink(in(&f, "gone.lua"));
    EXPECT_INT(symlink(".", in(&f, "again")), 0);
    expect_error(&f, ERR_INVALID, "again/again", "nested over 16 deep");
    folder_remove(f.path);
    folder_remove(far.path);
}

static void refuses_what_is_no_file(void)
{
    struct folder f;

    folder_make(&f);
    EXPECT_INT(mkfifo(in(&f, "pipe.lua"), 0600), 0);
    expect_error(&f, ERR_INVALID, "pipe.lua", "not a regular file");
    unlink(in(&f, "pipe.lua"));
    EXPECT_INT(symlink("/dev/zero", in(&f, "zero.lua")), 0);
    expect_error(&f, ERR_INVALID, "zero.lua", "not a regular file");
    unlink(in(&f, "zero.lua"));
    put_text(&f, "folder.lua/x.lua", "a folder may be named so");
    EXPECT_INT(mkfifo(in(&f, "pipe"), 0600), 0);
    bundle_unref(read_ok(&f, NULL));
    if (geteuid() != 0) {
        put_text(&f, "secret.lua", "x");
        chmod(in(&f, "secret.lua"), 0);
        expect_error(&f, ERR_IO, "secret.lua", "Permission denied");
    }
    folder_remove(f.path);
    expect_error(&f, ERR_IO, f.path, "No such file");
}

static void refuses_bad_files(void)
{
    static char large[(1 << 20) + 1];
    struct folder f;

    folder_make(&f);
    memset(large, ' ', sizeof large);
    put(&f, "large.lua", large, sizeof large);
    expect_error(&f, ERR_INVALID, "large.lua", "over 1 MiB");
    put(&f, "large.lua", large, sizeof large - 1);
    bundle_unref(read_ok(&f, NULL));
    put_text(&f, "bad\xFFname.lua", "x");
    expect_error(&f, ERR_INVALID, ".lua", "not UTF-8");
    unlink(in(&f, "bad\xFFname.lua"));
    put_text(&f, "bad\nname.lua", "x");
    expect_error(&f, ERR_INVALID, ".lua", "control character");
    unlink(in(&f, "bad\nname.lua"));
    put_text(&f, "prompts/en/x.wav", "RIFF but no more");
    expect_error(&f, ERR_INVALID, "prompts/en/x.wav", "not a RIFF/WAVE file");
    unlink(in(&f, "prompts/en/x.wav"));
    put_text(&f, "prompts/en/x.wav", "");
    expect_error(&f, ERR_INVALID, "prompts/en/x.wav", "not a RIFF/WAVE file");
    unlink(in(&f, "prompts/en/x.wav"));
    put_wav(&f, "prompts/x.wav", 1);
    expect_error(&f, ERR_INVALID, "prompts/x.wav", "prompts/<language>/<name>.wav");
    unlink(in(&f, "prompts/x.wav"));
    put_wav(&f, "prompts/en/sub/x.wav", 1);
    expect_error(&f, ERR_INVALID, "prompts/en/sub/x.wav", "prompts/<language>/<name>.wav");
    folder_remove(f.path);
}

static void refuses_too_many_files(void)
{
    struct bundle_source *s = calloc(10002, sizeof *s);
    struct bundle *b = NULL;
    struct error e;

    for (size_t i = 0; i < 10001; i++)
        s[i] = (struct bundle_source){"flows/x.lua", "", 0};
    EXPECT_INT(bundle_from(&b, s, &e), ERR_LIMIT);
    EXPECT_IN(e.text, "over 10000 files");
    s[10000].name = NULL;
    EXPECT_INT(bundle_from(&b, s, &e), 0);
    bundle_unref(b);
    free(s);
}

static void survives_failing_memory(void)
{
    static const struct bundle_source stdlib[] = {{"stdlib/ivr/menu.lua", "menu", 4}, {0}};
    struct folder f;

    folder_make(&f);
    put_text(&f, "main.lua", "main");
    put_text(&f, "lib/x.lua", "");
    put_wav(&f, "prompts/en/x.wav", 1);
    put_wav(&f, "prompts/en/y.wav", 1);
    EVERY_ALLOCATION(n)
    {
        struct bundle *b = NULL;
        struct error e;
        int err = bundle_read(&b, f.path, stdlib, &e);

        EXPECT((err == 0) == (b != NULL));
        EXPECT(err == 0 || err == ERR_NOMEM);
        bundle_unref(b);
    }
    folder_remove(f.path);
}

const struct test bundle_tests[] = {
    TEST(reads_a_folder),          TEST(an_empty_folder_is_a_bundle),
    TEST(the_id_is_the_content),   TEST(prompts_fall_back_by_language),
    TEST(follows_links),           TEST(refuses_what_is_no_file),
    TEST(refuses_bad_files),       TEST(refuses_too_many_files),
    TEST(survives_failing_memory), {0}};
