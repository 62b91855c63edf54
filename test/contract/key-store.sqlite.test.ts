import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openKeyStore, openSqliteKeyStore } from '@y-sealed/key-endpoint'
import { afterAll } from 'vitest'
import { describeKeyStore } from './key-store.contract.ts'
import { describeMasterKeys } from './master-keys.contract.ts'

const root = mkdtempSync(join(tmpdir(), 'y-sealed-key-store-'))
let count = 0

afterAll(() => rmSync(root, { recursive: true, force: true }))

describeKeyStore('SQLite', () => {
  const directory = join(root, String(count++))
  const open = async () => openSqliteKeyStore(directory)
  return { open, reopen: open }
})

describeKeyStore('in-memory SQLite', () => ({ open: async () => openSqliteKeyStore('memory') }))

describeMasterKeys('SQLite', async () => {
  const data = join(root, String(count++))
  return (masterKeys) => openKeyStore({ data, masterKeys })
})
