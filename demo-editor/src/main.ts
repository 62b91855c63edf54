import * as Y from 'yjs'
import { bindProvider } from './bind-provider.ts'
import { colourOf } from './caret-colours.ts'
import { documentNameFromAddress, setUpShare, showDocumentName, WELCOME } from './document-name.ts'
import { createEditor } from './editor.ts'
import { element } from './element.ts'
import { setUpHistory } from './history/history-panel.ts'
import { setUpKeyCard } from './key-card.ts'
import { showPeople } from './people.ts'
import { showProblems } from './problem-notes.ts'
import { setUpRelayPanel } from './relay-panel.ts'
import { setUpSidePanels } from './side-panels.ts'
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
setUpKeyCard(provider)
showProblems(provider)
const mount = element('editor', HTMLElement)
const editor = createEditor(mount, doc, provider, { name: access.name, color: colourOf(access.name) })
setUpToolbar(editor)
mount.ariaBusy = 'true'
void provider.whenSynced.then(() => {
  mount.ariaBusy = 'false'
})
showPeople(provider.awareness)
const showPanel = setUpSidePanels({
  relay: setUpRelayPanel(documentName, access),
  history: setUpHistory(provider, editor),
})
// Beside the text where there is room for both.
if (matchMedia('(min-width: 68rem)').matches) showPanel('relay')
