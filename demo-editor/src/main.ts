import * as Y from 'yjs'
import { bindProvider } from './bind-provider.ts'
import { colourOf } from './caret-colours.ts'
import { documentNameFromAddress, setUpShare, showDocumentName, WELCOME } from './document-name.ts'
import { createEditor } from './editor.ts'
import { element } from './element.ts'
import { showPeople } from './people.ts'
import { showProblems } from './problem-notes.ts'
import { setUpRelayPanel } from './relay-panel.ts'
import { setUpSignOut, signIn } from './sign-in.ts'
import { showStates } from './state-badges.ts'
import { setUpToolbar } from './toolbar.ts'
import { writeWelcome } from './welcome-text.ts'

const documentName = documentNameFromAddress()
showDocumentName(documentName)
setUpShare()
setUpSignOut()
// Another document is another page: its own keys, its own tokens, nothing carried over.
addEventListener('hashchange', () => location.reload())

const access = await signIn(documentName)
const doc = new Y.Doc()
const provider = bindProvider(doc, documentName, access, documentName === WELCOME ? writeWelcome : undefined)
showStates(provider)
showProblems(provider)
const mount = element('editor', HTMLElement)
setUpToolbar(createEditor(mount, doc, provider, { name: access.name, color: colourOf(access.name) }))
mount.ariaBusy = 'true'
void provider.whenSynced.then(() => {
  mount.ariaBusy = 'false'
})
showPeople(provider.awareness)
setUpRelayPanel(documentName, access)
