import type { Edit, SwitchOff } from './switch-off.ts'

const GUARD = 'packages/provider/src/guard'

const noScan: Edit = {
  file: `${GUARD}/guard.ts`,
  before: "    if (typeof known === 'string') {",
  after:
    "    if (typeof known === 'string' && known !== null) return { structs: [], deletes: [], update: sealed }\n    if (typeof known === 'string') {",
}

/** What stands between a hostile member and Yjs. */
export const members: readonly SwitchOff[] = [
  {
    id: 'D1',
    defence: 'updates are scanned to their end before Yjs is given any of them',
    edits: [noScan],
    red: /half an update was taken/,
  },
  {
    id: 'D3',
    defence: 'what cannot be used yet is collected, and tried now and then',
    edits: [
      {
        file: `${GUARD}/paced-updates.ts`,
        before: 'return this.#fruitless >= MAX_FRUITLESS || this.#mergedBytes > MAX_MERGED_BYTES',
        after: 'return false',
      },
    ],
    red: /merged again and again/,
  },
  {
    id: 'D4',
    defence: 'no client counts beyond 2^31',
    edits: [noScan],
    red: /waited in vain/,
  },
  {
    id: 'D5',
    defence: 'deletes of what is not in the log yet are kept back',
    edits: [
      {
        file: `${GUARD}/guard.ts`,
        before: '    if (early.length === 0) return',
        after: '    if (early.length >= 0) return',
      },
    ],
    red: /waited in vain/,
  },
  {
    id: 'D6',
    defence: 'what another has under the same ids is compared before it is applied',
    edits: [
      {
        file: 'packages/provider/src/inbound/applier.ts',
        before: 'return robbed === undefined ? this.#enter(admitted, logged)',
        after: 'return robbed === undefined || robbed.size > 0 ? this.#enter(admitted, logged)',
      },
    ],
    red: /in vain for Ada and Bob/,
  },
  {
    id: 'D7',
    defence: 'a session speaks for its own client ids, and for nobody else’s',
    edits: [
      {
        file: 'packages/provider/src/awareness/sealed-awareness.ts',
        before: 'if (entries.some(({ client }) => client === awareness.clientID)) {',
        after: 'if (entries.length < 0) {',
      },
      {
        file: 'packages/provider/src/awareness/sealed-awareness.ts',
        before: 'const hearing = this.#speakers.hear(session, salt, opened.counter, entries)',
        after: "this.#speakers.hear(session, salt, opened.counter, entries)\n      const hearing = 'taken'",
      },
    ],
    red: /somebody else speaks for Ada|a crowd/,
  },
  {
    id: 'D8',
    defence: 'all sessions together speak for 1,000 client ids at most',
    edits: [
      {
        file: 'packages/provider/src/awareness/speakers.ts',
        before: ' || this.#owners.size + added > MAX_IDS) return',
        after: ') return',
      },
    ],
    red: /the page fills with states/,
  },
  {
    id: 'D11',
    defence: 'a checkpoint is compared with the log by who knows it',
    edits: [
      {
        file: 'packages/provider/src/checkpoint/checkpoint-check.ts',
        before: 'if (!this.#hasAppended || newest === undefined || liveEpoch() === undefined) return false',
        after: 'if (newest === undefined || liveEpoch() !== undefined) return false',
      },
    ],
    red: /in vain for Ada to be told checkpoint-incomplete/,
  },
  {
    id: 'D14',
    defence: 'values nest 256 deep at most',
    edits: [
      {
        file: `${GUARD}/scan-update.ts`,
        before: "      if (left.length > MAX_VALUE_DEPTH) throw new UnusableUpdate('nesting')\n",
        after: '',
      },
    ],
    red: /the bomb was let in/,
  },
  {
    id: 'F3',
    defence: 'what tabs tell each other is sealed',
    edits: [
      {
        file: 'packages/provider/src/cross-tab/cross-tab.ts',
        before: '    for (const envelope of envelopes) channel.postMessage(envelope)\n',
        after:
          '    for (const envelope of envelopes) channel.postMessage(envelope)\n    channel.postMessage(content)\n',
      },
    ],
    red: /a tab speaks in clear/,
  },
]
