/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * clusterctl: what the guest's test scripts need and no packaged tool does. main.c lists the
 * commands. A wrong word ends the program with status 2, a refusal by the kernel with 1.
 */
#ifndef CLUSTERCTL_H
#define CLUSTERCTL_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define AVAIL_INLINE inline __attribute__((always_inline))

#include "bucket.h"
#include "state.h"

struct nlmsghdr;

/* words.c: from words to values */
struct address {
	int family;		/* AF_INET or AF_INET6 */
	int bytes;		/* 4 or 16 */
	u8 data[16];		/* in network order */
};

_Noreturn void usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail(const char *what);		/* with errno's name */
const char *value_of(const char *word, const char *name);	/* of name=VALUE; NULL: another */
u64 parse_number(const char *text);
int parse_choice(const char *text, const char *const *names, int count);
struct address parse_address(const char *text);
void parse_mac(const char *text, u8 mac[6]);
size_t parse_hex(const char *text, u8 *to, size_t bytes_max);
void parse_buckets(const char *text, u8 map[32]);	/* "0-85,90", "all", "none" */
void print_buckets(const u8 map[32]);
u64 parse_lease(const char *ms);	/* "forever", or ms from now; 0: none. CLOCK_BOOTTIME, ns */
u64 now_ns(void);			/* CLOCK_BOOTTIME */
struct address nth_address(struct address first, u32 n);
void enter_namespace(const char *name);	/* as ip netns names it */
void to_background(void);	/* goes on as a daemon whose pid was printed */

/* netlink.c: one request, one answer */
struct request {
	struct nlmsghdr *message;
	_Alignas(8) u8 bytes[8192];
};

void request_start(struct request *r, int type, int flags, int ifindex);
void *request_put(struct request *r, int type, const void *data, size_t bytes);	/* the attribute */
void request_end(struct request *r, void *nested);
/* 0, or an errno whose explanation by the kernel is in *why ("" if none); r holds the answer. */
int request_run(struct request *r, const char **why);

/* link.c */
int link_add(int count, char **words);
int link_set(int count, char **words);
int link_show(int count, char **words);
u64 link_counter(const char *name, int counter);	/* CLUSTERDEV_COUNT_* */
int link_give_state(const char *name, int fd, const char **why);	/* an errno, or 0 */
extern const char *const key_names[4], *const side_names[2];

/* frame.c: "eth=… ip=… udp=…" becomes bytes */
struct layer {
	u8 kind;
	u16 at;
};

struct frame {
	u8 bytes[9000];
	size_t length;
	struct layer layers[16];
	int layer_count;
	u8 *next;		/* where the number of the next header belongs */
	int next_is_ethertype;
};

void frame_build(struct frame *f, const u8 source_mac[6], int count, char **words);
int frame_send(int count, char **words);	/* send.c */

/* the others */
int bucket_print(int count, char **words);
int flood(int count, char **words);
int hold(int count, char **words);
int pour(int count, char **words);
int serve(int count, char **words);
int takers(int count, char **words);
int sniff(int count, char **words);
int who(int count, char **words);

u64 stream_digest(u64 digest, const u8 *bytes, size_t count);
#define STREAM_DIGEST_START 0xcbf29ce484222325ull

#endif
