/* Macros of libraries that cppcheck has to know, as their headers are not read. */
#define cJSON_ArrayForEach(e, a) for ((e) = (a) ? (a)->child : 0; (e); (e) = (e)->next)
