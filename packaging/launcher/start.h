/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runtime in place of this process, with the program and the user's words. */
#ifndef AVAIL_START_H
#define AVAIL_START_H

#include "memory.h"
#include "package.h"

/* From PLACE/ID; returns -errno if that cannot be done. */
int start_from_directory(const struct package *package, const char *place, char **words);

/* From memory; returns -errno if that cannot be done. */
int start_from_memory(const struct package *package, const struct memory *memory, char **words);

#endif
