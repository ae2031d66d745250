// SPDX-License-Identifier: GPL-2.0-or-later
#define _GNU_SOURCE
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>
#include <zstd_errors.h>

#define CHUNK_BYTES (256 * 1024)
/* The build's compression level needs 8 MB (2^23); what asks for more is damaged. */
#define WINDOW_LOG_MAX 23

struct unpacking {
	const struct package *package;
	const struct sink *sink;
	ZSTD_DStream *zstd;
	uint32_t entry;		/* the one that is being written, or the next one */
	uint64_t left;		/* of its content */
	int fd;			/* of the file that is open; SINK_SKIPS */
	bool is_file_open;
	bool is_frame_open;
	uint8_t in[CHUNK_BYTES];
	uint8_t out[CHUNK_BYTES];
};

static int write_all(int fd, const uint8_t *data, size_t bytes)
{
	while (bytes > 0) {
		ssize_t done = write(fd, data, bytes);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		data += done;
		bytes -= (size_t)done;
	}
	/* The disk works while we go on: there is less to wait for in the end. */
	sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

static int finish_file(struct unpacking *u)
{
	const struct package_entry *entry = &u->package->entries[u->entry++];

	u->is_file_open = false;
	return u->fd == SINK_SKIPS ? 0 : u->sink->finish(u->sink->context, entry, u->fd);
}

/* Opens the next file, and passes over empty ones. */
static int open_next(struct unpacking *u)
{
	while (!u->is_file_open && u->entry < u->package->trailer.entries) {
		const struct package_entry *entry = &u->package->entries[u->entry];
		int err;

		u->fd = u->sink->open(u->sink->context, entry);
		if (u->fd < 0 && u->fd != SINK_SKIPS)
			return u->fd;
		u->is_file_open = true;
		u->left = entry->bytes;
		err = u->left == 0 ? finish_file(u) : 0;
		if (err)
			return err;
	}
	return 0;
}

static int take_content(struct unpacking *u, const uint8_t *data, size_t bytes)
{
	while (bytes > 0) {
		int err = open_next(u);
		size_t part;

		if (err)
			return err;
		if (!u->is_file_open)
			return -EBADMSG;	/* more content than the index has files for */
		part = bytes < u->left ? bytes : (size_t)u->left;
		err = u->fd == SINK_SKIPS ? 0 : write_all(u->fd, data, part);
		if (err)
			return err;
		data += part;
		bytes -= part;
		u->left -= part;
		err = u->left == 0 ? finish_file(u) : 0;
		if (err)
			return err;
	}
	return 0;
}

static int take_payload(struct unpacking *u, size_t bytes)
{
	ZSTD_inBuffer in = { u->in, bytes, 0 };
	bool is_out_full = false;

	while (in.pos < in.size || is_out_full) {
		ZSTD_outBuffer out = { u->out, sizeof(u->out), 0 };
		size_t hint = ZSTD_decompressStream(u->zstd, &out, &in);
		int err;

		if (ZSTD_isError(hint))
			return ZSTD_getErrorCode(hint) == ZSTD_error_memory_allocation ? -ENOMEM
										       : -EBADMSG;
		u->is_frame_open = hint != 0;
		err = take_content(u, u->out, out.pos);
		if (err)
			return err;
		is_out_full = out.pos == out.size;
	}
	return 0;
}

/* Reads `bytes` from `offset` on, hashing them, and unpacks them if they are the payload's. */
static int read_part(struct unpacking *u, struct sha256 *sha, uint64_t offset, uint64_t bytes,
		     bool is_payload)
{
	while (bytes > 0) {
		size_t part = bytes < CHUNK_BYTES ? (size_t)bytes : CHUNK_BYTES;
		ssize_t got = pread(u->package->fd, u->in, part, (off_t)offset);
		int err;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -EBADMSG;
		sha256_add(sha, u->in, (size_t)got);
		offset += (uint64_t)got;
		bytes -= (uint64_t)got;
		err = is_payload ? take_payload(u, (size_t)got) : 0;
		if (err)
			return err;
	}
	return 0;
}

static int read_package(struct unpacking *u)
{
	const struct package_trailer *trailer = &u->package->trailer;
	uint64_t after = trailer->payload_offset + trailer->payload_bytes;
	uint8_t digest[SHA256_BYTES];
	struct sha256 sha;
	int err;

	sha256_begin(&sha);
	err = read_part(u, &sha, 0, trailer->payload_offset, false);
	if (err)
		return err;
	err = read_part(u, &sha, trailer->payload_offset, trailer->payload_bytes, true);
	if (err)
		return err;
	err = read_part(u, &sha, after, trailer->entries * sizeof(struct package_entry), false);
	if (err)
		return err;
	err = open_next(u);	/* empty files at the end */
	if (err)
		return err;
	if (u->is_frame_open || u->entry < trailer->entries)
		return -EBADMSG;
	sha256_end(&sha, digest);
	return memcmp(digest, trailer->sha256, sizeof(digest)) == 0 ? 0 : -EBADMSG;
}

int unpack(const struct package *package, const struct sink *sink)
{
	struct unpacking *u = calloc(1, sizeof(*u));
	int err = -ENOMEM;

	if (!u)
		return -ENOMEM;
	u->package = package;
	u->sink = sink;
	u->zstd = ZSTD_createDStream();
	if (!u->zstd)
		goto free_memory;
	ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
	err = read_package(u);
	if (u->is_file_open && u->fd >= 0)
		close(u->fd);
	ZSTD_freeDStream(u->zstd);
free_memory:
	free(u);
	return err;
}
