/**
 * A rotation as a pure state machine (protocol §6). It is driven by what the relay, the endpoint and the reader say, and answers with the one thing to
 * do next; `Rotator` does it. Whatever is lost on the way, the worst that others notice is a pause.
 */
export type RotationState =
  /** The lease was asked for. */
  | { readonly at: 'leasing' }
  /** Somebody else has it: their epoch will do, unless they vanish. */
  | { readonly at: 'waiting' }
  /** The endpoint was asked for a key. */
  | { readonly at: 'keying' }
  /** A copy of the document is becoming exactly the log. */
  | { readonly at: 'covering'; readonly tries: number }
  /** The checkpoint, then what the log got since, goes up. */
  | { readonly at: 'staging'; readonly tries: number; readonly pauses: number }
  /** The relay was asked to hold appends back. */
  | { readonly at: 'pausing'; readonly tries: number; readonly pauses: number }
  /** It does, from `sequence` on; the reader is on its way there. */
  | { readonly at: 'settling'; readonly tries: number; readonly pauses: number; readonly sequence: number }
  /** Record and last entries are on their way: the relay decides. */
  | { readonly at: 'opening'; readonly tries: number; readonly pauses: number }
  /** The pause ran out: the others write for a while. */
  | { readonly at: 'resting'; readonly tries: number; readonly pauses: number }
  | { readonly at: 'opened' }
  /** There is a newer epoch, somebody else's. */
  | { readonly at: 'superseded' }
  | { readonly at: 'failed' }

export type RotationEvent =
  | { readonly type: 'leased' | 'keyed' | 'covered' | 'staged' | 'opened' | 'timer' }
  /** The endpoint, the platform or the relay stands in the way for good. */
  | { readonly type: 'failed' }
  /** The relay has paused the log at `sequence`. */
  | { readonly type: 'paused'; readonly sequence: number }
  /** The reader stands at `sequence`. */
  | { readonly type: 'read'; readonly sequence: number }
  /** `isSuperseded`: with a head record that is another than the one to be replaced. */
  | { readonly type: 'refused'; readonly code: string; readonly isSuperseded: boolean }
  /** The log has got on before the record could leave. */
  | { readonly type: 'late' }
  /** A newer epoch was shown. */
  | { readonly type: 'superseded' }

export type RotationAct =
  | 'lease'
  | 'wait'
  | 'ask-key'
  | 'cover'
  | 'stage'
  | 'pause'
  | 'settle'
  | 'open'
  | 'rest'
  | 'release'

export interface RotationStep {
  readonly state: RotationState
  readonly act?: RotationAct
}

/** An `open` that comes too late loses its staged checkpoint; a link that is too slow every time ends the attempt. */
const MAX_TRIES = 3
/** Each costs the others 5 s of waiting. */
const MAX_PAUSES = 5

export const ROTATION_START: RotationStep = { state: { at: 'leasing' }, act: 'lease' }

const WAITING: RotationStep = { state: { at: 'waiting' }, act: 'wait' }

const FAILED: RotationStep = { state: { at: 'failed' }, act: 'release' }

export function rotationStep(state: RotationState, event: RotationEvent): RotationStep {
  if (isOver(state)) return { state }
  if (event.type === 'superseded' || (event.type === 'refused' && event.isSuperseded)) {
    return { state: { at: 'superseded' }, ...(mayHoldLease(state) ? { act: 'release' as const } : {}) }
  }
  if (event.type === 'failed') return mayHoldLease(state) ? FAILED : { state: { at: 'failed' } }
  switch (state.at) {
    case 'leasing':
      if (event.type === 'leased') return { state: { at: 'keying' }, act: 'ask-key' }
      if (event.type !== 'refused') break
      return event.code === 'busy' ? WAITING : { state: { at: 'failed' } }
    case 'waiting':
      if (event.type === 'timer') return ROTATION_START
      break
    case 'keying':
      if (event.type === 'keyed') return { state: { at: 'covering', tries: 1 }, act: 'cover' }
      break
    case 'covering':
      if (event.type === 'covered') return { state: { ...state, at: 'staging', pauses: 0 }, act: 'stage' }
      if (event.type === 'timer') return FAILED
      break
    case 'staging':
      if (event.type === 'staged') return { state: { ...state, at: 'pausing', pauses: state.pauses + 1 }, act: 'pause' }
      if (event.type === 'refused') return again(state.tries, event.code)
      break
    case 'pausing':
      if (event.type === 'paused')
        return { state: { ...state, at: 'settling', sequence: event.sequence }, act: 'settle' }
      if (event.type === 'refused') return event.code === 'limit' ? rest(state) : again(state.tries, event.code)
      break
    case 'settling': {
      const { tries, pauses, sequence } = state
      if (event.type === 'timer') return rest(state)
      if (event.type !== 'read') break
      // Another's append was stored in between: the pause is over.
      if (event.sequence > sequence) return rest(state)
      if (event.sequence === sequence) return { state: { at: 'opening', tries, pauses }, act: 'open' }
      break
    }
    case 'opening':
      if (event.type === 'opened') return { state: { at: 'opened' } }
      if (event.type === 'late') return rest(state)
      if (event.type === 'refused') return again(state.tries, event.code)
      break
    case 'resting':
      if (event.type === 'timer') return { state: { ...state, at: 'staging' }, act: 'stage' }
      break
  }
  return { state }
}

export function isOver({ at }: RotationState): boolean {
  return at === 'opened' || at === 'superseded' || at === 'failed'
}

function rest({ tries, pauses }: { tries: number; pauses: number }): RotationStep {
  return pauses < MAX_PAUSES ? { state: { at: 'resting', tries, pauses }, act: 'rest' } : FAILED
}

/** What was staged is gone. Only a log that has moved on, or a lease that was lost, is worth another try. */
function again(tries: number, code: string): RotationStep {
  if (tries >= MAX_TRIES) return FAILED
  if (code === 'stale-epoch') return { state: { at: 'covering', tries: tries + 1 }, act: 'cover' }
  return code === 'busy' ? WAITING : FAILED
}

function mayHoldLease({ at }: RotationState): boolean {
  return at !== 'leasing' && at !== 'waiting'
}
