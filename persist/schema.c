/* SPDX-License-Identifier: MPL-2.0
 *
 * The tables and what each index is for. What is not indexed at random costs nothing: keys
 * and ids that grow append to their b-trees, so every index here either grows with time or
 * is partial and short. Numbers of states, reasons and origins are core/job.h's and
 * core/run.h's. Times are microseconds; those that count on the boot clock are in the scale
 * of persist/ledger/scale.h. Contract: stable from the first release on.
 */
#include "persist/schema.h"

static const char step_1[] =
    /* One row of counters: written once per commit, whatever the batch did. */
    "CREATE TABLE meta ("
    "  id INTEGER PRIMARY KEY CHECK (id = 1),"
    "  stream_epoch INTEGER NOT NULL,"
    "  next_id INTEGER NOT NULL,"  /* the next job's id, shard bits included */
    "  head_seq INTEGER NOT NULL," /* survives pruning: a seq is never used again */
    "  open_jobs INTEGER NOT NULL,"
    "  final_jobs INTEGER NOT NULL,"
    "  ready_runs INTEGER NOT NULL,"
    "  leased_runs INTEGER NOT NULL,"
    "  answers INTEGER NOT NULL,"
    "  answer_bytes INTEGER NOT NULL,"
    "  boot_id TEXT NOT NULL," /* the boot scale, ledger/scale.h */
    "  boot_origin_us INTEGER NOT NULL,"
    "  wall_skew_us INTEGER NOT NULL,"
    "  boot_seen_us INTEGER NOT NULL"
    ") STRICT;"

    /* Namespaces and types by number: rows and indexes stay small. */
    "CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE queue ("
    "  id INTEGER PRIMARY KEY,"
    "  ns INTEGER NOT NULL,"
    "  name INTEGER NOT NULL,"
    "  UNIQUE (ns, name)"
    ") STRICT;"

    "CREATE TABLE job ("
    "  id INTEGER PRIMARY KEY,"
    "  ns INTEGER NOT NULL,"
    "  type INTEGER NOT NULL,"
    "  queue INTEGER NOT NULL,"
    "  key TEXT CHECK (key <> ''),"
    "  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 7),"
    "  reason INTEGER NOT NULL CHECK (reason BETWEEN 0 AND 5),"
    "  paused INTEGER NOT NULL CHECK (paused IN (0, 1)),"
    "  clock INTEGER NOT NULL CHECK (clock IN (0, 1)),"
    "  due_us INTEGER NOT NULL,"    /* the slot */
    "  wake_us INTEGER NOT NULL,"   /* when the clock looks at it: due_us, or later */
    "  armed_us INTEGER NOT NULL,"  /* since when it could fire, as far as the job goes */
    "  anchor_us INTEGER NOT NULL," /* of a recurring trigger's grid; else 0 */
    "  version INTEGER NOT NULL CHECK (version >= 1),"
    "  runs INTEGER NOT NULL CHECK (runs >= 0),"
    "  open_runs INTEGER NOT NULL CHECK (open_runs BETWEEN 0 AND runs),"
    /* Of open_runs, those of slots, and of these the blocked ones. */
    "  slots_open INTEGER NOT NULL CHECK (slots_open BETWEEN 0 AND open_runs),"
    "  blocked INTEGER NOT NULL CHECK (blocked BETWEEN 0 AND slots_open),"
    /* See Counts in belfry.proto. */
    "  fired INTEGER NOT NULL,"
    "  missed INTEGER NOT NULL,"
    "  skipped INTEGER NOT NULL,"
    "  overlap_skipped INTEGER NOT NULL,"
    "  buffer_dropped INTEGER NOT NULL,"
    "  cancelled_others INTEGER NOT NULL,"
    "  terminated_others INTEGER NOT NULL,"
    "  others_below INTEGER NOT NULL," /* slot runs below were asked to stop */
    "  created_us INTEGER NOT NULL,"
    "  updated_us INTEGER NOT NULL,"
    "  final_us INTEGER CHECK ((final_us IS NULL) = (state <= 3)),"
    "  last_seq INTEGER NOT NULL,"
    "  spec BLOB NOT NULL," /* a packed JobSpec without ns, key, type, payload */
    "  payload_hash INTEGER NOT NULL,"
    "  payload BLOB" /* last, so that reading the rest never touches its pages */
    ") STRICT;"
    /* By key: the newest job of a key is the open one, if any is open. */
    "CREATE INDEX job_key ON job (ns, key) WHERE key IS NOT NULL;"
    /* What the clock watches. */
    "CREATE INDEX job_due ON job (clock, wake_us) WHERE state = 2 AND paused = 0;"
    /* By state and type, for filters: open jobs, and dead ones, which people look for. */
    "CREATE INDEX job_state ON job (state, type) WHERE state IN (1, 2, 3, 5);"
    /* The oldest final jobs, for retention. */
    "CREATE INDEX job_final ON job (final_us) WHERE final_us IS NOT NULL;"
    /* By tag: open jobs only. */
    "CREATE TABLE tag ("
    "  tag TEXT NOT NULL,"
    "  job INTEGER NOT NULL,"
    "  PRIMARY KEY (tag, job)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE run ("
    "  job INTEGER NOT NULL,"
    "  ordinal INTEGER NOT NULL CHECK (ordinal >= 1),"
    "  queue INTEGER NOT NULL,"
    "  type INTEGER NOT NULL,"
    "  state INTEGER NOT NULL CHECK (state BETWEEN 1 AND 9),"
    "  origin INTEGER NOT NULL CHECK (origin BETWEEN 1 AND 4),"
    "  decides INTEGER NOT NULL CHECK (decides IN (0, 1))," /* how the job ends */
    "  job_version INTEGER NOT NULL,"
    "  clock INTEGER NOT NULL CHECK (clock IN (0, 1)),"
    "  due_us INTEGER NOT NULL,"
    "  lateness_us INTEGER NOT NULL,"
    "  attempt INTEGER NOT NULL CHECK (attempt >= 0),"
    "  failures INTEGER NOT NULL CHECK (failures >= 0)," /* one more than attempts at most
                                                          */
    "  redriven_by INTEGER NOT NULL,"
    "  born_us INTEGER NOT NULL,"  /* boot scale: when it was made */
    "  ready_us INTEGER NOT NULL," /* boot scale: its place in the queue */
    "  timer_us INTEGER,"          /* boot scale: retry, snooze, start_timeout */
    "  lease_until_us INTEGER CHECK ((lease_until_us IS NOT NULL) = (state = 3)),"
    /* How long its worker was told that a heartbeat keeps it. */
    "  lease_us INTEGER CHECK ((lease_us IS NOT NULL) = (state = 3)),"
    "  run_until_us INTEGER," /* boot scale: run_timeout */
    "  worker TEXT,"
    "  created_us INTEGER NOT NULL,"
    "  claimed_us INTEGER,"
    "  final_us INTEGER CHECK ((final_us IS NULL) = (state <= 4)),"
    "  reason TEXT,"
    "  last_seq INTEGER NOT NULL,"
    "  result BLOB,"
    "  PRIMARY KEY (job, ordinal)"
    ") STRICT, WITHOUT ROWID;"
    /* Queue order, and what the clock watches. */
    "CREATE INDEX run_ready ON run (queue, ready_us) WHERE state = 2;"
    "CREATE INDEX run_timer ON run (timer_us) WHERE timer_us IS NOT NULL;"
    /* The open runs of a job among all that are kept of it: to withdraw them, to say who is
       out, who is next when the run of an earlier slot ends; and all that are leased, for a
       restart. */
    "CREATE INDEX run_open ON run (state, job) WHERE state <= 4;"
    /* What a redrive by filter is for. */
    "CREATE INDEX run_dead ON run (job) WHERE state = 6 AND redriven_by = 0;"

    /* Slots that never became runs, one row for an unbroken stretch. */
    "CREATE TABLE stretch ("
    "  job INTEGER NOT NULL,"
    "  after_ordinal INTEGER NOT NULL," /* the run before it */
    "  skipped INTEGER NOT NULL CHECK (skipped IN (0, 1)),"
    "  first_due_us INTEGER NOT NULL,"
    "  last_due_us INTEGER NOT NULL CHECK (last_due_us >= first_due_us),"
    "  count INTEGER NOT NULL CHECK (count >= 1),"
    "  last_seq INTEGER NOT NULL,"
    "  PRIMARY KEY (job, after_ordinal, skipped)"
    ") STRICT, WITHOUT ROWID;"

    /* The log: a packed Event without stream_epoch. */
    "CREATE TABLE event (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;"
    /* The last seq of each topic, for prev_seq; type 0 stands for none. */
    "CREATE TABLE topic ("
    "  kind INTEGER NOT NULL,"
    "  type INTEGER NOT NULL,"
    "  seq INTEGER NOT NULL,"
    "  PRIMARY KEY (kind, type)"
    ") STRICT, WITHOUT ROWID;"

    /* Answers by (client, request_id); ids grow with time, so the oldest are the first to
       go. */
    "CREATE TABLE answer ("
    "  id INTEGER PRIMARY KEY,"
    "  client TEXT NOT NULL,"
    "  request_id TEXT NOT NULL,"
    "  at_us INTEGER NOT NULL," /* boot scale: the wall clock may be set */
    "  fingerprint INTEGER NOT NULL,"
    "  body BLOB NOT NULL" /* a packed StoredAnswer */
    ") STRICT;"
    "CREATE UNIQUE INDEX answer_request ON answer (client, request_id);"

    /* Commands by filter that are under way. */
    "CREATE TABLE operation ("
    "  id INTEGER PRIMARY KEY,"
    "  client TEXT NOT NULL,"
    "  request_id TEXT NOT NULL,"
    "  fingerprint INTEGER NOT NULL,"
    "  command BLOB NOT NULL,"  /* a packed Request */
    "  progress BLOB NOT NULL," /* a packed BulkReply */
    "  created_us INTEGER NOT NULL,"
    /* The job that its last slice has left half done, 0 for none, and which of its runs
       are done, of which. */
    "  at_job INTEGER NOT NULL,"
    "  at_run INTEGER NOT NULL,"
    "  last_run INTEGER NOT NULL,"
    "  UNIQUE (client, request_id)"
    ") STRICT;";

