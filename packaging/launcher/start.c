// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "start.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The program needs nothing of the runtime's package management, and may do what its user may do. */
static const char *const runtime_words[] = {
	"avail",       "run",	       "--quiet",	"--no-config",
	"--no-lock",   "--no-remote",  "--no-npm",	"--cached-only",
	"--no-prompt", "--allow-all",  "--node-modules-dir=none",
};

/* A file in memory has no ending that says what it is, and there is no folder for a code cache. */
static const char *const memory_words[] = { "--ext=js", "--no-code-cache", NULL };
static const char *const directory_words[] = { NULL };

#define RUNTIME_WORDS (sizeof(runtime_words) / sizeof(runtime_words[0]))

/* The runtime's argument vector: its own words, those of `how`, the program, the user's words. */
static const char **command(const char *const *how, const char *program, char **words)
{
	size_t count = 0, used = 0;
	const char **all;

	while (words[count])
		count++;
	all = calloc(RUNTIME_WORDS + sizeof(memory_words) / sizeof(memory_words[0]) + 1 + count + 1,
		     sizeof(*all));
	if (!all)
		return NULL;
	for (size_t i = 0; i < RUNTIME_WORDS; i++)
		all[used++] = runtime_words[i];
	for (; *how; how++)
		all[used++] = *how;
	all[used++] = program;
	for (size_t i = 0; i < count; i++)
		all[used++] = words[i];
	return all;
}

static bool is_named(const char *variable, const char *prefix)
{
	return strncmp(variable, prefix, strlen(prefix)) == 0;
}

/*
 * The environment, without what would change the runtime's ways, and with what the program has to
 * know (packaging/program/carried.ts). `own` are three variables that live as long as the result.
 */
static const char **environment(char *own[3])
{
	size_t count = 0, used = 0;
	const char **all;

	while (environ[count])
		count++;
	all = calloc(count + 3 + 1 + 1, sizeof(*all));
	if (!all)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (is_named(environ[i], "DENO_") || is_named(environ[i], "NODE_OPTIONS=") ||
		    is_named(environ[i], "AVAIL_EXECUTABLE=") ||
		    is_named(environ[i], "AVAIL_FILES="))
			continue;
		all[used++] = environ[i];
	}
	all[used++] = "DENO_NO_UPDATE_CHECK=1";
	for (size_t i = 0; i < 3; i++)
		if (own[i])
			all[used++] = own[i];
	return all;
}

static char *variable(const char *name, const char *value, const char *end)
{
	char *text;

	return asprintf(&text, "%s=%s%s", name, value, end) < 0 ? NULL : text;
}

/* The kernel copies both vectors; C's types do not say so. */
static int replace_process(int at, const char *path, const char **argv, const char **envp)
{
	union {
		const char **ours;
		char *const *theirs;
	} words = { argv }, variables = { envp };
	int err;

	signal(SIGXFSZ, SIG_DFL);
	execveat(at, path, words.theirs, variables.theirs, path[0] ? 0 : AT_EMPTY_PATH);
	err = -errno;
	signal(SIGXFSZ, SIG_IGN);
	return err;
}

int start_from_directory(const struct package *package, const char *place, char **words)
{
	char runtime[PATH_MAX], program[PATH_MAX], directory[PATH_MAX];
	char *own[3] = { 0 };
	const char **argv, **envp;

	snprintf(directory, sizeof(directory), "%s/%s", place, package->id);
	snprintf(runtime, sizeof(runtime), "%.*s/" PACKAGE_RUNTIME, PATH_MAX - 64, directory);
	snprintf(program, sizeof(program), "%.*s/" PACKAGE_PROGRAM, PATH_MAX - 64, directory);
	own[0] = variable("AVAIL_EXECUTABLE", package->path, "");
	own[1] = variable("DENO_DIR", directory, "/cache");
	argv = command(directory_words, program, words);
	envp = environment(own);
	if (!own[0] || !own[1] || !argv || !envp)
		return -ENOMEM;
	return replace_process(AT_FDCWD, runtime, argv, envp);
}

int start_from_memory(const struct package *package, const struct memory *memory, char **words)
{
	char program[32];
	char *own[3];
	const char **argv, **envp;

	snprintf(program, sizeof(program), "/proc/self/fd/%d", memory->program);
	own[0] = variable("AVAIL_EXECUTABLE", package->path, "");
	own[1] = variable("AVAIL_FILES", memory->files, "");
	/* Not even root can make a folder there. */
	own[2] = variable("DENO_DIR", "/dev/null", "/none");
	argv = command(memory_words, program, words);
	envp = environment(own);
	if (!own[0] || !own[1] || !own[2] || !argv || !envp)
		return -ENOMEM;
	return replace_process(memory->runtime, "", argv, envp);
}
