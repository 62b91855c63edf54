export * from './index.ts'
export { SealedProvider as WebsocketProvider } from './provider.ts'
