#include "host/config_keys.h"

#include "net/http_listen.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_TEXT 1000

static const char *wanted(enum config_type t)
{
    switch (t) {
    case CONFIG_LIST:
        return "a list of texts";
    case CONFIG_INT:
        return "a whole number";
    case CONFIG_NUMBER:
        return "a number";
    case CONFIG_FLAG:
        return "true or false";
    default:
        return "a text";
    }
}

void config_value_clear(struct config_value *v)
{
    for (size_t i = 0; v->list && v->list[i]; i++)
        free(v->list[i]);
    free(v->list);
    free(v->text);
    *v = (struct config_value){.origin = v->origin};
}

static bool is_choice(const char *choices, const char *text)
{
    size_t n = strlen(text);

    for (const char *at = choices; *at; at += strcspn(at, "|"), at += *at == '|') {
        if (strcspn(at, "|") == n && strncmp(at, text, n) == 0)
            return true;
    }
    return false;
}

static int check_text(const struct config_key *k, const char *text, size_t n, struct error *e)
{
    size_t longest = k->type != CONFIG_LIST && k->max > 0 ? (size_t)k->max : LONGEST_TEXT;
    char host[256];
    unsigned port;

    if (strlen(text) != n || text[strcspn(text, "\r\n")])
        return error_set(e, ERR_INVALID, "must be one line");
    if (n > longest)
        return error_set(e, ERR_INVALID, "is longer than %zu bytes", longest);
    if (n == 0)
        return error_set(e, ERR_INVALID, "is empty; leave the key out instead");
    if (k->type == CONFIG_ADDRESS)
        return listen_parse(text, host, sizeof host, &port, e);
    if (k->type == CONFIG_CHOICE && !is_choice(k->choices, text))
        return error_set(e, ERR_INVALID, "is \"%s\", must be one of %s", text, k->choices);
    if (k->type == CONFIG_URL) {
        const char *host_at = strstr(text, "://");
        bool known = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;

        if (!known || strpbrk(text, " \t\"<>") || !host_at[3] || host_at[3] == '/')
            return error_set(e, ERR_INVALID, "\"%s\" is not an http or https address", text);
    }
    return 0;
}

int config_put_text(struct config_value *v, const struct config_key *k, const char *text, size_t n,
                    struct error *e)
{
    int err = k->type > CONFIG_FOLDER
                  ? error_set(e, ERR_INVALID, "is a text, must be %s", wanted(k->type))
                  : check_text(k, text, n, e);

    if (err)
        return err;
    config_value_clear(v);
    v->text = strndup(text, n);
    if (!v->text)
        return error_set(e, ERR_NOMEM, "no memory");
    while (k->type == CONFIG_URL && n && v->text[n - 1] == '/')
        v->text[--n] = '\0';
    v->set = true;
    return 0;
}

int config_put_number(struct config_value *v, const struct config_key *k, double number,
                      struct error *e)
{
    if (k->type != CONFIG_INT && k->type != CONFIG_NUMBER)
        return error_set(e, ERR_INVALID, "is a number, must be %s", wanted(k->type));
    if (!(number >= k->min && number <= k->max)) /* also what is no number */
        return error_set(e, ERR_INVALID, "is %.15g, must be from %.15g to %.15g", number, k->min,
                         k->max);
    if (k->type == CONFIG_INT && floor(number) != number)
        return error_set(e, ERR_INVALID, "is %.15g, must be %s", number, wanted(k->type));
    config_value_clear(v);
    v->number = number;
    v->integer = (int64_t)number;
    v->set = true;
    return 0;
}

int config_put_flag(struct config_value *v, const struct config_key *k, bool flag, struct error *e)
{
    if (k->type != CONFIG_FLAG)
        return error_set(e, ERR_INVALID, "is true or false, must be %s", wanted(k->type));
    config_value_clear(v);
    v->flag = flag;
    v->set = true;
    return 0;
}

int config_put_item(struct config_value *v, const struct config_key *k, size_t i, const char *text,
                    size_t n, struct error *e)
{
    char **list;
    int err;

    if (k->type != CONFIG_LIST)
        return error_set(e, ERR_INVALID, "is a list, must be %s", wanted(k->type));
    if (i >= (size_t)k->max)
        return error_set(e, ERR_INVALID, "has more than %.15g items", k->max);
    err = check_text(k, text, n, e);
    if (err)
        return err;
    if (i == 0)
        config_value_clear(v);
    list = realloc(v->list, (i + 2) * sizeof *list);
    if (list) {
        v->list = list;
        list[i + 1] = NULL;
        list[i] = strndup(text, n);
    }
    if (!list || !list[i])
        return error_set(e, ERR_NOMEM, "no memory");
    v->set = true;
    return 0;
}

static int put_items(struct config_value *v, const struct config_key *k, const char *text,
                     struct error *e)
{
    char item[LONGEST_TEXT + 2];
    int err = 0;

    for (size_t i = 0; !err && *text; i++) {
        size_t n = strcspn(text, ",");

        snprintf(item, sizeof item, "%.*s", (int)(n < sizeof item ? n : sizeof item - 1), text);
        err = config_put_item(v, k, i, item, strlen(item), e);
        text += n;
        text += *text == ',';
    }
    return err;
}

int config_put_parsed(struct config_value *v, const struct config_key *k, const char *text,
                      struct error *e)
{
    char *end;
    double number;

    if (!*text) {
        config_value_clear(v);
        return 0;
    }
    switch (k->type) {
    case CONFIG_LIST:
        return put_items(v, k, text, e);
    case CONFIG_INT:
    case CONFIG_NUMBER:
        number = strtod(text, &end);
        if (*end || text[strspn(text, "0123456789.eE+-")])
            return error_set(e, ERR_INVALID, "is \"%s\", must be %s", text, wanted(k->type));
        return config_put_number(v, k, number, e);
    case CONFIG_FLAG:
        if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
            return error_set(e, ERR_INVALID, "is \"%s\", must be %s", text, wanted(k->type));
        return config_put_flag(v, k, *text == 't', e);
    default:
        return config_put_text(v, k, text, strlen(text), e);
    }
}
