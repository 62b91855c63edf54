import { join } from 'node:path'
import { type Call, callsTo } from '../processes/calls.ts'
import { startChild } from '../processes/children.ts'
import { compiledFolder } from '../servers/places.ts'

export interface ClientProcess {
  readonly call: Call
  end(): Promise<void>
}

/** Starts a compiled module of `clients/` as a process of its own. */
export function startClientProcess(name: string, node: string, flags: readonly string[] = []): ClientProcess {
  const child = startChild(name, node, [...flags, join(compiledFolder, `clients/${name}.js`)])
  return { call: callsTo(child), end: () => child.kill() }
}
