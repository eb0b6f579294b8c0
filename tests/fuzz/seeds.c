/* SPDX-License-Identifier: MPL-2.0
 *
 * Writes the first inputs of every target: seeds FOLDER makes FOLDER/TARGET/NN. Messages
 * are lines of tests/support/request.h, so that an input can be read here. What fuzzing
 * finds lies beside them under a name of its own.
 */
#include "tests/fuzz/seeds.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "messages/codec.h"
#include "messages/limits.h"
#include "tests/fuzz/wire.h"
#include "tests/support/cmocka.h"
#include "tests/support/request.h"

#include "belfry.pb-c.h"
#include "internal.pb-c.h"

static const char *folder;
static bf_arena *arena;

/* --- inputs ------------------------------------------------------------------------- */

void
put (input_t *self, const void *bytes, size_t size)
{
    assert_true (self->size + size <= sizeof self->bytes);
    memcpy (self->bytes + self->size, bytes, size);
    self->size += size;
}

void
put_byte (input_t *self, unsigned byte)
{
    const uint8_t value = (uint8_t)byte;
    put (self, &value, 1);
}

static void
put_message (input_t *self, const ProtobufCMessageDescriptor *descriptor, const char *text)
{
    ProtobufCMessage *message = bf_arena_alloc (arena, descriptor->sizeof_message);
    size_t size = 0;
    protobuf_c_message_init (descriptor, message);
    request_fill (message, arena, text);
    uint8_t *bytes = bf_pack (message, arena, &size);
    assert_non_null (bytes);
    put (self, bytes, size);
}

/* As fuzz_part takes it. */
static void
put_part (input_t *self, const ProtobufCMessageDescriptor *descriptor, const char *text)
{
    size_t at = self->size;
    put (self, "\0\0", 2);
    put_message (self, descriptor, text);
    size_t size = self->size - at - 2;
    self->bytes[at] = (uint8_t)size;
    self->bytes[at + 1] = (uint8_t)(size >> 8);
}

void
write_input (const char *target, size_t index, const input_t *input)
{
    char path[4096];
    snprintf (path, sizeof path, "%s/%s", folder, target);
    assert_true (mkdir (path, 0777) == 0 || errno == EEXIST);
    snprintf (path, sizeof path, "%s/%s/%02zu", folder, target, index);
    FILE *file = fopen (path, "wb");
    assert_non_null (file);
    assert_int_equal (fwrite (input->bytes, 1, input->size, file), input->size);
    assert_int_equal (fclose (file), 0);
    bf_arena_reset (arena);
}

/* --- texts -------------------------------------------------------------------------- */

static void
write_texts (const char *target, const char *const *texts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        input_t input = {0};
        put (&input, texts[i], strlen (texts[i]));
        write_input (target, i, &input);
    }
}

static const char *const times[] = {
    "2026-11-23T13:05:46Z",
    "2026-11-23",
    "2026-11-23T13:05:46.120000+01:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "2024-02-29T23:59-23:59",
    "1900-02-29",
    "1h30m",
    "500ms",
    "1.5s",
    "250us",
    "106751991d4h54.775807s",
    "9223372036854775807us",
    "0s",
};

static const char *const tokens[] = {
    "256.1.1",
    "256.1",
    "256",
    "18446744073709551615.4294967295.4294967295",
    "18446744073709551616",
    "0.1.1",
    "01",
    "256.1.1.1",
};

static const char *const endpoints[] = {
    "tcp://127.0.0.1:5570",
    "tcp://127.0.0.1:*",
    "tcp://localhost:*",
    "tcp://[::1]:5570",
    "tcp://[fe80::1]:65535",
    "tcp://eth0:1",
    "tcp://0.0.0.0:65536",
    "ipc:///run/belfry/commands.sock",
    "ipc://@abstract",
    "ipc://*",
    "inproc://commands",
    "inproc://belfry-store",
    "tcp://:1",
    "pgm://x",
    "tcp://a,b:1",
};

