// SPDX-License-Identifier: GPL-2.0-or-later
/* Makes, changes and shows a clusterdev. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clusterctl.h"
#include "clusterdev/clusterdev.h"

const char *const key_names[4] = { "source", "pair", "inside", "flow" };
const char *const side_names[2] = { "inside", "outside" };

static void put_u8(struct request *r, int type, int value)
{
	u8 byte = (u8)value;

	request_put(r, type, &byte, 1);
}

static void put_u32(struct request *r, int type, u32 value)
{
	request_put(r, type, &value, sizeof(value));
}

static void put_u64(struct request *r, int type, u64 value)
{
	request_put(r, type, &value, sizeof(value));
}

/* ADDRESS/LENGTH,...; "none" is the empty list */
static void put_inside(struct request *r, const char *text)
{
	char list[512], *rest = list, *word;
	void *all, *one;

	snprintf(list, sizeof(list), "%s", strcmp(text, "none") ? text : "");
	all = request_put(r, IFLA_CLUSTERDEV_INSIDE | NLA_F_NESTED, NULL, 0);
	while ((word = strsep(&rest, ",")) && *word) {
		char *slash = strchr(word, '/');
		struct address address;

		if (!slash)
			usage("ADDRESS/LENGTH: %s", word);
		*slash = 0;
		address = parse_address(word);
		one = request_put(r, CLUSTERDEV_PREFIX | NLA_F_NESTED, NULL, 0);
		request_put(r, CLUSTERDEV_PREFIX_ADDRESS, address.data, (size_t)address.bytes);
		put_u8(r, CLUSTERDEV_PREFIX_LENGTH, (int)parse_number(slash + 1));
		request_end(r, one);
	}
	request_end(r, all);
}

/* TYPE:HEX, an attribute as wrong as one likes */
static void put_raw(struct request *r, const char *text)
{
	u8 bytes[512];
	const char *colon = strchr(text, ':');

	if (!colon)
		usage("raw=TYPE:HEX: %s", text);
	request_put(r, atoi(text), bytes, parse_hex(colon + 1, bytes, sizeof(bytes)));
}

static void put_state(struct request *r, const char *text)
{
	/* Left open: the kernel looks it up while the request runs. */
	int fd = *text == '/' ? open(text, O_RDWR) : atoi(text);

	put_u32(r, IFLA_CLUSTERDEV_STATE_FD, (u32)fd);
}

static void put_attribute(struct request *r, const char *word)
{
	const char *value;
	u8 bytes[32] = {};

	if ((value = value_of(word, "key"))) {
		put_u8(r, IFLA_CLUSTERDEV_KEY, parse_choice(value, key_names, 4));
	} else if ((value = value_of(word, "side"))) {
		put_u8(r, IFLA_CLUSTERDEV_SIDE, parse_choice(value, side_names, 2));
	} else if ((value = value_of(word, "seed"))) {
		put_u64(r, IFLA_CLUSTERDEV_SEED, parse_number(value));
	} else if ((value = value_of(word, "nat"))) {
		request_put(r, IFLA_CLUSTERDEV_NAT4, parse_address(value).data, 4);
	} else if ((value = value_of(word, "inside"))) {
		put_inside(r, value);
	} else if ((value = value_of(word, "mark"))) {
		put_u32(r, IFLA_CLUSTERDEV_MARK_MASK, (u32)parse_number(value));
	} else if ((value = value_of(word, "buckets"))) {
		parse_buckets(value, bytes);
		request_put(r, IFLA_CLUSTERDEV_RESPONSIBILITY, bytes, 32);
	} else if ((value = value_of(word, "lease"))) {
		put_u64(r, IFLA_CLUSTERDEV_LEASE, parse_lease(value));
	} else if ((value = value_of(word, "epoch"))) {
		put_u64(r, IFLA_CLUSTERDEV_EPOCH, parse_number(value));
	} else if ((value = value_of(word, "cookie"))) {
		request_put(r, IFLA_CLUSTERDEV_COOKIE, strncpy((char *)bytes, value, 16), 16);
	} else if ((value = value_of(word, "state"))) {
		put_state(r, value);
	} else if ((value = value_of(word, "raw"))) {
		put_raw(r, value);
	} else {
		usage("no such attribute: %s", word);
	}
}

