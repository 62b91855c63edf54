import { parseHeader } from '@y-sealed/protocol/header'
import { expect, vi } from 'vitest'
import type { Attack } from '../attack.ts'

/** F3. What tabs tell each other is sealed like everything else. */
export const crossTab: Attack = {
  id: 'F3',
  title: 'a script of the same origin',
  done: 'another script listens to the channel between two tabs, and says something on it',
  async run(scene) {
    // A page has tabs; Node has not.
    vi.stubGlobal('document', {})
    const heard: Uint8Array[] = []
    const sniffer = new BroadcastChannel(`y-sealed ${scene.world.relayUrl} room`)
    sniffer.onmessage = ({ data }: MessageEvent) => {
      heard.push(data instanceof Uint8Array ? data : Buffer.from(String(data)))
    }
    try {
      const expects = ['tampered', 'member-fault']
      const one = await scene.member('One tab', { expects })
      const two = await scene.member('Another tab', { expects })
      scene.strike()
      const word = scene.type(one)
      await scene.until(() => heard.length > 2 && !scene.lacks(two), 'the tabs to speak')
      const text = Buffer.concat(heard)
      expect(text.includes(word), 'a tab speaks in clear').toBe(false)
      for (const each of heard) expect(parseHeader(each).kind).toBe(6)
      const before = two.text.toString()
      for (const garbled of heard.slice(0, 3)) sniffer.postMessage(garbled.with(-1, (garbled.at(-1) ?? 0) ^ 1))
      await scene.notices(two, 'tampered')
      expect(two.text.toString()).toBe(before)
      await scene.agree(one, two)
      scene.remark(`${heard.length} messages, all sealed`)
    } finally {
      sniffer.close()
      vi.unstubAllGlobals()
    }
  },
}
