import type { SwitchOff } from './switch-off.ts'

const NODE_ENGINE = 'packages/envelope/src/engine/node.ts'
const SALT = 'packages/envelope/src/sealer-salt.ts'

/** One salt for all: what a clone of a machine would draw without clock and count. */
const sameSalt = {
  file: SALT,
  before: 'return saltOf(engine, random(RANDOM_BYTES), BigInt(Math.max(0, Math.floor(unixMs * 1000))), drawnCount)',
  after: 'return saltOf(engine, random(RANDOM_BYTES).fill(0), 0n, unixMs * 0)',
}
const ORDER_NEEDS_SALTS = 'readers keep sealers apart by their salts'

/** What sealing itself promises. */
export const sealing: readonly SwitchOff[] = [
  {
    id: 'B8',
    defence: 'the kind is in the subkey, in the AAD, and in what belongs where',
    edits: [
      {
        file: 'packages/envelope/src/epoch-keys.ts',
        before: "concat(label('seal'), Uint8Array.of(kind), salt)",
        after: "concat(label('seal'), Uint8Array.of(kind & 0), salt)",
      },
      {
        file: 'packages/envelope/src/aead-input.ts',
        before: 'concat(AAD_LABEL, epochId, header)',
        after: 'concat(AAD_LABEL, epochId, header.subarray(1))',
      },
    ],
    red: /tampered|opened|expected \d+ to be \d+/,
  },
  {
    id: 'B7',
    defence: 'the document is in the keys of its epochs and in the tags of their records',
    edits: [
      {
        file: 'packages/envelope/src/epoch-keys.ts',
        before: '    lengthPrefixed(id),\n',
        after: '',
      },
      {
        file: 'packages/envelope/src/epoch-record.ts',
        before: 'lengthPrefixed(encodeText(keys.documentId)), bytes)',
        after: 'bytes)',
      },
    ],
    red: /canary-ada.* to be ''/,
  },
  {
    id: 'A2',
    defence: 'the tag is verified',
    edits: [{ file: NODE_ENGINE, before: '    decipher.final()\n', after: '' }],
    red: /waited in vain|counters|tampered/,
  },
  {
    id: 'A3',
    defence: 'each connection draws a salt of its own, from more than the random source',
    edits: [sameSalt],
    red: /nonces repeated/,
    isVital: ORDER_NEEDS_SALTS,
  },
  {
    id: 'A4',
    defence: 'a subkey is spent after an hour',
    edits: [
      {
        file: 'packages/envelope/src/sealer-life.ts',
        before: 'Math.max(ageMs, wallAgeMs) >= MAX_AGE_MS ||',
        after: '',
      },
    ],
    red: /expected 1 to be 3/,
  },
  {
    id: 'A8',
    defence: 'each session seals under a subkey of its own',
    edits: [sameSalt],
    red: /equal texts make equal bytes/,
    isVital: ORDER_NEEDS_SALTS,
  },
  {
    id: 'A1',
    defence: 'anything is encrypted at all',
    edits: [
      { file: NODE_ENGINE, before: 'sealed.set(cipher.update(plaintext))', after: 'sealed.set(plaintext)' },
      {
        file: NODE_ENGINE,
        before: '  const plaintext = decipher.update(ciphertext.subarray(0, tagAt))\n',
        after: '  const plaintext = Buffer.from(ciphertext.subarray(0, tagAt))\n',
      },
      { file: NODE_ENGINE, before: '    decipher.final()\n', after: '' },
    ],
    red: /secrets found|to be greater than 0.98/,
    isVital: 'the search for secrets runs under every story',
  },
]
