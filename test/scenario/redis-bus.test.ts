import { createClient } from 'redis'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Bus } from '../../server/relay/src/bus/bus.ts'
import { openRedisBus } from '../../server/relay/src/bus/redis-bus.ts'
import { patiently } from '../support/events.ts'
import { ownRedis, skipRedisTests } from '../support/redis.ts'

describe.skipIf(skipRedisTests)('a bus on Redis', () => {
  it('which may not listen to a channel yet says so, and hears it once it may and the connection is another', async () => {
    const { url } = await ownRedis()
    const operator = createClient({ url })
    await operator.connect()
    onTestFinished(() => operator.destroy())
    await operator.sendCommand(['ACL', 'SETUSER', 'relay', 'on', 'nopass', '+@all', 'resetchannels', '&open'])
    const failures: string[] = []
    let back = () => {}
    const isBack = new Promise<void>((resolve) => {
      back = resolve
    })
    const bus: Bus = await openRedisBus(url.replace('redis://', 'redis://relay:none@'), {
      onReconnect: () => back(),
      onFailure: (error) => void failures.push(String(error)),
    })
    onTestFinished(() => bus.close())
    const heard: string[] = []
    let next = () => {}
    const hear = (name: string) => (message: Uint8Array) => {
      heard.push(`${name} ${Buffer.from(message)}`)
      next()
    }
    await bus.subscribe('open', hear('open'))
    await bus.subscribe('shut', hear('shut'))
    await bus.subscribe('left', hear('left'))
    bus.unsubscribe('left')
    expect(failures).toHaveLength(2)
    expect(failures[0]).toMatch(/NOPERM/)

    await operator.sendCommand(['ACL', 'SETUSER', 'relay', 'allchannels'])
    await operator.sendCommand(['CLIENT', 'KILL', 'TYPE', 'pubsub'])
    await patiently(isBack, 'the bus to be connected again')
    for (const channel of ['left', 'open', 'shut']) {
      const isHeard = new Promise<void>((resolve) => {
        next = resolve
      })
      // Redis may not have heard of it yet.
      let listening = 0
      do listening = await operator.publish(channel, 'hello')
      while (listening === 0 && channel !== 'left')
      if (channel !== 'left') await patiently(isHeard, `${channel} to be heard`)
    }
    expect(heard).toEqual(['open hello', 'shut hello'])
  })
})
