import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

export interface SeenRequest {
  readonly method: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface EndpointUnderTest {
  readonly url: string
  readonly seen: SeenRequest[]
}

/** An HTTP server on a free loopback port that answers as told, and is gone when the test ends. */
export async function endpointUnderTest(
  answer: (response: ServerResponse, number: number) => void,
): Promise<EndpointUnderTest> {
  const seen: SeenRequest[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      seen.push({ method: request.method, headers: request.headers, body: Buffer.concat(chunks).toString('utf8') })
      answer(response, seen.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  // A TCP server has an AddressInfo.
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`, seen }
}

/** A loopback URL that was just in use and is no more: connections to it are refused. */
export async function closedEndpoint(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}/keys`
}
