/* SPDX-License-Identifier: MPL-2.0
 *
 * Every SQL statement of the ledger, by name. The positions of parameters and columns are
 * said here once, beside the text in sql.c, and used in rows.c and the few files that read
 * a list.
 */
#ifndef BF_LEDGER_SQL_H
#define BF_LEDGER_SQL_H

#include <stddef.h>

typedef enum {
    SQL_SAVEPOINT,
    SQL_RELEASE,
    SQL_ROLLBACK_TO,

    SQL_META_INSERT,
    SQL_META_SELECT,
    SQL_META_UPDATE,
    SQL_NAME_INSERT,
    SQL_NAMES,
    SQL_QUEUE_INSERT,
    SQL_QUEUES,
    SQL_TOPIC_UPSERT,
    SQL_TOPICS,

    SQL_JOB_INSERT,
    SQL_JOB_SELECT,
    SQL_JOB_PAYLOAD,
    SQL_JOB_BY_KEY,
    SQL_JOB_COUNT,  /* counters and last_seq only: touches no index */
    SQL_JOB_MOVE,   /* state and due time besides */
    SQL_JOB_DEFINE, /* the definition besides */
    SQL_JOB_LIST,
    SQL_JOB_DUE, /* what the clock asks for */
    SQL_JOB_REMIND,
    /* Ways of a filter, filter.c. */
    SQL_TAG_JOBS,
    SQL_JOB_KEYS,
    SQL_JOB_OF_STATE,
    SQL_JOB_COLUMNS,
    SQL_TAG_INSERT,
    SQL_TAG_DELETE,

    SQL_RUN_INSERT,
    SQL_RUN_SELECT,
    SQL_RUN_RESULT,
    SQL_RUN_UPDATE,
    SQL_RUN_EXTEND,
    SQL_RUN_LIST, /* newest first */
    SQL_RUN_OPEN, /* likewise; those alone that decide, where asked */
    SQL_RUN_FROM, /* oldest first, from an ordinal on */
    SQL_RUN_READY,
    SQL_RUN_READY_ANY,
    SQL_RUN_TIMER,
    SQL_RUN_LEASED,
    SQL_RUN_LEASED_OF,    /* a job, newest first */
    SQL_RUN_READY_DEPTHS, /* by queue */
    SQL_RUN_LEASED_DEPTHS,
    SQL_RUN_BLOCKED,
    SQL_RUN_DEAD, /* not redriven, oldest first, from behind an ordinal up to another */

    SQL_STRETCH_FROM,
    SQL_STRETCH_SELECT,
    SQL_STRETCH_UPSERT,
    SQL_STRETCH_NEWEST, /* newest first */
    SQL_RUN_NEWEST_SLOT,

    SQL_ZONE_SELECT,
    SQL_ZONE_INSERT,
    SQL_ZONE_CHANGE, /* other rules; its jobs are to be planned anew */
    SQL_ZONE_NEXT,   /* by name, for a look at the files */
    SQL_ZONE_PENDING,
    SQL_ZONE_PROGRESS,
    SQL_ZONED_INSERT,
    SQL_ZONED_DELETE,
    SQL_ZONED_JOBS,

    SQL_EXCLUSION_FIND,
    SQL_EXCLUSION_SELECT,
    SQL_EXCLUSION_INSERT,
    SQL_EXCLUSION_CHANGE,
    SQL_EXCLUSION_DELETE,
    SQL_EXCLUSION_COUNT,
    SQL_EXCLUSION_LIST,
    SQL_EXCLUSION_PENDING,
    SQL_EXCLUSION_PROGRESS,
    SQL_EXCLUDED_INSERT,
    SQL_EXCLUDED_DELETE,
    SQL_EXCLUDED_JOBS,

    SQL_JOB_FINAL, /* oldest first */
    SQL_JOB_PRUNE,
    SQL_RUN_OLDEST,
    SQL_RUN_FIRST_FINAL,
    SQL_RUN_COUNT, /* behind an ordinal, up to so many; and the last of them */
    SQL_RUN_PRUNE,
    SQL_STRETCH_PRUNE,
    SQL_EVENT_PRUNE,

    SQL_EVENT_INSERT,
    SQL_EVENT_SELECT,
    SQL_EVENT_AFTER,
    SQL_EVENT_UP_TO,
    SQL_EVENT_OLDEST,

    SQL_OPERATION_INSERT,
    SQL_OPERATION_UPDATE,
    SQL_OPERATION_DELETE,
    SQL_OPERATIONS,
    SQL_OPERATION_COUNT,

    SQL_ANSWER_INSERT,
    SQL_ANSWER_SELECT,
    SQL_ANSWER_DELETE,
    SQL_ANSWER_OLDEST,
    SQL_ANSWER_PRUNE,

    SQL_STATEMENTS
} bf_sql;

extern const char *const bf_sql_texts[SQL_STATEMENTS];

#endif
