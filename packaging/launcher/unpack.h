/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The payload as a stream of files. */
#ifndef AVAIL_UNPACK_H
#define AVAIL_UNPACK_H

#include <limits.h>

#include "package.h"

/* This file is not wanted. */
#define SINK_SKIPS INT_MIN

/* Where the files go: a directory (store.c) or memory (memory.c). */
struct sink {
	/* A descriptor for the entry's content, SINK_SKIPS, or -errno. */
	int (*open)(void *context, const struct package_entry *entry);
	/* The content is complete; 0 or -errno. The descriptor is the sink's to close, in any case. */
	int (*finish)(void *context, const struct package_entry *entry, int fd);
	void *context;
};

/*
 * Reads the whole package once, checks its SHA-256, and writes its files on the way. Returns 0; then
 * all files are what they were built as. Otherwise nothing of them may be used: -EBADMSG for a
 * package that is damaged, or another -errno for what could not be read or written.
 */
int unpack(const struct package *package, const struct sink *sink);

#endif
