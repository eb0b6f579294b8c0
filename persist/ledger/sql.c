/* SPDX-License-Identifier: MPL-2.0
 *
 * The ledger's SQL. A query on a partial index repeats the index's WHERE word for word and
 * names the index where another would do: without that the planner may scan. Parameters are
 * numbered in the order of the columns.
 */
#include "persist/ledger/sql.h"

#define JOB_COLUMNS                                                                 \
    "id, ns, type, queue, key, state, reason, paused, clock, due_us, wake_us, "     \
    "armed_us, anchor_us, version, runs, open_runs, slots_open, blocked, fired, "   \
    "missed, skipped, overlap_skipped, buffer_dropped, cancelled_others, "          \
    "terminated_others, others_below, created_us, updated_us, final_us, last_seq, " \
    "spec, payload_hash, length (payload), remind_us"

/* What changes in a job's row: more of it for each of the three. */
#define JOB_SET_COUNTS                                                         \
    "runs = ?2, open_runs = ?3, reason = ?4, updated_us = ?5, last_seq = ?6, " \
    "slots_open = ?7, blocked = ?8, fired = ?9, missed = ?10, skipped = ?11, " \
    "overlap_skipped = ?12, buffer_dropped = ?13, cancelled_others = ?14, "    \
    "terminated_others = ?15, others_below = ?16"
#define JOB_SET_MOVE                                                          \
    JOB_SET_COUNTS ", state = ?17, paused = ?18, clock = ?19, due_us = ?20, " \
                   "wake_us = ?21, armed_us = ?22, final_us = ?23, remind_us = ?24"

#define RUN_ROW                                                                          \
    "job, ordinal, queue, type, state, origin, decides, job_version, clock, due_us, "    \
    "lateness_us, attempt, failures, redriven_by, born_us, ready_us, timer_us, "         \
    "lease_until_us, lease_us, run_until_us, worker, created_us, claimed_us, final_us, " \
    "reason, "                                                                           \
    "last_seq, "
#define RUN_COLUMNS RUN_ROW "result, remind_before_us"
/* Of an open one, which has no result yet. */
#define RUN_OPEN_COLUMNS RUN_ROW "NULL, remind_before_us"

