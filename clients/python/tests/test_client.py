# SPDX-License-Identifier: MPL-2.0
"""The plain client against a real daemon, which is killed on the way."""

import threading
import time
import unittest

import belfry
from daemon import Daemon


class Client(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.problems = []
        cls.client = belfry.Client(directory=cls.daemon.data, client="test", on_problem=lambda error, run: cls.problems.append(str(error)))

    @classmethod
    def tearDownClass(cls):
        cls.client.close("1s")
        cls.daemon.remove()

    def done(self, job):
        return self.client.wait_for(job, timeout="30s")

    def test_armed_worked_and_settled(self):
        payload = {"player": "Zoë ✏️", "turn": 7}
        job = self.client.schedule(type="claim_timeout", key="turn-7", after="50ms", payload=payload, tags=["game:1"])
        self.assertEqual((job.state, job.outcome), ("scheduled", "created"))
        seen = []

        def skip(run):
            seen.append((run.key, run.payload, run.attempt, run.tags))
            return {"skipped": True}

        worker = self.client.work("claim_timeout", skip)
        self.assertEqual(self.done(job).state, "completed")
        worker.stop()
        self.assertEqual(seen, [("turn-7", payload, 1, ["game:1"])])
        _, runs = self.client.get(job)
        self.assertEqual([(run.id, run.state, run.result) for run in runs], [(f"{job.id}.1", "succeeded", {"skipped": True})])

    def test_refusals_are_typed(self):
        self.client.schedule(type="refused", key="taken", after="1h")
        with self.assertRaises(belfry.KeyTaken):
            self.client.schedule(type="refused", key="taken", after="1h")
        kept = self.client.schedule(type="refused", key="taken", after="2h", on_key="keep")
        self.assertEqual(kept.outcome, "existing")
        with self.assertRaises(belfry.NotFound):
            self.client.get({"key": "nobody"})
        with self.assertRaises(belfry.Invalid):
            self.client.schedule(type="no blanks", after=0)
        with self.assertRaises(belfry.TooLarge):
            self.client.schedule(type="large", after=0, payload=bytes(70_000))
        with self.assertRaises(belfry.VersionConflict):
            self.client.cancel({"key": "taken"}, if_version=9)

    def test_throttle_and_debounce(self):
        once = {"type": "key", "key": "throttled", "after": "1h", "on_key": "throttle", "window": "1h"}
        first = self.client.schedule(**once)
        self.client.cancel(first)
        self.assertEqual(self.client.schedule(**once).id, first.id)
        self.client.schedule(type="key", key="debounced", after="1h", payload="a", on_key="debounce")
        newest = self.client.schedule(type="key", key="debounced", after="1h", payload="b", on_key="debounce")
        self.assertEqual((newest.version, self.client.get(newest)[0].payload), (2, "b"))

    def test_reminders_come_before_the_deadline(self):
        came = threading.Event()
        seen = []

        def remind(run):
            seen.append((run.key, run.payload, run.remind_before.total_seconds(), run.slot_due - run.due))
            came.set()

        worker = self.client.work("turn.reminder", remind)
        self.client.schedule(type="turn", key="reminded", after="2s", payload=7, remind_before=["1900ms", "100ms"])
        self.assertTrue(came.wait(20))
        worker.stop()
        self.assertEqual(self.client.confirm({"key": "reminded"}).state, "confirmed")
        self.assertEqual([(key, payload, before) for key, payload, before, _ in seen], [("reminded", 7, 1.9)])
        self.assertAlmostEqual(seen[0][3].total_seconds(), 1.9, places=3)

    def test_confirm_in_time_and_too_late(self):
        self.client.schedule(type="confirm", key="in-time", after="1h")
        self.assertEqual(self.client.confirm({"key": "in-time"}).state, "confirmed")
        self.assertEqual([event.kind for event in self.client.history({"key": "in-time"})], ["job.confirmed", "job.scheduled"])
        job = self.client.schedule(type="confirm", key="late", after=0)
        worker = self.client.work("confirm", lambda run: None)
        self.done(job)
        worker.stop()
        with self.assertRaises(belfry.TooLate):
            self.client.confirm({"key": "late"})

    def test_one_request_id_one_effect(self):
        first = self.client.schedule(type="once", after="1h", request_id="once-1")
        self.assertEqual(self.client.schedule(type="once", after="1h", request_id="once-1").id, first.id)

    def test_batch_and_many(self):
        self.client.schedule_many([{"type": "bulk", "key": f"bulk-{n}", "after": "1h"} for n in range(500)])
        batch = self.client.batch().confirm({"key": "bulk-0"}).schedule(type="bulk", key="b", after="1h")
        confirmed, made = self.client.commit(batch)
        self.assertEqual((confirmed[0].state, made[0].key), ("confirmed", "b"))
        with self.assertRaises(belfry.NotFound):
            self.client.commit(self.client.batch().cancel({"key": "b"}).cancel({"key": "nobody"}))
        self.assertEqual(self.client.get({"key": "b"})[0].state, "scheduled")
        where = {"type": "bulk", "key_prefix": "bulk-1"}
        self.assertEqual(self.client.many("cancel", where, dry_run=True).changed, 111)
        self.assertEqual(self.client.many("cancel", where).changed, 111)
        self.assertEqual(len(list(self.client.list({"type": "bulk", "states": ["scheduled"]}))), 389)

    def test_retry_nonretryable_and_snooze(self):
        attempts = []

        def fails(run):
            attempts.append(run.attempt)
            if run.attempt == 1:
                run.snooze("20ms")
                return
            if run.attempt == 2:
                raise ValueError("not yet")
            raise belfry.NonRetryable("never")

        job = self.client.schedule(type="fails", after=0, retry={"delay": "10ms", "max_attempts": 5})
        worker = self.client.work("fails", fails)
        self.assertEqual(self.done(job).state, "dead")
        worker.stop()
        _, runs = self.client.get(job)
        self.assertEqual((attempts, runs[0].failures, runs[0].reason), ([1, 2, 3], 2, "NonRetryable: never"))
        self.assertIn("not yet", self.problems)

    def test_a_cancel_reaches_the_handler(self):
        stopped = threading.Event()
        job = self.client.schedule(type="cancelled", after=0, lease="300ms")

        def handler(run):
            self.client.cancel(job)
            if run.cancelled.wait(20):
                stopped.set()

        worker = self.client.work("cancelled", handler)
        self.assertTrue(stopped.wait(20))
        worker.stop()

    def test_concurrency_is_a_limit(self):
        lock = threading.Lock()
        running, most = [], []

        def handler(run):
            with lock:
                running.append(run)
                most.append(len(running))
            time.sleep(0.02)
            with lock:
                running.remove(run)

        jobs = self.client.schedule_many([{"type": "bounded", "after": 0} for _ in range(9)])
        worker = self.client.work("bounded", handler, concurrency=3)
        for job in jobs:
            self.done(job)
        worker.stop()
        self.assertEqual(max(most), 3)

    def test_a_daemon_that_is_killed_is_found_again(self):
        held = threading.Event()
        told = []
        watch = self.client.watch(types=["over"])

        def listen():
            for story in watch:
                if isinstance(story, belfry.Event):
                    told.append((story.seq, story.kind))

        listener = threading.Thread(target=listen)
        listener.start()
        worker = self.client.work("over", lambda run: held.wait(60) if run.key == "held" else None)
        job = self.client.schedule(type="over", key="held", after=0, lease="3s")
        while not self.client.get(job)[1] or self.client.get(job)[1][0].state != "leased":
            time.sleep(0.02)
        self.daemon.crash()
        self.assertEqual(self.done(self.client.schedule(type="over", key="next", after=0)).state, "completed")
        held.set()
        self.assertEqual(self.done(job).state, "completed")
        self.assertEqual(self.client.get(job)[1][0].attempt, 1)
        while sum(kind == "job.completed" for _, kind in told) < 2:
            time.sleep(0.02)
        worker.stop()
        watch.close()
        listener.join()
        self.assertEqual(len(set(told)), len(told))
        for kind in ("job.scheduled", "run.fired", "run.claimed", "run.succeeded", "job.completed"):
            self.assertEqual(sum(one == kind for _, one in told), 2, kind)

    def test_watch_from_the_beginning_and_preview(self):
        self.client.cancel(self.client.schedule(type="watched", after="1h"))
        kinds = []
        for story in self.client.watch(after=0, types=["watched"]):
            kinds.append(story.notice if isinstance(story, belfry.Notice) else story.kind)
            if isinstance(story, belfry.Notice):
                break
        self.assertEqual(kinds, ["job.scheduled", "job.cancelled", "caught_up"])
        slots = self.client.preview(daily="0230", tz="Europe/Berlin", from_="2027-03-27T12:00:00Z", limit=1)
        self.assertEqual(slots[0].due.isoformat(), "2027-03-28T01:00:00+00:00")
        self.assertIn("does not exist", slots[0].note)

    def test_the_end_of_the_patience(self):
        job = self.client.schedule(type="never", after="1h")
        with self.assertRaises(belfry.Unreachable):
            self.client.wait_for(job, timeout="50ms")
        with belfry.Client(directory=self.daemon.directory, timeout="200ms") as lost:
            with self.assertRaises(belfry.Unreachable):
                lost.status()


if __name__ == "__main__":
    unittest.main()
