#include "host/installed.h"

#include "base/buf.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* PREFIX of the running program; false: it is not installed. */
static bool find_prefix(char prefix[PATH_MAX])
{
    ssize_t n = readlink("/proc/self/exe", prefix, PATH_MAX - 1);
    char *name;

    if (n <= 0)
        return false;
    prefix[n] = '\0';
    name = strrchr(prefix, '/');
    if (name - prefix < 4 || strncmp(name - 4, "/bin", 4) != 0)
        return false;
    name[-4] = '\0';
    return true;
}

/* `path` below the prefix, when it is there. */
static char *below(const char *prefix, const char *path)
{
    struct buf b = {0};

    if (buf_fmt(&b, "%s%s", prefix, path) || access(b.p, F_OK)) {
        buf_fini(&b);
        return NULL;
    }
    return buf_take(&b);
}

char *installed_config(void)
{
    char prefix[PATH_MAX];

    if (!find_prefix(prefix))
        return NULL;
    return below(strcmp(prefix, "/usr") == 0 ? "" : prefix, "/etc/ivory/ivory.conf");
}

char *installed_flows(void)
{
    char prefix[PATH_MAX];

    return find_prefix(prefix) ? below(prefix, "/share/ivory/flows") : NULL;
}
