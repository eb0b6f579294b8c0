/* SPDX-License-Identifier: MPL-2.0
 *
 * Every limit that the wire promises, in one place. belfry.proto states them for people; a
 * change here is a change there.
 */
#ifndef BF_MESSAGES_LIMITS_H
#define BF_MESSAGES_LIMITS_H

#include "core/base/time.h"
#include "core/overlap.h"

#define BF_PROTOCOL_VERSION 1

#define BF_FRAME_BYTES (1024 * 1024) /* a request or a reply */
#define BF_ENVELOPE_FRAMES 8         /* return path, delimiter and body together */
#define BF_PAYLOAD_BYTES (64 * 1024) /* a payload, a result */
/* Where a reply to a command is cut: a frame less room for the rest of the reply. */
#define BF_REPLY_BYTES (960 * 1024)
/* Where a page of a listing, or the leases of a claim, are cut: at least one payload of 64
 * KiB and one result fit; and as many as one peer may have asked for and not read (1280)
 * stay bounded in memory. */
#define BF_ANSWER_BYTES (240 * 1024)
/* Fields of a request that this version does not know: 16 for each of 1000 jobs. Each costs
 * protobuf-c up to 104 bytes. */
#define BF_UNKNOWN_FIELDS 16384
/* Memory for one decoded request: its strings (1 MiB, each up to 16 bytes longer), 1.7 MiB
 * of unknown fields, and 1000 jobs of about 2.2 KiB; twice that for good measure. */
#define BF_DECODE_BYTES (12 * 1024 * 1024)

#define BF_NAME_BYTES 64 /* ns, type */
#define BF_CLIENT_BYTES 64
#define BF_REQUEST_ID_BYTES 64
#define BF_WORKER_BYTES 64
#define BF_KEY_BYTES 256
#define BF_TAG_BYTES 64
#define BF_TAGS 8
#define BF_CONTENT_TYPE_BYTES 128
#define BF_REASON_BYTES 1024

#define BF_JOBS_PER_CALL 1000
#define BF_TOKENS_PER_CALL 1000
#define BF_TYPES_PER_CLAIM 64
#define BF_RUNS_PER_CLAIM 100
#define BF_REMINDERS 16
#define BF_REMIND_MIN_US (1 * BF_MS_US)
#define BF_REMIND_MAX_US (366 * BF_DAY_US)
#define BF_OPEN_RUNS BF_OVERLAP_RUNS /* of one job: nobody may ask for more */
#define BF_KINDS_PER_FILTER 64
#define BF_PAGE 1000           /* rows answered by one listing */
#define BF_PAGE_EXAMINED 10000 /* rows looked at for it */
#define BF_RUNS_PER_GET 100
#define BF_ITEMS_PER_BATCH 1000
#define BF_OPERATIONS 64     /* by filter, under way together */
#define BF_REFUSALS_SHOWN 10 /* by an operation */

#define BF_WAIT_MAX_US (60 * BF_SECOND_US)
#define BF_LEASE_MIN_US (100 * BF_MS_US)
#define BF_LEASE_MAX_US BF_DAY_US
#define BF_RUN_TIMEOUT_MIN_US (100 * BF_MS_US)
#define BF_RUN_TIMEOUT_MAX_US (30 * BF_DAY_US)
#define BF_START_TIMEOUT_MIN_US BF_MS_US
#define BF_AFTER_MAX_US (36525 * BF_DAY_US) /* 100 years */
#define BF_EVERY_MIN_US (10 * BF_MS_US)
#define BF_EVERY_MAX_US BF_AFTER_MAX_US
#define BF_WINDOW_MIN_US BF_MS_US
#define BF_WINDOW_MAX_US (366 * BF_DAY_US)
#define BF_JITTER_MAX_US (30 * BF_DAY_US)
#define BF_GRACE_MIN_US BF_MS_US
#define BF_GRACE_MAX_US BF_AFTER_MAX_US
#define BF_CATCHUP_MAX 1000
#define BF_EXCLUDES 8             /* exclusion calendars of one job */
#define BF_CALENDARS 1000         /* exclusion calendars in all */
#define BF_CALENDAR_LINE_BYTES 64 /* one of their dates or windows */
#define BF_SLOTS_PER_PREVIEW 1000
#define BF_RETRY_DELAYS 100 /* in one list */
#define BF_RETRY_DELAY_MIN_US BF_MS_US
#define BF_RETRY_DELAY_MAX_US (30 * BF_DAY_US)
#define BF_SNOOZE_MAX_US (366 * BF_DAY_US)
#define BF_MAX_ATTEMPTS 1000

#define BF_DEFAULT_NS "default"
#define BF_DEFAULT_LEASE_US (30 * BF_SECOND_US)
#define BF_DEFAULT_MAX_ATTEMPTS 5
#define BF_DEFAULT_RETRY_DELAY_US BF_SECOND_US
#define BF_DEFAULT_RETRY_FACTOR_PERMILLE 2000
#define BF_DEFAULT_RETRY_MAX_DELAY_US (5 * BF_MINUTE_US)
#define BF_DEFAULT_RETRY_JITTER_PERCENT 10
#define BF_DEFAULT_GRACE_US BF_SECOND_US
#define BF_DEFAULT_CATCHUP_MAX 100
#define BF_DEFAULT_RUNS_PER_GET 10
#define BF_DEFAULT_PAGE 100
#define BF_DEFAULT_REPLAY_PAGE 500
#define BF_DEFAULT_SNAPSHOT_PAGE 500
#define BF_DEFAULT_SLOTS_PER_PREVIEW 5

#endif
