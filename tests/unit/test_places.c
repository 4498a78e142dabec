#include "host/places.h"

#include "tests/unit/test.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

struct tree {
    char top[64];
    int fd;
};

static void path_of(const struct tree *t, char out[256], const char *name)
{
    snprintf(out, 256, "%s/%s", t->top, name);
}

static void folder(const struct tree *t, const char *name)
{
    char path[256];

    path_of(t, path, name);
    CHECK(mkdir(path, 0700) == 0);
}

static void link_to(const struct tree *t, const char *target, const char *name)
{
    char path[256];

    path_of(t, path, name);
    CHECK(symlink(target, path) == 0);
}

/* top/current -> releases/1, top/releases/1/flows with a folder, a hidden one, a test's and a link
 * to top/shared/a.lua */
static void begin(struct tree *t)
{
    char real[PATH_MAX];

    strcpy(t->top, "/tmp/ivory-places-XXXXXX");
    CHECK(mkdtemp(t->top) && realpath(t->top, real) && strlen(real) < sizeof t->top);
    strcpy(t->top, real);
    t->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    CHECK(t->fd >= 0);
    folder(t, "releases");
    folder(t, "releases/1");
    folder(t, "releases/1/flows");
    folder(t, "releases/1/flows/lib");
    folder(t, "releases/1/flows/.git");
    folder(t, "releases/1/flows/tests");
    folder(t, "shared");
    link_to(t, "releases/1", "current");
    link_to(t, "../../../shared/a.lua", "releases/1/flows/a.lua");
    link_to(t, ".", "releases/1/flows/round");
    link_to(t, "endless", "endless");
}

static void end(struct tree *t)
{
    char command[128];

    close(t->fd);
    snprintf(command, sizeof command, "rm -rf %s", t->top);
    CHECK(system(command) == 0);
}

static const struct place *at(const struct tree *t, const struct places *p, const char *name)
{
    char path[256];

    path_of(t, path, name);
    for (size_t i = 0; i < p->n; i++) {
        struct stat a, b;

        if (stat(p->items[i].path, &a) == 0 && stat(path, &b) == 0 && a.st_ino == b.st_ino &&
            a.st_dev == b.st_dev)
            return &p->items[i];
    }
    return NULL;
}

static void every_step_of_the_way_is_watched(void)
{
    struct tree t;
    struct places p = {0};
    char path[256];
    const struct place *x;

    begin(&t);
    path_of(&t, path, "current/flows");
    EXPECT_INT(places_scan(&p, t.fd, path), 0);
    EXPECT_INT(p.failed, 0);
    x = at(&t, &p, "");
    EXPECT(x && !x->tree && places_concern(&p, x->wd, "current") &&
           places_concern(&p, x->wd, "releases") && places_concern(&p, x->wd, "shared") &&
           !places_concern(&p, x->wd, "other"));
    x = at(&t, &p, "releases");
    EXPECT(x && places_concern(&p, x->wd, "1") && !places_concern(&p, x->wd, "2"));
    x = at(&t, &p, "releases/1/flows");
    EXPECT(x && x->tree && places_concern(&p, x->wd, "anything"));
    x = at(&t, &p, "releases/1/flows/lib");
    EXPECT(x && x->tree);
    EXPECT(!at(&t, &p, "releases/1/flows/.git"));
    EXPECT(!at(&t, &p, "releases/1/flows/tests"));
    x = at(&t, &p, "shared");
    EXPECT(x && !x->tree && places_concern(&p, x->wd, "a.lua") &&
           !places_concern(&p, x->wd, "b.lua"));
    EXPECT(places_concern(&p, 12345, "a place not known"));
    places_fini(&p);
    end(&t);
}

static void what_is_missing_is_waited_for(void)
{
    struct tree t;
    struct places p = {0};
    char path[256];
    const struct place *x;

    begin(&t);
    path_of(&t, path, "releases/2/flows");
    EXPECT_INT(places_scan(&p, t.fd, path), 0);
    x = at(&t, &p, "releases");
    EXPECT(x && places_concern(&p, x->wd, "2"));
    places_fini(&p);
    path_of(&t, path, "endless/flows");
    EXPECT_INT(places_scan(&p, t.fd, path), 0);
    places_fini(&p);
    end(&t);
}

static void memory_may_fail(void)
{
    struct tree t;
    char path[256];

    begin(&t);
    path_of(&t, path, "current/flows");
    EVERY_ALLOCATION(n)
    {
        struct places p = {0};
        int err = places_scan(&p, t.fd, path);

        EXPECT(err == 0 || err == ERR_NOMEM);
        places_fini(&p);
    }
    end(&t);
}

const struct test places_tests[] = {TEST(every_step_of_the_way_is_watched),
                                    TEST(what_is_missing_is_waited_for),
                                    TEST(memory_may_fail),
                                    {0}};