const char *const bf_sql_texts[SQL_STATEMENTS] = {
    [SQL_SAVEPOINT] = "SAVEPOINT step",
    [SQL_RELEASE] = "RELEASE step",
    [SQL_ROLLBACK_TO] = "ROLLBACK TO step",

    [SQL_META_INSERT] =
        "INSERT INTO meta VALUES (1, ?1, ?2, 0, 0, 0, 0, 0, 0, 0, ?3, ?4, ?5, ?6)",
    [SQL_META_SELECT] = "SELECT stream_epoch, next_id, head_seq, open_jobs, final_jobs, "
                        "ready_runs, leased_runs, answers, answer_bytes, boot_id, "
                        "boot_origin_us, wall_skew_us, boot_seen_us FROM meta WHERE id = 1",
    [SQL_META_UPDATE] =
        "UPDATE meta SET next_id = ?1, head_seq = ?2, open_jobs = ?3, final_jobs = ?4, "
        "ready_runs = ?5, leased_runs = ?6, answers = ?7, answer_bytes = ?8, boot_id = ?9, "
        "boot_origin_us = ?10, wall_skew_us = ?11, boot_seen_us = ?12 WHERE id = 1",
    [SQL_NAME_INSERT] = "INSERT INTO name VALUES (?1, ?2)",
    [SQL_NAMES] = "SELECT id, text FROM name ORDER BY id",
    [SQL_QUEUE_INSERT] = "INSERT INTO queue VALUES (?1, ?2, ?3)",
    [SQL_QUEUES] = "SELECT id, ns, name FROM queue ORDER BY id",
    [SQL_TOPIC_UPSERT] = "INSERT INTO topic VALUES (?1, ?2, ?3) "
                         "ON CONFLICT (kind, type) DO UPDATE SET seq = excluded.seq",
    [SQL_TOPICS] = "SELECT kind, type, seq FROM topic",

    [SQL_JOB_INSERT] =
        "INSERT INTO job VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
        "?13, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ?14, ?14, NULL, ?15, ?16, ?17, ?18, "
        "?19)",
    [SQL_JOB_SELECT] = "SELECT " JOB_COLUMNS " FROM job WHERE id = ?1",
    [SQL_JOB_PAYLOAD] = "SELECT payload FROM job WHERE id = ?1",
    [SQL_JOB_BY_KEY] =
        "SELECT id FROM job INDEXED BY job_key "
        "WHERE ns = ?1 AND key = ?2 AND key IS NOT NULL ORDER BY id DESC LIMIT 1",
    [SQL_JOB_COUNT] = "UPDATE job SET " JOB_SET_COUNTS " WHERE id = ?1",
    [SQL_JOB_MOVE] = "UPDATE job SET " JOB_SET_MOVE " WHERE id = ?1",
    [SQL_JOB_DEFINE] = "UPDATE job SET " JOB_SET_MOVE ", type = ?25, queue = ?26, "
                       "version = ?27, anchor_us = ?28, spec = ?29, payload_hash = ?30, "
                       "payload = ?31 WHERE id = ?1",
    [SQL_JOB_LIST] = "SELECT " JOB_COLUMNS " FROM job WHERE id > ?1 ORDER BY id LIMIT ?2",
    [SQL_JOB_DUE] =
        "SELECT id, wake_us, queue, due_us FROM job INDEXED BY job_due "
        "WHERE state = 2 AND paused = 0 AND clock = ?1 AND (wake_us, id) > (?2, ?3) "
        "ORDER BY wake_us, id LIMIT ?4",

    [SQL_JOB_REMIND] = "SELECT id, remind_us, 0, remind_us FROM job INDEXED BY job_remind "
                       "WHERE remind_us <> 0 AND paused = 0 AND clock = ?1 AND "
                       "(remind_us, id) > (?2, ?3) ORDER BY remind_us, id LIMIT ?4",

    [SQL_TAG_JOBS] = "SELECT job FROM tag WHERE tag = ?1 AND job > ?2 ORDER BY job",
    [SQL_JOB_KEYS] = "SELECT id, key FROM job INDEXED BY job_key "
                     "WHERE ns = ?1 AND key >= ?2 AND key IS NOT NULL ORDER BY key",
    [SQL_JOB_OF_STATE] = "SELECT id FROM job INDEXED BY job_state "
                         "WHERE state <= 5 AND state <> 4 AND state = ?1 AND type = ?2 AND "
                         "id > ?3 ORDER BY id",
    [SQL_JOB_COLUMNS] =
        "SELECT id, ns, type, state, key FROM job WHERE id > ?1 ORDER BY id",
    [SQL_TAG_INSERT] = "INSERT INTO tag VALUES (?1, ?2)",
    [SQL_TAG_DELETE] = "DELETE FROM tag WHERE tag = ?1 AND job = ?2",

    [SQL_RUN_INSERT] =
        "INSERT INTO run VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, "
        "?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27, "
        "?28)",
    [SQL_RUN_SELECT] = "SELECT " RUN_COLUMNS " FROM run WHERE job = ?1 AND ordinal = ?2",
    [SQL_RUN_RESULT] = "UPDATE run SET result = ?3 WHERE job = ?1 AND ordinal = ?2",
    [SQL_RUN_UPDATE] =
        "UPDATE run SET state = ?3, attempt = ?4, failures = ?5, redriven_by = ?6, "
        "ready_us = ?7, timer_us = ?8, lease_until_us = ?9, lease_us = ?10, "
        "run_until_us = ?11, worker = ?12, claimed_us = ?13, final_us = ?14, "
        "reason = ?15, last_seq = ?16 "
        "WHERE job = ?1 AND ordinal = ?2",
    [SQL_RUN_EXTEND] = "UPDATE run SET lease_until_us = ?4 "
                       "WHERE job = ?1 AND ordinal = ?2 AND attempt = ?3 AND state = 3",
    [SQL_RUN_LIST] = "SELECT " RUN_COLUMNS " FROM run WHERE job = ?1 AND ordinal < ?2 "
                     "ORDER BY ordinal DESC LIMIT ?3",
    [SQL_RUN_OPEN] = "SELECT " RUN_OPEN_COLUMNS " FROM run INDEXED BY run_open "
                     "WHERE state <= 4 AND state IN (1, 2, 3, 4) AND job = ?1 "
                     "AND decides >= ?2 ORDER BY ordinal DESC LIMIT ?3",
    [SQL_RUN_FROM] = "SELECT " RUN_COLUMNS " FROM run WHERE job = ?1 AND ordinal >= ?2 "
                     "ORDER BY ordinal",
    [SQL_RUN_READY] =
        "SELECT ready_us, job, ordinal FROM run INDEXED BY run_ready "
        "WHERE state = 2 AND queue = ?1 ORDER BY ready_us, job, ordinal LIMIT ?2",
    [SQL_RUN_READY_ANY] = "SELECT 1 FROM run INDEXED BY run_ready "
                          "WHERE state = 2 AND queue = ?1 LIMIT 1",
    [SQL_RUN_TIMER] =
        "SELECT job, ordinal, timer_us, queue FROM run INDEXED BY run_timer "
        "WHERE timer_us IS NOT NULL AND (timer_us, job, ordinal) > (?1, ?2, ?3) "
        "ORDER BY timer_us, job, ordinal LIMIT ?4",
    [SQL_RUN_LEASED] = "SELECT job, ordinal FROM run INDEXED BY run_open "
                       "WHERE state <= 4 AND state = 3",
    [SQL_RUN_LEASED_OF] = "SELECT ordinal FROM run INDEXED BY run_open "
                          "WHERE state <= 4 AND state = 3 AND job = ?1 "
                          "ORDER BY ordinal DESC",
    [SQL_RUN_READY_DEPTHS] = "SELECT queue, count (*) FROM run INDEXED BY run_ready "
                             "WHERE state = 2 GROUP BY queue",
    [SQL_RUN_LEASED_DEPTHS] = "SELECT queue, count (*) FROM run INDEXED BY run_open "
                              "WHERE state <= 4 AND state = 3 GROUP BY queue",
    [SQL_RUN_BLOCKED] = "SELECT ordinal FROM run INDEXED BY run_open "
                        "WHERE state <= 4 AND state = 1 AND job = ?1 "
                        "ORDER BY ordinal LIMIT 1",

    [SQL_RUN_DEAD] = "SELECT ordinal FROM run INDEXED BY run_dead "
                     "WHERE state = 6 AND redriven_by = 0 AND job = ?1 AND ordinal > ?2 "
                     "AND ordinal <= ?3 ORDER BY ordinal LIMIT ?4",

    [SQL_STRETCH_FROM] =
        "SELECT after_ordinal, skipped, first_due_us, last_due_us, count, last_seq "
        "FROM stretch WHERE job = ?1 AND after_ordinal >= ?2 "
        "ORDER BY after_ordinal, skipped",
    [SQL_STRETCH_SELECT] = "SELECT first_due_us, last_due_us, count FROM stretch "
                           "WHERE job = ?1 AND after_ordinal = ?2 AND skipped = ?3",
    [SQL_STRETCH_UPSERT] = "INSERT INTO stretch VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) "
                           "ON CONFLICT (job, after_ordinal, skipped) DO UPDATE SET "
                           "first_due_us = excluded.first_due_us, "
                           "last_due_us = excluded.last_due_us, count = excluded.count, "
                           "last_seq = excluded.last_seq",

    [SQL_STRETCH_NEWEST] = "SELECT last_due_us FROM stretch WHERE job = ?1 "
                           "ORDER BY after_ordinal DESC LIMIT 2",
    [SQL_RUN_NEWEST_SLOT] = "SELECT due_us FROM run WHERE job = ?1 AND origin = 1 "
                            "ORDER BY ordinal DESC LIMIT 1",

    [SQL_ZONE_SELECT] = "SELECT bytes FROM zone WHERE name = ?1",
    [SQL_ZONE_INSERT] = "INSERT INTO zone VALUES (?1, ?2, ?3, 0, 0, 0)",
    [SQL_ZONE_CHANGE] = "UPDATE zone SET hash = ?2, bytes = ?3, at_job = 0, "
                        "until_job = ?4, examined = 0 WHERE name = ?1",
    [SQL_ZONE_NEXT] = "SELECT name, hash FROM zone WHERE name > ?1 ORDER BY name LIMIT ?2",
    [SQL_ZONE_PENDING] = "SELECT name, at_job, until_job, examined FROM zone "
                         "WHERE until_job > 0 ORDER BY name LIMIT 1",
    [SQL_ZONE_PROGRESS] = "UPDATE zone SET at_job = ?2, until_job = ?3, examined = ?4 "
                          "WHERE name = ?1",
    [SQL_ZONED_INSERT] = "INSERT INTO zoned VALUES (?1, ?2)",
    [SQL_ZONED_DELETE] = "DELETE FROM zoned WHERE zone = ?1 AND job = ?2",
    [SQL_ZONED_JOBS] = "SELECT job FROM zoned WHERE zone = ?1 AND job > ?2 AND job < ?3 "
                       "ORDER BY job LIMIT ?4",

    [SQL_EXCLUSION_FIND] = "SELECT id, body FROM exclusion WHERE ns = ?1 AND name = ?2",
    [SQL_EXCLUSION_SELECT] = "SELECT ns, name, version, updated_us, body FROM exclusion "
                             "WHERE id = ?1",
    [SQL_EXCLUSION_INSERT] =
        "INSERT INTO exclusion VALUES (NULL, ?1, ?2, 1, ?3, ?4, 0, 0, 0)",
    [SQL_EXCLUSION_CHANGE] = "UPDATE exclusion SET version = version + 1, updated_us = ?2, "
                             "body = ?3, at_job = 0, until_job = ?4, examined = 0 "
                             "WHERE id = ?1",
    [SQL_EXCLUSION_DELETE] = "DELETE FROM exclusion WHERE id = ?1",
    [SQL_EXCLUSION_COUNT] = "SELECT count (*) FROM exclusion",
    [SQL_EXCLUSION_LIST] = "SELECT e.id, n.text, e.name, e.version, e.updated_us, e.body "
                           "FROM exclusion AS e JOIN name AS n ON n.id = e.ns "
                           "WHERE (?1 = '' OR n.text = ?1) AND (?2 = '' OR e.name = ?2) "
                           "ORDER BY n.text, e.name LIMIT -1 OFFSET ?3",
    [SQL_EXCLUSION_PENDING] = "SELECT id, at_job, until_job, examined FROM exclusion "
                              "WHERE until_job > 0 ORDER BY id LIMIT 1",
    [SQL_EXCLUSION_PROGRESS] = "UPDATE exclusion SET at_job = ?2, until_job = ?3, "
                               "examined = ?4 WHERE id = ?1",
    [SQL_EXCLUDED_INSERT] = "INSERT INTO excluded VALUES (?1, ?2)",
    [SQL_EXCLUDED_DELETE] = "DELETE FROM excluded WHERE calendar = ?1 AND job = ?2",
    [SQL_EXCLUDED_JOBS] = "SELECT job FROM excluded WHERE calendar = ?1 AND job > ?2 "
                          "AND job < ?3 ORDER BY job LIMIT ?4",

    [SQL_JOB_FINAL] = "SELECT id, final_us FROM job INDEXED BY job_final "
                      "WHERE final_us IS NOT NULL AND (final_us, id) > (?1, ?2) "
                      "ORDER BY final_us, id LIMIT ?3",
    [SQL_JOB_PRUNE] = "DELETE FROM job WHERE id = ?1",
    [SQL_RUN_OLDEST] = "SELECT ordinal, final_us, length (result) FROM run "
                       "WHERE job = ?1 ORDER BY ordinal",
    [SQL_RUN_FIRST_FINAL] = "SELECT ordinal, final_us FROM run "
                            "WHERE job = ?1 AND ordinal >= ?2 AND final_us IS NOT NULL "
                            "ORDER BY ordinal LIMIT 1",
    [SQL_RUN_COUNT] = "SELECT count (*), max (ordinal) FROM (SELECT ordinal FROM run "
                      "WHERE job = ?1 AND ordinal > ?2 ORDER BY ordinal LIMIT ?3)",
    [SQL_RUN_PRUNE] = "DELETE FROM run WHERE job = ?1 AND ordinal <= ?2 "
                      "AND final_us IS NOT NULL",
    [SQL_STRETCH_PRUNE] = "DELETE FROM stretch WHERE job = ?1 AND after_ordinal < ?2",
    [SQL_EVENT_PRUNE] = "DELETE FROM event WHERE seq <= ?1",

    [SQL_EVENT_INSERT] = "INSERT INTO event VALUES (?1, ?2)",
    [SQL_EVENT_SELECT] = "SELECT body FROM event WHERE seq = ?1",
    [SQL_EVENT_AFTER] = "SELECT seq, body FROM event WHERE seq > ?1 ORDER BY seq LIMIT ?2",
    [SQL_EVENT_UP_TO] =
        "SELECT seq, body FROM event WHERE seq <= ?1 ORDER BY seq DESC LIMIT ?2",
    [SQL_EVENT_OLDEST] = "SELECT seq FROM event ORDER BY seq LIMIT 1",

    [SQL_OPERATION_INSERT] = "INSERT INTO operation "
                             "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0)",
    [SQL_OPERATION_UPDATE] = "UPDATE operation SET progress = ?2, at_job = ?3, "
                             "at_run = ?4, last_run = ?5 WHERE id = ?1",
    [SQL_OPERATION_DELETE] = "DELETE FROM operation WHERE id = ?1",
    [SQL_OPERATION_COUNT] = "SELECT count (*) FROM operation",
    [SQL_OPERATIONS] = "SELECT id, client, request_id, fingerprint, command, progress, "
                       "created_us, at_job, at_run, last_run FROM operation ORDER BY id",

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
