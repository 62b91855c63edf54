import { answerCalls } from './answer-calls.ts'

/** What a process says about itself. */
export interface Usage {
  readonly cpuSeconds: number
  readonly residentBytes: number
  /** The largest that it ever was: VmHWM. */
  readonly peakResidentBytes: number
  readonly heapBytes: number
}

// A second collection frees what the first one's finalizers let go of.
const COLLECTIONS = 3

// Loaded before a server with --import: every server is asked in the same way, whatever it is made of.
answerCalls({
  usage,
  async usageAfterCollection() {
    for (let i = 0; i < COLLECTIONS; i++) {
      globalThis.gc?.()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    return usage()
  },
})

function usage(): Usage {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  return {
    cpuSeconds: (user + system) / 1e6,
    residentBytes: rss,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
    heapBytes: heapUsed,
  }
}
