import { Editor } from '@tiptap/core'
import { Collaboration } from '@tiptap/extension-collaboration'
import { CollaborationCaret } from '@tiptap/extension-collaboration-caret'
import { StarterKit } from '@tiptap/starter-kit'
import { keyEndpoint, SealedProvider } from 'y-sealed'
import * as Y from 'yjs'

const ydoc = new Y.Doc()
const provider = new SealedProvider('ws://127.0.0.1:8787', location.hash.slice(1) || 'doc-1', ydoc, {
  keys: keyEndpoint('http://127.0.0.1:8788/keys'),
})

new Editor({
  element: document.querySelector('#editor'),
  extensions: [
    StarterKit.configure({ undoRedo: false }), // Yjs undoes one's own changes only
    Collaboration.configure({ document: ydoc }),
    CollaborationCaret.configure({ provider, user: { name: 'Somebody', color: '#7a4ad0' } }),
  ],
})

const state = document.querySelector('#state')
provider.on('sync-status', ({ status }) => {
  state.textContent = status === 'green' ? 'stored, sealed' : 'not stored yet'
})
provider.on('problem', ({ message, action }) => {
  state.textContent = `${message}: ${action}`
})
