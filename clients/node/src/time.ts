// SPDX-License-Identifier: MPL-2.0
//
// Lengths and instants as people write them, and as the wire has them: microseconds.
import { InvalidError } from './errors.js'

/** Milliseconds, or a text such as "500ms", "90s", "15m", "2h", "3d", "1h30m". */
export type Duration = number | string
/** A Date, milliseconds since the epoch, or an ISO 8601 text with a zone ("2026-11-24T08:00:00Z"). */
export type Instant = Date | number | string

const units: Record<string, number> = {
  us: 1,
  ms: 1000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
}

const wrong = (text: string): InvalidError => new InvalidError('INVALID', text)

/** Microseconds of a length. Throws InvalidError. */
export function durationUs(value: Duration, name: string): bigint {
  if (typeof value === 'number') {
    if (!Number.isFinite(value) || value < 0) throw wrong(`${name}: ${value} is no length in milliseconds`)
    return BigInt(Math.round(value * 1000))
  }
  const parts = [...value.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h|d)/g)]
  if (parts.length === 0 || parts.map((part) => part[0]).join('') !== value) {
    throw wrong(`${name}: "${value}" is no length: say 500ms, 90s, 15m, 2h, 3d, or a number of milliseconds`)
  }
  return parts.reduce((sum, [, count, unit]) => sum + BigInt(Math.round(Number(count) * (units[unit as string] as number))), 0n)
}

/** Microseconds since the epoch. Throws InvalidError. */
export function instantUs(value: Instant, name: string): bigint {
  if (typeof value === 'string' && !/(?:Z|[+-]\d\d:?\d\d)$/.test(value)) {
    throw wrong(`${name}: "${value}" names no zone: end it with Z or +01:00`)
  }
  const ms = value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : value
  if (!Number.isFinite(ms)) throw wrong(`${name}: ${String(value)} is no instant: say a Date or 2026-11-24T08:00:00Z`)
  return BigInt(Math.round(ms * 1000))
}

/** Milliseconds of a length on the wire. */
export const msOf = (us: bigint): number => Number(us) / 1000

/** The Date of an instant on the wire; null for 0, which stands for none. */
export const dateOf = (us: bigint): Date | null => (us === 0n ? null : new Date(Number(us / 1000n)))
