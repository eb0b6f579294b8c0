# SPDX-License-Identifier: MPL-2.0
"""The parts that decide: lengths and instants, payloads, requests, when to repeat and to beat, what to do with a frame."""

import unittest
from datetime import datetime, timedelta, timezone

from belfry import _requests as requests
from belfry import _stream
from belfry import _wire_pb2 as wire
from belfry._calls import Beats, Calls, Waiting
from belfry.errors import Invalid
from belfry.job import ref_of
from belfry.payload import decode, encode
from belfry.times import duration_us, instant_us


class Times(unittest.TestCase):
    def test_lengths(self):
        rows = [
            (1.5, 1_500_000), (timedelta(minutes=1), 60_000_000), ("500ms", 500_000), ("90s", 90_000_000),
            ("1h30m", 5_400_000_000), ("2d", 172_800_000_000), ("1.5h", 5_400_000_000),
        ]  # fmt: skip
        for value, expected in rows:
            self.assertEqual(duration_us(value, "after"), expected, value)
        for value in ("", "5", "5 m", "-5m", -1):
            with self.assertRaises(Invalid, msg=value):
                duration_us(value, "after")

    def test_instants_name_their_zone(self):
        expected = 1_795_507_200_000_000
        for value in ("2026-11-24T08:00:00Z", "2026-11-24T09:00:00+01:00", datetime(2026, 11, 24, 8, tzinfo=timezone.utc)):
            self.assertEqual(instant_us(value, "at"), expected)
        for value in ("2026-11-24T08:00:00", datetime(2026, 11, 24), "tomorrow"):
            with self.assertRaises(Invalid):
                instant_us(value, "at")


class Requests(unittest.TestCase):
    def test_one_trigger(self):
        self.assertEqual(requests.spec_of({"type": "t", "cron": "@daily"}, "default").cron, "@daily")
        for job in ({"type": "t"}, {"type": "t", "after": 1, "cron": "@daily"}):
            with self.assertRaises(Invalid):
                requests.spec_of(job, "default")

    def test_what_a_job_does_not_have_is_refused(self):
        for job in ({"typ": "t", "after": 1}, {"type": "t", "after": 1, "late": "never"}, {"type": "t", "after": 1, "retry": {"tries": 1}}):
            with self.assertRaises(Invalid):
                requests.spec_of(job, "default")

    def test_everything_arrives(self):
        job = dict(
            type="t", key="k", every=("1h", 0), tags=["a"], delivery="notify", late="fire_all", overlap="skip", tz="", lease="3s",
            retry={"max_attempts": 2, "backoff": "list", "delays": ["1s"], "factor": 1.5}, start=1, max_runs=3, payload={"é": 1},
        )  # fmt: skip
        spec = requests.spec_of(job, "ns")
        self.assertEqual((spec.ns, spec.every.interval_us, spec.every.WhichOneof("anchor")), ("ns", 3_600_000_000, "anchor_us"))
        self.assertEqual((spec.delivery, spec.late, spec.overlap), (wire.DELIVERY_NOTIFY, wire.LATE_FIRE_ALL, wire.OVERLAP_SKIP))
        self.assertEqual((spec.retry.max_attempts, list(spec.retry.delays_us), spec.retry.factor_permille), (2, [1_000_000], 1500))
        self.assertEqual((spec.lease_us, spec.start_us, spec.max_runs, spec.content_type), (3_000_000, 1_000_000, 3, "application/json"))

    def test_resume_from(self):
        self.assertEqual(getattr(requests.change("resume", "256", None, "ns", from_="now").resume, "from"), wire.RESUME_FROM_NOW)

    def test_a_key_is_not_taken_for_an_id(self):
        self.assertEqual(ref_of("256", "default").id, 256)
        self.assertEqual(ref_of({"key": "k"}, "ns").ns, "ns")
        with self.assertRaises(Invalid):
            ref_of("turn-7", "default")

    def test_payloads(self):
        self.assertEqual(decode(*encode({"player": "Zoë ✏️"})), {"player": "Zoë ✏️"})
        self.assertEqual(decode(*encode(b"\x00\xff")), b"\x00\xff")
        self.assertIsNone(decode(*encode(None)))
        self.assertEqual(decode(b"{no", "application/json"), b"{no")


