#include "test.h"

#include "host/config.h"
#include "host/config_keys.h"
#include "host/config_lua.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER "build/test-config"
#define FILE_  FOLDER "/ivory.conf"

static void put_file(const char *path, const char *text)
{
    FILE *f;

    mkdir(FOLDER, 0755);
    f = fopen(path, "wb");
    if (!EXPECT(f != NULL))
        exit(2);
    fputs(text, f);
    fclose(f);
}

/* Read `text` as the file; NULL with `e` filled when it is refused. */
static struct config *read_text(const char *text, struct error *e)
{
    struct config *c = NULL;

    put_file(FILE_, text);
    e->text[0] = '\0';
    return config_read(&c, FILE_, NULL, 0, e) ? NULL : c;
}

static struct config *good(const char *text)
{
    struct error e;
    struct config *c = read_text(text, &e);

    if (!EXPECT_STR(c ? "" : e.text, ""))
        exit(2);
    return c;
}

static void has_the_documented_defaults(void)
{
    static const struct limits standard = LIMITS_DEFAULT;
    struct config *c = good("");
    struct limits l;

    EXPECT_STR(config_str(c, "listen"), "127.0.0.1:8080");
    EXPECT_STR(config_str(c, "public_url"), NULL);
    EXPECT_STR(config_str(c, "graph.authority"), "https://login.microsoftonline.com");
    EXPECT_STR(config_list(c, "inbound.issuers")[1], "https://graph.microsoft.com");
    EXPECT(config_list(c, "inbound.issuers")[2] == NULL);
    EXPECT(config_bool(c, "inbound.verify"));
    EXPECT(!config_bool(c, "exchange.apart"));
    EXPECT_STR(config_origin(c, "listen"), "default");
    memset(&l, 0, sizeof l);
    config_limits(c, &l);
    EXPECT(memcmp(&l, &standard, sizeof l) == 0);
    config_free(c);
}

static void takes_assignments_and_a_table(void)
{
    static const char *const forms[] = {
        "listen = '0.0.0.0:1'\ngraph = { url = 'https://g.example/', http2 = true }\n"
        "exchange = { faults = { drop = 0.25 } }\ninbound = { issuers = { 'a', 'b' } }\n",
        "local port = 1\nlisten = '0.0.0.0:' .. port\ngraph.url = 'https://g.example'\n"
        "graph.http2 = true\nexchange.faults.drop = 1/4\ninbound.issuers = { 'a', 'b' }",
        "return { listen = '0.0.0.0:1', graph = { url = 'https://g.example//', http2 = true },\n"
        "exchange = { faults = { drop = 0.25 } }, inbound = { issuers = { 'a', 'b' } } }\n"};

    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct config *c = good(forms[i]);

        EXPECT_STR(config_str(c, "listen"), "0.0.0.0:1");
        EXPECT_STR(config_str(c, "graph.url"), "https://g.example");
        EXPECT(config_bool(c, "graph.http2"));
        EXPECT(config_num(c, "exchange.faults.drop") == 0.25);
        EXPECT_STR(config_list(c, "inbound.issuers")[1], "b");
        EXPECT_IN(config_origin(c, "graph.http2"), FILE_ ":");
        config_free(c);
    }
}

static void refuses_with_file_line_and_key(void)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"\n\ngraph = {\n  urll = 'x',\n}",
         ":4: graph.urll: no such key (did you mean graph.url?)"},
        {"lisen = 1", ":1: lisen: no such key (did you mean listen?)"},
        {"something_else = 1", ":1: something_else: no such key"},
        {"-- listen = 1\nlisten = 8080", ":2: listen: is a number, must be a text"},
        {"listen = 'nowhere'", ":1: listen: \"nowhere\" is not an address"},
        {"graph = { version = 'v2' }", "graph.version: is \"v2\", must be one of v1.0|beta"},
        {"graph.http2 = 'yes'", ":1: graph.http2: is a text, must be true or false"},
        {"graph = 'x'", ":1: graph: must be a table"},
        {"graph.url = 'graph.example'", "is not an http or https address"},
        {"graph.url = 'https:///x'", "is not an http or https address"},
        {"graph.url = { 'x' }", "graph.url: is a table, must be a single value"},
        {"workers = 0", ":1: workers: is 0, must be from 1 to 64"},
        {"workers = 1.5", "workers: is 1.5, must be a whole number"},
        {"limits = { turn_ms = 0/0 }", "limits.turn_ms: is "},
        {"limits.turn_ms = -1", "must be from 1 to 60000"},
        {"exchange.faults = {\n drop = 1.5 }", ":2: exchange.faults.drop: is 1.5"},
        {"inbound.issuers = 'x'", "inbound.issuers: is a text, must be a list of texts"},
        {"inbound.issuers = {}", "must be a list of texts"},
        {"inbound.issuers = { 'a', x = 'b' }", "must be a list of texts"},
        {"inbound.issuers = { 'a', 7 }", "item 2 is no text"},
        {"inbound.issuers = {1,2,3,4,5,6,7,8,9,10,11}", "item 1 is no text"},
        {"language = 'a-language-too-long'", "is longer than 15 bytes"},
        {"language = ''", "is empty"},
        {"flows = 'a\\nb'", "must be one line"},
        {"flows = 'a\\0b'", "must be one line"},
        {"return { 'x' }", "holds a value without a name"},
        {"return 7", "returns a number, must be a table"},
        {"listen = print", "ivory.conf"},
        {"listen = ", ":1: unexpected symbol"},
        {"x.y = 1", ":1: attempt to index a nil value (global 'x')"},
        {"while true do end", "takes too long"},
        {"x = {} for i = 1, 1e9 do x[i] = i end", "takes too long"},
        {"local s = 'x' while true do s = s .. s end", "no memory"},
        {"\x1bLua", "binary chunk"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error e;
        struct config *c = read_text(cases[i].text, &e);

        if (cases[i].text[0] == 'l' && strstr(cases[i].text, "print")) {
            EXPECT(c != NULL); /* there is no print: nil is "not set" */
            config_free(c);
            continue;
        }
        if (!EXPECT(c == NULL) || !EXPECT_IN(e.text, cases[i].why) || !EXPECT_IN(e.text, FILE_)) {
            printf("  %s\n", cases[i].text);
            config_free(c);
        }
    }
}

