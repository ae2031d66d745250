// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "say.h"

/* Beside -errno. */
#define UNTRUSTED 1

static int add(char paths[PLACES_MAX][PATH_MAX], int count, const char *base, const char *below)
{
	if (count == PLACES_MAX || !base || base[0] != '/')
		return count;
	if (snprintf(paths[count], PATH_MAX, "%s%s", base, below) >= PATH_MAX)
		return count;
	return count + 1;
}

int places(char paths[PLACES_MAX][PATH_MAX])
{
	const char *wanted = getenv("AVAIL_RUNTIME_DIR");
	int count = 0;

	if (wanted)
		return add(paths, 0, wanted, "");
	/* What root has unpacked there, others use, too. */
	count = add(paths, count, "/var/lib/avail/runtime", "");
	if (geteuid() == 0) {
		count = add(paths, count, "/var/cache/avail/runtime", "");
		count = add(paths, count, "/run/avail-runtime", "");
		return count;
	}
	if (getenv("XDG_CACHE_HOME"))
		count = add(paths, count, getenv("XDG_CACHE_HOME"), "/avail/runtime");
	else
		count = add(paths, count, getenv("HOME"), "/.cache/avail/runtime");
	return add(paths, count, getenv("XDG_RUNTIME_DIR"), "/avail-runtime");
}

bool is_trusted(const struct stat *stat)
{
	bool is_ours = stat->st_uid == 0 || stat->st_uid == geteuid();

	return is_ours && !(stat->st_mode & (S_IWGRP | S_IWOTH));
}

/* In a sticky directory (/tmp) others can make entries, but not exchange ours. */
static bool is_trusted_above(const struct stat *stat)
{
	bool is_ours = stat->st_uid == 0 || stat->st_uid == geteuid();

	return is_ours && (!(stat->st_mode & (S_IWGRP | S_IWOTH)) || (stat->st_mode & S_ISVTX));
}

/* Enters a directory that is there or is made; its descriptor, or -errno. */
static int enter(int above, const char *name)
{
	bool is_new = mkdirat(above, name, 0755) == 0;
	int fd;

	if (!is_new && errno != EEXIST)
		return -errno;
	/* Whatever root's umask: all users run what root has unpacked. */
	if (is_new && geteuid() == 0 && fchmodat(above, name, 0755, 0) < 0)
		return -errno;
	fd = openat(above, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* As realpath(3) of a path whose end need not exist; `rest` points at what does not. */
static int resolve(const char *path, char resolved[PATH_MAX], char rest[PATH_MAX])
{
	char known[PATH_MAX];

	rest[0] = '\0';
	snprintf(known, sizeof(known), "%s", path);
	while (!realpath(known, resolved)) {
		char *slash = strrchr(known, '/');

		if (errno != ENOENT || !slash)
			return -errno;
		snprintf(rest, PATH_MAX, "%s", path + (slash - known));
		if (slash == known)
			slash++;
		*slash = '\0';
	}
	return 0;
}

/*
 * Goes down from / to `path`, which has no symbolic links. Returns 0, -errno, or UNTRUSTED with
 * place->path at the directory that is not.
 */
static int walk(struct place *place, const char *path)
{
	char parts[PATH_MAX], *part, *after = NULL;
	size_t used = 0;
	struct stat stat;

	snprintf(parts, sizeof(parts), "%s", path);
	place->path[0] = '\0';
	place->fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (place->fd < 0)
		return -errno;
	for (part = strtok_r(parts, "/", &after); part; part = strtok_r(NULL, "/", &after)) {
		int next;

		if (fstat(place->fd, &stat) < 0)
			return -errno;
		if (!is_trusted_above(&stat))
			return UNTRUSTED;
		next = enter(place->fd, part);
		if (next < 0)
			return next;
		used += (size_t)snprintf(place->path + used, PATH_MAX - used, "/%s", part);
		close(place->fd);
		place->fd = next;
	}
	if (fstat(place->fd, &stat) < 0)
		return -errno;
	return is_trusted(&stat) ? 0 : UNTRUSTED;
}

/* A descriptor by O_PATH can be neither locked nor synced. */
static int reopen(struct place *place)
{
	int fd = openat(place->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close(place->fd);
	place->fd = fd;
	return 0;
}

static int open_trusted(struct place *place, const char *path)
{
	char resolved[PATH_MAX], rest[PATH_MAX], whole[PATH_MAX];
	int err = resolve(path, resolved, rest);
	int length;

	if (err)
		return err;
	length = snprintf(whole, sizeof(whole), "%s%s", strcmp(resolved, "/") ? resolved : "", rest);
	if (length >= PATH_MAX / 2)	/* below it come the version's and the files' names */
		return -ENAMETOOLONG;
	err = walk(place, whole);
	return err ? err : reopen(place);
}

int place_open(struct place *place, const char *path)
{
	struct statvfs system;
	int err;

	place->fd = -1;
	err = open_trusted(place, path);
	if (err == 0 && fstatvfs(place->fd, &system) < 0)
		err = -errno;
	if (err == 0 && !(system.f_flag & ST_NOEXEC))
		return 0;
	if (err == UNTRUSTED)
		say_unfit(path, "others could change %s", place->path[0] ? place->path : "/");
	else
		say_unfit(path, "%s", err ? strerror(-err) : "mounted noexec");
	if (place->fd >= 0)
		close(place->fd);
	return -1;
}
