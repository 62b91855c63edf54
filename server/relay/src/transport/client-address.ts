import { BlockList, isIP } from 'node:net'

/** Where a connection comes from. */
export interface ClientAddress {
  /** As the socket knows it, or as a trusted proxy says. */
  address: string
  /** What is counted as one client; undefined: there may be any number of clients behind it, and nothing is counted. */
  client: string | undefined
}

/** Where somebody is who connects from `peer` with this X-Forwarded-For header. */
export type AddressOf = (peer: string, forwardedFor: string | undefined) => ClientAddress

// Addresses that no client on the internet has, and nearly every proxy (RFC 1918, 4193, 6598, 3927).
const PRIVATE = listOf([
  ...['127.0.0.0/8', '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16'],
  ...['::1/128', 'fc00::/7', 'fe80::/10'],
])

/**
 * `trustedProxies`: addresses, or networks such as 10.0.0.0/8, whose word for a client's address is taken. The client is the last one in the
 * header that is no such proxy: what stands before it the client may have written itself. Without the option everybody's peer
 * is the client, but for private addresses: there a proxy may stand of which the relay was not told, and all its clients would
 * share what one of them may have. Throws TypeError.
 */
export function createAddressOf(trustedProxies: readonly string[] | undefined): AddressOf {
  const trusted = listOf(trustedProxies ?? [])
  return (rawPeer, forwardedFor) => {
    const peer = unmapped(rawPeer)
    // A socket that is gone already.
    if (isIP(peer) === 0) return { address: peer, client: undefined }
    if (!trustedProxies) return { address: peer, client: contains(PRIVATE, peer) ? undefined : clientOf(peer) }
    if (!contains(trusted, peer)) return { address: peer, client: clientOf(peer) }
    const hops = (forwardedFor ?? '').split(',').map((hop) => unmapped(hop.trim()))
    const client = hops.findLast((hop) => !contains(trusted, hop))
    // A proxy that says nothing, or nonsense: who is behind it cannot be told apart.
    return client !== undefined && isIP(client) > 0
      ? { address: client, client: clientOf(client) }
      : { address: peer, client: undefined }
  }
}

function listOf(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', prefix, ...rest] = network.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    const bits = family === 'ipv6' ? 128 : 32
    const length = prefix === undefined ? bits : Number(prefix)
    const isNetwork = isIP(address) > 0 && rest.length === 0 && /^\d+$/.test(prefix ?? '0') && length <= bits
    if (!isNetwork) throw new TypeError(`trustedProxies: "${network}" is no address and no network such as 10.0.0.0/8`)
    list.addSubnet(address, length, family)
  }
  return list
}

function contains(list: BlockList, address: string): boolean {
  const version = isIP(address)
  return version > 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4')
}

/** An IPv4 address as a socket that speaks both writes it. */
function unmapped(address: string): string {
  return address.toLowerCase().startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

/** One line has a whole /64 of IPv6 and could come from another address each time. */
function clientOf(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.split('%')[0]!.split('::')
  const first = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0')
  const groups = [...first, ...zeros, ...last].slice(0, 4)
  return `${groups.map((group) => Number.parseInt(group, 16).toString(16)).join(':')}::/64`
}
