/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The layout of the one file, as lib/package_layout.ts writes and reads it:
 *
 *	launcher (an ELF executable) | payload (zstd) | index | trailer
 *
 * The payload is the contents of all files, one after another, in the index's order. Everything in
 * front of the trailer is covered by the trailer's SHA-256. Numbers are little endian.
 */
#ifndef AVAIL_PACKAGE_H
#define AVAIL_PACKAGE_H

#include <stdint.h>
#include <sys/types.h>

#include "sha256.h"

#define PACKAGE_MAGIC "AVAILPK1"
#define PACKAGE_ENTRIES_MAX 512
/* The first 16 bytes of the package's SHA-256 in hexadecimal, and a NUL. */
#define PACKAGE_ID_BYTES 33
/* The runtime is the first entry; what is in bin/ is executable. */
#define PACKAGE_RUNTIME "bin/avail"
/* The program in parts, which find each other by their places; and in one piece, for memory. */
#define PACKAGE_PROGRAM "program/avail.js"
#define PACKAGE_WHOLE "whole/avail.js"
#define PACKAGE_PARTS "program/"

struct package_entry {
	char name[88];		/* relative, NUL-padded */
	uint64_t bytes;
	uint8_t sha256[SHA256_BYTES];
};

struct package_trailer {
	uint8_t sha256[SHA256_BYTES];
	uint64_t payload_offset;
	uint64_t payload_bytes;
	uint64_t unpacked_bytes;
	uint32_t entries;
	uint32_t zero;
	char version[32];
	uint8_t zeros[24];
	char magic[8];
};

_Static_assert(sizeof(struct package_entry) == 128, "128 bytes, as in lib/package_layout.ts");
_Static_assert(sizeof(struct package_trailer) == 128, "128 bytes, as in lib/package_layout.ts");

struct package {
	int fd;
	char path[4096];	/* of the one file, for messages and for the program */
	char id[PACKAGE_ID_BYTES];
	struct package_trailer trailer;
	struct package_entry entries[PACKAGE_ENTRIES_MAX];
};

/*
 * Opens the file that this process runs, and reads its index. The payload is not looked at yet.
 * Returns 0, -EBADMSG for a file that is damaged or cut short, or another -errno.
 */
int package_open(struct package *package);

#endif
