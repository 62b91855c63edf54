/** What decides whether the key can be rotated now. */
export interface RotationFacts {
  connected: boolean
  canWrite: boolean
  running: boolean
}

/** Why not now, in words; undefined: it can. */
export function rotationObstacle({ connected, canWrite, running }: RotationFacts): string | undefined {
  if (running) return connected ? 'A new key is on its way.' : 'It goes on once you are connected.'
  if (!connected) return 'Only while you are connected.'
  if (!canWrite) return 'Only who may change this document can do this.'
  return undefined
}

const SENTENCES: Record<string, string> = {
  'rotation-unsupported': 'the key endpoint gives this document no other key',
  'key-refused': 'the key endpoint does not let you make a new key',
  'key-unavailable': 'the key endpoint does not answer',
  'write-denied': 'you may read this document and not change it',
}

export function rotationFailureText(error: unknown): string {
  const reason = error instanceof Error ? (sentenceOf(error) ?? error.message) : 'nobody said why'
  return `The key was not rotated: ${reason}. The document goes on under the key it has.`
}

function sentenceOf(error: Error): string | undefined {
  const code = 'code' in error ? String(error.code) : ''
  return Object.hasOwn(SENTENCES, code) ? SENTENCES[code] : undefined
}