static const char *const utf8[] = {
    "run.fired",
    "succeeded",
    "retry-wait",
    "mail",
    "caf\xc3\xa9 \xe2\x82\xac",
    "\xf0\x9f\x94\x94",
    "\xc0\x80",
    "\xed\xa0\x80",
    "\xf4\x90\x80\x80",
    "hex:00ff",
    "\xe2\x80\xae",
    "\xc2\x9bK",
    "\x1b[2J\n",
    "schedul",
};

static const char *const lines[] = {
    "schedule --type mail --after 5s --key turn-7 --payload '{\"a\": 1}' --tag a --tag b",
    "schedule --type mail --at 2026-11-23T13:05:46Z --on-key replace --if-version 2",
    "schedule --type a --every 15m --anchor 2026-11-23 --start 2026-11-23 --max-runs 3 "
    "--late fire-all --catchup-max 5 --grace 2s --overlap buffer-all --jitter 1m",
    "schedule --type a --after 0s --backoff list --delays 1s,5s,1m --max-attempts 7",
    "schedule --type a --after 1s --lease 30s --run-timeout 5m --start-timeout 1h "
    "--delivery notify --content-type application/json",
    "reschedule 256 --after 5s",
    "reschedule --key k --ns n --every 1h",
    "cancel 256 --reason \"no more\" --if-version 3",
    "cancel --type mail --tag a --state dead --state active --dry-run",
    "confirm --key turn-7 --cancel-open",
    "pause --key-prefix turn- --reason x",
    "resume 256 --from now",
    "trigger 256",
    "redrive 256.1",
    "redrive --all --dry-run",
    "complete 256.1.1 --result done",
    "fail 256.1.1 --reason 'the board' --final",
    "snooze 256.1.1 --for 5m --reason later",
    "claim --type mail --max 3 --wait 30s --worker w",
    "heartbeat 256.1.1 256.2.1",
    "get 256 --max-runs 3 --payload",
    "list --ns n --type t --state scheduled --limit 10",
    "history --job 256 --kind run.fired --from 2026-11-23",
    "watch --kind run.fired --type mail --after 17",
    "prune --finals 30d --events 90d",
    "batch --file x -o json --timeout 5s --connect tcp://127.0.0.1:1",
    "schedul --typ mail",
    "cancel \\\"a\\\" 'b \"c' \"d \\\\ e\" # f",
    "1s,2s,3m",
    "0000000000000000000000000000000000000000000000000000000000000001ms",
};

static const char *const settings_texts[] = {
    "--data\nplace\n--log-level=debug\n--insecure\n--\n# a comment\nkeep_finals = 30d\n"
    "commands = tcp://127.0.0.1:5570\ncommands = ipc:///tmp/x\n",
    "--keep-events\nforever\n--\nkeep_event_rows = all\nkeep_final_jobs = 9\n",
    "--commands=tcp://127.0.0.1:*\n--feed\nipc:///f\n--monitor\ninproc://m\n--\n",
    "--\ndata = /var/lib/belfry\ninsecure = yes\nlog_level = warning\nfeed = x\n",
    "--\nkeep_finals=1h\nkeep_finals=2h\n",
    "--\n  data   =  a b  \r\n\n#\nnothing = 1\n",
    "--\nno line\n",
    "--help\n",
    "--version\n",
    "--data\n",
    "stray\n",
    "--keep-final-jobs=0\n--\n",
};

static void
write_all_texts (void)
{
    write_texts ("time", times, COUNT (times));
    write_texts ("token", tokens, COUNT (tokens));
    write_texts ("endpoint", endpoints, COUNT (endpoints));
    write_texts ("text", utf8, COUNT (utf8));
    write_texts ("cli", lines, COUNT (lines));
    write_texts ("settings", settings_texts, COUNT (settings_texts));
    input_t hidden = {0};
    static const char nul[] = "--\nkeep_finals = 1h\0 and more\n";
    put (&hidden, nul, sizeof nul - 1);
    write_input ("settings", COUNT (settings_texts), &hidden);
}

