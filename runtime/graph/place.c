#include "graph/place.h"

#include "graph/notify.h"

#include <string.h>
#include <strings.h>

static bool next_part(const char **path, char *part, size_t cap)
{
    size_t n;

    *path += strspn(*path, "/");
    n = strcspn(*path, "/?#");
    if (!n || n >= cap)
        return false;
    memcpy(part, *path, n);
    part[n] = '\0';
    *path += n;
    return true;
}

static bool same(const char *part, const char *name)
{
    return strcasecmp(part, name) == 0;
}

bool place_find(const char *path, struct place *p)
{
    char part[2 * ID_MAX] = "", before[2 * ID_MAX] = "communications";
    const char *host = strstr(path, "://");

    *p = (struct place){0};
    if (host && strcspn(path, "/?#") >= (size_t)(host - path))
        path = host + 3 + strcspn(host + 3, "/?#");
    while (next_part(&path, part, sizeof part) && !same(part, "calls"))
        memcpy(before, part, sizeof before);
    if (!same(part, "calls") || (!same(before, "communications") && !same(before, "app")))
        return false;
    if (!next_part(&path, p->name, sizeof p->name) || !id_normalise(p->call_id, p->name))
        return false;
    path += strspn(path, "/");
    if (!next_part(&path, part, sizeof part))
        return *path == '\0' || *path == '?' || *path == '#';
    if (strlen(part) >= sizeof p->collection)
        return false;
    for (size_t i = 0; part[i]; i++)
        p->collection[i] = (char)(part[i] | (part[i] >= 'A' && part[i] <= 'Z' ? 32 : 0));
    p->name[0] = '\0';
    path += strspn(path, "/");
    if (*path == '\0' || *path == '?' || *path == '#')
        return true;
    return next_part(&path, p->name, sizeof p->name) && id_normalise(p->id, p->name);
}

bool notify_resource(const char *path, char call_id[ID_MAX], char collection[32], char id[ID_MAX])
{
    struct place p;

    if (!place_find(path, &p))
        return false;
    memcpy(call_id, p.call_id, ID_MAX);
    memcpy(collection, p.collection, 32);
    memcpy(id, p.id, ID_MAX);
    return true;
}
