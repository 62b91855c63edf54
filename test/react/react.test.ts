import { spawnSync } from 'node:child_process'
import { Component, createElement, type ReactNode, StrictMode, Suspense } from 'react'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { KeyError, type KeySource } from 'y-sealed'
import { type SealedDocument, useAwareness, useSealedDocument, useSyncStatus } from 'y-sealed/react'
import { until, untilText } from '../support/events.ts'
import { projectRoot } from '../support/project-root.ts'
import { Wire } from '../support/wire.ts'
import { startWorld, type World } from '../support/world.ts'
import { openPage, type Page } from './page.ts'

let world: World
let page: Page
beforeAll(async () => {
  page = await openPage()
})
beforeEach(async () => {
  world = await startWorld()
})
afterEach(async () => {
  page.render(null)
  await page.untilText((text) => text === '')
  await world.close()
})

/** What one user's components have: a wire of their own, and the document that they showed last. */
function visitor(keys: KeySource = world.keys) {
  const wire = new Wire(world.capture)
  const options = { keys, WebSocketPolyfill: wire.WebSocket, maxBackoffTime: 200 }
  let document: SealedDocument | undefined
  return {
    wire,
    /** Says how synced it is, and who is there. */
    Editor({ suspense = false }: { suspense?: boolean }) {
      document = useSealedDocument(world.relayUrl, 'room', { ...options, suspense })
      const { status } = useSyncStatus(document.provider)
      const names = useAwareness(document).map(({ state, isSelf }) => `${state.name}${isSelf ? ' (self)' : ''}`)
      return createElement('p', null, `${status}; ${names.sort().join(', ')}`)
    },
    document(): SealedDocument {
      if (document === undefined) throw new Error('nothing was shown yet')
      return document
    },
  }
}

/** Shows the code of a problem that was thrown in it. */
class Boundary extends Component<{ children?: ReactNode }, { code?: string }> {
  override state: { code?: string } = {}
  static getDerivedStateFromError(error: { code?: string }) {
    return { code: error.code ?? 'no code' }
  }
  override render(): ReactNode {
    return this.state.code ?? this.props.children
  }
}

/** Timers that were due by now have run. */
const nextTask = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1))

const isGreen = (text: string): boolean => text.startsWith('green')

describe('useSealedDocument', () => {
  test('mounted, unmounted and mounted again by StrictMode: one document, one socket', async () => {
    const ada = visitor()
    page.render(createElement(StrictMode, null, createElement(ada.Editor)))
    await page.untilText(isGreen)
    expect(ada.wire.sockets).toHaveLength(1)
    ada.document().doc.getText('text').insert(0, 'typed in StrictMode')
    await ada.document().provider.flush()
    expect(await world.freshText()).toBe('typed in StrictMode')
  })

  test('two components of one page share one document and one socket', async () => {
    const ada = visitor()
    page.render([createElement(ada.Editor, { key: 'a' }), createElement(ada.Editor, { key: 'b' })])
    await page.untilText((text) => /green.*green/.test(text))
    expect(ada.wire.sockets).toHaveLength(1)
    page.render([createElement(ada.Editor, { key: 'b' })])
    await page.untilText((text) => !/green.*green/.test(text))
    await nextTask()
    expect(ada.wire.openSockets).toHaveLength(1)
  })

  test('after its last component the document is let go of, and opened anew by the next', async () => {
    const ada = visitor()
    page.render(createElement(ada.Editor))
    await page.untilText(isGreen)
    const first = ada.document()
    const isGone = until(first.doc, 'destroy')
    page.render(null)
    await isGone
    expect(ada.wire.openSockets).toHaveLength(0)
    page.render(createElement(ada.Editor))
    await page.untilText(isGreen)
    expect(ada.document()).not.toBe(first)
  })

  test('unmounted with edits that are not stored: it stays until they are, and whoever comes back meanwhile finds them', async () => {
    const ada = visitor()
    page.render(createElement(ada.Editor))
    await page.untilText(isGreen)
    const first = ada.document()
    ada.wire.unplug()
    first.doc.getText('text').insert(0, 'typed while offline')
    page.render(null)
    await page.untilText((text) => text === '')
    await nextTask()
    page.render(createElement(ada.Editor))
    await page.untilText((text) => text !== '')
    expect(ada.document()).toBe(first)
    page.render(null)
    const isGone = until(first.doc, 'destroy')
    ada.wire.plug()
    await isGone
    expect(await world.freshText()).toBe('typed while offline')
  })
})

describe('suspense', () => {
  test('shows the fallback until the document is complete', async () => {
    const bob = await world.joined('bob')
    bob.text.insert(0, 'from bob')
    await bob.provider.flush()
    const ada = visitor()
    page.render(createElement(Suspense, { fallback: 'opening' }, createElement(ada.Editor, { suspense: true })))
    await page.untilText((text) => text === 'opening')
    await page.untilText((text) => text !== 'opening')
    expect(ada.document().doc.getText('text').toString()).toBe('from bob')
    expect(ada.wire.sockets).toHaveLength(1)
  })

  test('an error boundary gets the problem that stands in the way, and a later try starts anew', async () => {
    let isRefused = true
    const ada = visitor((...question) => {
      if (isRefused) throw new KeyError('key-refused', 'not for ada')
      return world.keys(...question)
    })
    const tree = (attempt: number) =>
      createElement(
        Boundary,
        { key: attempt },
        createElement(Suspense, { fallback: 'opening' }, createElement(ada.Editor, { suspense: true })),
      )
    page.render(tree(1))
    await page.untilText((text) => text === 'key-refused')
    isRefused = false
    await nextTask()
    page.render(tree(2))
    await page.untilText((text) => /green|yellow/.test(text))
  })
})

describe('what components are told', () => {
  test('useSyncStatus and useAwareness follow the document', async () => {
    const ada = visitor()
    page.render(createElement(ada.Editor))
    await page.untilText(isGreen)
    ada.document().awareness.setLocalStateField('name', 'Ada')
    await page.untilText((text) => text === 'green; Ada (self)')
    const bob = await world.joined('bob')
    bob.provider.awareness.setLocalStateField('name', 'Bob')
    await page.untilText((text) => text === 'green; Ada (self), Bob')
    bob.provider.destroy()
    await page.untilText((text) => text === 'green; Ada (self)')
    ada.wire.unplug()
    await page.untilText((text) => text.startsWith('red'))
    ada.document().doc.getText('text').insert(0, 'offline')
    ada.wire.plug()
    await page.untilText(isGreen)
    await untilText((await world.joined('cleo')).doc, 'offline')
  })
})

test('rendered to HTML on a server: an empty document, no connection, and nothing that keeps the process', () => {
  const program = `
    import { createElement } from 'react'
    import { renderToString } from 'react-dom/server'
    import { sealedIndexedDB } from 'y-sealed/indexeddb'
    import { useAwareness, useSealedDocument, useSyncStatus } from 'y-sealed/react'
    function Editor() {
      const held = useSealedDocument('ws://127.0.0.1:1', 'room', { keys: () => { throw new Error('asked') }, persistence: sealedIndexedDB() })
      return createElement('p', null, useSyncStatus(held.provider).status + useAwareness(held).length + held.doc.getText('text'))
    }
    console.log(renderToString(createElement(Editor)))`
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: `${projectRoot()}/test`,
    encoding: 'utf8',
    // Not how long it takes: a timer that is left behind would keep it for ever.
    timeout: 20_000,
  })
  expect(stderr).toBe('')
  expect(stdout.trim()).toBe('<p>red0</p>')
})