static void put_attributes(struct request *r, int count, char **words)
{
	void *info = request_put(r, IFLA_LINKINFO, NULL, 0), *data;

	request_put(r, IFLA_INFO_KIND, "clusterdev", 10);
	data = request_put(r, IFLA_INFO_DATA, NULL, 0);
	for (int i = 0; i < count; i++)
		put_attribute(r, words[i]);
	request_end(r, data);
	request_end(r, info);
}

static int index_of(const char *name)
{
	int index = (int)if_nametoindex(name);

	if (!index)
		fail(name);
	return index;
}

static int run(struct request *r, const char *what)
{
	const char *why;
	int error = request_run(r, &why);

	if (error)
		fprintf(stderr, "clusterctl: %s: %s%s%s\n", what, strerrorname_np(error),
			*why ? ": " : "", why);
	return error ? 1 : 0;
}

int link_add(int count, char **words)
{
	struct request r;
	u8 mac[6];

	if (count < 3)
		usage("add DEV LOWER|- MAC|- [ATTRIBUTE=VALUE]...");
	request_start(&r, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, 0);
	request_put(&r, IFLA_IFNAME, words[0], strlen(words[0]) + 1);
	if (strcmp(words[1], "-"))
		put_u32(&r, IFLA_LINK, (u32)index_of(words[1]));
	if (strcmp(words[2], "-")) {
		parse_mac(words[2], mac);
		request_put(&r, IFLA_ADDRESS, mac, sizeof(mac));
	}
	put_attributes(&r, count - 3, words + 3);
	return run(&r, words[0]);
}

int link_set(int count, char **words)
{
	struct request r;

	if (count < 1)
		usage("set DEV [ATTRIBUTE=VALUE]...");
	request_start(&r, RTM_NEWLINK, NLM_F_ACK, index_of(words[0]));
	put_attributes(&r, count - 1, words + 1);
	return run(&r, words[0]);
}

int link_give_state(const char *name, int fd, const char **why)
{
	struct request r;
	char word[32], *words[] = { word };
	int index = (int)if_nametoindex(name);

	snprintf(word, sizeof(word), "state=%d", fd);
	request_start(&r, RTM_NEWLINK, NLM_F_ACK, index);
	put_attributes(&r, 1, words);
	return request_run(&r, why);
}

/*
 * Shows
 */

static struct rtattr *find(struct rtattr *from, int length, int type)
{
	for (; RTA_OK(from, length); from = RTA_NEXT(from, length))
		if ((from->rta_type & NLA_TYPE_MASK) == type)
			return from;
	return NULL;
}

static struct rtattr *find_in(struct rtattr *nest, int type)
{
	return nest ? find(RTA_DATA(nest), (int)RTA_PAYLOAD(nest), type) : NULL;
}

static u64 number_in(const struct rtattr *attribute)
{
	u64 number = 0;

	memcpy(&number, RTA_DATA(attribute), RTA_PAYLOAD(attribute) > 8 ? 8 :
	       RTA_PAYLOAD(attribute));
	return number;
}

static void show_number(struct rtattr *data, int type, const char *name)
{
	struct rtattr *attribute = find_in(data, type);

	if (attribute)
		printf("%s=%" PRIu64 "\n", name, number_in(attribute));
}

static void show_choice(struct rtattr *data, int type, const char *name, const char *const *names,
			u64 count)
{
	struct rtattr *attribute = find_in(data, type);
	u64 choice = attribute ? number_in(attribute) : count;

	if (choice < count)
		printf("%s=%s\n", name, names[choice]);
}

static void show_inside(struct rtattr *list)
{
	struct rtattr *one = RTA_DATA(list);
	int length = (int)RTA_PAYLOAD(list);
	const char *separator = "";
	char text[INET6_ADDRSTRLEN];

	fputs("inside=", stdout);
	for (; RTA_OK(one, length); one = RTA_NEXT(one, length)) {
		struct rtattr *address = find_in(one, CLUSTERDEV_PREFIX_ADDRESS);
		struct rtattr *bits = find_in(one, CLUSTERDEV_PREFIX_LENGTH);

		if (!address || !bits)
			continue;
		inet_ntop(RTA_PAYLOAD(address) == 4 ? AF_INET : AF_INET6, RTA_DATA(address), text,
			  sizeof(text));
		printf("%s%s/%d", separator, text, (int)number_in(bits));
		separator = ",";
	}
	putchar('\n');
}

