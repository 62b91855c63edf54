import express from 'express'
import type { MemberBook } from './member-book.ts'
import type { createRemoval } from './removal.ts'
import { parseDocumentName, parseKeyIn, parseLinkRole, parsePersonName, parseRole } from './request-fields.ts'
import type { SignedIn } from './sign-in.ts'

/**
 * What an app offers around a document, for somebody who is signed in (`{pass, …}` in each body):
 * POST /documents → {documents}, of this person. POST /create {document, keyIn}. POST /sharing {document} → who may do what.
 * POST /share {document, name, role} or {document, link}, and POST /remove {document, name} → {key}: the owner only.
 * 400 bad fields, 403 a Refusal.
 */
export function createSharing(book: MemberBook, remove: ReturnType<typeof createRemoval>): express.Router {
  const router = express.Router()

  router.post('/documents', (_request, response) => {
    response.json({ documents: book.documentsOf(signedIn(response)) })
  })
  router.post('/create', (request, response) => {
    const document = parseDocumentName(request.body.document)
    const keyIn = parseKeyIn(request.body.keyIn)
    if (document === undefined || keyIn === undefined) refuseFields(response)
    else {
      book.create(document, signedIn(response), keyIn)
      response.json({})
    }
  })
  router.post('/sharing', (request, response) => {
    const document = parseDocumentName(request.body.document)
    if (document === undefined) refuseFields(response)
    else response.json(book.sharing(document, signedIn(response)))
  })
  router.post('/share', (request, response) => {
    const document = parseDocumentName(request.body.document)
    const person = parsePersonName(request.body.name)
    const [role, link] = [parseRole(request.body.role), parseLinkRole(request.body.link)]
    if (document !== undefined && person !== undefined && role !== undefined) {
      book.setRole(document, signedIn(response), person, role)
    } else if (document !== undefined && link !== undefined) book.setLinkRole(document, signedIn(response), link)
    else {
      refuseFields(response)
      return
    }
    response.json(book.sharing(document, signedIn(response)))
  })
  router.post('/remove', async (request, response) => {
    const document = parseDocumentName(request.body.document)
    const person = parsePersonName(request.body.name)
    if (document === undefined || person === undefined) refuseFields(response)
    else response.json({ key: await remove(document, signedIn(response), person) })
  })
  return router
}

const signedIn = ({ locals }: express.Response): string => (locals as SignedIn).person

function refuseFields(response: express.Response): void {
  response.status(400).json({ error: 'fields' })
}
