import type { SwitchOff } from './switch-off.ts'

const PROVIDER = 'packages/provider/src'

const ahead = {
  file: `${PROVIDER}/witness/judge-claim.ts`,
  before: "if (sequence >= place.sequence) return 'ahead'",
  after: "if (sequence >= place.sequence) return 'unknown'",
}

/** What a member compares while it reads. */
export const reading: readonly SwitchOff[] = [
  {
    id: 'B1a',
    defence: 'a counter of a sealer is taken once',
    edits: [
      {
        file: `${PROVIDER}/inbound/sealer-order.ts`,
        before: 'if (!sealer.missing.delete(opened.counter)) return REPLAYED',
        after: 'sealer.missing.delete(opened.counter)',
      },
    ],
    red: /replayed/,
  },
  {
    id: 'B1b',
    defence: 'an awareness state that is older than five minutes is dropped',
    edits: [
      {
        file: `${PROVIDER}/awareness/sealed-awareness.ts`,
        before: 'if (!isCurrentAwareness(body, clock.now())) {',
        after: 'if (body.update === undefined) {',
      },
    ],
    red: /a ghost is shown/,
  },
  {
    id: 'B2a',
    defence: 'what comes before its turn is held back, below Yjs',
    edits: [
      {
        file: `${PROVIDER}/inbound/sealer-order.ts`,
        before: '    if (opened.counter < sealer.next) {',
        after:
          '    if (sequence > 0) return { updates: this.#take(sealer, placed), replayed: false, held: false }\n    if (opened.counter < sealer.next) {',
      },
    ],
    red: /before what they rest on/,
  },
  {
    id: 'B2b',
    defence: 'a hole that stays is told of',
    edits: [
      {
        file: `${PROVIDER}/inbound/inbound.ts`,
        before: "this.#ports.problems.raise('gap',",
        after: "String('gap',",
      },
    ],
    red: /in vain for Bob to be told gap/,
  },
  {
    id: 'B4',
    defence: 'H at the cursor is compared at each join',
    edits: [
      {
        file: `${PROVIDER}/session/compare-joined.ts`,
        before: "if (confirmed) return { does: 'go-on' }",
        after: "return { does: 'go-on' }",
      },
    ],
    red: /in vain for Ada to be told rollback/,
  },
  {
    id: 'B6',
    defence: 'what sealers have seen is compared with what was read',
    edits: [
      {
        file: `${PROVIDER}/witness/judge-claim.ts`,
        before: "return equalBytes(ours, hash) ? 'agrees' : 'differs'",
        after: "return 'agrees'",
      },
    ],
    red: /in vain for Ada to be told fork/,
  },
  {
    id: 'B11',
    defence: 'an ack counts when its H fits what was sent',
    edits: [
      {
        file: `${PROVIDER}/inbound/inbound.ts`,
        before: 'if (own.hashAfter !== undefined && !this.#doubt.accepts(own.hashAfter, hashPrefix(hash))) {',
        after: 'if (sequence < 0) {',
      },
    ],
    red: /what was never stored counts as durable/,
  },
  {
    id: 'B10',
    defence: 'sequences that are left out are asked for, and not waited for without end',
    edits: [
      {
        file: `${PROVIDER}/session/hole-watch.ts`,
        before: '      this.#ports.onStubbornHole()\n',
        after: '',
      },
      {
        file: `${PROVIDER}/session/stall-watch.ts`,
        before: '    if (this.#unchanged === PATIENT_LOOKS) this.#ports.onStall()\n',
        after: '',
      },
    ],
    red: /in vain for Bob to notice lie/,
  },
  {
    id: 'B12',
    defence: 'a relay may nudge once a minute',
    edits: [
      {
        file: `${PROVIDER}/epoch/key-watch.ts`,
        before: '    if (nowMs - this.#lastNudgeMs < NUDGE_MS) return\n',
        after: '',
      },
    ],
    red: /commands how often keys are asked for/,
  },
  {
    id: 'B9',
    defence: 'a version that was not offered is not spoken',
    edits: [
      {
        file: `${PROVIDER}/connection/relay-connection.ts`,
        before: 'if (message.version < MIN_PROTOCOL_VERSION || message.version > PROTOCOL_VERSION) {',
        after: 'if (message.version < MIN_PROTOCOL_VERSION) {',
      },
    ],
    red: /a version that was not offered is spoken|in vain for Ada to be welcomed/,
  },
  {
    id: 'B13',
    defence: 'garbage in bulk is asked for in bulk',
    edits: [
      {
        file: `${PROVIDER}/inbound/inbound.ts`,
        before: '        this.#suspectRest(run, verdicts, i + 1)\n',
        after: '',
      },
    ],
    red: /questions that the garbage has caused/,
  },
  {
    id: 'B3',
    defence: 'who has seen more than was shown here is believed',
    edits: [ahead],
    red: /in vain for Bob to be told withheld/,
  },
  {
    id: 'B5',
    defence: 'who has seen more than was shown here is believed',
    edits: [ahead],
    red: /in vain for Carol to be told withheld/,
  },
]
