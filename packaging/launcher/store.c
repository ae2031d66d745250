// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "remove.h"
#include "say.h"
#include "unpack.h"

/* Unpacking takes half a second, on a slow disk ten. */
#ifndef LOCK_WAIT_MS
#define LOCK_WAIT_MS 30000
#endif
#define LOCK_POLL_MS 20
/* Left free for others on the disk. */
#define SPARE_BYTES (8u << 20)
#define IN_USE ".in-use"
#define NEW_PREFIX ".new-"
#define NAME_BYTES 160

/* Whether every file is there with its size, and nobody else could have changed it. */
static bool is_complete(const struct package *package, int place)
{
	char name[NAME_BYTES];
	struct stat stat;

	if (fstatat(place, package->id, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (!S_ISDIR(stat.st_mode) || !is_trusted(&stat))
		return false;
	for (uint32_t i = 0; i < package->trailer.entries; i++) {
		const struct package_entry *entry = &package->entries[i];

		snprintf(name, sizeof(name), "%s/%s", package->id, entry->name);
		if (fstatat(place, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
			return false;
		if (!S_ISREG(stat.st_mode) || !is_trusted(&stat))
			return false;
		if ((uint64_t)stat.st_size != entry->bytes)
			return false;
	}
	return true;
}

/*
 * Holds the version if it is complete. First the hold, then the look: what is held is not removed
 * any more. The descriptor stays open across execve(2).
 */
static bool hold(const struct package *package, int place)
{
	char name[NAME_BYTES];
	struct stat stat;
	int fd;

	snprintf(name, sizeof(name), "%s/" IN_USE, package->id);
	fd = openat(place, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return false;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0 && fstat(fd, &stat) == 0 && stat.st_nlink > 0 &&
	    is_complete(package, place))
		return true;
	close(fd);
	return false;
}

/* The place's lock, or -errno. */
static int lock(int place)
{
	const struct timespec pause = { .tv_nsec = LOCK_POLL_MS * 1000000L };
	int fd = openat(place, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -errno;
	for (int waited_ms = 0; waited_ms <= LOCK_WAIT_MS; waited_ms += LOCK_POLL_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return fd;
		if (errno != EWOULDBLOCK && errno != EINTR)
			break;
		nanosleep(&pause, NULL);
	}
	close(fd);
	return -ETIMEDOUT;
}

static int open_file(void *context, const struct package_entry *entry)
{
	int version = *(int *)context;
	char parent[sizeof(entry->name)];
	int fd;

	for (const char *slash = strchr(entry->name, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - entry->name), entry->name);
		if (mkdirat(version, parent, 0755) < 0 && errno != EEXIST)
			return -errno;
		if (fchmodat(version, parent, 0755, 0) < 0)
			return -errno;
	}
	fd = openat(version, entry->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	return fd < 0 ? -errno : fd;
}

static int finish_file(void *context, const struct package_entry *entry, int fd)
{
	bool is_program = strncmp(entry->name, "bin/", 4) == 0;
	int err = 0;

	(void)context;
	if (fchmod(fd, is_program ? 0755 : 0644) < 0)
		err = -errno;
	if (close(fd) < 0 && !err)
		err = -errno;
	return err;
}

static int sync_file(int version, const char *name)
{
	int fd = openat(version, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (fsync(fd) < 0)
		err = -errno;
	close(fd);
	return err;
}

/*
 * A version's last file; then all of it is on the disk before it gets its name. All files are
 * written before the first is waited for: the file system puts them there together.
 */
static int finish_version(const struct package *package, int version)
{
	static const struct package_entry in_use = { .name = IN_USE };
	int fd = open_file(&version, &in_use);
	int err;

	if (fd < 0)
		return fd;
	err = finish_file(NULL, &in_use, fd);
	for (uint32_t i = 0; i < package->trailer.entries && !err; i++)
		err = sync_file(version, package->entries[i].name);
	if (!err && (fchmod(version, 0755) < 0 || fsync(version) < 0))
		err = -errno;
	return err;
}

static int check_room(const struct package *package, const struct place *place)
{
	uint64_t needed = package->trailer.unpacked_bytes + SPARE_BYTES;
	struct statvfs system;
	uint64_t free;

	if (fstatvfs(place->fd, &system) < 0)
		return -errno;
	free = (uint64_t)system.f_bavail * system.f_frsize;
	/* What does not tell its size (0 blocks) is tried. */
	if (system.f_blocks == 0 || free >= needed)
		return 0;
	say_unfit(place->path, "%llu MB free, %llu MB needed", (unsigned long long)free >> 20,
		  (unsigned long long)(needed >> 20) + 1);
	return -ENOSPC;
}

/* Unpacks under a name of its own, then gives it the version's name in one step. */
static int unpack_into(const struct package *package, int place)
{
	char fresh[32];
	int version, err;
	const struct sink sink = { open_file, finish_file, &version };

	snprintf(fresh, sizeof(fresh), NEW_PREFIX "%d", getpid());
	if (mkdirat(place, fresh, 0700) < 0)
		return -errno;
	version = openat(place, fresh, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (version < 0) {
		err = -errno;
		goto remove_fresh;
	}
	err = unpack(package, &sink);
	if (!err)
		err = finish_version(package, version);
	close(version);
	if (err)
		goto remove_fresh;
	remove_tree(place, package->id);	/* incomplete or changed, or we would run from it */
	if (renameat(place, fresh, place, package->id) < 0) {
		err = -errno;
		goto remove_fresh;
	}
	fsync(place);
	return 0;

remove_fresh:
	remove_tree(place, fresh);
	return err;
}

/* With the lock held: what nobody is unpacking any more, and versions that nobody runs. */
static void remove_leftovers(const struct package *package, int place)
{
	struct names names;

	if (names_read(&names, place) < 0)
		return;
	for (const char *name = names_next(&names); name; name = names_next(&names)) {
		size_t length = strlen(name);
		char in_use[NAME_BYTES];
		int fd;

		if (strncmp(name, NEW_PREFIX, strlen(NEW_PREFIX)) == 0) {
			remove_tree(place, name);
			continue;
		}
		if (length != PACKAGE_ID_BYTES - 1 || strspn(name, "0123456789abcdef") != length ||
		    strcmp(name, package->id) == 0)
			continue;
		snprintf(in_use, sizeof(in_use), "%s/" IN_USE, name);
		fd = openat(place, in_use, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) == 0) {
			say_step("removing %s, which nobody runs any more", name);
			remove_tree(place, name);
		}
		if (fd >= 0)
			close(fd);
	}
	names_free(&names);
}

int store_prepare(const struct package *package, const struct place *place)
{
	int held, err;

	if (hold(package, place->fd))
		return 0;
	held = lock(place->fd);
	if (held == -ETIMEDOUT)
		say_unfit(place->path, "another start has held the lock for %d s",
			  LOCK_WAIT_MS / 1000);
	else if (held < 0)
		say_unfit(place->path, "%s", strerror(-held));
	if (held < 0)
		return held;
	err = 0;
	if (hold(package, place->fd))
		goto unlock;	/* another start has just unpacked it */
	remove_leftovers(package, place->fd);
	err = check_room(package, place);
	if (err)
		goto unlock;
	err = unpack_into(package, place->fd);
	if (!err && !hold(package, place->fd))
		err = -EIO;
	if (err && err != -EBADMSG)
		say_unfit(place->path, "%s", strerror(-err));
	else if (!err)
		say_step("unpacked to %s/%s", place->path, package->id);
unlock:
	close(held);
	return err;
}
