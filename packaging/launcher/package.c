// SPDX-License-Identifier: GPL-2.0-or-later
#include "package.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_at(int fd, void *into, size_t bytes, uint64_t offset)
{
	uint8_t *at = into;

	while (bytes > 0) {
		ssize_t got = pread(fd, at, bytes, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -EBADMSG;
		at += got;
		offset += (uint64_t)got;
		bytes -= (size_t)got;
	}
	return 0;
}

/* Letters, digits and -._ in parts between single slashes; no part begins with a dot. */
static bool is_plain_name(const char *name, size_t room)
{
	size_t length = strnlen(name, room);
	bool is_start = true;

	if (length == 0 || length == room)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = name[i];
		bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			       (c >= '0' && c <= '9') || c == '_';

		if (is_start ? !is_word : !(is_word || c == '-' || c == '.' || c == '/'))
			return false;
		is_start = c == '/';
	}
	return !is_start;
}

static bool is_index_sound(const struct package *package)
{
	const struct package_trailer *trailer = &package->trailer;
	uint64_t left = trailer->unpacked_bytes;

	for (uint32_t i = 0; i < trailer->entries; i++) {
		const struct package_entry *entry = &package->entries[i];

		if (!is_plain_name(entry->name, sizeof(entry->name)) || entry->bytes > left)
			return false;
		left -= entry->bytes;
	}
	return left == 0 && strcmp(package->entries[0].name, PACKAGE_RUNTIME) == 0;
}

static bool is_trailer_sound(const struct package_trailer *trailer, uint64_t file_bytes)
{
	uint64_t before_index;

	if (memcmp(trailer->magic, PACKAGE_MAGIC, sizeof(trailer->magic)) != 0)
		return false;
	if (trailer->entries == 0 || trailer->entries > PACKAGE_ENTRIES_MAX)
		return false;
	if (memchr(trailer->version, 0, sizeof(trailer->version)) == NULL)
		return false;
	if (trailer->payload_offset > file_bytes || trailer->payload_bytes > file_bytes)
		return false;
	before_index = trailer->payload_offset + trailer->payload_bytes;
	return before_index + trailer->entries * sizeof(struct package_entry) + sizeof(*trailer) ==
	       file_bytes;
}

static int read_index(struct package *package, uint64_t file_bytes)
{
	struct package_trailer *trailer = &package->trailer;
	int err;

	if (file_bytes < sizeof(*trailer))
		return -EBADMSG;
	err = read_at(package->fd, trailer, sizeof(*trailer), file_bytes - sizeof(*trailer));
	if (err)
		return err;
	if (!is_trailer_sound(trailer, file_bytes))
		return -EBADMSG;
	err = read_at(package->fd, package->entries, trailer->entries * sizeof(struct package_entry),
		      trailer->payload_offset + trailer->payload_bytes);
	if (err)
		return err;
	return is_index_sound(package) ? 0 : -EBADMSG;
}

int package_open(struct package *package)
{
	struct stat stat;
	ssize_t length;
	int err;

	length = readlink("/proc/self/exe", package->path, sizeof(package->path) - 1);
	if (length < 0)
		return -errno;
	package->path[length] = '\0';
	package->fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	if (package->fd < 0)
		return -errno;
	if (fstat(package->fd, &stat) < 0)
		return -errno;
	err = read_index(package, (uint64_t)stat.st_size);
	if (err)
		return err;
	for (size_t i = 0; i < (PACKAGE_ID_BYTES - 1) / 2; i++)
		snprintf(package->id + 2 * i, 3, "%02x", package->trailer.sha256[i]);
	return 0;
}
