// SPDX-License-Identifier: GPL-2.0-or-later
/* Stands in for the runtime: tells how it was started, a line each; with "sleep" it stays. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv, char **envp)
{
	char path[4096];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[length < 0 ? 0 : length] = '\0';
	printf("exe=%s\n", path);
	for (int i = 0; i < argc; i++)
		printf("arg=%s\n", argv[i]);
	for (; *envp; envp++)
		printf("env=%s\n", *envp);
	fflush(stdout);
	if (argc > 1 && strcmp(argv[argc - 1], "sleep") == 0)
		pause();
	return argc > 1 && strcmp(argv[argc - 1], "fail") == 0 ? 7 : 0;
}
