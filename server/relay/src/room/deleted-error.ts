/** The document was deleted: nobody joins its room any more. */
export class DeletedError extends Error {
  override readonly name = 'DeletedError'

  constructor() {
    super('the document was deleted')
  }
}
