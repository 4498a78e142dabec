/*
 * Where the files are that were installed with the program, which then runs as PREFIX/bin/ivory. A
 * program that runs where it was built has none.
 */
#ifndef IVORY_HOST_INSTALLED_H
#define IVORY_HOST_INSTALLED_H

/* The configuration of an installed program: /etc/ivory/ivory.conf for the prefix /usr, else
 * PREFIX/etc/ivory/ivory.conf. NULL: it is not there. free() it. */
char *installed_config(void);

/* The example flows, PREFIX/share/ivory/flows; NULL: there are none. free() it. */
char *installed_flows(void);

#endif