static void finds_lines(void)
{
    static const char text[] = "--[[ graph = {\n url = 1 } ]]\n"
                               "listen = \"a = { b\"\n" /* 3 */
                               "s = [==[\n url = ]] ]==]\n"
                               "graph = { -- url = 2\n"
                               "  [\"url\"] = 'x', version =\n" /* 7 */
                               "    'y',\n"
                               "}\n"
                               "exchange = { faults = {\n"
                               "  drop = 1 == 1, }, listen = 'z' }\n" /* 11 */
                               "graph . tenant = 1\n"
                               "listen = 2\n"
                               "exchange.faults[\"repeat\"] = 1\n";
    static const struct {
        const char *name;
        int line;
    } cases[] = {{"graph", 6},
                 {"graph.url", 7},
                 {"graph.version", 7},
                 {"exchange", 10},
                 {"exchange.faults", 10},
                 {"exchange.faults.drop", 11},
                 {"exchange.listen", 11},
                 {"graph.tenant", 12},
                 {"listen", 13},
                 {"exchange.faults.repeat", 14},
                 {"url", 0},
                 {"drop", 0}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!EXPECT_INT(config_lua_line(text, cases[i].name), cases[i].line))
            printf("  %s\n", cases[i].name);
    }
    EXPECT_INT(config_lua_line("return { a = 1 }", "a"), 1);
    EXPECT_INT(config_lua_line("x = {{{{{{{{{{{{{{{{{{{{{{ '", "a"), 0);
    EXPECT_INT(config_lua_line("}}} [==[ never", "a"), 0);
}

static void later_sources_win(void)
{
    char *sets[] = {"log.level=warn", "inbound.issuers=x,y", "graph.tenant="};
    struct config *c = NULL;
    struct error e;

    put_file(FILE_,
             "log = { level = 'debug', format = 'json' }\ngraph.tenant = 't'\nlanguage='de'");
    setenv("IVORY_LOG_LEVEL", "error", 1);
    setenv("IVORY_LIMITS_TURN_MS", "250", 1);
    setenv("IVORY_INBOUND_VERIFY", "false", 1);
    EXPECT_INT(config_read(&c, FILE_, sets, 3, &e), 0);
    EXPECT_STR(config_str(c, "log.level"), "warn");
    EXPECT_STR(config_origin(c, "log.level"), "--set");
    EXPECT_STR(config_str(c, "log.format"), "json");
    EXPECT_STR(config_origin(c, "language"), FILE_ ":3");
    EXPECT_INT(config_int(c, "limits.turn_ms"), 250);
    EXPECT_STR(config_origin(c, "limits.turn_ms"), "IVORY_LIMITS_TURN_MS");
    EXPECT(!config_bool(c, "inbound.verify"));
    EXPECT_STR(config_list(c, "inbound.issuers")[0], "x");
    EXPECT_STR(config_list(c, "inbound.issuers")[1], "y");
    EXPECT_STR(config_str(c, "graph.tenant"), NULL);
    config_free(c);
    setenv("IVORY_LIMITS_TURN_MS", "soon", 1);
    EXPECT_INT(config_read(&c, FILE_, NULL, 0, &e), ERR_INVALID);
    EXPECT_STR(e.text, "IVORY_LIMITS_TURN_MS: is \"soon\", must be a whole number");
    unsetenv("IVORY_LIMITS_TURN_MS");
    unsetenv("IVORY_LOG_LEVEL");
    unsetenv("IVORY_INBOUND_VERIFY");
}

