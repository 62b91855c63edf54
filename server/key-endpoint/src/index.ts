export { type AccessTokenOptions, accessTokens, KEYS_AUDIENCE } from './access-tokens.ts'
export { type Audit, type AuditedAct, type AuditLine, auditFile } from './audit.ts'
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
export type { Log, LogFields } from './log.ts'
export { derivedKeys } from './methods/derived-keys.ts'
export { fixedKeys } from './methods/fixed-keys.ts'
export { type GlobalKeys, parseGlobalKeys } from './methods/global-keys.ts'
export type { KeptSecret, KeyMethod, MadeSecret } from './methods/key-method.ts'
export { saltedKeys } from './methods/salted-keys.ts'
export { type Generate, type GeneratedKey, generatedKeys, storedKeys } from './methods/stored-keys.ts'
export type { AllowedOrigins } from './origin.ts'
export type { RateLimits } from './rate-limits.ts'
export { type KeyRouterOptions, keyRouter } from './router.ts'
export type { FoundKey, IssuedKey, KeyEntry, KeyMadeElsewhere, KeyState, KeyStore } from './store/key-store.ts'
export { type MasterKey, type MasterKeyHook, parseMasterKey } from './store/master-key.ts'
export { type KeyStoreOptions, openKeyStore } from './store/open-key-store.ts'
export { openSqliteKeyStore } from './store/sqlite-key-store.ts'
