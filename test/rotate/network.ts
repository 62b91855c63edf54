import { pick } from '../support/random.ts'
import type { Writer } from './writer.ts'

/** What befalls a member who does not rotate; returns what ends it. Lost frames are missing, because a TCP connection loses none. */
export function strike(random: () => number, writer: Writer): () => void {
  const { wire } = writer
  let endDeath = (): void => {}
  const what = pick(random, ['cut', 'unplug', 'hold-up', 'hold-down', 'half-open', 'die'] as const)
  if (what === 'cut') wire.cut()
  else if (what === 'unplug') wire.unplug()
  else if (what === 'hold-up') wire.hold('up', ({ type }) => type === 'append')
  else if (what === 'hold-down')
    wire.hold('down', ({ type }) => type === 'entries' || type === 'ack' || type === 'record')
  else if (what === 'half-open') wire.halfOpen()
  else endDeath = dieOver(writer, pick(random, ['append', 'ack'] as const))
  return () => {
    endDeath()
    // What was half-open is found to be broken: silence alone would tell the relay after a minute only.
    for (const socket of wire.sockets) if (socket.isDeaf) socket.terminate()
    wire.calm()
  }
}

/** The machine loses power over the next append, which does not arrive, or is stored and its ack not heard. */
function dieOver(writer: Writer, type: 'append' | 'ack'): () => void {
  const { wire, provider } = writer
  let isOver = false
  const direction = type === 'append' ? 'up' : 'down'
  const isIt = (message: { readonly type: string }): boolean => message.type === type
  wire.cutAt(direction, isIt)
  void wire.untilPassed(direction, isIt).then(() => {
    if (isOver || writer.provider !== provider) return
    writer.die()
    writer.comeBack(false)
  })
  return () => {
    isOver = true
  }
}
