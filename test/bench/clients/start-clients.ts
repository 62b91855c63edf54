import { join } from 'node:path'
import { type Call, callsTo } from '../processes/calls.ts'
import { startChild } from '../processes/children.ts'
import { compiledFolder } from '../servers/places.ts'

export interface ClientProcess {
  readonly call: Call
  end(): Promise<void>
}

/** A module of the bench that runs as a process of its own, by its path. */
export type ClientModule =
  | 'clients/load-process'
  | 'clients/reader-process'
  | 'providers/provider-process'
  | 'load/member-process'

/** Starts a compiled module as a process of its own. */
export function startClientProcess(module: ClientModule, node: string): ClientProcess {
  const child = startChild(module, node, [join(compiledFolder, `${module}.js`)])
  return { call: callsTo(child), end: () => child.kill() }
}
