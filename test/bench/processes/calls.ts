import type { Child } from './children.ts'

interface Answer {
  readonly call: number
  readonly result?: unknown
  readonly error?: string
}

/** Sends a call to a child that answers with `answerCalls`, and resolves with its answer. */
export type Call = <Result>(method: string, input?: unknown, deadlineMs?: number) => Promise<Result>

// Longer than any phase of a measurement; whoever needs more says so.
const DEADLINE_MS = 120_000

/** One channel of calls to a child. Rejects what is under way when the child ends. */
export function callsTo(child: Child): Call {
  let lastCall = 0
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  child.process.on('message', (answer: Answer) => {
    const asked = waiting.get(answer.call)
    if (asked === undefined) return
    waiting.delete(answer.call)
    if (answer.error === undefined) asked.resolve(answer.result)
    else asked.reject(new Error(`${child.name}: ${answer.error}`))
  })
  child.process.on('close', (code, signal) => {
    const end = `${child.name} ended with ${code ?? signal}:\n${child.output}`
    for (const { reject } of waiting.values()) reject(new Error(end))
    waiting.clear()
  })

  return <Result>(method: string, input?: unknown, deadlineMs = DEADLINE_MS): Promise<Result> => {
    const call = ++lastCall
    return new Promise<Result>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${child.name} did not answer ${method} in ${deadlineMs} ms:\n${child.output}`)),
        deadlineMs,
      )
      waiting.set(call, {
        resolve: (value) => {
          clearTimeout(timer)
          // The two ends are compiled together; the channel between them carries JSON.
          resolve(value as Result)
        },
        reject: (error) => {
          clearTimeout(timer)
          reject(error)
        },
      })
      child.process.send({ call, method, input }, (error) => {
        if (error !== null) waiting.get(call)?.reject(error)
      })
    })
  }
}
