import type { Down, Up } from '@y-sealed/protocol'
import { expect } from 'vitest'
import { until, untilTrue } from './events.ts'
import type { Person } from './world.ts'

/** Matches the messages of one type. */
export function ofType(wanted: (Up | Down)['type']): (message: Up | Down) => boolean {
  return ({ type }) => type === wanted
}

export const isAppend = ({ type }: Up | Down): boolean => type === 'append'
export const isEntries = ({ type }: Up | Down): boolean => type === 'entries'
export const isAck = ({ type }: Up | Down): boolean => type === 'ack'

export function synced({ provider, name }: Person): Promise<void> {
  return untilTrue(provider, 'sync', () => provider.synced, `${name} to be synced`)
}

/** A sync(true) that has not happened yet. */
export function nextSync({ provider, name }: Person): Promise<unknown> {
  return until(provider, 'sync', (isSynced) => isSynced === true, `${name} to be synced again`)
}

export function someProblem({ provider, problems, name }: Person): Promise<void> {
  return untilTrue(provider, 'problem', () => problems.length > 0, `a problem of ${name}`)
}

export function codesOf({ problems }: Person): string[] {
  return problems.map(({ code }) => code)
}

const SEALED: readonly string[] = ['stage', 'append', 'open', 'awareness']

/** Nothing was shown as complete, nothing sealed was sent, what was typed is there and known to be unsynced. */
export function expectLocked({ provider, text, wire }: Person, typed: string): void {
  expect(provider.synced).toBe(false)
  expect(provider.wsconnected).toBe(false)
  const said = wire.sockets.flatMap(({ connection }) => wire.capture.messages('up', connection))
  expect(said.filter(({ type }) => SEALED.includes(type))).toEqual([])
  expect(text.toString()).toBe(typed)
  expect(provider.hasUnsyncedChanges).toBe(true)
}
