// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first part of dist/avail: starts the runtime and the program that follow it in the same file.
 *
 * A start costs a few stat(2) and one execve(2), once the file is unpacked. The first start unpacks it
 * into the first directory that fits (place.c) under a lock, and in one step (store.c). Where none
 * fits, it runs from memory (memory.c), which costs each start the unpacking, and each process 100 MB.
 *
 *	AVAIL_RUNTIME_DIR=DIR		unpack there instead; "memory": do not unpack to a disk
 *	AVAIL_LAUNCH_DEBUG=1		tell on standard error what is tried
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "memory.h"
#include "package.h"
#include "place.h"
#include "say.h"
#include "start.h"
#include "store.h"

#define EXIT_CODE_FAILED 1	/* lib/errors.ts */

static struct package package;
static struct memory memory;
static char paths[PLACES_MAX][PATH_MAX];

static int fail_damaged(void)
{
	say("%s is damaged or cut short: it is not what its SHA-256 says; copy it here again",
	    package.path);
	return EXIT_CODE_FAILED;
}

/* Returns, with 0 or -EBADMSG, only if the program could not be started from there. */
static int try_place(const char *path, char **words)
{
	struct place place;
	int err;

	if (place_open(&place, path) < 0)
		return 0;
	err = store_prepare(&package, &place);
	if (!err) {
		say_step("running from %s/%s", place.path, package.id);
		err = start_from_directory(&package, place.path, words);
		say_unfit(path, "programs cannot be run from here (%s)", strerror(-err));
	}
	close(place.fd);
	return err == -EBADMSG ? err : 0;
}

static int try_memory(char **words)
{
	int err = memory_prepare(&package, &memory);

	if (err == -EBADMSG)
		return err;
	if (!err) {
		say_step("running from memory");
		err = start_from_memory(&package, &memory, words);
	}
	say_unfit("memory", "%s", strerror(-err));
	return 0;
}

int main(int argc, char **argv)
{
	const char *wanted = getenv("AVAIL_RUNTIME_DIR");
	char **words = argv + (argc > 0 ? 1 : 0);
	int count, err;

	/* Behind a limit (ulimit -f), write(2) shall fail; start.c puts this back. */
	signal(SIGXFSZ, SIG_IGN);
	err = package_open(&package);
	if (err == -EBADMSG)
		return fail_damaged();
	if (err) {
		say("reading the program's own file, /proc/self/exe: %s; /proc must be mounted",
		    strerror(-err));
		return EXIT_CODE_FAILED;
	}
	count = wanted && strcmp(wanted, "memory") == 0 ? 0 : places(paths);
	if (wanted && count == 0 && strcmp(wanted, "memory") != 0)
		say_unfit(wanted, "AVAIL_RUNTIME_DIR must be an absolute path");
	for (int i = 0; i < count && !err; i++)
		err = try_place(paths[i], words);
	if (!err)
		err = try_memory(words);
	if (err == -EBADMSG)
		return fail_damaged();
	say("no place to run from: %s; set AVAIL_RUNTIME_DIR to a directory of root's that has room "
	    "and allows programs",
	    say_unfit_places());
	return EXIT_CODE_FAILED;
}
