import type * as Y from 'yjs'
import { answerCalls } from '../processes/answer-calls.ts'
import { loadProvider, type ProviderKind, type ProviderSettings, type RealProvider } from './real-provider.ts'
import { type TypePacedInput, typePaced } from './type-paced.ts'
import { type TypeTogetherInput, typeTogether } from './type-together.ts'

export interface OpenInput extends ProviderSettings {
  readonly kind: ProviderKind
  readonly count: number
}

export interface OpenedDocument {
  /** From the construction of the provider to its `sync(true)`. */
  readonly openMs: number
  readonly downBytes: number
  readonly characters: number
}

let providers: RealProvider[] = []
/** Of the first provider's text, one time for each character: on the clock that all processes of a machine share. */
let arrivedAtMs: number[] = []
/** Of the first provider: how many of its own updates its user was told are saved, and when. */
let saved = 0
let savedAtMs: number[] = []
/** Of the first provider's document: bytes of all updates, own and others'. */
let updateBytes = 0

// A process with real providers, as apps have them, and what is measured with them.
answerCalls({
  /** Opens providers one after the other and resolves with the last one's opening. */
  async open({ kind, count, ...settings }: OpenInput): Promise<OpenedDocument> {
    const { make } = await loadProvider(kind)
    let opened: OpenedDocument | undefined
    for (let i = 0; i < count; i++) {
      const startMs = performance.now()
      const provider = make(settings)
      await provider.whenSynced
      const openMs = performance.now() - startMs
      opened = { openMs, downBytes: provider.meter.downBytes, characters: textOf(provider).length }
      providers.push(provider)
    }
    const [first] = providers
    if (opened === undefined || first === undefined) throw new Error('no provider was asked for')
    watch(first)
    return opened
  },
  typePaced(input: TypePacedInput) {
    return typePaced(textOf(firstProvider()), input)
  },
  typeTogether(input: TypeTogetherInput) {
    return typeTogether(providers, input)
  },
  flush: () => firstProvider().flush(),
  arrivals: () => arrivedAtMs,
  savings: () => ({ saved, savedAtMs }),
  characters: () => textOf(firstProvider()).length,
  updateBytes: () => updateBytes,
  wire: () => firstProvider().meter,
  close(): void {
    for (const provider of providers) provider.destroy()
    providers = []
    arrivedAtMs = []
    savedAtMs = []
    saved = 0
  },
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
  provider.onSaved = (updates) => {
    const nowMs = monotonicMs()
    while (savedAtMs.length < updates) savedAtMs.push(nowMs)
    saved = Math.max(saved, updates)
  }
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