/* The commands endpoint of the options, a NUL, the file. */
static void
write_places (void)
{
    static const struct {
        const char *commands;
        const char *file;
    } places[] = {
        {"", "ready commands=ipc:///a,tcp://127.0.0.1:1 feed=tcp://127.0.0.1:2 "
             "monitor=tcp://127.0.0.1:3\n"},
        {"tcp://127.0.0.1:1", "ready commands=tcp://127.0.0.1:1 feed=ipc:///f,ipc:///g\n"},
        {"tcp://127.0.0.1:9", "ready commands=tcp://127.0.0.1:1 feed=ipc:///f monitor=x\n"},
        {"ipc:///a,tcp://b:1,ipc:///c", "ready\n"},
        {"", ""},
        {"", "ready commands= feed=, monitor=,,ipc:///m"},
        {",", " commands=a feed=b\r\n"},
    };
    for (size_t i = 0; i < COUNT (places); i++) {
        input_t input = {0};
        put (&input, places[i].commands, strlen (places[i].commands) + 1);
        put (&input, places[i].file, strlen (places[i].file));
        write_input ("place", i, &input);
    }
}

/* --- requests ----------------------------------------------------------------------- */

#define J "schedule.jobs."

static const char *const requests[] = {
    J "type=mail " J "after_us=5 " J "ns=n " J "key=k " J "payload=p " J "content_type=c " J
      "tags=a " J "tags=b " J "delivery=1 " J "retry.max_attempts=3 " J "retry.backoff=1 " J
      "retry.delay_us=1000 " J "retry.factor_permille=1000 " J "retry.max_delay_us=9999 " J
      "retry.jitter_percent=1 " J "lease_us=100000 " J "run_timeout_us=100000 " J
      "start_timeout_us=1000 schedule.jobs[1].type=x "
      "schedule.jobs[1].at_us=7 schedule.on_key=1 schedule.reject_past=1",
    J "type=a " J "every.interval_us=10000 " J "every.anchor_us=3 " J "start_us=7 " J
      "end_us=9 " J "max_runs=3 " J "jitter_us=9 " J "late=2 " J "grace_us=1000 " J
      "catchup_max=9 " J "overlap=2 " J "retry.backoff=4 " J "retry.delays_us=1000 " J
      "retry.delays_us=2000 " J "retry.max_age_us=1000 " J
      "key=k schedule.on_key=3 schedule.if_version=2",
    "reschedule.job.key=k reschedule.job.ns=n reschedule.at_us=1 reschedule.if_version=3",
    "reschedule.job.id=9 reschedule.every.interval_us=10000 reschedule.every.anchor_us=3",
    "cancel.job.key=k cancel.reason=because cancel.if_version=3 cancel.dry_run=1",
    "cancel.filter.ns=n cancel.filter.type=t cancel.filter.states=1 cancel.filter.states=2 "
    "cancel.filter.tags=a cancel.filter.key_prefix=k cancel.filter.all=1 cancel.dry_run=1",
    "confirm.job.id=9 confirm.cancel_open=1",
    "pause.job.id=9 pause.reason=because",
    "resume.job.id=9 resume.from=2",
    "trigger.job.id=9 trigger.if_version=3",
    "batch.items[0].cancel.job.id=9 batch.items[1].schedule.jobs.type=a "
    "batch.items[1].schedule.jobs.after_us=1 batch.items[2].complete.token=1.1.1 "
    "batch.items[3].redrive.run=1.1",
    "snapshot.job=9 snapshot.ordinal=3 snapshot.limit=7",
    "prune.events_us=3 prune.finals_us=4",
    "prune.filter.all=1 prune.finals_us=4",
    "backup.name=a.db",
    "stats",
    "claim.ns=n claim.types=a claim.types=b claim.max=3 claim.wait_us=9 claim.worker=w",
    "heartbeat.tokens=1.1.1 heartbeat.tokens=1.2.1",
    "complete.token=1.1.1 complete.result=done",
    "fail.token=1.1.1 fail.reason=because fail.non_retryable=1",
    "snooze.token=1.1.1 snooze.for_us=1 snooze.reason=because",
    "redrive.run=1.1",
    "redrive.filter.states=5",
    "get.job.id=9 get.max_runs=3 get.before_ordinal=7 get.with_payload=1",
    "list.ns=n list.type=t list.states=1 list.states=2 list.tags=a list.limit=1",
    "history.job.id=1 history.from_us=1 history.until_us=2 history.kinds=run.fired",
    "replay.after_seq=1 replay.kinds=run.fired replay.types=t replay.limit=3",
    "status",
    "version=2 status",
    "request_id=x",
    "client=a\x01b status",
    "cancel.job.key=\xff",
};

