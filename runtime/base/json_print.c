/* From a tree to text: the library's spelling, byte for byte, without its buffer that is sized anew
 * for each piece. */
#include "base/buf.h"
#include "base/json.h"
#include "base/json_tree.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL = 240 }; /* bytes that most values fit into */

static void print_string(struct buf *b, const char *text)
{
    static const char odd[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    size_t n = text ? strlen(text) : 0, i = 0, done = 0;

    buf_char(b, '"');
    while ((i += json_plain(text + i, n - i)) < n) {
        unsigned char c = (unsigned char)text[i++];
        const char *at = c < 0x80 ? strchr(odd, c) : NULL;

        if (!at && c >= 0x20)
            continue;
        buf_add(b, text + done, i - 1 - done);
        done = i;
        if (at)
            buf_add(b, (char[]){'\\', letters[at - odd]}, 2);
        else
            buf_fmt(b, "\\u%04x", c);
    }
    buf_add(b, text + done, n - done);
    buf_char(b, '"');
}

/* The library's measure of whether 15 digits tell a number. */
static bool is_near(double a, double b)
{
    return fabs(a - b) <= fmax(fabs(a), fabs(b)) * DBL_EPSILON;
}

static void print_number(struct buf *b, const cJSON *v)
{
    double x = v->valuedouble;
    char text[32];

    if (isnan(x) || isinf(x)) {
        buf_str(b, "null");
    } else if (x == (double)v->valueint && (x != 0 || !signbit(x))) {
        buf_int(b, v->valueint);
    } else {
        snprintf(text, sizeof text, "%1.15g", x);
        if (!is_near(strtod(text, NULL), x))
            snprintf(text, sizeof text, "%1.17g", x);
        buf_str(b, text);
    }
}

static void print(struct buf *b, const cJSON *v)
{
    bool object = cJSON_IsObject(v);

    switch (v->type & 0xFF) {
    case cJSON_False:
        buf_add(b, "false", 5);
        break;
    case cJSON_True:
        buf_add(b, "true", 4);
        break;
    case cJSON_NULL:
        buf_add(b, "null", 4);
        break;
    case cJSON_Number:
        print_number(b, v);
        break;
    case cJSON_String:
        print_string(b, v->valuestring);
        break;
    case cJSON_Raw:
        buf_str(b, v->valuestring);
        break;
    default:
        buf_char(b, object ? '{' : '[');
        for (const cJSON *m = v->child; m; m = m->next) {
            if (object) {
                print_string(b, m->string);
                buf_char(b, ':');
            }
            print(b, m);
            if (m->next)
                buf_char(b, ',');
        }
        buf_char(b, object ? '}' : ']');
        break;
    }
}

void json_add(struct buf *b, const cJSON *v)
{
    if (v)
        print(b, v);
    else
        b->err = ERR_NOMEM;
}

char *json_text(const cJSON *v)
{
    struct buf b = {0};

    buf_reserve(&b, USUAL);
    json_add(&b, v);
    return buf_take(&b);
}
