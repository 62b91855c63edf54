/** Whether something was stored is not known, and nobody can be asked: it is neither acked nor refused. */
export class InDoubtError extends Error {
  override readonly name = 'InDoubtError'

  constructor(options?: ErrorOptions) {
    super('whether it was stored is not known', options)
  }
}