static void
write_requests (void)
{
    for (size_t i = 0; i < COUNT (requests); i++) {
        input_t input = {0};
        size_t size = 0;
        uint8_t *bytes = bf_pack (&request_make (arena, requests[i])->base, arena, &size);
        put (&input, bytes, size);
        write_input ("request", i, &input);
    }
    /* Fields that nobody knows: 1000, a varint, in the request and in its command. */
    static const uint8_t unknown[] = {0x08, 0x01, 0x12, 0x01, 'c',  0x1a, 0x01, 'r', 0x92,
                                      0x02, 0x03, 0xc0, 0x3e, 0x05, 0xc0, 0x3e, 0x05};
    input_t strange = {0};
    put (&strange, unknown, sizeof unknown);
    write_input ("request", COUNT (requests), &strange);
}

/* --- replies and events ------------------------------------------------------------- */

/* Who reads it in fuzz_reply.c, and what. */
static const struct {
    unsigned reader;
    const char *text;
} replies[] = {
    {0, "code=1 claim.leases.token=256.1.1 claim.leases.run.run=256.1 "
        "claim.leases.run.ns=n claim.leases.run.type=mail claim.leases.payload=p "
        "claim.leases.lease_us=30000000 claim.leases.key=k"},
    {0, "code=1 claim.leases.token=256.1.1"},
    {1,
     "code=1 get.job.id=256 get.job.state=2 get.job.spec.type=mail get.job.spec.ns=n "
     "get.job.spec.every.interval_us=1000000 get.job.spec.payload=p get.job.counts.fired=3 "
     "get.runs[0].run=256.1 get.runs[0].state=5 get.runs[0].result=r "
     "get.runs[1].run=256.2 get.runs[1].worker=w get.runs[1].reason=no"},
    {1, "code=8 text=none"},
    {1, "code=1 get.job.id=256 get.runs.run=256.1"},
    {2, "code=1 bulk.done=1 bulk.changed=5 bulk.refused=1 bulk.refusals.job=256 "
        "bulk.refusals.code=12 bulk.refusals.text=over"},
    {2, "code=1 bulk.changed=5 bulk.cursor=5 bulk.watermark=9"},
    {3, "code=1 batch.items[0].jobs.items.job.id=256 batch.items[0].jobs.items.outcome=1 "
        "batch.items[1].runs.runs.run=256.1 batch.items[2].jobs.items.job.id=256"},
    {3, "code=12 text=no batch.failed=2"},
    {4, "code=1 jobs.items[0].job.id=256 jobs.items[0].outcome=1 jobs.items[1].job.id=512 "
        "jobs.items[1].out.run=512.1"},
    {5, "code=11 text=late jobs.items.job.id=256 jobs.items.out.run=256.1"},
    {6, "code=1 runs.runs.run=256.2 runs.runs.state=2 runs.unchanged=1"},
    {7, "code=9 text=taken"},
    {8, "code=1 claim"},
    {4, "code=7 text=busy"},
    {4, "code=99"},
    {2, "code=1 bulk.done=1 bulk.refused=1 bulk.refusals.code=-2147483648"},
};

