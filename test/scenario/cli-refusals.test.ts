import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { fragmentKey, generateKey, passphrase, shareLink, staticKey } from 'y-sealed'
import { runCli } from '../support/cli.ts'
import { patiently } from '../support/events.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
let folder: string
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'y-sealed-cli-'))
  world = await startWorld({
    auth: async (token) => {
      if (token === 'a writer of the room') return { subject: 'ada', role: 'write' }
      return token === 'a reader of the room' ? { subject: 'rita', role: 'read' } : null
    },
    access: (who) => (who === 'ada' ? 'write' : undefined),
  })
})
afterEach(async () => {
  await world.close()
  rmSync(folder, { recursive: true })
})

const WRITER = { Y_SEALED_TOKEN: 'a writer of the room' }
const flags = () => ['--relay', world.relayUrl, '--doc', 'room']
const keys = () => ['--keys', world.keysUrl]

function file(name: string, content: string): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

async function failed(args: string[], env: Record<string, string> = {}): Promise<[number | null, string]> {
  const { exitCode, errors, out } = await runCli(args, { env })
  expect(out.length).toBe(0)
  return [exitCode, errors]
}

test('each thing that stands in the way has a code, and an exit code', async () => {
  const headers = file('headers.json', JSON.stringify({ who: 'ada' }))
  const asAda = [...keys(), '--keys-headers', headers]
  // Nobody has written the document, and an export does not make it.
  expect(await failed(['export', ...flags(), ...asAda], WRITER)).toEqual([1, expect.stringContaining('no-document')])
  const ada = await world.joined('Ada', { token: 'a writer of the room', keys: world.keysAs('ada') })
  ada.text.insert(0, 'hers')
  await patiently(ada.provider.flush(), 'her words')

  expect((await runCli(['export', ...flags(), ...asAda, '--format', 'text'], { env: WRITER })).out.toString()).toBe(
    'hers\n',
  )
  for (const [args, env, expected] of [
    [['export', ...flags(), ...asAda], {}, [3, 'unauthorised']],
    [['export', ...flags(), ...keys()], WRITER, [4, 'key-refused']],
    [['export', ...flags()], { ...WRITER, Y_SEALED_KEY: generateKey() }, [4, 'key-unknown']],
    [['export', ...flags(), ...asAda, '--epoch', '7'], WRITER, [2, 'no epoch 7']],
    [['export', ...flags(), ...asAda, '--root', 'nothing', '--format', 'text'], WRITER, [1, 'no-root']],
    [
      ['import', ...flags(), ...asAda, '--update', '-'],
      { Y_SEALED_TOKEN: 'a reader of the room' },
      [2, 'not one Yjs V1 update'],
    ],
    [
      ['append', ...flags(), ...asAda, '--text', 'text'],
      { Y_SEALED_TOKEN: 'a reader of the room' },
      [3, 'write-denied'],
    ],
    [['export', '--relay', 'ws://127.0.0.1:1', '--doc', 'room', ...keys()], {}, [3, 'relay-unavailable']],
    [['export', ...keys()], {}, [2, 'expected --relay and --doc, or --from']],
    [['fetch', ...flags(), '--out', join(folder, 'log')], {}, [3, 'unauthorised']],
  ] as const) {
    expect(await failed([...args], env), args.join(' ')).toEqual([expected[0], expect.stringContaining(expected[1])])
  }
})

test('a secret in the arguments is refused, and not repeated', async () => {
  for (const given of [['--token', 'hunter2'], ['--key=hunter2'], ['--passphrase', 'hunter2']]) {
    const [exitCode, errors] = await failed(['export', ...flags(), ...keys(), ...given])
    expect([exitCode, errors.includes('hunter2'), errors.includes(given[0]?.split('=')[0] ?? '')]).toEqual([
      2,
      false,
      true,
    ])
  }
  const broken = file('headers.json', '{"authorization": "hunter2"')
  const [exitCode, errors] = await failed(['export', ...flags(), ...keys(), '--keys-headers', broken], WRITER)
  expect([exitCode, errors.includes('hunter2')]).toEqual([2, false])
})

test.each([
  ['a key', () => generateKey(), (key: string) => staticKey(key), '--key-file'],
  [
    'words',
    () => 'correct horse battery',
    (words: string) => passphrase(words, { memoryKiB: 19_456, passes: 2 }),
    '--passphrase-file',
  ],
  [
    'a share link',
    () => shareLink('https://app.example/', generateKey()),
    (link: string) => fragmentKey({ fragment: new URL(link).hash }),
    '--link-file',
  ],
])('the keys may come from %s in a file', async (_what, make, source, flag) => {
  const secret = make()
  const ada = await world.joined('Ada', { token: 'a writer of the room', keys: source(secret) })
  ada.text.insert(0, 'hers')
  await patiently(ada.provider.flush(), 'her words')
  const args = ['export', ...flags(), flag, file('secret', `${secret}\n`), '--format', 'text']
  expect((await runCli(args, { env: WRITER })).out.toString()).toBe('hers\n')
})
