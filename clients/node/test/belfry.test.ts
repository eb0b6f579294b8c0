// SPDX-License-Identifier: MPL-2.0
//
// The client against a real daemon, which is killed on the way.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import {
  Belfry,
  type Event,
  InvalidError,
  KeyTakenError,
  NonRetryableError,
  type Notice,
  NotFoundError,
  type Run,
  TooLargeError,
  TooLateError,
  UnreachableError,
  VersionConflictError,
} from '../src/index.js'
import { Daemon } from './daemon.js'

let daemon: Daemon
let belfry: Belfry
const problems: string[] = []

before(async () => {
  daemon = await Daemon.start()
  belfry = new Belfry({ directory: daemon.data, client: 'test', onProblem: (error) => problems.push(error.message) })
})

after(async () => {
  await belfry.close({ deadline: '1s' })
  await daemon.remove()
})

/** The first run that a handler of this type gets, and how the handler is to end. */
function nextRun(type: string, act: (run: Run) => unknown = () => undefined): Promise<Run> {
  return new Promise((resolve) => {
    const worker = belfry.on(type, (run) => {
      resolve(run)
      void worker.stop()
      return act(run)
    })
  })
}

test('a job is armed, worked and settled', async () => {
  const payload = { player: 'Zoë ✏️', turn: 7 }
  const job = await belfry.schedule({ type: 'claim_timeout', key: 'turn-7', after: '50ms', payload, tags: ['game:1'] })
  assert.equal(job.state, 'scheduled')
  assert.equal(job.outcome, 'created')
  const run = await nextRun('claim_timeout', () => ({ skipped: true }))
  assert.deepEqual([run.key, run.payload, run.attempt, run.tags], ['turn-7', payload, 1, ['game:1']])
  const done = await belfry.waitFor(job, { timeout: '10s' })
  assert.equal(done.state, 'completed')
  const { runs } = await belfry.get(job)
  assert.deepEqual(runs.map(({ id, state, result }) => [id, state, result]), [[`${job.id}.1`, 'succeeded', { skipped: true }]])
  assert.equal((await belfry.waitFor({ key: 'turn-7' })).id, job.id)
})

test('refusals are typed', async () => {
  await belfry.schedule({ type: 'refused', key: 'taken', after: '1h' })
  await assert.rejects(belfry.schedule({ type: 'refused', key: 'taken', after: '1h' }), KeyTakenError)
  await assert.rejects(belfry.get({ key: 'nobody' }), NotFoundError)
  await assert.rejects(belfry.schedule({ type: 'no blanks', after: 0 }), InvalidError)
  await assert.rejects(belfry.schedule({ type: 'large', after: 0, payload: Buffer.alloc(70_000) }), TooLargeError)
  await assert.rejects(belfry.cancel({ key: 'taken' }, { ifVersion: 9 }), VersionConflictError)
})

test('a key that is taken keeps or replaces', async () => {
  const first = await belfry.schedule({ type: 'key', key: 'k', after: '1h' })
  const kept = await belfry.schedule({ type: 'key', key: 'k', after: '2h' }, { onKey: 'keep' })
  assert.deepEqual([kept.id, kept.outcome, kept.version], [first.id, 'existing', 1])
  const replaced = await belfry.schedule({ type: 'key', key: 'k', after: '2h' }, { onKey: 'replace' })
  assert.deepEqual([replaced.id, replaced.outcome, replaced.version], [first.id, 'replaced', 2])
})

test('throttle makes one in a window, debounce waits for the newest call', async () => {
  const once = { type: 'key', key: 'throttled', after: '1h' }
  const first = await belfry.schedule(once, { onKey: 'throttle', window: '1h' })
  await belfry.cancel(first)
  assert.equal((await belfry.schedule(once, { onKey: 'throttle', window: '1h' })).id, first.id)
  const typed = { type: 'key', key: 'debounced', after: '1h' }
  await belfry.schedule({ ...typed, payload: 'a' }, { onKey: 'debounce' })
  const newest = await belfry.schedule({ ...typed, payload: 'b' }, { onKey: 'debounce' })
  assert.equal(newest.version, 2)
  assert.equal((await belfry.get(newest)).job.payload, 'b')
})

test('reminders come before the deadline, until it is confirmed', async () => {
  const job = { type: 'turn', key: 'reminded', after: '2s', payload: 7, remindBefore: ['1900ms', '100ms'] }
  await belfry.schedule(job)
  const reminder = await nextRun('turn.reminder')
  assert.deepEqual([reminder.key, reminder.payload, reminder.remindBefore, reminder.origin], ['reminded', 7, 1900, 'reminder'])
  assert.equal(Number(reminder.slotDue) - Number(reminder.due), 1900)
  assert.equal((await belfry.confirm({ key: 'reminded' })).state, 'confirmed')
  assert.equal((await belfry.get({ key: 'reminded' })).job.runs, 1)
})

