import { describe, expect, it } from 'vitest'
import { PostgresHosts } from '../../../server/relay/src/log/postgres-hosts.ts'

describe('the hosts that a database may be at', () => {
  it('are tried one after the other, each with what else the address says', () => {
    const hosts = new PostgresHosts('postgres://user:p%40ss@a.example:5432,b.example/relay?sslmode=verify-full')
    const [a, b] = ['a.example:5432', 'b.example'].map(
      (host) => `postgres://user:p%40ss@${host}/relay?sslmode=verify-full`,
    )
    expect(hosts.current).toBe(a)
    hosts.leave(a)
    expect(hosts.current).toBe(b)
    // Another attempt comes back later with what it had begun at the first.
    hosts.leave(a)
    expect(hosts.current).toBe(b)
    hosts.leave(b)
    expect(hosts.current).toBe(a)
  })

  it.each([
    'postgres://user@db.example/relay',
    'postgres://user:a,b@db.example/relay?options=-c%20x=1,2',
    'postgresql:///relay?host=/run/postgresql',
  ])('%s is one, as it stands', (url) => {
    const hosts = new PostgresHosts(url)
    hosts.leave(url)
    expect(hosts.current).toBe(url)
  })
})
