import WebSocket from 'ws'
import { keyEndpoint, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'

/** What the demo gives to somebody who has signed in. */
export interface DemoAccess {
  readonly relayUrl: string
  readonly keysUrl: string
  readonly relayToken: string
  readonly keysToken: string
}

/** Signs in as the page does, without a page. */
export async function requestDemoAccess(demoUrl: string, documentName: string, name: string): Promise<DemoAccess> {
  const { pass } = await post<{ pass: string }>(demoUrl, '/sign-in', { name })
  return await post<DemoAccess>(demoUrl, '/access', { pass, document: documentName })
}

/** A member under Node: the page's document without the page. */
export async function joinDemo(demoUrl: string, documentName: string, name: string) {
  const access = () => requestDemoAccess(demoUrl, documentName, name)
  const { relayUrl, keysUrl, relayToken } = await access()
  const doc = new Y.Doc()
  const provider = new SealedProvider(relayUrl, documentName, doc, {
    keys: keyEndpoint(keysUrl, { headers: async () => ({ authorization: `Bearer ${(await access()).keysToken}` }) }),
    token: relayToken,
    WebSocketPolyfill: WebSocket as never, // ws has every member that the provider uses
  })
  await provider.whenSynced
  return { doc, provider }
}

async function post<T>(demoUrl: string, path: string, body: object): Promise<T> {
  const response = await fetch(demoUrl + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: demoUrl },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path} answered ${response.status}`)
  return (await response.json()) as T
}
