import type { Edit, SwitchOff } from './switch-off.ts'

const PROVIDER = 'packages/provider/src'
const ENVELOPE = 'packages/envelope/src'

/** Whatever does not open with one key is tried with every other that is at hand. */
const everyKey: readonly Edit[] = [
  {
    file: `${ENVELOPE}/open.ts`,
    before: 'const MAX_WIRE_ENVELOPE_BYTES',
    after: 'const EVERY = new Set<EpochKeys>()\nconst MAX_WIRE_ENVELOPE_BYTES',
  },
  {
    file: `${ENVELOPE}/open.ts`,
    before: `  const key = await keys.openingKey(kind, header.salt)
  const plaintext = await key.open(nonceOf(counter, final), aad, envelope.subarray(header.headerBytes))
`,
    after: `  EVERY.add(keys)
  let plaintext: Uint8Array | undefined = aad.subarray(0, 0)
  plaintext = undefined
  for (const each of EVERY) {
    const key = await each.openingKey(kind, header.salt).catch(() => undefined)
    const bound = aadOf(each.epochId, envelope.subarray(0, header.headerBytes), options.slot)
    plaintext ??= await key?.open(nonceOf(counter, final), bound, envelope.subarray(header.headerBytes))
  }
`,
  },
]

const anyRecord: Edit = {
  file: `${ENVELOPE}/epoch-record.ts`,
  before: '  if (!equalBytes(record.selfTag, await keys.selfTag(tagged(keys, linked)))) return false\n',
  after: '',
}

