// SPDX-License-Identifier: GPL-2.0-or-later
/* From the words of a command line to values. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clusterctl.h"

void usage(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fputs("clusterctl: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	exit(2);
}

void fail(const char *what)
{
	fprintf(stderr, "clusterctl: %s: %s\n", what, strerrorname_np(errno));
	exit(1);
}

const char *value_of(const char *word, const char *name)
{
	size_t length = strlen(name);

	return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

u64 parse_number(const char *text)
{
	char *end;
	u64 number;

	errno = 0;
	number = strtoull(text, &end, 0);
	if (errno || end == text || *end)
		usage("a number: %s", text);
	return number;
}

int parse_choice(const char *text, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (names[i] && !strcmp(text, names[i]))
			return i;
	return (int)parse_number(text);
}

struct address parse_address(const char *text)
{
	struct address a = { .family = strchr(text, ':') ? AF_INET6 : AF_INET };

	a.bytes = a.family == AF_INET ? 4 : 16;
	if (inet_pton(a.family, text, a.data) != 1)
		usage("an address: %s", text);
	return a;
}

void parse_mac(const char *text, u8 mac[6])
{
	int used = 0;

	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx%n", mac, mac + 1, mac + 2, mac + 3,
		   mac + 4, mac + 5, &used) != 6 || text[used])
		usage("a MAC: %s", text);
}

size_t parse_hex(const char *text, u8 *to, size_t bytes_max)
{
	size_t bytes = strlen(text) / 2;

	if (strlen(text) % 2 || bytes > bytes_max)
		usage("at most %zu bytes in hexadecimal: %s", bytes_max, text);
	for (size_t i = 0; i < bytes; i++)
		if (sscanf(text + 2 * i, "%2hhx", to + i) != 1)
			usage("hexadecimal: %s", text);
	return bytes;
}

void parse_buckets(const char *text, u8 map[32])
{
	memset(map, strcmp(text, "all") ? 0 : 0xff, 32);
	if (!strcmp(text, "all") || !strcmp(text, "none"))
		return;
	for (char *p = (char *)text;; p++) {
		long first = strtol(p, &p, 10), last = *p == '-' ? strtol(p + 1, &p, 10) : first;

		if ((*p && *p != ',') || first < 0 || last < first || last >= AVAIL_BUCKETS)
			usage("buckets: %s", text);
		for (; first <= last; first++)
			map[first >> 3] |= 1 << (first & 7);
		if (!*p)
			return;
	}
}

static int has_bucket(const u8 map[32], int bucket)
{
	return bucket < AVAIL_BUCKETS && map[bucket >> 3] >> (bucket & 7) & 1;
}

void print_buckets(const u8 map[32])
{
	const char *separator = "";

	for (int first = 0; first < AVAIL_BUCKETS; first++) {
		int last = first;

		if (!has_bucket(map, first))
			continue;
		while (has_bucket(map, last + 1))
			last++;
		printf(last > first ? "%s%d-%d" : "%s%d", separator, first, last);
		separator = ",";
		first = last;
	}
	if (!*separator)
		fputs("none", stdout);
}

u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

u64 parse_lease(const char *ms)
{
	u64 number;

	if (!strcmp(ms, "forever"))
		return UINT64_MAX;
	number = parse_number(ms);
	return number ? now_ns() + number * 1000000 : 0;
}

struct address nth_address(struct address first, u32 n)
{
	u32 low;

	memcpy(&low, first.data + first.bytes - 4, 4);
	low = htonl(ntohl(low) + n);
	memcpy(first.data + first.bytes - 4, &low, 4);
	return first;
}

void to_background(void)
{
	pid_t pid = fork();

	if (pid < 0)
		fail("fork");
	if (pid) {
		printf("%d\n", (int)pid);
		fflush(stdout);
		_exit(0);
	}
	setsid();
	/* Who waits for the end of the output waits no longer. */
	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "r", stdin))
		fail("/dev/null");
}

void enter_namespace(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail(path);
	close(fd);
}
