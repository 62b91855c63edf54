export { type AccessTokenOptions, accessTokens, KEYS_AUDIENCE } from './access-tokens.ts'
export {
  type Access,
  type AccessQuestion,
  AuthenticationError,
  type Authorize,
  type Purpose,
  type Role,
} from './authorize.ts'
export type { Dialect } from './dialects.ts'
export { createKeyServer, type KeyServer, type KeyServerOptions } from './key-server.ts'
export { KeyServerError, type KeyServerErrorCode } from './key-server-error.ts'
export type { IssuedKey, KeyEntry, KeyState, KeyStore } from './key-store.ts'
export type { Log, LogFields } from './log.ts'
export type { AllowedOrigins } from './origin.ts'
export { type KeyRouterOptions, keyRouter } from './router.ts'
export { openSqliteKeyStore } from './sqlite-key-store.ts'