/** What members ask of epochs, their records and their beginnings. */
export const epochs: readonly SwitchOff[] = [
  {
    id: 'C1a',
    defence: 'an envelope is opened with the keys of the epoch in whose log it stands, and with no others',
    edits: [
      ...everyKey,
      { file: `${PROVIDER}/inbound/inbound.ts`, before: ' && epochIndex === this.#epoch?.index', after: '' },
    ],
    red: /waited in vain for Bob to be told tampered|was read/,
  },
  {
    id: 'C1b',
    defence: 'a new epoch is entered only from the history that its record names',
    edits: [
      {
        file: `${PROVIDER}/session/compare-joined.ts`,
        before: 'if (records.voids > 0 || (confirmed && !isPruned)) return',
        after: 'return',
      },
      {
        file: `${PROVIDER}/epoch/judge-switch.ts`,
        before: "return mine.cursor === next.prevSequence && equalBytes(mine.hash, next.prevHash) ? 'go-on' : 'fork'",
        after: "return 'go-on'",
      },
    ],
    red: /waited in vain for Bob to be told fork|laundered/,
  },
  {
    id: 'C1c',
    defence: 'a checkpoint is the one that the record names, and is opened with the keys of its epoch alone',
    edits: [
      ...everyKey,
      {
        file: `${PROVIDER}/checkpoint/open-checkpoint.ts`,
        before:
          "  if (!equalBytes(await hashChunks(chunks), expectedHash)) throw tampered('is not the one that was named')\n",
        after: '',
      },
      {
        file: `${PROVIDER}/checkpoint/open-checkpoint.ts`,
        before: "  if (opened.epochIndex !== epochIndex) throw tampered('is of another epoch')\n",
        after: '',
      },
    ],
    red: /the false checkpoint was begun with/,
  },
  {
    id: 'C2',
    defence: 'a key that the endpoint holds retired is asked about before its epoch counts as the newest',
    edits: [
      {
        file: `${PROVIDER}/epoch/key-desk.ts`,
        before: '        if (isNewest && !isTrusted && !adopted.state.active) await this.#refuseHidden(adopted)\n',
        after: '',
      },
    ],
    red: /shown as complete/,
  },
  {
    id: 'C4',
    defence: 'an endpoint that knows an epoch’s record contradicts a relay that shows none',
    edits: [
      {
        file: `${PROVIDER}/epoch/key-desk.ts`,
        before: "if (typeof fresh.state.record === 'string') {",
        after: "if (typeof fresh.state.record === 'number') {",
      },
    ],
    red: /a blank document took the place/,
  },
  {
    id: 'C6',
    defence: 'a record is under two tags, of its own epoch’s key and of the one before',
    edits: [
      anyRecord,
      {
        file: `${ENVELOPE}/epoch-record.ts`,
        before: 'return equalBytes(record.linkTag, await previousKeys.linkTag(tagged(keys, untagged)))',
        after: 'return untagged.length > 0',
      },
    ],
    red: /a forged record was followed/,
  },
  {
    id: 'C5',
    defence: 'the relay opens an epoch only after the one that it is to follow',
    edits: [
      {
        file: 'server/relay/src/log/sqlite-writing.ts',
        before: 'const code = judgeOpen(document?.state, { session, record, replaces }, now())',
        after:
          'const code = session < 0 ? judgeOpen(document?.state, { session, record, replaces }, now()) : undefined',
      },
      {
        file: 'server/relay/src/log/sqlite-rows.ts',
        before: "'INSERT INTO records (document",
        after: "'INSERT OR REPLACE INTO records (document",
      },
    ],
    red: /in vain for Member \d to be synced/,
  },
  {
    id: 'A6',
    defence: 'a key that can be guessed is stretched, and refused where the app says so',
    edits: [
      {
        file: `${ENVELOPE}/document-key.ts`,
        before: 'return !STRONG_ALPHABET.test(key) || new Set(key).size < STRONG_DIFFERENT_CHARACTERS',
        after: 'return key.length > 1e9',
      },
    ],
    red: /waited in vain for Strict to be told key-weak/,
  },
  {
    id: 'A7',
    defence: 'a key is a string, not empty and well-formed',
    edits: [
      {
        file: 'packages/key-client/src/contract.ts',
        before: "if (typeof value !== 'string' || value === '' || !isText(value, MAX_KEY_BYTES)) {",
        after: 'value = String(value)\n  if (typeof value !== "string") {',
      },
    ],
    red: /sealed with/,
  },
  {
    id: 'A11',
    defence: 'errors quote no answer of the endpoint',
    edits: [
      {
        file: `${PROVIDER}/epoch/epoch.ts`,
        before: "'the key that the endpoint gave is not the one the document was sealed with',",
        after: "'not the one the document was sealed with: ' + answer.key,",
      },
    ],
    red: /a key was printed/,
  },
  {
    id: 'C3',
    defence: 'the hint is in the keys of its epoch and under the tags of its record',
    edits: [
      {
        file: `${ENVELOPE}/epoch-keys.ts`,
        before: '    lengthPrefixed(encodeText(keyHint)),\n',
        after: '',
      },
      anyRecord,
    ],
    red: /a record with another hint was followed/,
  },
  {
    id: 'C7',
    defence: 'a redirect of the endpoint is an error',
    edits: [
      { file: 'packages/key-client/src/key-endpoint.ts', before: "redirect: 'error',", after: "redirect: 'follow'," },
    ],
    red: /a stranger was asked for a key/,
  },
  {
    id: 'C8',
    defence: 'the endpoint answers pages of its own origin and of those on its list',
    edits: [
      {
        file: 'server/key-endpoint/src/origin.ts',
        before: 'if (origin !== undefined && !isSameOrigin(origin, request) && !isAllowed(origin)) {',
        after: 'if (origin !== undefined && isSameOrigin(origin, request) && !isAllowed(origin)) {',
      },
    ],
    red: /a page was answered/,
  },
  {
    id: 'C9',
    defence: 'keys are asked for where the app says, whatever a record names',
    edits: [
      {
        file: 'packages/key-client/src/key-endpoint.ts',
        before: 'return await fetch(url, {',
        after: "return await fetch(URL.canParse(request.keyHint ?? '') ? new URL(request.keyHint ?? '') : url, {",
      },
    ],
    red: /a stranger was asked for what the relay has named/,
  },
  {
    id: 'C10',
    defence: 'there is no key but the endpoint’s',
    edits: [
      {
        file: 'packages/key-client/src/key-endpoint.ts',
        before: '  if (!response.ok) {\n',
        after:
          "  if (response.status >= 500) return { key: 'a-key-to-fall-back-on-0123456789abcdef', keyHint: '' }\n  if (!response.ok) {\n",
      },
    ],
    red: /something was sealed without a key/,
  },
  {
    id: 'A5',
    defence: 'a key is compared with the record’s commitment before anything is opened',
    edits: [
      {
        file: `${ENVELOPE}/epoch-record.ts`,
        before: '  if (!equalBytes(record.epochId, keys.epochId)) return false\n',
        after: '',
      },
      anyRecord,
    ],
    red: /in vain for Bob to be told key-mismatch/,
  },
]
