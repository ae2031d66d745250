/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A place holds one directory for each version, named by the package's id:
 *
 *	PLACE/.lock		held while unpacking or removing
 *	PLACE/.new-PID/		being unpacked; left behind by what was killed
 *	PLACE/ID/		complete, for it got this name in one step
 *	PLACE/ID/.in-use	held, shared, by every process that runs from it
 */
#ifndef AVAIL_STORE_H
#define AVAIL_STORE_H

#include "package.h"
#include "place.h"

/*
 * Makes sure that the package is unpacked in a place, and holds it there: until this process and its
 * successors by execve(2) end, no other version's start removes it. Waits for a process that is
 * unpacking there now, but not for ever. Returns 0, -EBADMSG for a damaged package, or another
 * -errno after `say_unfit`.
 */
int store_prepare(const struct package *package, const struct place *place);

#endif
