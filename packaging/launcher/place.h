/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Directories that nobody but root and this user can change, and programs can be run from. */
#ifndef AVAIL_PLACE_H
#define AVAIL_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#define PLACES_MAX 4

struct place {
	int fd;
	char path[PATH_MAX];	/* without symbolic links */
};

/*
 * Where to unpack to, best first; the number of them. With AVAIL_RUNTIME_DIR in the environment it is
 * that directory alone. Never a directory that all may write to, such as /tmp.
 */
int places(char paths[PLACES_MAX][PATH_MAX]);

/*
 * Opens a place; what of its path is missing is made. Returns 0, or -1 after `say_unfit`: it could be
 * changed by others (owner and mode of it and of everything above it are looked at), forbids programs
 * (noexec), or cannot be made.
 */
int place_open(struct place *place, const char *path);

/* Whether a file or directory is ours or root's, and only its owner may write to it. */
bool is_trusted(const struct stat *stat);

#endif
