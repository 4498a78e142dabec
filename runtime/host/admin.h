/*
 * Handlers of the admin listener that stand in files of their own. The table of paths is in
 * admin.c.
 */
#ifndef IVORY_HOST_ADMIN_H
#define IVORY_HOST_ADMIN_H

#include "host/host.h"

typedef void(admin_action)(struct host *s, struct http_call *call,
                           const struct http_message *request, const char *rest);

/* admin_bundles.c */
admin_action admin_get_bundles;
admin_action admin_post_bundles; /* {"id":...}: give all new calls that bundle */
admin_action admin_post_reload;
admin_action admin_get_metrics;

#endif
