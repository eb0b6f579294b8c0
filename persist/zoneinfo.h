/* SPDX-License-Identifier: MPL-2.0
 *
 * The files of time zones: their bytes, by name, from a directory as tzdata installs it.
 * Reads only; what the bytes mean is core/calendar/zone.h's. Used by the ledger, and by
 * `belfry next`. The simulation has one of its own that reads from memory.
 */
#ifndef BF_PERSIST_ZONEINFO_H
#define BF_PERSIST_ZONEINFO_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "core/calendar/zone.h"

#define BF_ZONEINFO_DIRECTORY "/usr/share/zoneinfo"

/* Reads the file of a zone whole. `directory` NULL or empty: BF_ZONEINFO_DIRECTORY. The
 * name must be one of bf_zone_name_is_valid. BF_EINVALID with a sentence: no such zone, no
 * such name, no regular file, or more than BF_ZONE_BYTES. BF_EIO: it could not be read.
 * BF_ENOMEM. The caller frees *bytes. */
bf_err bf_zoneinfo_read (const char *directory, const char *name, uint8_t **bytes,
                         size_t *size, bf_error *error);

/* The same, and made a zone of. A name of bf_zone_name_is_utc needs no file: ask first. The
 * caller destroys *zone_p. BF_EINVALID also where the bytes are none of a zone. */
bf_err bf_zoneinfo_open (const char *directory, const char *name, bf_zone **zone_p,
                         bf_error *error);

#endif