static void refuses_bad_sets(void)
{
    static const struct {
        char *set;
        const char *why;
    } cases[] = {{"listen", "--set listen: must be of the form a.b=value"},
                 {"graph.ulr=x", "--set graph.ulr: no such key (did you mean graph.url?)"},
                 {"=x", "no such key"},
                 {"workers=0x1", "must be a whole number"},
                 {"workers=nan", "must be a whole number"},
                 {"workers=1e99", "must be from 1 to 64"},
                 {"inbound.verify=yes", "must be true or false"},
                 {"listen=", "--set: listen: is empty"},
                 {"inbound.issuers=a,,b", "is empty"}};
    struct config *c;
    struct error e;

    put_file(FILE_, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *set = cases[i].set;

        EXPECT_INT(config_read(&c, FILE_, &set, 1, &e), ERR_INVALID);
        EXPECT_IN(e.text, cases[i].why);
    }
}

static void prints_what_it_reads(void)
{
    struct config *c = good("listen = '[::1]:1'\nflows = 'a\"\\\\b'\nexchange.faults.drop = 0.1\n"
                            "graph.url = 'https://g.example'\ninbound.issuers = { 'x', 'y' }\n"
                            "graph.secret_file = '/etc/hostname'\ninbound.verify = false\n");
    char *one = config_print(c), *two;

    config_free(c);
    EXPECT_IN(one, "listen = \"[::1]:1\"  -- " FILE_ ":1; ");
    EXPECT_IN(one, "exchange.faults.drop = 0.1  -- ");
    EXPECT_IN(one, "-- public_url is not set  -- default");
    EXPECT_IN(one,
              "graph.secret_file = \"/etc/hostname\"  -- " FILE_ ":6; its content is not shown");
    c = good(one);
    EXPECT_STR(config_str(c, "flows"), "a\"\\b");
    EXPECT_STR(config_list(c, "inbound.issuers")[1], "y");
    EXPECT(config_num(c, "exchange.faults.drop") == 0.1);
    two = config_print(c);
    for (char *a = one, *b = two; *a && *b; a += strcspn(a, "\n"), b += strcspn(b, "\n"), a++, b++)
        EXPECT(strncmp(a, b, strcspn(a, " ")) == 0); /* origins differ, keys do not */
    config_free(c);
    free(one);
    free(two);
}

static void checks_what_serve_needs(void)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"flows = '/no/such'", ":1: flows: cannot read /no/such: No such file"},
        {"flows = '/etc/hostname'", "flows: /etc/hostname is not a folder"},
        {"flows = '/etc'\n\nadmin.token_file = '/no/such'", ":3: admin.token_file: cannot read"},
        {"flows = '/etc'\nadmin.token_file = '/etc'", ":2: admin.token_file: /etc is not a file"},
        {"graph.url = 'https://g.example'", ":1: graph.url is set, so public_url is needed too"},
        {"graph.url = 'https://127.0.0.1.example'", "public_url is needed too"},
    };
    struct config *c;
    struct error e;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        c = good(cases[i].text);
        EXPECT(config_check(c, &e) < 0);
        EXPECT_IN(e.text, cases[i].why);
        config_free(c);
    }
    c = good("flows = '/etc' graph.url = 'http://127.0.0.1:8090'");
    EXPECT_INT(config_check(c, &e), 0);
    config_free(c);
}

static void reads_secrets(void)
{
    static const char text[] = "graph.secret_file = '" FOLDER "/secret'";
    struct config *c = good(text);
    struct error e;
    char *secret;

    put_file(FOLDER "/secret", "s3cret words \r\n\n");
    secret = config_secret(c, "graph.secret_file", &e);
    EXPECT_STR(secret, "s3cret words");
    free(secret);
    put_file(FOLDER "/secret", " \n");
    EXPECT(config_secret(c, "graph.secret_file", &e) == NULL);
    EXPECT_STR(e.text, FILE_ ":1: graph.secret_file: " FOLDER "/secret is empty");
    unlink(FOLDER "/secret");
    EXPECT(config_secret(c, "graph.secret_file", &e) == NULL);
    EXPECT_IN(e.text, "No such file");
    EXPECT(config_secret(c, "admin.token_file", &e) == NULL);
    config_free(c);
    EXPECT_INT(config_read(&c, "/no/such/file", NULL, 0, &e), ERR_IO);
    EXPECT_IN(e.text, "/no/such/file");
    EXPECT_INT(config_read(&c, "/etc", NULL, 0, &e), ERR_IO);
}

static void survives_failing_memory(void)
{
    char *sets[] = {"inbound.issuers=x,y"};

    put_file(FILE_, "listen = '127.0.0.1:1' graph = { url = 'https://x' }\n"
                    "inbound.issuers = { 'a', 'b' }");
    EVERY_ALLOCATION(n)
    {
        struct config *c = NULL;
        struct error e;

        if (config_read(&c, FILE_, sets, 1, &e) == 0)
            free(config_print(c));
        config_free(c);
    }
}

const struct test config_tests[] = {TEST(has_the_documented_defaults),
                                    TEST(takes_assignments_and_a_table),
                                    TEST(refuses_with_file_line_and_key),
                                    TEST(finds_lines),
                                    TEST(later_sources_win),
                                    TEST(refuses_bad_sets),
                                    TEST(prints_what_it_reads),
                                    TEST(checks_what_serve_needs),
                                    TEST(reads_secrets),
                                    TEST(survives_failing_memory),
                                    {0}};