static const char step_2[] =
    /* The rules of the zones that jobs are planned by: what their files said, and how far
       their jobs are planned anew: those behind at_job and below until_job are not yet; 0:
       all are. */
    "CREATE TABLE zone ("
    "  name TEXT PRIMARY KEY,"
    "  hash INTEGER NOT NULL," /* of bytes */
    "  bytes BLOB NOT NULL,"   /* a TZif file */
    "  at_job INTEGER NOT NULL,"
    "  until_job INTEGER NOT NULL,"
    "  examined INTEGER NOT NULL"
    ") STRICT;"
    /* By zone: open jobs only; none for UTC, which does not change. */
    "CREATE TABLE zoned ("
    "  zone TEXT NOT NULL,"
    "  job INTEGER NOT NULL,"
    "  PRIMARY KEY (zone, job)"
    ") STRICT, WITHOUT ROWID;"

    "CREATE TABLE exclusion ("
    "  id INTEGER PRIMARY KEY,"
    "  ns INTEGER NOT NULL,"
    "  name TEXT NOT NULL,"
    "  version INTEGER NOT NULL CHECK (version >= 1),"
    "  updated_us INTEGER NOT NULL,"
    "  body BLOB NOT NULL,"      /* a packed ExclusionCalendar: dates and windows */
    "  at_job INTEGER NOT NULL," /* as in zone */
    "  until_job INTEGER NOT NULL,"
    "  examined INTEGER NOT NULL,"
    "  UNIQUE (ns, name)"
    ") STRICT;"
    /* By exclusion calendar: open jobs only. */
    "CREATE TABLE excluded ("
    "  calendar INTEGER NOT NULL,"
    "  job INTEGER NOT NULL,"
    "  PRIMARY KEY (calendar, job)"
    ") STRICT, WITHOUT ROWID;";

static const char step_3[] =
    /* The same jobs as before, but IN with a list of numbers is a table that SQLite builds
       anew for every row that is written. */
    "DROP INDEX job_state;"
    "CREATE INDEX job_state ON job (state, type) WHERE state <= 5 AND state <> 4;";

static const char step_4[] =
    /* Reminders: when the next one of the armed slot is due, on the job's clock, 0: none is
       left; and of a reminder's run, how long before its slot that was. */
    "ALTER TABLE job ADD COLUMN remind_us INTEGER NOT NULL DEFAULT 0"
    "  CHECK (remind_us = 0 OR state = 2);"
    "CREATE INDEX job_remind ON job (clock, remind_us) "
    "WHERE remind_us <> 0 AND paused = 0;"
    "ALTER TABLE run ADD COLUMN remind_before_us INTEGER NOT NULL DEFAULT 0"
    "  CHECK (remind_before_us >= 0);";

const char *const bf_schema_steps[] = {step_1, step_2, step_3, step_4};
const int bf_schema_version = (int)(sizeof bf_schema_steps / sizeof bf_schema_steps[0]);
