/**
 * What one turn of the event loop has gathered leaves together: first every room hands its sessions what is new, then
 * every connection sends what it was given as one frame.
 */
export interface Turn {
  /** For what is durable: leaves as soon as all commits of this turn have been told. */
  deliver(room: { deliver(): void }): void
  /** For what can wait for the other sockets of this turn: awareness. */
  deliverSoon(room: { deliver(): void }): void
  flush(connection: { flush(): void }): void
}

export function createTurn(): Turn {
  const rooms = new Set<{ deliver(): void }>()
  const connections = new Set<{ flush(): void }>()
  let ticking = false
  let waiting = false

  function run(): void {
    ticking = false
    for (const room of rooms) room.deliver()
    rooms.clear()
    for (const connection of connections) connection.flush()
    connections.clear()
  }

  function tick(): void {
    if (ticking) return
    ticking = true
    // Ticks that are queued from promise callbacks run after all of those: by then a whole group commit has been told.
    process.nextTick(run)
  }

  return {
    deliver(room) {
      rooms.add(room)
      tick()
    },
    deliverSoon(room) {
      rooms.add(room)
      if (waiting) return
      waiting = true
      setImmediate(() => {
        waiting = false
        run()
      })
    },
    flush(connection) {
      connections.add(connection)
      tick()
    },
  }
}
