/** What yjs publishes of its own tests, as far as it is used here: it has no types. */
declare module 'yjs/testHelper' {
  import type { PRNG } from 'lib0/prng'
  import type * as Y from 'yjs'

  export * from 'yjs'
  export class TestConnector {}
  export class TestYInstance extends Y.Doc {}
  export function applyRandomTests(
    test: { readonly prng: PRNG },
    changes: ReadonlyArray<(user: TestYInstance, gen: PRNG) => void>,
    iterations: number,
  ): unknown
}
