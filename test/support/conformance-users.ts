import { AuthenticationError, type Authorize } from '@y-sealed/key-endpoint'
import { USERS } from './minimal-endpoint.ts'

/** The same users as the minimal endpoint has. */
export const authorizeUsers: Authorize = (request) => {
  const user = Object.entries(USERS).find(([, headers]) => headers.authorization === request.get('authorization'))?.[0]
  if (user === undefined || user === 'invalid') throw new AuthenticationError(user ?? 'nobody')
  return user === 'outsider' ? null : { subject: user, role: user === 'reader' ? 'read' : 'write' }
}
