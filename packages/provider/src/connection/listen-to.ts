import type { ConnectionEvents, RelayConnection } from './relay-connection.ts'

/** Adds the listeners, and gives what removes them: a shared connection outlives the providers on it. */
export function listenTo(connection: RelayConnection, listeners: ConnectionEvents): () => void {
  const { connecting, problem, closed } = listeners
  const closing = listeners['connection-close']
  const failing = listeners['connection-error']
  connection.on('connecting', connecting)
  connection.on('connection-close', closing)
  connection.on('connection-error', failing)
  connection.on('problem', problem)
  connection.on('closed', closed)
  return () => {
    connection.off('connecting', connecting)
    connection.off('connection-close', closing)
    connection.off('connection-error', failing)
    connection.off('problem', problem)
    connection.off('closed', closed)
  }
}
