// An Express app whose users bring a token: node jwt.mjs, with the secret of the tokens in TOKEN_SECRET.
import { accessTokens, keyRouter, openKeyStore } from '@y-sealed/key-endpoint'
import express from 'express'
import { SignJWT } from 'jose'

/** The secret must not be the relay's: whoever has both opens everything. */
export function createApp({ store, secret, cors }) {
  const app = express()
  app.use('/keys', keyRouter({ store, authorize: accessTokens({ secret }), cors, rotateAfter: '90d' }))
  return app
}

/** For where your users are logged in: a token for these documents, for ten minutes. Only `y-sealed-keys` may be its audience. */
export function createToken({ secret, subject, role, documents }) {
  return new SignJWT({ role, documents })
    .setProtectedHeader({ alg: 'HS256' })
    .setAudience('y-sealed-keys')
    .setSubject(subject)
    .setExpirationTime('10m')
    .sign(new TextEncoder().encode(secret))
}

if (import.meta.filename === process.argv[1]) {
  const store = await openKeyStore({ data: './data/keys' })
  createApp({ store, secret: process.env.TOKEN_SECRET, cors: ['https://app.example'] }).listen(3000, '127.0.0.1')
}
