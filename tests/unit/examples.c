#include "tests/unit/examples.h"

#include "base/buf.h"
#include "base/json.h"
#include "graph/methods.h"
#include "tests/unit/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_example(const struct dirent *d)
{
    const char *dot = strrchr(d->d_name, '.');

    return dot && strcmp(dot, ".json") == 0;
}

void examples_each(example_visit *visit, void *arg)
{
    struct dirent **files;
    int n = scandir(EXAMPLES_DIR, &files, is_example, alphasort);

    EXPECT_INT(n, 105);
    for (int i = 0; i < n; i++) {
        char path[400];
        size_t size;
        char *text;
        cJSON *v = NULL;
        struct error e;

        snprintf(path, sizeof path, EXAMPLES_DIR "/%s", files[i]->d_name);
        text = test_read_file(path, &size);
        *strrchr(files[i]->d_name, '.') = '\0';
        if (test_expect(json_parse(&v, text, size, &e) == 0, __FILE__, __LINE__, "%s", path))
            visit(files[i]->d_name, v, arg);
        cJSON_Delete(v);
        free(text);
        free(files[i]);
    }
    free(files);
}

void examples_url(char out[600], const cJSON *request, const char *version)
{
    const char *at = json_str(request, "path");
    struct buf b = {0};
    int n = 0;

    if (*at == '/')
        buf_fmt(&b, EXAMPLES_ROOT "/%s", version);
    for (const char *hole; (hole = strstr(at, "{id}")); at = hole + 4) {
        buf_add(&b, at, (size_t)(hole - at));
        buf_fmt(&b, "id%d", ++n);
    }
    buf_str(&b, at);
    snprintf(out, 600, "%s", b.p);
    buf_fini(&b);
}

unsigned examples_version(const char *url)
{
    static const char beta[] = EXAMPLES_ROOT "/beta/";

    return strncmp(url, beta, sizeof beta - 1) == 0 ? VERSION_BETA : VERSION_V1;
}

struct request_walk {
    example_request_visit *visit;
    void *arg;
};

static void each_status(const struct request_walk *walk, struct example_request r)
{
    static const char *const statuses[] = {"notRecording", "recording", "failed"};

    for (size_t i = 0; i < 3; i++) {
        cJSON *one = json_copy(r.body);

        json_set_str(one, "status", statuses[i]);
        walk->visit(
            &(struct example_request){
                .name = r.name, .verb = r.verb, .url = r.url, .body = one, .headers = r.headers},
            walk->arg);
        cJSON_Delete(one);
    }
}

static void visit_request(const char *name, const cJSON *example, void *arg)
{
    const struct request_walk *walk = arg;
    const cJSON *request = json_get(example, "request");
    char url[600];
    struct example_request r = {.name = name,
                                .verb = json_str(request, "method"),
                                .url = url,
                                .body = json_get(request, "body"),
                                .headers = json_get(request, "headers")};
    const char *status = json_str(r.body, "status");

    /* The request for a token belongs to the wire and is compared there. */
    if (!request || strcmp(name, "concept.auth-v2-service.token") == 0)
        return;
    examples_url(url, request, json_str(example, "api_version"));
    if (status && strchr(status, '|'))
        each_status(walk, r);
    else
        walk->visit(&r, walk->arg);
}

void examples_each_request(example_request_visit *visit, void *arg)
{
    struct request_walk walk = {visit, arg};

    examples_each(visit_request, &walk);
}
