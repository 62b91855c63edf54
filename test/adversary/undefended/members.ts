import type { Edit, SwitchOff } from './switch-off.ts'

const GUARD = 'packages/provider/src/guard'

const noScan: Edit = {
  file: `${GUARD}/guard.ts`,
  before: "    if (typeof scanned === 'string') {",
  after:
    "    if (typeof scanned === 'string' && scanned !== null) return { structs: [], deletes: [], update }\n    if (typeof scanned === 'string') {",
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