test('confirmed in time nothing fires, after that it is too late', async () => {
  await belfry.schedule({ type: 'confirm', key: 'in-time', after: '1h' })
  assert.equal((await belfry.confirm({ key: 'in-time' })).state, 'confirmed')
  const job = await belfry.schedule({ type: 'confirm', key: 'late', after: 0 })
  await nextRun('confirm')
  await belfry.waitFor(job, { timeout: '10s' })
  await assert.rejects(belfry.confirm({ key: 'late' }), TooLateError)
})

test('the same request id has one effect', async () => {
  const job = { type: 'once', after: '1h' }
  const [first, again] = [await belfry.schedule(job, { requestId: 'once-1' }), await belfry.schedule(job, { requestId: 'once-1' })]
  assert.equal(first.id, again.id)
})

test('a batch is one commit', async () => {
  await belfry.schedule({ type: 'batch', key: 'a', after: '1h' })
  const [confirmed, made] = await belfry.batch((batch) => batch.confirm({ key: 'a' }).schedule({ type: 'batch', key: 'b', after: '1h' }))
  assert.ok(confirmed && 'jobs' in confirmed && confirmed.jobs[0]?.state === 'confirmed')
  assert.ok(made && 'jobs' in made && made.jobs[0]?.key === 'b')
  await assert.rejects(
    belfry.batch((batch) => batch.cancel({ key: 'b' }).cancel({ key: 'nobody' })),
    NotFoundError,
  )
  assert.equal((await belfry.get({ key: 'b' })).job.state, 'scheduled')
})

test('many by a filter, dry first', async () => {
  await belfry.schedule(Array.from({ length: 500 }, (_, n) => ({ type: 'bulk', key: `bulk-${n}`, after: '1h' as const })))
  const filter = { type: 'bulk', keyPrefix: 'bulk-1' }
  assert.equal((await belfry.cancel({ filter }, { dryRun: true })).changed, 111)
  assert.equal((await belfry.cancel({ filter })).changed, 111)
  let open = 0
  for await (const job of belfry.list({ type: 'bulk', states: ['scheduled'] })) open += job.type === 'bulk' ? 1 : 0
  assert.equal(open, 389)
})

test('a failure is tried again, one that is not retryable is not', async () => {
  const job = await belfry.schedule({ type: 'fails', after: 0, retry: { delay: '10ms', maxAttempts: 3 } })
  const attempts: number[] = []
  const worker = belfry.on('fails', (run) => {
    attempts.push(run.attempt)
    if (run.attempt === 1) throw new Error('not yet')
    throw new NonRetryableError('never')
  })
  assert.equal((await belfry.waitFor(job, { timeout: '10s' })).state, 'dead')
  await worker.stop()
  assert.deepEqual(attempts, [1, 2])
  const { runs } = await belfry.get(job)
  assert.equal(runs[0]?.reason, 'NonRetryableError: never')
  assert.ok(problems.includes('not yet') && problems.includes('never'))
})

test('whatever a handler throws is a failed attempt, and a problem that cannot be heard hurts nobody', async () => {
  const deaf = new Belfry({
    directory: daemon.data,
    onProblem: () => {
      throw new Error('deaf')
    },
  })
  const job = await deaf.schedule({ type: 'strange', after: 0, retry: { maxAttempts: 1 } })
  deaf.on('strange', () => {
    throw Object.create(null)
  })
  assert.equal((await deaf.waitFor(job, { timeout: '20s' })).state, 'dead')
  await deaf.close()
})

test('a snooze is no failure', async () => {
  const job = await belfry.schedule({ type: 'snoozes', after: 0 })
  const worker = belfry.on('snoozes', (run) => {
    if (run.attempt === 1) run.snooze('20ms')
    return run.attempt
  })
  assert.equal((await belfry.waitFor(job, { timeout: '10s' })).state, 'completed')
  await worker.stop()
  const { runs } = await belfry.get(job)
  assert.deepEqual([runs[0]?.attempt, runs[0]?.failures, runs[0]?.result], [2, 0, 2])
})

test('a cancel reaches the handler', async () => {
  const job = await belfry.schedule({ type: 'cancelled', after: 0, lease: '300ms' })
  let stop = (): void => {}
  const ended = new Promise<void>((resolve) => (stop = resolve))
  await nextRun('cancelled', (run) => {
    return new Promise((resolve) => {
      run.signal.addEventListener('abort', () => {
        stop()
        resolve(undefined)
      })
      void belfry.cancel(job)
    })
  })
  await ended
})

