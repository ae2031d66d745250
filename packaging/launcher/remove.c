// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "remove.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int names_read(struct names *names, int at)
{
	int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	names->directory = fdopendir(fd);
	if (names->directory)
		return 0;
	close(fd);
	return -ENOMEM;
}

const char *names_next(struct names *names)
{
	struct dirent *entry;

	while ((entry = readdir(names->directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return entry->d_name;
	return NULL;
}

void names_free(struct names *names)
{
	closedir(names->directory);
}

void remove_tree(int at, const char *name)
{
	struct names names;
	int fd;

	if (unlinkat(at, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
		return;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return;
	if (names_read(&names, fd) == 0) {
		for (const char *below = names_next(&names); below; below = names_next(&names))
			remove_tree(fd, below);
		names_free(&names);
	}
	close(fd);
	unlinkat(at, name, AT_REMOVEDIR);
}
