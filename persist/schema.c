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
    "  due_us INTEGER NOT NULL,"
    "  version INTEGER NOT NULL CHECK (version >= 1),"
    "  runs INTEGER NOT NULL CHECK (runs >= 0),"
    "  open_runs INTEGER NOT NULL CHECK (open_runs BETWEEN 0 AND runs),"
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
    "CREATE INDEX job_due ON job (clock, due_us) WHERE state = 2 AND paused = 0;"

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
    "  failures INTEGER NOT NULL CHECK (failures BETWEEN 0 AND attempt),"
    "  redriven_by INTEGER NOT NULL,"
    "  ready_us INTEGER NOT NULL," /* boot scale: its place in the queue */
    "  timer_us INTEGER,"          /* boot scale: retry, snooze, start_timeout */
    "  lease_until_us INTEGER CHECK ((lease_until_us IS NOT NULL) = (state = 3)),"
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
    /* Queue order, what the clock watches, and what a restart hands to retry. */
    "CREATE INDEX run_ready ON run (queue, ready_us) WHERE state = 2;"
    "CREATE INDEX run_timer ON run (timer_us) WHERE timer_us IS NOT NULL;"
    "CREATE INDEX run_leased ON run (job) WHERE state = 3;"

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
    "CREATE UNIQUE INDEX answer_request ON answer (client, request_id);";

const char *const bf_schema_steps[] = {step_1};
const int bf_schema_version = (int)(sizeof bf_schema_steps / sizeof bf_schema_steps[0]);
