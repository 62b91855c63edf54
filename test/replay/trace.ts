import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** One edit: at code point `position`, delete `deleteCount` code points, then insert `insert`. */
export type Patch = readonly [position: number, deleteCount: number, insert: string]

/** One step of one author. `parents` are indexes of earlier transactions; it was typed into the merge of exactly those. */
export interface Transaction {
  readonly agent: number
  readonly parents: readonly number[]
  readonly patches: readonly Patch[]
}

/** An editing history of either format, in one shape: a sequential one is a chain of a single agent. */
export interface Trace {
  readonly agents: number
  readonly startContent: string
  readonly endContent: string
  readonly transactions: readonly Transaction[]
}

interface SequentialFile {
  startContent: string
  endContent: string
  txns: { patches: Patch[] }[]
}

interface ConcurrentFile {
  endContent: string
  numAgents: number
  txns: { parents: number[]; agent: number; patches: Patch[] }[]
}

/** Reads a gzipped trace in one of the two formats of the editing-traces collection. */
export function readTrace(path: string): Trace {
  return parseTrace(JSON.parse(gunzipSync(readFileSync(path)).toString('utf8')) as SequentialFile | ConcurrentFile)
}

export function parseTrace(file: SequentialFile | ConcurrentFile): Trace {
  if ('numAgents' in file) {
    return { agents: file.numAgents, startContent: '', endContent: file.endContent, transactions: file.txns }
  }
  const transactions = file.txns.map(({ patches }, index) => ({
    agent: 0,
    parents: index === 0 ? [] : [index - 1],
    patches,
  }))
  return { agents: 1, startContent: file.startContent, endContent: file.endContent, transactions }
}

export function countEdits(trace: Trace): number {
  return trace.transactions.reduce((edits, transaction) => edits + transaction.patches.length, 0)
}
