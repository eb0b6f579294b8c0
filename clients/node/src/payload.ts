// SPDX-License-Identifier: MPL-2.0
//
// What travels with a job and comes back from a run: JSON, unless bytes are given.

const json = 'application/json'

export interface Content {
  bytes: Uint8Array
  contentType: string
}

/** JSON of a value; bytes as they are; nothing of undefined. */
export function encode(value: unknown, contentType?: string): Content {
  if (value === undefined) return { bytes: new Uint8Array(), contentType: contentType ?? '' }
  if (value instanceof Uint8Array) return { bytes: value, contentType: contentType ?? '' }
  return { bytes: new TextEncoder().encode(JSON.stringify(value)), contentType: contentType ?? json }
}

/** The value of JSON; else the bytes, also where they only say that they are JSON; undefined where there are none. */
export function decode(bytes: Uint8Array, contentType: string): unknown {
  if (bytes.length === 0) return undefined
  if (contentType.split(';')[0]?.trim() !== json) return Buffer.from(bytes)
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return Buffer.from(bytes)
  }
}
