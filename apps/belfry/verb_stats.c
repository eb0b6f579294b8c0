/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry stats: depths now, and what happened since the daemon started.
 */
#include "apps/belfry/verbs.h"

#include <inttypes.h>

#include "apps/belfry/json.h"
#include "apps/belfry/text.h"
#include "core/base/time.h"

static const bf_cli_option options[] = {{0}};

/* Characters of the longest bar. */
#define BAR 40

static void
show_now (const Belfry__V1__StatsReply *stats)
{
    char time[BF_CLI_TIME_BYTES], brief[BF_CLI_BRIEF_BYTES];
    printf ("time          %s\n", bf_cli_time (stats->now_us, time));
    printf ("up since      %s (%s)\n", bf_cli_time (stats->started_us, time),
            bf_cli_brief (bf_cli_between (stats->started_us, stats->now_us), brief));
    printf ("jobs          %" PRIu64 " open, %" PRIu64 " final\n", stats->open_jobs,
            stats->final_jobs);
    printf ("runs          %" PRIu64 " ready, %" PRIu64 " leased\n", stats->ready_runs,
            stats->leased_runs);
    printf ("operations    %" PRIu64 " by filter under way\n", stats->operations);
    printf ("database      %" PRIu64 " bytes, WAL %" PRIu64 " bytes, %" PRIu64 " events\n",
            stats->database_bytes, stats->wal_bytes, stats->events);
}

static bf_cli_exit
show_queues (const Belfry__V1__StatsReply *stats)
{
    static const char *const heads[] = {"NS", "TYPE", "READY", "LEASED", "OLDEST READY"};
    bf_cli_table table = {.heads = heads, .columns = sizeof heads / sizeof heads[0]};
    for (size_t index = 0; index < stats->n_queues; index++) {
        char brief[BF_CLI_BRIEF_BYTES];
        const Belfry__V1__StatsReply__Queue *queue = stats->queues[index];
        bf_cli_table_cell (&table, "%s", queue->ns);
        bf_cli_table_cell (&table, "%s", queue->type);
        bf_cli_table_cell (&table, "%" PRIu64, queue->ready);
        bf_cli_table_cell (&table, "%" PRIu64, queue->leased);
        bf_cli_table_cell (
            &table, "%s", queue->ready ? bf_cli_brief (queue->oldest_ready_us, brief) : "");
    }
    if (stats->n_queues > 0) {
        fputc ('\n', stdout);
    }
    return bf_cli_table_print (&table, stdout)
               ? BF_CLI_DONE
               : bf_cli_complain (BF_CLI_REFUSED, "out of memory");
}

static void
show_counts (const Belfry__V1__StatsReply *stats)
{
    printf ("\nsince the start\n");
    printf ("slots         %" PRIu64 " fired, %" PRIu64 " missed, %" PRIu64
            " skipped late\n",
            stats->fired, stats->missed, stats->skipped);
    printf ("overlap       %" PRIu64 " skipped, %" PRIu64 " dropped from a full buffer, "
            "%" PRIu64 " asked to stop, %" PRIu64 " ended\n",
            stats->overlap_skipped, stats->buffer_dropped, stats->cancelled_others,
            stats->terminated_others);
    printf ("attempts      %" PRIu64 " succeeded, %" PRIu64 " failed\n", stats->succeeded,
            stats->failed);
    printf ("runs ended    %" PRIu64 " dead, %" PRIu64 " expired\n", stats->dead,
            stats->expired);
    printf ("pruned        %" PRIu64 " jobs, %" PRIu64 " events\n", stats->pruned_jobs,
            stats->pruned_events);
    printf ("commits       %" PRIu64 "\n", stats->commits);
}

/* "up to 10ms" or "up to 100"; "more" for the last one. */
static void
put_bound (const Belfry__V1__StatsReply__Bucket *bucket, bool time)
{
    char brief[BF_CLI_BRIEF_BYTES];
    if (bucket->le == 0) {
        printf ("  %-12s", "more");
    } else if (time && bucket->le <= INT64_MAX) {
        printf ("  up to %-6s", bf_cli_brief ((int64_t)bucket->le, brief));
    } else {
        printf ("  up to %-6" PRIu64, bucket->le);
    }
}

static void
show_histogram (const char *title, Belfry__V1__StatsReply__Bucket *const *buckets,
                size_t count, bool time)
{
    uint64_t most = 0;
    size_t used = 0; /* those behind it are empty */
    for (size_t index = 0; index < count; index++) {
        most = buckets[index]->count > most ? buckets[index]->count : most;
        used = buckets[index]->count > 0 ? index + 1 : used;
    }
    if (used == 0) {
        return;
    }
    printf ("\n%s\n", title);
    for (size_t index = 0; index < used; index++) {
        /* Of very many the product would be too large: then a fortieth is exact enough. */
        uint64_t value = buckets[index]->count;
        uint64_t length =
            most > UINT64_MAX / BAR ? value / (most / BAR) : value * BAR / most;
        put_bound (buckets[index], time);
        printf ("  %10" PRIu64 "  ", value);
        for (uint64_t drawn = 0; drawn < (length || !value ? length : 1); drawn++) {
            fputc ('#', stdout);
        }
        fputc ('\n', stdout);
    }
}

static bf_cli_exit
show (const Belfry__V1__StatsReply *stats)
{
    show_now (stats);
    bf_cli_exit code = show_queues (stats);
    show_counts (stats);
    show_histogram ("how late slots became runs", stats->lateness, stats->n_lateness, true);
    show_histogram ("calls and notes in a commit", stats->batches, stats->n_batches, false);
    return code;
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    (void)given;
    (void)operands;
    Belfry__V1__Stats stats = BELFRY__V1__STATS__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_STATS;
    request.stats = &stats;
    Belfry__V1__Reply *reply;
    bf_cli_exit code = bf_cli_call (cli, &request, &reply);
    if (code == BF_CLI_DONE && reply->result_case == BELFRY__V1__REPLY__RESULT_STATS) {
        if (cli->json) {
            bf_cli_json_print (stdout, &reply->stats->base);
        } else {
            code = show (reply->stats);
        }
    }
    belfry_reply_free (&reply);
    return code;
}

const bf_cli_verb bf_cli_stats = {
    .name = "stats",
    .group = "Reading",
    .operands = "",
    .summary = "shows how much waits, and what happened since the start",
    .about = "Queues with ready or leased runs, deepest first; slots that fired or were "
             "dropped, and why; how late slots became runs, and how many calls went into "
             "a commit, as bars.",
    .example = "belfry stats\n"
               "belfry stats -o json",
    .options = options,
    .exits = BF_CLI_EXITS_CALL,
    .act = act,
};