static const char *const shown[] = {
    "code=4 text=\\\"quoted\\\\ repeated=1",
    "code=1 runs.runs.run=256.1\x1b[2J runs.runs.state=4 runs.runs.reason=\xff\x01",
    "code=1 jobs.items.job.due_us=-9223372036854775808 jobs.items.job.state=2",
    "code=1 jobs.items.job.due_us=9223372036854775807 jobs.items.job.state=2 "
    "jobs.items.out.timer_us=-9223372036854775808 jobs.items.out.state=4",
    "code=1 jobs.items.job.id=256 jobs.items.job.state=2 jobs.items.job.due_us=5 "
    "jobs.items.outcome=4 jobs.items.out.run=256.1 jobs.items.out.state=3 "
    "jobs.items.out.worker=w",
    "code=1 list.jobs.id=256 list.jobs.spec.type=mail list.jobs.spec.key=k "
    "list.jobs.spec.every.interval_us=1000000 list.jobs.paused=1",
    "code=1 events.events.kind=run.fired events.events.run=256.1 events.events.seq=9 "
    "events.head_seq=9",
    "code=1 stats.queues.ns=n stats.queues.type=t stats.lateness.le=1000 stats.fired=9",
    "code=1 snapshot.rows[0].job.id=256 snapshot.rows[1].run.run=256.1 "
    "snapshot.rows[2].stretch.count=3",
    "code=1 get.job.id=256 get.job.spec.retry.backoff=4 get.job.spec.retry.delays_us=1000 "
    "get.job.spec.late=2 get.job.spec.overlap=3 get.job.spec.tags=a "
    "get.job.counts.missed=2 "
    "get.job.spec.every.anchor_us=5 get.runs.run=256.1 get.runs.state=4 "
    "get.runs.timer_us=7",
};

#define EVENT "stream_epoch=7 at_us=1767225600000000 ns=n type=mail "

static const char *const events[] = {
    EVENT "seq=1 kind=run.fired job=256 run=256.1 attempt=1 lateness_us=12 key=k "
          "run_after.run=256.1 run_after.state=2 due_us=5",
    EVENT "seq=2 prev_seq=1 kind=run.delivered job=256 run=256.1 payload=p content_type=c",
    EVENT "seq=3 kind=job.scheduled job=256 job_after.id=256 job_after.state=2 "
          "job_after.spec.after_us=5 clock=1 job_after.payload_bytes=3",
    EVENT "seq=4 kind=slot.missed job=256 slots.first_due_us=1 slots.last_due_us=9 "
          "slots.count=3 stretch_after.job=256 stretch_after.count=3",
    "stream_epoch=7 seq=5 kind=clock.stepped delta_us=-9000000",
    "stream_epoch=7 seq=9 kind=recovery.report recovery.from_us=-9223372036854775808 "
    "recovery.until_us=9223372036854775807",
    "stream_epoch=7 seq=6 kind=recovery.report recovery.from_us=1 recovery.until_us=9 "
    "recovery.counts.type=mail recovery.counts.decision=2 recovery.counts.slots=9 "
    "recovery.items.job=256 recovery.items.slots.count=3",
    "stream_epoch=7 seq=7 kind=job.pruned pruned.rows.job=256 pruned.rows.up_to_ordinal=3",
    "stream_epoch=7 seq=8 kind=log.pruned pruned.first_seq=1 pruned.last_seq=5",
};

static void
write_replies (void)
{
    const ProtobufCMessageDescriptor *reply = &belfry__v1__reply__descriptor;
    for (size_t i = 0; i < COUNT (replies); i++) {
        input_t input = {0}, page = {0};
        put_byte (&input, replies[i].reader);
        put_byte (&input, WIRE_NAMED | (i % 3 == 0 ? WIRE_ENVELOPE : 0));
        put_part (&input, reply, replies[i].text);
        put_byte (&input, WIRE_NAMED);
        put_part (&input, reply, "code=1 runs.runs.run=256.1");
        write_input ("reply", i, &input);
        put_byte (&page, 0);
        put_message (&page, reply, replies[i].text);
        write_input ("show", i, &page);
    }
    for (size_t i = 0; i < COUNT (shown); i++) {
        input_t input = {0};
        put_byte (&input, 0);
        put_message (&input, reply, shown[i]);
        write_input ("show", COUNT (replies) + i, &input);
    }
    for (size_t i = 0; i < COUNT (events); i++) {
        input_t input = {0};
        put_byte (&input, 1);
        put_message (&input, &belfry__v1__event__descriptor, events[i]);
        write_input ("show", COUNT (replies) + COUNT (shown) + i, &input);
    }
}

/* What a watch hears, a character each: N an empty page, P a page with events, T too old,
 * S a status, 0..7 an event, B a heartbeat, C connected again, . silence, X belfry_stop. */
