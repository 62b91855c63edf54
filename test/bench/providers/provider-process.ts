import { setTimeout as after } from 'node:timers/promises'
import type * as Y from 'yjs'
import { answerCalls } from '../processes/answer-calls.ts'
import { loadProvider, type ProviderKind, type ProviderSettings, type RealProvider } from './real-provider.ts'
import { type TypePacedInput, typePaced } from './type-paced.ts'
import { type TypeTogetherInput, typeTogether } from './type-together.ts'
import { type WriteTraceInput, writeText, writeTrace } from './write-document.ts'

export interface OpenInput extends ProviderSettings {
  readonly kind: ProviderKind
  readonly count: number
  /** What the document must hold before it counts as open: a server may say that all was sent before it has read its disk. */
  readonly characters?: number
  /** All at once instead of one after the other. */
  readonly isAtOnce?: boolean
  /** Notes when the first provider's user is told that something is saved. */
  readonly notesSavings?: boolean
}

export interface OpenedDocument {
  /** From the construction of the provider to its `sync(true)`. */
  readonly openMs: number
  readonly downBytes: number
  readonly characters: number
}

// What loading modules has left to do in the background is not part of opening a document.
const SETTLE_MS = 100

const providers: RealProvider[] = []
let openedKind: ProviderKind = 'y-sealed'
/** Of the first provider's text, one time for each character: on the clock that all processes of a machine share. */
const arrivedAtMs: number[] = []
/** Of the first provider: how many of its own updates its user was told are saved, and when. */
let saved = 0
const savedAtMs: number[] = []
/** Of the first provider's document: bytes of all updates, own and others'. */
let updateBytes = 0

// A process with real providers, as apps have them, and what is measured with them.
answerCalls({
  /** Once in a process: opens providers and resolves with what each opening took. */
  async open(input: OpenInput): Promise<OpenedDocument[]> {
    const { kind, count, characters = 0, isAtOnce = false, notesSavings = false, ...settings } = input
    const { make } = await loadProvider(kind)
    await after(SETTLE_MS)
    openedKind = kind
    const openOne = async (): Promise<OpenedDocument> => {
      const startMs = performance.now()
      const provider = make(settings)
      await provider.whenSynced
      await untilLong(textOf(provider), characters)
      const openMs = performance.now() - startMs
      providers.push(provider)
      return { openMs, downBytes: provider.meter.downBytes, characters: textOf(provider).length }
    }
    const opened: OpenedDocument[] = []
    if (isAtOnce) opened.push(...(await Promise.all(Array.from({ length: count }, openOne))))
    else for (let i = 0; i < count; i++) opened.push(await openOne())
    watch(firstProvider())
    if (notesSavings) noteSavings(firstProvider())
    return opened
  },
  async writeTrace(input: WriteTraceInput): Promise<number> {
    return writeTrace(firstProvider(), (await loadProvider(openedKind)).yjs, input)
  },
  writeText: (bytes: number) => writeText(firstProvider(), bytes),
  /** Everything typed is saved, and compacted where this version does that on demand. */
  async settle(): Promise<void> {
    await firstProvider().flush()
    await firstProvider().compact?.()
  },
  typePaced(input: TypePacedInput) {
    return typePaced(textOf(firstProvider()), input)
  },
  /** One keystroke after the other, each saved before the next: none can join another on its way. */
  async typeOneByOne(keystrokes: number): Promise<void> {
    const text = textOf(firstProvider())
    for (let k = 0; k < keystrokes; k++) {
      text.insert(text.length, 'k')
      await firstProvider().flush()
    }
  },
  typeTogether(input: TypeTogetherInput) {
    return typeTogether(providers, input)
  },
  arrivals: () => arrivedAtMs,
  savings: () => ({ saved, savedAtMs }),
  characters: () => textOf(firstProvider()).length,
  updateBytes: () => updateBytes,
  async stateBytes(): Promise<number> {
    const { yjs } = await loadProvider(openedKind)
    return yjs.encodeStateAsUpdate(firstProvider().doc).length
  },
  wire: () => firstProvider().meter,
})

function watch(provider: RealProvider): void {
  const text = textOf(provider)
  provider.doc.on('update', (update: Uint8Array) => {
    updateBytes += update.length
  })
  text.observe(() => {
    const nowMs = monotonicMs()
    while (arrivedAtMs.length < text.length) arrivedAtMs.push(nowMs)
  })
}

function noteSavings(provider: RealProvider): void {
  provider.onSaved = (updates) => {
    const nowMs = monotonicMs()
    while (savedAtMs.length < updates) savedAtMs.push(nowMs)
    saved = Math.max(saved, updates)
  }
}

function untilLong(text: Y.Text, characters: number): Promise<void> {
  if (text.length >= characters) return Promise.resolve()
  return new Promise((resolve) => {
    const look = (): void => {
      if (text.length < characters) return
      text.unobserve(look)
      resolve()
    }
    text.observe(look)
  })
}

function firstProvider(): RealProvider {
  const [first] = providers
  if (first === undefined) throw new Error('no provider is open')
  return first
}

function textOf({ doc }: RealProvider): Y.Text {
  return doc.getText('text')
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}
