import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** What nobody holds any more is gone after this, but for native things, which are let go of a turn later. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}
