import * as Y from 'yjs'
import { bindProvider } from './bind-provider.ts'
import { setUpBreakPanel } from './break-it/break-panel.ts'
import { createLiar } from './break-it/lying-socket.ts'
import { colourOf } from './caret-colours.ts'
import { readAddress, WELCOME } from './document-address.ts'
import { showDocumentName } from './document-name.ts'
import { setUpDocuments } from './documents-dialog.ts'
import { createEditor } from './editor.ts'
import { element } from './element.ts'
import { setUpExport } from './export-card.ts'
import { setUpHistory } from './history/history-panel.ts'
import { setUpKeyCard } from './key-card.ts'
import { fillInWords } from './messages/words.ts'
import { showPeople } from './people.ts'
import { showProblems } from './problem-notes.ts'
import { setUpRelayPanel } from './relay-panel.ts'
import { setUpShare } from './share-dialog.ts'
import { setUpSidePanels } from './side-panels.ts'
import { setUpSignOut, signIn } from './sign-in.ts'
import { showStates } from './state-badges.ts'
import { setUpToolbar } from './toolbar.ts'
import { writeWelcome } from './welcome-text.ts'

fillInWords(document)
const address = readAddress()
const documentName = address.name
showDocumentName(address)
setUpSignOut()
// Another document is another page: its own keys, its own tokens, nothing carried over.
addEventListener('hashchange', () => location.reload())

const access = await signIn(address)
const doc = new Y.Doc()
// Honest until the visitor lies with it; an app of yours has no such line.
const liar = createLiar()
const provider = bindProvider(doc, documentName, access, {
  WebSocketPolyfill: liar.WebSocket,
  ...(documentName === WELCOME && { initial: writeWelcome }),
})
const mount = element('editor', HTMLElement)
mount.ariaBusy = 'true'
const editor = createEditor(mount, doc, provider, { name: access.name, color: colourOf(access.name) })
const keyCard = setUpKeyCard(provider, access)
showStates(provider, (facts) => {
  keyCard.render(facts)
  const mayType = facts.canWrite && !facts.shutOut
  element('toolbar', HTMLElement).hidden = !mayType
  if (editor.isEditable !== mayType) editor.setEditable(mayType, false)
})
const closeNotes = showProblems(provider)
setUpToolbar(editor)
setUpExport(editor, doc, documentName)
setUpDocuments(access, documentName)
setUpShare(provider, access, documentName)
void provider.whenSynced.then(() => {
  mount.ariaBusy = 'false'
  // The placeholder says something else from now on.
  editor.view.dispatch(editor.state.tr)
})
showPeople(provider.awareness)
const showPanel = setUpSidePanels({
  relay: setUpRelayPanel(documentName, access, editor),
  break: setUpBreakPanel({ provider, liar, closeNotes }, access, documentName),
  history: setUpHistory(provider, editor),
})
// Beside the text where there is room for both.
if (matchMedia('(min-width: 68rem)').matches) showPanel('relay')
