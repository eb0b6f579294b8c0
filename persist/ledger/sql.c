/* SPDX-License-Identifier: MPL-2.0
 *
 * The ledger's SQL. A query on a partial index repeats the index's WHERE word for word and
 * names the index where another would do: without that the planner may scan. Parameters are
 * numbered in the order of the columns.
 */
#include "persist/ledger/sql.h"

#define JOB_COLUMNS                                                                     \
    "id, ns, type, queue, key, state, reason, paused, clock, due_us, version, "         \
    "runs, open_runs, created_us, updated_us, final_us, last_seq, spec, payload_hash, " \
    "length (payload)"

#define RUN_COLUMNS                                                                     \
    "job, ordinal, queue, type, state, origin, decides, job_version, clock, due_us, "   \
    "lateness_us, attempt, failures, redriven_by, ready_us, timer_us, lease_until_us, " \
    "run_until_us, worker, created_us, claimed_us, final_us, reason, last_seq, result"

const char *const bf_sql_texts[SQL_STATEMENTS] = {
    [SQL_SAVEPOINT] = "SAVEPOINT step",
    [SQL_RELEASE] = "RELEASE step",
    [SQL_ROLLBACK_TO] = "ROLLBACK TO step",

    [SQL_META_INSERT] =
        "INSERT INTO meta VALUES (1, ?1, ?2, 0, 0, 0, 0, 0, 0, ?3, ?4, ?5, ?6)",
    [SQL_META_SELECT] = "SELECT stream_epoch, next_id, head_seq, open_jobs, ready_runs, "
                        "leased_runs, answers, answer_bytes, boot_id, boot_origin_us, "
                        "wall_skew_us, boot_seen_us FROM meta WHERE id = 1",
    [SQL_META_UPDATE] =
        "UPDATE meta SET next_id = ?1, head_seq = ?2, open_jobs = ?3, ready_runs = ?4, "
        "leased_runs = ?5, answers = ?6, answer_bytes = ?7, boot_id = ?8, "
        "boot_origin_us = ?9, wall_skew_us = ?10, boot_seen_us = ?11 WHERE id = 1",
    [SQL_NAME_INSERT] = "INSERT INTO name VALUES (?1, ?2)",
    [SQL_NAMES] = "SELECT id, text FROM name ORDER BY id",
    [SQL_QUEUE_INSERT] = "INSERT INTO queue VALUES (?1, ?2, ?3)",
    [SQL_QUEUES] = "SELECT id, ns, name FROM queue ORDER BY id",
    [SQL_TOPIC_UPSERT] = "INSERT INTO topic VALUES (?1, ?2, ?3) "
                         "ON CONFLICT (kind, type) DO UPDATE SET seq = excluded.seq",
    [SQL_TOPICS] = "SELECT kind, type, seq FROM topic",

    [SQL_JOB_INSERT] =
        "INSERT INTO job VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
        "?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
    [SQL_JOB_SELECT] = "SELECT " JOB_COLUMNS " FROM job WHERE id = ?1",
    [SQL_JOB_PAYLOAD] = "SELECT payload FROM job WHERE id = ?1",
    [SQL_JOB_BY_KEY] =
        "SELECT id FROM job INDEXED BY job_key "
        "WHERE ns = ?1 AND key = ?2 AND key IS NOT NULL ORDER BY id DESC LIMIT 1",
    [SQL_JOB_COUNT] = "UPDATE job SET runs = ?1, open_runs = ?2, reason = ?3, "
                      "updated_us = ?4, last_seq = ?5 WHERE id = ?6",
    [SQL_JOB_MOVE] = "UPDATE job SET runs = ?1, open_runs = ?2, reason = ?3, "
                     "updated_us = ?4, last_seq = ?5, state = ?7, paused = ?8, "
                     "clock = ?9, due_us = ?10, final_us = ?11 WHERE id = ?6",
    [SQL_JOB_DEFINE] =
        "UPDATE job SET runs = ?1, open_runs = ?2, reason = ?3, updated_us = ?4, "
        "last_seq = ?5, state = ?7, paused = ?8, clock = ?9, due_us = ?10, final_us = ?11, "
        "type = ?12, queue = ?13, version = ?14, spec = ?15, payload_hash = ?16, "
        "payload = ?17 WHERE id = ?6",
    [SQL_JOB_LIST] = "SELECT " JOB_COLUMNS " FROM job WHERE id > ?1 ORDER BY id LIMIT ?2",
    [SQL_JOB_DUE] =
        "SELECT id, due_us, queue FROM job INDEXED BY job_due "
        "WHERE state = 2 AND paused = 0 AND clock = ?1 AND (due_us, id) > (?2, ?3) "
        "ORDER BY due_us, id LIMIT ?4",

    [SQL_RUN_INSERT] =
        "INSERT INTO run VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
        "?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25)",
    [SQL_RUN_SELECT] = "SELECT " RUN_COLUMNS " FROM run WHERE job = ?1 AND ordinal = ?2",
    [SQL_RUN_RESULT] = "UPDATE run SET result = ?3 WHERE job = ?1 AND ordinal = ?2",
    [SQL_RUN_UPDATE] =
        "UPDATE run SET state = ?3, attempt = ?4, failures = ?5, redriven_by = ?6, "
        "ready_us = ?7, timer_us = ?8, lease_until_us = ?9, run_until_us = ?10, "
        "worker = ?11, claimed_us = ?12, final_us = ?13, reason = ?14, last_seq = ?15 "
        "WHERE job = ?1 AND ordinal = ?2",
    [SQL_RUN_EXTEND] = "UPDATE run SET lease_until_us = ?4 "
                       "WHERE job = ?1 AND ordinal = ?2 AND attempt = ?3 AND state = 3",
    [SQL_RUN_LIST] = "SELECT " RUN_COLUMNS " FROM run WHERE job = ?1 AND ordinal < ?2 "
                     "AND state <= ?3 ORDER BY ordinal DESC LIMIT ?4",
    [SQL_RUN_READY] =
        "SELECT ready_us, job, ordinal FROM run INDEXED BY run_ready "
        "WHERE state = 2 AND queue = ?1 ORDER BY ready_us, job, ordinal LIMIT ?2",
    [SQL_RUN_READY_ANY] = "SELECT 1 FROM run INDEXED BY run_ready "
                          "WHERE state = 2 AND queue = ?1 LIMIT 1",
    [SQL_RUN_TIMER] =
        "SELECT job, ordinal, timer_us, queue FROM run INDEXED BY run_timer "
        "WHERE timer_us IS NOT NULL AND (timer_us, job, ordinal) > (?1, ?2, ?3) "
        "ORDER BY timer_us, job, ordinal LIMIT ?4",
    [SQL_RUN_LEASED] = "SELECT job, ordinal FROM run INDEXED BY run_leased WHERE state = 3",

    [SQL_EVENT_INSERT] = "INSERT INTO event VALUES (?1, ?2)",
    [SQL_EVENT_SELECT] = "SELECT body FROM event WHERE seq = ?1",
    [SQL_EVENT_AFTER] = "SELECT seq, body FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    [SQL_EVENT_UP_TO] =
        "SELECT seq, body FROM event WHERE seq <= ?1 ORDER BY seq DESC LIMIT ?2",
    [SQL_EVENT_OLDEST] = "SELECT seq FROM event ORDER BY seq LIMIT 1",

    [SQL_ANSWER_INSERT] = "INSERT INTO answer VALUES (NULL, ?1, ?2, ?3, ?4, ?5)",
    [SQL_ANSWER_SELECT] = "SELECT fingerprint, body FROM answer "
                          "WHERE client = ?1 AND request_id = ?2",
    [SQL_ANSWER_DELETE] = "DELETE FROM answer WHERE client = ?1 AND request_id = ?2 "
                          "RETURNING length (body)",
    [SQL_ANSWER_OLDEST] = "SELECT id, at_us, length (body) + "
                          "2 * (length (CAST (client AS BLOB)) + "
                          "length (CAST (request_id AS BLOB))) "
                          "FROM answer ORDER BY id LIMIT 1",
    [SQL_ANSWER_PRUNE] = "DELETE FROM answer WHERE id = ?1",
};
