/**
 * What says that the epoch in use is the newest one (protocol §5). `endpoint`: the key endpoint knows its record. `pinned`: this page, or this device's sealed copy, has been in it before, or
 * in one that it follows, or has opened it. `relay`: nothing but the relay, which, in league with a removed member, can hold a newcomer in an old epoch.
 */
export type Freshness = 'endpoint' | 'pinned' | 'relay'