static const struct {
    unsigned how;
    const char *story;
} watches[] = {
    {0, "N013"},  {0, "N0123B"},  {0, "N01B3BBP4"}, {0, "P2C.N"}, {1, "N0B2BB"},
    {2, "N0123"}, {3, "P0.N1"},   {4, "N1B"},       {8, "SN01"},  {16, "TP4"},
    {32, "N0P"},  {48, "PN3B.B"}, {0, "N0..N1X2"},  {0, "..N"},   {0, "Q"},
};

static void
put_frame (input_t *self, char mark)
{
    const ProtobufCMessageDescriptor *reply = &belfry__v1__reply__descriptor;
    const char *answer =
        mark == 'N' ? "code=1 events.stream_epoch=7 events.next_cursor=0 events.head_seq=0"
        : mark == 'P'
            ? "code=1 events.stream_epoch=7 events.next_cursor=4 events.head_seq=4 "
              "events.events[0].seq=3 events.events[0].kind=run.fired "
              "events.events[0].type=mail events.events[1].seq=4 "
              "events.events[1].kind=job.scheduled"
        : mark == 'T' ? "code=17 text=old events.stream_epoch=7 events.oldest_seq=9"
        : mark == 'S' ? "code=1 status.head_seq=0 status.stream_epoch=7"
        : mark == 'Q' ? "code=16 text=stopping"
                      : NULL;
    if (answer != NULL) {
        put_byte (self, WIRE_NAMED);
        put_part (self, reply, answer);
    } else if (mark >= '0' && mark <= '7') {
        put_byte (self, WIRE_FEED);
        put_part (self, &belfry__v1__event__descriptor, events[mark - '0']);
    } else if (mark == 'B') {
        put_byte (self, WIRE_FEED | WIRE_BEAT);
        put_part (self, &belfry__v1__feed_heartbeat__descriptor,
                  "stream_epoch=7 head_seq=4 oldest_seq=1");
    } else {
        put_byte (self, mark == 'C' ? WIRE_NEWS : mark == '.' ? WIRE_SILENCE : WIRE_STOP);
        put (self, "\0\0", 2);
    }
}

static void
write_watches (void)
{
    for (size_t i = 0; i < COUNT (watches); i++) {
        input_t input = {0};
        put_byte (&input, watches[i].how);
        for (const char *at = watches[i].story; *at != '\0'; at++) {
            put_frame (&input, *at);
        }
        write_input ("feed", i, &input);
    }
}

/* --- the disk ----------------------------------------------------------------------- */

static const struct {
    unsigned table;
    const ProtobufCMessageDescriptor *descriptor;
    const char *text;
} stored[] = {
    {0, &belfry__v1__event__descriptor, "seq=1 kind=run.fired job=256 run=256.1"},
    {0, &belfry__v1__event__descriptor, ""},
    {0, &belfry__v1__event__descriptor, "seq=2 kind=job.scheduled job_after.id=256"},
    {1, &belfry__v1__job_spec__descriptor,
     "after_us=5 delivery=1 lease_us=100000 late=1 grace_us=1000 catchup_max=1 overlap=1"},
    {1, &belfry__v1__job_spec__descriptor,
     "every.interval_us=0 retry.max_attempts=5 retry.backoff=1 retry.delay_us=1000 "
     "retry.factor_permille=1000 retry.max_delay_us=1000 delivery=1 lease_us=100000 late=1 "
     "grace_us=1000 catchup_max=1 overlap=1"},
    {1, &belfry__v1__job_spec__descriptor, "after_us=5"},
    {1, &belfry__v1__job_spec__descriptor,
     "every.interval_us=0 retry.backoff=4 delivery=2 tags=a lease_us=100000"},
    {2, &belfry__internal__stored_answer__descriptor,
     "code=1 seq=3 result=10 jobs.job=256 jobs.outcome=1 jobs.out=1"},
    {2, &belfry__internal__stored_answer__descriptor,
     "code=1 seq=3 result=11 runs.job=256 runs.ordinal=1 unchanged=1"},
    {2, &belfry__internal__stored_answer__descriptor,
     "code=1 result=12 runs.job=256 runs.ordinal=1 runs.attempt=1"},
    {2, &belfry__internal__stored_answer__descriptor,
     "code=1 result=20 items[0].result=10 items[0].jobs.job=256 items[1].result=11 "
     "items[1].runs.job=256"},
    {2, &belfry__internal__stored_answer__descriptor, "code=9 text=taken result=10"},
    {2, &belfry__internal__stored_answer__descriptor, "code=12 failed=2 result=20"},
    {3, &belfry__v1__request__descriptor,
     "version=1 client=c request_id=op cancel.filter.all=1 cancel.reason=x"},
    {3, &belfry__v1__request__descriptor,
     "version=1 client=c request_id=op prune.finals_us=1 prune.filter.ns=default"},
    {3, &belfry__v1__request__descriptor, "cancel.job.id=256"},
    {3, &belfry__v1__request__descriptor,
     "version=1 client=c request_id=op cancel.job.id=256"},
    {3, &belfry__v1__request__descriptor, "status"},
    {4, &belfry__v1__bulk_reply__descriptor,
     "operation=1 changed=3 cursor=256 watermark=512 refusals.job=256 refusals.code=12 "
     "refusals.text=no"},
};

