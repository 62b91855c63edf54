/** An id of the catalogue that has no story here: where else it is a test of its own, or why there is nothing to attack. */
export interface NotPlayed {
  readonly id: string
  readonly why: string
  /** A test file in which the id stands in the title of a test, or of what is around it. */
  readonly test?: string
}

export const notPlayed: readonly NotPlayed[] = [
  { id: 'A10', why: 'no black-box test tells a cache; which engine is loaded where', test: 'test/boundaries.test.ts' },
  {
    id: 'C11',
    why: 'write keys do not exist in version 1: whoever can read can also seal (SECURITY.md), which is shown',
    test: 'test/scenario/forging-reader.test.ts',
  },
  { id: 'C12', why: 'one label per use, in known answers', test: 'test/unit/envelope/known-answers.test.ts' },
  { id: 'C13', why: 'write signatures do not exist in version 1' },
  { id: 'C14', why: 'an endpoint that serves keys to the wrong person is out of our control' },
  { id: 'D2', why: 'bytes alone decide; one such update is part of D1', test: 'test/unit/provider/guard-scan.test.ts' },
  { id: 'D9', why: 'by the relay: B1b; below it', test: 'test/unit/provider/guard-awareness.test.ts' },
  { id: 'D10', why: 'honest members that race', test: 'test/scenario/compaction-property.test.ts' },
  { id: 'D12', why: 'the provider renders nothing; the demo', test: 'test/browser/demo-editor.test.ts' },
  { id: 'D13', why: 'no defence of ours to switch off', test: 'test/scenario/hostile-member.test.ts' },
  { id: 'E3', why: 'megabytes that nobody reads', test: 'test/scenario/relay-slow-readers.test.ts' },
  { id: 'E7', why: 'a guesser with statistics: npm run guess-edits', test: 'test/privacy/guess-edits.test.ts' },
  { id: 'F1', why: 'a thief needs no relay', test: 'test/scenario/offline-attacks.test.ts' },
  { id: 'F2', why: 'on a device of its own', test: 'test/scenario/offline-attacks.test.ts' },
  { id: 'F4', why: 'not played but read', test: 'test/boundaries.test.ts' },
  { id: 'F5', why: 'whoever serves the JavaScript is trusted (SECURITY.md)' },
]
