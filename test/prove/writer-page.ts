import type { Page } from 'playwright-core'

/** What the editor's page has behind its DOM: tiptap puts itself on the element, and its Yjs plugin has the document. */
interface EditorElement extends HTMLElement {
  readonly editor: { readonly state: Record<string, { readonly doc: { getMap(name: string): Map<string, string> } }> }
}

/** Puts it in as a paste does, whole. */
export async function insertAtOnce(page: Page, text: string): Promise<void> {
  await page.keyboard.insertText(text)
}

/** Writes an entry of a map into the document that the page edits: the editor itself has only text. */
export async function setInMap(page: Page, key: string, value: string): Promise<void> {
  await page.evaluate(
    ([mapKey, mapValue]) => {
      const element = document.querySelector('.ProseMirror') as EditorElement
      element.editor.state['y-sync$']?.doc.getMap('canary').set(mapKey, mapValue)
    },
    [key, value] as const,
  )
}

/** The control: leaves it where a page that does not seal would, in localStorage and an IndexedDB. */
export async function leaveInStorage(page: Page, bytes: Buffer): Promise<void> {
  await page.evaluate(async (text) => {
    localStorage.setItem('planted', text)
    const request = indexedDB.open('planted', 1)
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      request.onupgradeneeded = () => void request.result.createObjectStore('planted')
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    })
    const transaction = database.transaction('planted', 'readwrite')
    transaction.objectStore('planted').put(text, 'planted')
    await new Promise((resolve) => {
      transaction.oncomplete = resolve
    })
    database.close()
  }, bytes.toString('latin1'))
}
