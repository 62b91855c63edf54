import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

export type Role = 'write' | 'read'
/** What somebody gets who comes with the link and is on no list. */
export type LinkRole = Role | 'none'
/** Where a document's key comes from: its endpoint, or the link itself. */
export type KeyIn = 'endpoint' | 'link'

/** Why somebody is not let in, or may not do this. */
export type Refusal = 'removed' | 'not-invited' | 'owner-only' | 'taken'

export class Refused extends Error {
  readonly reason: Refusal

  constructor(reason: Refusal) {
    super(reason)
    this.reason = reason
  }
}

interface DocumentRow {
  owner: string
  keyIn: KeyIn
  link: LinkRole
  people: Map<string, Role>
  removed: string[]
}

/** Lists of pairs, not objects: people may call themselves `__proto__`. */
type StoredRow = Omit<DocumentRow, 'people'> & { name: string; people: [string, Role][] }

export interface Membership {
  readonly role: Role
  readonly isOwner: boolean
  readonly keyIn: KeyIn
}

export interface Sharing {
  readonly owner: string
  readonly keyIn: KeyIn
  readonly link: LinkRole
  /** Without the owner. */
  readonly people: { readonly name: string; readonly role: Role }[]
}

/**
 * Who may open which document: what an app has in its own database. It holds names and roles, and nothing of what is written.
 * The first to open a document owns it. All changes are on disk before they are answered.
 */
export class MemberBook {
  readonly #path: string | undefined
  readonly #documents = new Map<string, DocumentRow>()

  /** @param path of a JSON file; without one it is kept in memory */
  constructor(path?: string) {
    this.#path = path
    if (path === undefined) return
    try {
      // Our own file, in a folder that is nobody else's.
      const rows = JSON.parse(readFileSync(path, 'utf8')) as StoredRow[]
      for (const { name, people, ...row } of rows) this.#documents.set(name, { ...row, people: new Map(people) })
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    }
  }

  /** @throws Refused `taken` */
  create(document: string, owner: string, keyIn: KeyIn): void {
    if (this.#documents.has(document)) throw new Refused('taken')
    this.#documents.set(document, { owner, keyIn, link: 'write', people: new Map(), removed: [] })
    this.#save()
  }

  /** Lets somebody in, and remembers that they came. @throws Refused `removed`, `not-invited` */
  enter(document: string, person: string, keyIn: KeyIn): Membership {
    if (!this.#documents.has(document)) this.create(document, person, keyIn)
    const row = this.#row(document)
    if (row.owner === person) return { role: 'write', isOwner: true, keyIn: row.keyIn }
    if (row.removed.includes(person)) throw new Refused('removed')
    const listed = row.people.get(person)
    const role = listed ?? row.link
    if (role === 'none') throw new Refused('not-invited')
    if (listed === undefined) {
      row.people.set(person, role)
      this.#save()
    }
    return { role, isOwner: false, keyIn: row.keyIn }
  }

  documentsOf(person: string) {
    return [...this.#documents]
      .filter(([, { owner, people }]) => owner === person || people.has(person))
      .map(([name, { owner, people, keyIn }]) => ({
        name,
        keyIn,
        role: owner === person ? 'owner' : people.get(person),
        people: people.size + 1,
      }))
  }

  /** @throws Refused as `enter` does */
  sharing(document: string, person: string): Sharing {
    this.#check(document, person)
    const { owner, keyIn, link, people } = this.#row(document)
    return { owner, keyIn, link, people: [...people].map(([name, role]) => ({ name, role })) }
  }

  /** @throws Refused `owner-only` */
  setLinkRole(document: string, owner: string, link: LinkRole): void {
    this.#rowOf(document, owner).link = link
    this.#save()
  }

  /** Adds somebody, also one who was removed before, or changes what they may do. @throws Refused `owner-only` */
  setRole(document: string, owner: string, person: string, role: Role): void {
    const row = this.#rowOf(document, owner)
    if (person === row.owner) throw new Refused('owner-only')
    row.people.set(person, role)
    row.removed = row.removed.filter((name) => name !== person)
    this.#save()
  }

  /** Whoever is removed stays out, whatever the link gives to others. @throws Refused `owner-only` */
  remove(document: string, owner: string, person: string): void {
    const row = this.#rowOf(document, owner)
    if (person === row.owner) throw new Refused('owner-only')
    row.people.delete(person)
    if (!row.removed.includes(person)) row.removed.push(person)
    this.#save()
  }

  #check(document: string, person: string): void {
    const row = this.#documents.get(document)
    if (row === undefined || (row.owner !== person && !row.people.has(person))) throw new Refused('not-invited')
  }

  #rowOf(document: string, owner: string): DocumentRow {
    const row = this.#documents.get(document)
    if (row === undefined || row.owner !== owner) throw new Refused('owner-only')
    return row
  }

  #row(document: string): DocumentRow {
    const row = this.#documents.get(document)
    if (row === undefined) throw new Refused('not-invited')
    return row
  }

  #save(): void {
    if (this.#path === undefined) return
    // Written beside and renamed: a crash leaves the old file or the new one.
    const beside = `${this.#path}.${randomBytes(6).toString('hex')}`
    const rows = [...this.#documents].map(
      ([name, { people, ...row }]): StoredRow => ({ name, ...row, people: [...people] }),
    )
    writeFileSync(beside, JSON.stringify(rows), { mode: 0o600 })
    renameSync(beside, this.#path)
  }
}
