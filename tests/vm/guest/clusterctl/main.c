// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "clusterctl.h"

static const struct command {
	const char *name;
	int (*run)(int count, char **words);
	const char *synopsis;
} commands[] = {
	{ "add", link_add, "DEV LOWER|- MAC|- [ATTRIBUTE=VALUE]..." },
	{ "set", link_set, "DEV [ATTRIBUTE=VALUE]..." },
	{ "show", link_show, "DEV [NAME]..." },
	{ "hold", hold, "IN OUT: a state page, obeying the lines written to the FIFO IN" },
	{ "bucket", bucket_print, "[key= side= seed= nat= inside=] FRAME... | each=FIRST,COUNT[,DST]" },
	{ "send", frame_send, "IF [count=N] [linear=BYTES] FRAME... [+ FRAME...]..." },
	{ "takers", takers, "DEV NETNS,... NETNS IF FRAME...: who takes it, who refuses it" },
	{ "flood", flood, "IF DSTMAC SRCNET DSTIP COUNT [SEED]: frames of all kinds" },
	{ "serve", serve, "NAME PORT: says its name by TCP and UDP, in the background" },
	{ "who", who, "tcp|udp|ping DST PORT FIRST COUNT [wait=MS]: who answers each source" },
	{ "pour", pour, "DST PORT BYTES [SRC]: through TCP, and compares the digests of both ends" },
	{ "sniff", sniff, "IF QUIET_MS COMMAND...: the frames seen until it is over and quiet" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

int main(int count, char **words)
{
	if (count > 2 && !strcmp(words[1], "-n")) {
		enter_namespace(words[2]);
		words += 2;
		count -= 2;
	}
	if (count > 1)
		for (size_t i = 0; i < COMMANDS; i++)
			if (!strcmp(words[1], commands[i].name))
				return commands[i].run(count - 2, words + 2);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(stderr, "clusterctl [-n NETNS] %s %s\n", commands[i].name, commands[i].synopsis);
	return 2;
}
