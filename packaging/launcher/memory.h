/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where no directory fits, the files are in memory, one memfd_create(2) each. */
#ifndef AVAIL_MEMORY_H
#define AVAIL_MEMORY_H

#include "package.h"

struct memory {
	int runtime;	/* closed on exec */
	int program;	/* as all others, it stays open */
	char files[PACKAGE_ENTRIES_MAX * 100];	/* "NAME=FD:NAME=FD" */
};

/* Returns 0, -EBADMSG for a damaged package, or another -errno. */
int memory_prepare(const struct package *package, struct memory *memory);

#endif
