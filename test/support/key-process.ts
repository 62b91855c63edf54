import { type ServerProcess, startServerProcess } from './server-process.ts'

/** The key endpoint as a process of its own, with its keys in the directory `data`. */
export function startKeyProcess(data: string): Promise<ServerProcess> {
  return startServerProcess('server/key-endpoint/dist/main.js', { data })
}
