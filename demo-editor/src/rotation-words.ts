import { say, sayIfKnown } from './messages/words.ts'

/** What decides whether the key can be rotated now. */
export interface RotationFacts {
  connected: boolean
  canWrite: boolean
  keyInLink: boolean
  running: boolean
}

/** Why not now, in words; undefined: it can. */
export function rotationObstacle({ connected, canWrite, keyInLink, running }: RotationFacts): string | undefined {
  if (running) return say(connected ? 'rotate.not-now.running' : 'rotate.not-now.running-offline')
  if (keyInLink) return say('rotate.not-now.link')
  if (!connected) return say('rotate.not-now.offline')
  if (!canWrite) return say('rotate.not-now.reader')
  return undefined
}

export function rotationFailureText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const reason = sayIfKnown(`rotate.failed.${code}`) ?? sayIfKnown(`problem.${code}`)
  return say('rotate.failed', { reason: reason?.replace(/\.$/, '') ?? say('rotate.failed.unknown') })
}
