import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { untilChanged } from '../support/events.ts'
import { startWorld } from '../support/world.ts'

describe('everything a Y.Doc can hold', () => {
  it('text with formats and embeds, maps, arrays and XML arrive as they are', async () => {
    const world = await startWorld()
    const [alice, bob] = [world.person('alice'), world.person('bob')]
    await Promise.all([alice.provider.whenSynced, bob.provider.whenSynced])
    alice.text.insert(0, 'bold 🔑', { bold: true })
    alice.text.insertEmbed(0, { image: 'cat.png' })
    alice.doc.getMap('map').set('nested', new Y.Map([['deep', [1, null, { a: true }]]]))
    alice.doc.getArray('array').push([1, 'two', new Uint8Array([3]), new Y.Array()])
    const heading = new Y.XmlElement('heading')
    heading.setAttribute('level', '2')
    heading.insert(0, [new Y.XmlText('title')])
    alice.doc.getXmlFragment('xml').insert(0, [heading])
    await untilChanged(bob.doc, () => bob.doc.getXmlFragment('xml').length === 1)
    expect(bob.text.toDelta()).toEqual(alice.text.toDelta())
    expect(bob.doc.getMap('map').toJSON()).toEqual(alice.doc.getMap('map').toJSON())
    expect(bob.doc.getArray('array').toJSON()).toEqual(alice.doc.getArray('array').toJSON())
    expect(bob.doc.getXmlFragment('xml').toString()).toBe('<heading level="2">title</heading>')
    await world.close()
  })

  it('a subdocument has a key of its own: who may not have it reads the rest', async () => {
    const world = await startWorld()
    const subdocument = new Y.Doc({ guid: 'chapter-1' })
    const alice = world.person('alice')
    alice.doc.getMap('chapters').set('1', subdocument)
    const chapter = world.person('chapter', { room: 'chapter-1', doc: subdocument })
    await Promise.all([alice.provider.whenSynced, chapter.provider.whenSynced])
    subdocument.getText('text').insert(0, 'only for some')
    await Promise.all([alice.provider.flush(), chapter.provider.flush()])

    const bob = world.person('bob')
    await bob.provider.whenSynced
    const reference = bob.doc.getMap('chapters').get('1')
    if (!(reference instanceof Y.Doc)) throw new Error('no subdocument')
    expect(reference.guid).toBe('chapter-1')
    const asked: string[] = []
    const refused = world.person('refused', {
      room: 'chapter-1',
      doc: reference,
      expects: ['key-mismatch'],
      // The key of the whole document opens nothing of the chapter, even where somebody serves it for both.
      keys: ({ documentId }) => {
        asked.push(documentId)
        return { key: 'the-key-of-another-document-012345', keyHint: '' }
      },
    })
    await new Promise<void>((resolve) => refused.provider.on('key-mismatch', () => resolve()))
    expect(reference.getText('text').toString()).toBe('')
    expect(new Set(asked)).toEqual(new Set(['chapter-1']))

    const member = world.person('member', { room: 'chapter-1' })
    await member.provider.whenSynced
    expect(member.text.toString()).toBe('only for some')
    await world.close()
  })
})
