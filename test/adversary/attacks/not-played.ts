/** Ids of the catalogue that have no story here, and why. */
export const notPlayed: readonly { readonly id: string; readonly why: string }[] = [
  {
    id: 'A10',
    why: 'no black-box test tells a cache; which engine is loaded where is tested in test/boundaries.test.ts',
  },
  { id: 'C11', why: 'write keys do not exist in version 1: whoever can read can also seal (SECURITY.md)' },
  { id: 'C12', why: 'one label per use is fixed by the known answers in test/vectors' },
  { id: 'C13', why: 'write signatures do not exist in version 1' },
  {
    id: 'C14',
    why: 'an endpoint that serves keys to the wrong person is out of our control; ours is tested in test/contract',
  },
  { id: 'F1', why: 'there is no local store yet' },
  { id: 'F2', why: 'there is no local store yet' },
  { id: 'F5', why: 'whoever serves the JavaScript is trusted (SECURITY.md)' },
]