test('concurrency is a limit', async () => {
  const jobs = await belfry.schedule(Array.from({ length: 9 }, () => ({ type: 'bounded', after: 0 })))
  let [running, most] = [0, 0]
  const worker = belfry.on(
    'bounded',
    async () => {
      most = Math.max(most, ++running)
      await new Promise((resolve) => setTimeout(resolve, 20))
      running--
    },
    { concurrency: 3 },
  )
  await Promise.all(jobs.map((job) => belfry.waitFor(job, { timeout: '20s' })))
  await worker.stop()
  assert.equal(most, 3)
})

test('a bot whose event loop is blocked for 10 s loses no lease and does nothing twice', async () => {
  const jobs = await belfry.schedule(Array.from({ length: 3 }, () => ({ type: 'blocks', after: 0, lease: '3s' })))
  const seen: string[] = []
  const worker = belfry.on(
    'blocks',
    async (run) => {
      seen.push(`${run.id} ${run.attempt}`)
      if (seen.length === 1) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000)
    },
    { concurrency: 3 },
  )
  for (const job of jobs) {
    assert.equal((await belfry.waitFor(job, { timeout: '30s' })).state, 'completed')
    const { runs } = await belfry.get(job)
    assert.deepEqual(runs.map(({ attempt, failures }) => [attempt, failures]), [[1, 0]])
  }
  await worker.stop()
  assert.equal(seen.length, 3)
})

test('a daemon that is killed and comes back on other ports is found again, by calls, claims, heartbeats and watches', async () => {
  const watch = belfry.watch({ types: ['over'] })
  const told: string[] = []
  const listening = (async () => {
    for await (const story of watch) if ('kind' in story) told.push(`${story.seq} ${story.kind}`)
  })()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  const worker = belfry.on('over', async (run) => {
    if (run.key === 'held') await held
  })
  const job = await belfry.schedule({ type: 'over', key: 'held', after: 0, lease: '3s' })
  while ((await belfry.get(job)).runs[0]?.state !== 'leased') await new Promise((resolve) => setTimeout(resolve, 20))
  await daemon.crash()
  const next = await belfry.schedule({ type: 'over', key: 'next', after: 0 })
  assert.equal((await belfry.waitFor(next, { timeout: '30s' })).state, 'completed')
  release()
  assert.equal((await belfry.waitFor(job, { timeout: '30s' })).state, 'completed')
  assert.equal((await belfry.get(job)).runs[0]?.attempt, 1)
  while (told.filter((story) => story.endsWith('job.completed')).length < 2) await new Promise((resolve) => setTimeout(resolve, 20))
  await worker.stop()
  await watch.return()
  await listening
  assert.equal(new Set(told).size, told.length)
  const kinds = told.map((story) => story.split(' ')[1])
  for (const kind of ['job.scheduled', 'run.fired', 'run.claimed', 'run.succeeded', 'job.completed']) {
    assert.equal(kinds.filter((one) => one === kind).length, 2, kind)
  }
})

test('a watch begins where it is told to, and says when it has caught up', async () => {
  const job = await belfry.schedule({ type: 'watched', after: '1h' })
  await belfry.cancel(job)
  const stories: (Event | Notice)[] = []
  for await (const story of belfry.watch({ after: '0', types: ['watched'] })) {
    stories.push(story)
    if ('notice' in story) break
  }
  assert.deepEqual(
    stories.map((story) => ('notice' in story ? story.notice : story.kind)),
    ['job.scheduled', 'job.cancelled', 'caught_up'],
  )
})

test('preview, history, status', async () => {
  const slots = await belfry.preview({ daily: '0230', tz: 'Europe/Berlin' }, { from: '2027-03-27T12:00:00Z', limit: 2 })
  assert.deepEqual(slots.map(({ due }) => due.toISOString()), ['2027-03-28T01:00:00.000Z', '2027-03-29T00:30:00.000Z'])
  assert.match(slots[0]?.note ?? '', /does not exist/)
  const kinds: string[] = []
  for await (const event of belfry.history({ key: 'in-time' })) kinds.push(event.kind)
  assert.deepEqual(kinds, ['job.confirmed', 'job.scheduled'])
  assert.ok((await belfry.status()).headSeq > 0n)
})

test('an abort ends the waiting', async () => {
  const job = await belfry.schedule({ type: 'never', after: '1h' })
  await assert.rejects(belfry.waitFor(job, { timeout: '50ms' }), /not final yet/)
  await assert.rejects(belfry.waitFor(job, { signal: AbortSignal.timeout(50) }), /aborted/)
  await assert.rejects(belfry.schedule({ type: 'never', after: 0 }, { signal: AbortSignal.abort() }), /aborted/)
})

test('without a daemon the error says what to do', async () => {
  const lost = new Belfry({ directory: `${daemon.directory}/nowhere`, timeout: '200ms' })
  await assert.rejects(lost.status(), (error: Error) => error instanceof UnreachableError)
  await lost.close()
})
