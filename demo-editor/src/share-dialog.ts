import type { SealedProvider } from 'y-sealed'
import type { Access } from './access.ts'
import { setUpCopyLink } from './copy-link.ts'
import { ask, type LinkRole, type Role, ServerRefusal, type Sharing } from './demo-server.ts'
import { setUpDialog } from './dialog.ts'
import { create, element } from './element.ts'
import type { MessageKey } from './messages/en.ts'
import { say } from './messages/words.ts'

type KeyOutcome = 'rotated' | 'not-rotated' | 'in-link'

const REMOVED: Record<KeyOutcome, MessageKey> = {
  rotated: 'share.removed',
  'not-rotated': 'share.removed.no-rotation',
  'in-link': 'share.removed.link-key',
}

/** Who may open this document: a link, what it gives, the people, and the door. */
export function setUpShare(provider: SealedProvider, access: Access, document: string): void {
  const { pass } = access
  const who = element('share-who', HTMLSelectElement)
  const state = element('share-state', HTMLElement)
  const tell = (text: string) => {
    state.textContent = text
  }
  const trouble = (error: unknown) =>
    tell(say(error instanceof ServerRefusal && error.status === 403 ? 'share.owner-only' : 'share.failed'))

  const render = (sharing: Sharing) => {
    who.replaceChildren(...options(['write', 'read', 'none'], sharing.link))
    who.disabled = !access.isOwner
    element('share-add', HTMLFormElement).hidden = !access.isOwner
    const rows = sharing.people.map((person) => memberRow(person, access.isOwner, { change, remove }))
    element('share-people', HTMLUListElement).replaceChildren(ownerRow(sharing.owner), ...rows)
  }
  const load = () => ask<Sharing>('/sharing', { pass, document }).then(render, trouble)
  const share = async (fields: { link: LinkRole } | { name: string; role: Role }) => {
    try {
      render(await ask<Sharing>('/share', { pass, document, ...fields }))
      tell(say('share.changed'))
    } catch (error) {
      trouble(error)
    }
  }
  const change = (name: string, role: Role) => void share({ name, role })
  const remove = async (name: string) => {
    tell(say('share.removing', { name }))
    try {
      let { key } = await ask<{ key: KeyOutcome }>('/remove', { pass, document, name })
      await load()
      // The endpoint has a new key; this opens the epoch under it now, and not when the page next looks.
      if (key === 'rotated') await provider.rotateKey().catch(() => (key = 'not-rotated'))
      tell(say(REMOVED[key], { name }))
    } catch (error) {
      trouble(error)
    }
  }

  who.addEventListener('change', () => void share({ link: who.value as LinkRole })) // one of our own options
  element('share-add', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault()
    const field = element('share-add-name', HTMLInputElement)
    const name = field.value.trim()
    if (name === '') return
    field.value = ''
    void share({ name, role: 'write' })
  })
  element('share-title', HTMLElement).textContent = say('share.title', { document })
  element('share-explained', HTMLElement).textContent = say(`share.explained.${access.keyIn}`)
  setUpCopyLink()
  setUpDialog('share-dialog', {
    opener: 'share',
    shown() {
      tell(access.isOwner ? '' : say('share.owner-only'))
      void load()
    },
  })
}

function options<Value extends LinkRole>(values: Value[], chosen: Value): HTMLOptionElement[] {
  return values.map((value) => new Option(say(`share.role.${value}`), value, false, value === chosen))
}

function ownerRow(name: string): HTMLLIElement {
  return create(
    'li',
    'member',
    create('span', 'member-name', name),
    create('span', 'member-role', say('share.role.owner')),
  )
}

interface MemberActs {
  change(name: string, role: Role): void
  remove(name: string): void
}

function memberRow({ name, role }: Sharing['people'][number], isOwner: boolean, acts: MemberActs): HTMLLIElement {
  const called = create('span', 'member-name', name)
  if (!isOwner) return create('li', 'member', called, create('span', 'member-role', say(`share.role.${role}`)))
  const select = create('select', '', ...options<Role>(['write', 'read'], role))
  select.setAttribute('aria-label', say('share.role-of', { name }))
  select.addEventListener('change', () => acts.change(name, select.value as Role)) // one of our own options
  const out = create('button', 'button danger', say('share.remove'))
  out.type = 'button'
  out.setAttribute('aria-label', say('share.remove-person', { name }))
  out.addEventListener('click', () => acts.remove(name))
  return create('li', 'member', called, select, out)
}
