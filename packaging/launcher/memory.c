// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "unpack.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U	/* Linux 6.3 */
#endif

static bool is_runtime(const struct package_entry *entry)
{
	return strcmp(entry->name, PACKAGE_RUNTIME) == 0;
}

static int open_memory(void *context, const struct package_entry *entry)
{
	/* Programs find it by this name in /proc/PID/maps and, of the runtime, in ps(1). */
	const char *name = strrchr(entry->name, '/');
	unsigned int flags = MFD_ALLOW_SEALING | (is_runtime(entry) ? MFD_CLOEXEC : 0);
	int fd;

	(void)context;
	if (strncmp(entry->name, PACKAGE_PARTS, strlen(PACKAGE_PARTS)) == 0)
		return SINK_SKIPS;
	name = name ? name + 1 : entry->name;
	fd = memfd_create(name, flags | MFD_EXEC);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags);
	return fd < 0 ? -errno : fd;
}

static int finish_memory(void *context, const struct package_entry *entry, int fd)
{
	struct memory *memory = context;
	size_t used = strlen(memory->files);

	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
		return -errno;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	if (is_runtime(entry)) {
		memory->runtime = fd;
		return 0;
	}
	if (strcmp(entry->name, PACKAGE_WHOLE) == 0)
		memory->program = fd;
	snprintf(memory->files + used, sizeof(memory->files) - used, "%s%s=%d", used ? ":" : "",
		 entry->name, fd);
	return 0;
}

int memory_prepare(const struct package *package, struct memory *memory)
{
	const struct sink sink = { open_memory, finish_memory, memory };
	int err;

	memory->runtime = -1;
	memory->program = -1;
	memory->files[0] = '\0';
	err = unpack(package, &sink);
	if (!err && (memory->runtime < 0 || memory->program < 0))
		err = -EBADMSG;
	return err;
}
