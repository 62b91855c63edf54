import { describe, expect, it } from 'vitest'
import { createAddressOf } from '../../../server/relay/src/transport/client-address.ts'

const client = (trusted: string[] | undefined, peer: string, forwardedFor?: string) =>
  createAddressOf(trusted)(peer, forwardedFor).client

describe('whose connection it is', () => {
  // Hocuspocus counts all clients of an unnamed proxy as one, and bans everybody for one.
  it.each([
    ['127.0.0.1'],
    ['::1'],
    ['::ffff:127.0.0.1'],
    ['10.1.2.3'],
    ['172.31.0.1'],
    ['192.168.1.1'],
    ['100.64.0.1'],
    ['fd00::1'],
    ['fe80::1%eth0'],
  ])('is not told of %s while no proxy is named: one may stand there, with all its clients', (peer) => {
    expect(client(undefined, peer) ?? 'not counted').toBe('not counted')
    expect(client(undefined, peer, '203.0.113.5') ?? 'not counted').toBe('not counted')
  })

  it('a socket that is gone has no address', () => {
    for (const trusted of [undefined, [], ['10.0.0.0/8']]) {
      expect(createAddressOf(trusted)('', undefined)).toEqual({ address: '', client: undefined })
    }
  })

  it('a public address is one client, whatever it says of itself', () => {
    expect(client(undefined, '203.0.113.5')).toBe('203.0.113.5')
    expect(client(undefined, '203.0.113.5', '1.2.3.4')).toBe('203.0.113.5')
    expect(client(['10.0.0.0/8'], '203.0.113.5', '1.2.3.4')).toBe('203.0.113.5')
    expect(client(undefined, '::ffff:203.0.113.5')).toBe('203.0.113.5')
  })

  it('a named proxy is believed, and what a client has put before its word is not', () => {
    const proxies = ['10.0.0.0/8', '2001:db8:1::1']
    expect(client(proxies, '10.0.0.7', '203.0.113.5')).toBe('203.0.113.5')
    expect(client(proxies, '10.0.0.7', '6.6.6.6, 203.0.113.5')).toBe('203.0.113.5')
    expect(client(proxies, '10.0.0.7', '6.6.6.6,203.0.113.5 , 10.9.9.9')).toBe('203.0.113.5')
    expect(client(proxies, '2001:db8:1::1', '::ffff:203.0.113.5')).toBe('203.0.113.5')
    expect(createAddressOf(proxies)('10.0.0.7', '203.0.113.5').address).toBe('203.0.113.5')
  })

  it.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['only proxies', '10.0.0.1, 10.0.0.2'],
    ['no address', 'unknown'],
    ['an address and a port', '203.0.113.5:4711'],
  ])('a named proxy that says %s: its clients are not counted as one', (_what, header) => {
    const from = createAddressOf(['10.0.0.0/8'])('10.0.0.7', header)
    expect(from).toEqual({ address: '10.0.0.7', client: undefined })
  })

  it('where there is no proxy, private addresses are clients', () => {
    expect(client([], '192.168.1.1', '1.2.3.4')).toBe('192.168.1.1')
    expect(client([], '127.0.0.1')).toBe('127.0.0.1')
  })

  it('a line of IPv6 is one client, whichever of its addresses it uses, and its neighbour another', () => {
    const of = (address: string) => client([], address)
    expect(of('2001:db8:1:2:a:b:c:d')).toBe('2001:db8:1:2::/64')
    expect(of('2001:DB8:1:2::1')).toBe('2001:db8:1:2::/64')
    expect(of('2001:db8:0001:0002:ffff::')).toBe('2001:db8:1:2::/64')
    expect(of('2001:db8:1:3::1')).toBe('2001:db8:1:3::/64')
    expect(of('2001:db8::1')).toBe('2001:db8:0:0::/64')
    expect(of('::1')).toBe('0:0:0:0::/64')
  })

  it.each(['10.0.0.0/33', '10.0.0/8', 'proxy.example', '', '10.0.0.0/8/8', '::1/129', '1.2.3.4/'])(
    '"%s" is no network, and is named',
    (network) => {
      expect(() => createAddressOf([network])).toThrow(new RegExp(`"${network}"`))
    },
  )
})