class Repeating(unittest.TestCase):
    def setUp(self):
        self.sent = []
        self.heard = []
        self.calls = Calls(self.sent.append, lambda: self.heard.append("reconnect"))

    def add(self, name, parked=False, end=float("inf")):
        answer = lambda reply: self.heard.append(f"{name} {reply.code}")  # noqa: E731
        self.calls.add(Waiting(name, name.encode(), parked, answer, lambda: self.heard.append(f"{name} failed"), end), 0.0)

    def test_a_call_without_an_answer(self):
        self.add("a", end=12.0)
        self.calls.tick(4.9, False)
        self.assertEqual((len(self.sent), self.heard), (1, []))
        self.calls.tick(5.0, False)
        self.assertEqual((len(self.sent), self.heard), (2, ["reconnect"]))
        self.calls.tick(12.0, False)
        self.assertEqual(self.heard[-1], "a failed")

    def test_a_parked_claim_keeps_its_connection(self):
        self.add("a", parked=True)
        self.calls.tick(5.0, False)
        self.assertEqual((len(self.sent), self.heard), (2, []))

    def test_busy_is_repeated_after_a_pause_that_grows(self):
        self.add("a")
        self.calls.answered(wire.Reply(request_id="a", code=wire.CODE_BUSY), 0.0)
        self.assertEqual(self.calls.next(), 0.05)
        self.calls.tick(0.05, False)
        self.calls.answered(wire.Reply(request_id="a", code=wire.CODE_BUSY), 0.1)
        self.assertAlmostEqual(self.calls.next(), 0.2)
        self.calls.answered(wire.Reply(request_id="a", code=wire.CODE_NOT_FOUND), 0.3)
        self.assertEqual(self.heard, [f"a {wire.CODE_NOT_FOUND}"])

    def test_beats(self):
        beats = Beats()
        beats.add("1.1.1", 3.0, False, 0.0)
        beats.add("2.1.1", 30.0, True, 0.0)
        self.assertEqual(beats.take(0.0), [["2.1.1"]])
        self.assertEqual(beats.take(1.0), [["1.1.1"]])
        beats.hurry(1.5)
        self.assertEqual(beats.take(1.5), [["1.1.1", "2.1.1"]])


class Streams(unittest.TestCase):
    def test_everything_subscribed(self):
        stream = _stream.Stream(False, 0, 4)
        for seq, step in ((4, _stream.DROP), (5, _stream.TELL), (7, _stream.REPLAY), (6, _stream.TELL)):
            self.assertEqual(stream.frame(9, seq, 0, "a "), step)

    def test_topics_chosen(self):
        stream = _stream.Stream(True, 9, 4)
        self.assertEqual(stream.frame(9, 10, 3, "a "), _stream.TELL)
        self.assertEqual(stream.frame(9, 20, 10, "a "), _stream.TELL)
        self.assertEqual(stream.frame(9, 30, 25, "a "), _stream.REPLAY)
        self.assertEqual(stream.replayed(20, "a "), _stream.DROP)
        self.assertEqual(stream.replayed(25, "a "), _stream.TELL)

    def test_another_history(self):
        stream = _stream.Stream(False, 9, 4)
        self.assertEqual(stream.frame(0, 5, 0, "a "), _stream.DROP)
        self.assertEqual(stream.frame(8, 5, 0, "a "), _stream.RESTARTED)
        self.assertEqual(stream.covered, 0)
        self.assertEqual(_stream.Stream(False, 0, 40).page(9, 40), _stream.DROP)
        self.assertEqual(_stream.Stream(False, 0, 40).page(9, 39), _stream.RESTARTED)

    def test_a_head_that_stays_ahead(self):
        stream = _stream.Stream(False, 9, 4)
        self.assertEqual(stream.beat(9, 5, 0.0), _stream.DROP)
        self.assertEqual(stream.beat(9, 5, 1.0), _stream.REPLAY)
        stream.connected()
        self.assertEqual(stream.beat(9, 5, 2.0), _stream.REPLAY)


if __name__ == "__main__":
    unittest.main()
