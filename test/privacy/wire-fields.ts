import type { EpochRecord } from '../../packages/envelope/src/parse-epoch-record.ts'
import { downCodecs } from '../../packages/protocol/src/down.ts'
import { upCodecs } from '../../packages/protocol/src/up.ts'

interface Described {
  readonly type: string
  readonly fields: readonly { readonly name: string; readonly shape: string }[]
}

/** `up.join.room`, `up.append.envelopes.proof`: every field of every message, as the codecs themselves describe it. */
export function messageFields(): string[] {
  return [...fieldsOf('up', Object.values(upCodecs)), ...fieldsOf('down', Object.values(downCodecs))]
}

function fieldsOf(direction: string, codecs: readonly Described[]): string[] {
  return codecs.flatMap(({ type, fields }) =>
    fields.flatMap(({ name, shape }) => {
      const path = `${direction}.${type}.${name}`
      const members = membersOf(shape)
      return members.length === 0 ? [path] : members.map((member) => `${path}.${member}`)
    }),
  )
}

/** A struct's shape is `{ name: shape, … }`; nothing else in a shape has a colon. */
function membersOf(shape: string): string[] {
  return [...shape.matchAll(/(\w+): /g)].map(([, name]) => name as string)
}

// A record may lack `endpointEpoch`, so that its fields are told by the type and not by an example.
const RECORD_FIELDS: Record<keyof EpochRecord, true> = {
  version: true,
  suite: true,
  stretch: true,
  index: true,
  endpointEpoch: true,
  keyHint: true,
  nonce: true,
  ext: true,
  epochId: true,
  prevRecord: true,
  prevSequence: true,
  prevHash: true,
  prevCheckpoint: true,
  checkpoint: true,
  linkTag: true,
  selfTag: true,
}

export function recordFields(): string[] {
  return Object.keys(RECORD_FIELDS).map((name) => `record.${name}`)
}