static const char *const counter_names[] = {
	[CLUSTERDEV_COUNT_ACCEPTED] = "accepted",
	[CLUSTERDEV_COUNT_NOT_OWNED] = "not_owned",
	[CLUSTERDEV_COUNT_LEASE_EXPIRED] = "lease_expired",
	[CLUSTERDEV_COUNT_MALFORMED] = "malformed",
	[CLUSTERDEV_COUNT_NEIGHBOUR] = "neighbour",
	[CLUSTERDEV_COUNT_NO_MEMORY] = "no_memory",
	[CLUSTERDEV_COUNT_SENT] = "sent",
};

/* The values alone, of counters given by name. */
static void show_counters(struct rtattr *data, int count, char **names)
{
	struct rtattr *all = find_in(data, IFLA_CLUSTERDEV_COUNTERS), *one;

	for (int i = 0; i < count; i++) {
		one = find_in(all, parse_choice(names[i], counter_names, CLUSTERDEV_COUNT_MAX + 1));
		printf("%s%" PRIu64, i ? " " : "", one ? number_in(one) : 0);
	}
	putchar('\n');
}

static void show_data(struct rtattr *data)
{
	struct rtattr *attribute;
	char text[INET_ADDRSTRLEN];

	show_choice(data, IFLA_CLUSTERDEV_KEY, "key", key_names, 4);
	show_choice(data, IFLA_CLUSTERDEV_SIDE, "side", side_names, 2);
	if ((attribute = find_in(data, IFLA_CLUSTERDEV_NAT4)))
		printf("nat=%s\n", inet_ntop(AF_INET, RTA_DATA(attribute), text, sizeof(text)));
	if ((attribute = find_in(data, IFLA_CLUSTERDEV_INSIDE)))
		show_inside(attribute);
	if ((attribute = find_in(data, IFLA_CLUSTERDEV_MARK_MASK)))
		printf("mark=0x%08" PRIx64 "\n", number_in(attribute));
	if ((attribute = find_in(data, IFLA_CLUSTERDEV_RESPONSIBILITY))) {
		fputs("buckets=", stdout);
		print_buckets(RTA_DATA(attribute));
		putchar('\n');
	}
	show_number(data, IFLA_CLUSTERDEV_LEASE, "lease");
	show_number(data, IFLA_CLUSTERDEV_EPOCH, "epoch");
	if ((attribute = find_in(data, IFLA_CLUSTERDEV_COOKIE)))
		printf("cookie=%.16s\n", (char *)RTA_DATA(attribute));
	printf("seed_shown=%s\n", find_in(data, IFLA_CLUSTERDEV_SEED) ? "yes" : "no");
	for (int i = CLUSTERDEV_COUNT_ACCEPTED; i <= CLUSTERDEV_COUNT_MAX; i++)
		show_number(find_in(data, IFLA_CLUSTERDEV_COUNTERS), i, counter_names[i]);
}

static struct rtattr *get_data(struct request *r, const char *name)
{
	struct rtattr *info, *data;

	request_start(r, RTM_GETLINK, 0, index_of(name));
	if (run(r, name))
		exit(1);
	info = find(IFLA_RTA(NLMSG_DATA(r->message)), (int)IFLA_PAYLOAD(r->message),
		    IFLA_LINKINFO);
	data = find_in(info, IFLA_INFO_DATA);
	if (!data)
		usage("%s has no data of its kind", name);
	return data;
}

u64 link_counter(const char *name, int counter)
{
	struct request r;
	struct rtattr *one = find_in(find_in(get_data(&r, name), IFLA_CLUSTERDEV_COUNTERS),
				     counter);

	return one ? number_in(one) : 0;
}

int link_show(int count, char **words)
{
	struct request r;
	struct rtattr *data;

	if (count < 1)
		usage("show DEV [NAME]...");
	data = get_data(&r, words[0]);
	if (count > 1)
		show_counters(data, count - 1, words + 1);
	else
		show_data(data);
	return 0;
}
