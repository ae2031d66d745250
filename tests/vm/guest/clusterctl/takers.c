// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sends a frame and tells by the counters what became of it: how many more each node has accepted,
 * and how many more it has refused as another's: "1 0 0  0 1 1".
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clusterctl.h"
#include "clusterdev/clusterdev.h"

#define NODES_MAX 16

static void count_all(const char *device, char *const *nodes, int count, u64 (*counts)[2])
{
	for (int i = 0; i < count; i++) {
		enter_namespace(nodes[i]);
		counts[i][0] = link_counter(device, CLUSTERDEV_COUNT_ACCEPTED);
		counts[i][1] = link_counter(device, CLUSTERDEV_COUNT_NOT_OWNED);
	}
}

int takers(int count, char **words)
{
	u64 before[NODES_MAX][2], after[NODES_MAX][2];
	char *nodes[NODES_MAX], *rest;
	int node_count = 0;

	if (count < 5)
		usage("takers DEV NETNS,... NETNS IF FRAME...");
	rest = words[1];
	while (node_count < NODES_MAX && (nodes[node_count] = strsep(&rest, ",")))
		node_count++;
	count_all(words[0], nodes, node_count, before);
	enter_namespace(words[2]);
	frame_send(count - 3, words + 3);
	/* What waits in a backlog is done by then. */
	usleep(50000);
	count_all(words[0], nodes, node_count, after);
	for (int reason = 0; reason < 2; reason++) {
		for (int i = 0; i < node_count; i++)
			printf("%s%llu", i ? " " : "",
			       (unsigned long long)(after[i][reason] - before[i][reason]));
		fputs(reason ? "\n" : "  ", stdout);
	}
	return 0;
}
