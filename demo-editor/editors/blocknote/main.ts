import { BlockNoteEditor } from '@blocknote/core'
import { element } from '../../src/element.ts'
import { openDocument } from '../open-document.ts'
import '@blocknote/core/style.css'

const { doc, provider, user } = await openDocument('BlockNote')

BlockNoteEditor.create({
  collaboration: { fragment: doc.getXmlFragment('blocknote'), provider, user },
}).mount(element('editor', HTMLElement).appendChild(document.createElement('div')))
