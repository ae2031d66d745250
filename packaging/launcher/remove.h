/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and removing directories, without following symbolic links. */
#ifndef AVAIL_REMOVE_H
#define AVAIL_REMOVE_H

#include <dirent.h>

/* The names in a directory but "." and "..". */
struct names {
	DIR *directory;
};

/* `at` stays open. Returns 0 or -errno. */
int names_read(struct names *names, int at);
const char *names_next(struct names *names);
void names_free(struct names *names);

/* Removes a file, or a directory with all that is in it, as far as that can be done. */
void remove_tree(int at, const char *name);

#endif
