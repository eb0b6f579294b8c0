# SPDX-License-Identifier: MPL-2.0
"""The asyncio client against a real daemon."""

import asyncio
import time
import unittest

import belfry
from belfry import aio
from daemon import Daemon


class Aio(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.daemon = Daemon()
        self.client = aio.Client(directory=self.daemon.data, client="test", on_problem=lambda error, run: None)

    async def asyncTearDown(self):
        await self.client.close("1s")
        self.daemon.remove()

    async def test_armed_worked_and_settled(self):
        job = await self.client.schedule(type="claim_timeout", key="turn-7", after="50ms", payload={"player": "Ada"})

        @self.client.on("claim_timeout")
        async def skip(run):
            if run.attempt == 1:
                raise ValueError("again")
            await asyncio.sleep(0)
            return run.payload

        done = await self.client.wait_for(job, timeout="30s")
        self.assertEqual(done.state, "completed")
        _, runs = await self.client.get(job)
        self.assertEqual((runs[0].result, runs[0].failures), ({"player": "Ada"}, 1))

    async def test_a_loop_that_is_held_for_10_s_loses_no_lease(self):
        jobs = await self.client.schedule_many([{"type": "blocks", "after": 0, "lease": "3s"} for _ in range(3)])
        seen = []

        @self.client.on("blocks", concurrency=3)
        async def block(run):
            seen.append(run.id)
            if len(seen) == 1:
                time.sleep(10)

        for job in jobs:
            self.assertEqual((await self.client.wait_for(job, timeout="30s")).state, "completed")
            _, runs = await self.client.get(job)
            self.assertEqual((runs[0].attempt, runs[0].failures), (1, 0))
        self.assertEqual(len(seen), 3)

    async def test_the_daemon_is_killed_in_the_middle(self):
        job = await self.client.schedule(type="over", after=0, lease="3s")
        release = asyncio.Event()
        began = asyncio.Event()

        @self.client.on("over")
        async def handler(run):
            began.set()
            await release.wait()

        await began.wait()
        async with self.client.watch(kinds=["job.completed"]) as watch:
            self.daemon.crash()
            release.set()
            async for story in watch:
                if isinstance(story, belfry.Event):
                    self.assertEqual(story.job, job.id)
                    break
        _, runs = await self.client.get(job)
        self.assertEqual(runs[0].attempt, 1)

    async def test_reading_many_and_batches(self):
        await self.client.schedule_many([{"type": "bulk", "key": f"b-{n}", "after": "1h"} for n in range(250)])
        self.assertEqual((await self.client.many("cancel", {"key_prefix": "b-1"})).changed, 111)
        self.assertEqual(len([job async for job in self.client.list({"states": ["scheduled"]})]), 139)
        await self.client.commit(self.client.batch().confirm({"key": "b-0"}).trigger({"key": "b-2"}))
        self.assertEqual([event.kind async for event in self.client.history({"key": "b-0"})], ["job.confirmed", "job.scheduled"])
        with self.assertRaises(belfry.KeyTaken):
            await self.client.schedule(type="bulk", key="b-2", after="1h")


if __name__ == "__main__":
    unittest.main()