static void
write_stored (void)
{
    for (size_t i = 0; i < 2 * COUNT (stored); i++) {
        input_t input = {0};
        put_byte (&input, stored[i / 2].table);
        put_byte (&input, (unsigned)i / 2);
        put_byte (&input, i % 2);
        put_message (&input, stored[i / 2].descriptor, stored[i / 2].text);
        write_input ("tables", i, &input);
    }
}

static void
put_number (uint8_t *at, uint32_t number)
{
    for (int i = 3; i >= 0; i--) {
        at[i] = (uint8_t)number;
        number >>= 8;
    }
}

/* beside: a WAL, a journal, as fuzz_header.c has it. */
static void
write_header (size_t index, unsigned beside, const char *magic, uint32_t application,
              uint32_t version, size_t size)
{
    input_t input = {0};
    uint8_t header[100] = {0};
    memcpy (header, magic, strlen (magic));
    put_number (header + 60, version);
    put_number (header + 68, application);
    put_byte (&input, beside);
    put (&input, header, size);
    write_input ("header", index, &input);
}

static void
write_headers (void)
{
    static const char magic[] = "SQLite format 3";
    const uint32_t ours = 0x426c6679;
    write_header (0, 0, magic, ours, 3, 100);
    write_header (1, 1, magic, ours, 4, 100);
    write_header (2, 0, magic, ours, UINT32_MAX, 100);
    write_header (3, 0, magic, 7, 3, 100);
    write_header (4, 2, "", 0, 0, 100);
    write_header (5, 0, "", 0, 0, 100);
    write_header (6, 1, "", 0, 0, 0);
    write_header (7, 0, "", 0, 0, 0);
    write_header (8, 3, magic, ours, 1, 99);
}

/* Frames of one message, by their sizes. */
static void
write_envelopes (void)
{
    static const int sizes[][12] = {
        {9, -1},
        {0, 9, -1},
        {4, 0, 9, -1},
        {0, 0, 0, -1},
        {255, 9, -1},
        {256, 0, 9, -1},
        {1, 2, 3, 4, 5, 9, -1},
        {1, 2, 0, 4, 5, 6, 7, 9, -1},
        {0, 1, 300, 0, 5, 6, 7, 8, 9, -1},
        {0, -1},
    };
    for (size_t i = 0; i < COUNT (sizes); i++) {
        input_t input = {0};
        for (const int *size = sizes[i]; *size >= 0; size++) {
            put_byte (&input, (unsigned)*size & 0xff);
            put_byte (&input, (unsigned)*size >> 8);
            for (int k = 0; k < *size; k++) {
                put_byte (&input, 'a' + (unsigned)k % 26);
            }
        }
        write_input ("envelope", i, &input);
    }
}

int
main (int count, char **arguments)
{
    if (count != 2) {
        fprintf (stderr, "usage: seeds FOLDER\n");
        return 2;
    }
    folder = arguments[1];
    arena = bf_arena_new (64 * 1024 * 1024);
    assert_non_null (arena);
    write_all_texts ();
    write_places ();
    write_requests ();
    write_replies ();
    write_watches ();
    write_stored ();
    write_headers ();
    write_envelopes ();
    write_calendar ();
    bf_arena_destroy (&arena);
    return 0;
}
