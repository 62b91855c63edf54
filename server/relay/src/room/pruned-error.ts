/** What a session needs next is not kept any more: it has to find another place in the log. */
export class PrunedError extends Error {
  override readonly name = 'PrunedError'

  constructor() {
    super('some of it is not kept any more')
  }
}
