import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { importedModules, packageOf } from './boundaries/imports.ts'
import { reachableFrom } from './boundaries/reachable.ts'
import { filesBelow, isSource, projectRoot, readManifest, runtimeClosure } from './boundaries/workspaces.ts'

interface Rule {
  ours: string[]
  foreign: string[]
  node: boolean | RegExp
  /** Packages of which only the files named know. */
  only?: Record<string, RegExp>
}

/**
 * Who may import whom (design §3). Ours: modules, by the exact path that may be named. Foreign: packages.
 * `node`: may use Node's own modules; where a browser is served too, only in the files named.
 */
const RULES: Record<string, Rule> = {
  'packages/envelope': {
    ours: ['@y-sealed/protocol/header'],
    foreign: ['@noble/ciphers', '@noble/hashes', 'lib0'],
    node: /\/engine\/node\.ts$/,
  },
  'packages/protocol': { ours: [], foreign: ['@noble/hashes'], node: /\/sha256-node\.ts$/ },
  'packages/key-client': { ours: ['@y-sealed/envelope'], foreign: ['@noble/hashes'], node: false },
  'packages/provider': {
    ours: ['@y-sealed/envelope', '@y-sealed/protocol', '@y-sealed/protocol/header', '@y-sealed/key-client'],
    foreign: ['yjs', 'lib0', 'y-protocols', 'react'],
    node: false,
    only: { react: /\/src\/react\// },
  },
  'packages/cli': {
    ours: ['y-sealed', 'y-sealed/observe', '@y-sealed/key-client/contract', '@y-sealed/protocol'],
    foreign: ['@photostructure/sqlite', 'commander', 'ws', 'y-leveldb', 'yjs'],
    node: true,
  },
  'server/relay': {
    ours: ['@y-sealed/protocol', '@y-sealed/protocol/header'],
    foreign: ['@photostructure/sqlite', 'commander', 'jose', 'pg', 'pino', 'redis', 'ws'],
    node: true,
    only: { pg: /\/src\/log\/postgres-/, redis: /\/src\/bus\/redis-/ },
  },
  'server/key-endpoint': {
    ours: ['@y-sealed/key-client/contract'],
    foreign: [
      ...['@photostructure/sqlite', 'commander', 'cors', 'express', 'express-rate-limit', 'helmet', 'jose', 'pg'],
      'pino',
    ],
    node: true,
  },
  'demo-editor': {
    // The wire, for the lying relay that a visitor may play (src/break-it).
    ours: ['y-sealed', 'y-sealed/indexeddb', 'y-sealed/observe', '@y-sealed/protocol'],
    foreign: [
      ...['@tiptap/core', '@tiptap/pm', '@tiptap/starter-kit', '@tiptap/extension-collaboration'],
      ...[
        '@tiptap/extension-collaboration-caret',
        '@tiptap/extension-placeholder',
        '@tiptap/extension-image',
        '@tiptap/extension-table',
      ],
      ...[
        '@blocknote/core',
        '@codemirror/view',
        '@lexical/rich-text',
        '@lexical/yjs',
        'codemirror',
        'lexical',
        'monaco-editor',
      ],
      ...['prosemirror-commands', 'prosemirror-keymap', 'prosemirror-model', 'prosemirror-state', 'prosemirror-view'],
      ...['quill', 'quill-cursors', 'y-codemirror.next', 'y-monaco', 'y-prosemirror', 'y-quill'],
      ...['yjs', 'y-protocols', 'express', 'helmet', 'jose', 'vite'],
    ],
    node: /^demo-editor\/(server\/|vite\.config\.ts$)/,
  },
}

const productionFiles = Object.keys(RULES).flatMap((folder) => filesBelow(folder).filter(isSource))
const modulesOf = (file: string) => importedModules(readFileSync(join(projectRoot, file), 'utf8'))
const isOurs = (module: string) => module === 'y-sealed' || /^(y-sealed\/|@y-sealed\/)/.test(module)
const folderOf = (file: string) => Object.keys(RULES).find((folder) => file.startsWith(`${folder}/`))!

/** Files of a workspace, each with what it must not import; empty is what we want. */
function violations(folder: string): string[] {
  const rule = RULES[folder]!
  const mayUseNode = (file: string) => (typeof rule.node === 'boolean' ? rule.node : rule.node.test(file))
  const allowed = (module: string, file: string) => {
    if (module.startsWith('.')) return join(file, '..', module).startsWith(`${folder}/`)
    if (module.startsWith('#')) return true
    if (module.startsWith('node:')) return mayUseNode(file)
    if (rule.only?.[packageOf(module)]?.test(file) === false) return false
    return isOurs(module) ? rule.ours.includes(module) : rule.foreign.includes(packageOf(module))
  }
  return filesBelow(folder)
    .filter(isSource)
    .flatMap((file) =>
      modulesOf(file)
        .filter((module) => !allowed(module, file))
        .map((module) => `${file} -> ${module}`),
    )
}

describe('who may import whom', () => {
  it.each(Object.keys(RULES))('%s imports what design §3 allows it, and nothing else', (folder) => {
    expect(filesBelow(folder).filter(isSource), 'no sources found: the test would prove nothing').not.toEqual([])
    expect(violations(folder)).toEqual([])
  })

  it.each(Object.keys(RULES))('%s declares every package that it imports', (folder) => {
    const manifest = readManifest(join(projectRoot, folder))
    const declared = Object.keys({
      ...manifest.dependencies,
      ...manifest.peerDependencies,
      // A page is bundled: what its build needs does not travel with it.
      ...(folder === 'demo-editor' ? manifest.devDependencies : {}),
    })
    const imported = filesBelow(folder)
      .filter(isSource)
      .flatMap(modulesOf)
      .map(packageOf)
      .filter((name) => !/^[.#]|^node:/.test(name))
    expect(imported.filter((name) => !declared.includes(name))).toEqual([])
  })

  it('no workspace depends on one that it may not import', () => {
    for (const [folder, rule] of Object.entries(RULES)) {
      const { dependencies, peerDependencies } = readManifest(join(projectRoot, folder))
      const ours = Object.keys({ ...dependencies, ...peerDependencies }).filter(isOurs)
      expect(new Set(rule.ours.map(packageOf)), folder).toEqual(new Set(ours))
    }
  })

  it('nothing that ships imports a test or the demo editor', () => {
    const found = productionFiles.flatMap((file) =>
      modulesOf(file)
        .filter((module) => packageOf(module) === '@y-sealed/test' || packageOf(module) === '@y-sealed/demo-editor')
        .map((module) => `${file} -> ${module}`),
    )
    expect(found).toEqual([])
  })
})

describe('the relay is blind', () => {
  const blindTo = ['@y-sealed/envelope', '@y-sealed/key-client', '@y-sealed/key-endpoint', 'y-sealed']
  const blindToo = ['yjs', 'y-protocols', '@noble/ciphers', '@noble/curves']

  it('installs nothing that could read a document: no envelope, no key client, no Yjs, through all its dependencies', () => {
    const installed = runtimeClosure(join(projectRoot, 'server/relay'))
    expect(installed).toContain('@y-sealed/protocol')
    expect(installed).toContain('ws')
    expect([...blindTo, ...blindToo].filter((name) => installed.has(name))).toEqual([])
  })

  it('reaches no source that could read a document, through all its imports', () => {
    const entries = filesBelow('server/relay/src').filter(isSource)
    const { files, foreign } = reachableFrom(entries, 'node')
    const folders = new Set([...files].map(folderOf))
    expect([...folders].sort()).toEqual(['packages/protocol', 'server/relay'])
    expect([...foreign.keys()].map(packageOf).filter((name) => blindToo.includes(name))).toEqual([])
  })

  it('the key endpoint reaches neither the relay, nor the protocol, nor Yjs', () => {
    const entries = filesBelow('server/key-endpoint/src').filter(isSource)
    const { files, foreign } = reachableFrom(entries, 'node')
    const folders = new Set([...files].map(folderOf))
    expect([...folders].sort()).toEqual(['packages/key-client', 'server/key-endpoint'])
    expect([...foreign.keys()].map(packageOf).filter((name) => ['yjs', 'y-protocols', 'ws'].includes(name))).toEqual([])
  })
})

describe('what a browser loads', () => {
  const entries = ['index.ts', 'compat.ts', 'indexeddb/index.ts', 'observe.ts'].map(
    (name) => `packages/provider/src/${name}`,
  )

  it('is ours, yjs, lib0, y-protocols and noble, and nothing of Node', () => {
    const { foreign } = reachableFrom(entries, 'browser')
    const allowed = ['yjs', 'lib0', 'y-protocols', '@noble/ciphers', '@noble/hashes']
    expect([...foreign].filter(([module]) => !allowed.includes(packageOf(module)))).toEqual([])
  })

  it('has the browser engine and not the Node one; a Node process has it the other way round', () => {
    const engines = (platform: 'node' | 'browser') =>
      [...reachableFrom(entries, platform).files].filter((file) => file.includes('/engine/'))
    expect(engines('browser')).toContain('packages/envelope/src/engine/browser.ts')
    expect(engines('browser')).not.toContain('packages/envelope/src/engine/node.ts')
    expect(engines('node')).toContain('packages/envelope/src/engine/node.ts')
    expect(engines('node')).not.toContain('packages/envelope/src/engine/browser.ts')
  })

  it('installs with one copy of Yjs, and with nothing beyond what lib0 itself needs', () => {
    const installed = runtimeClosure(join(projectRoot, 'packages/provider'))
    const foreign = [...installed].filter((name) => !isOurs(name)).sort()
    expect(foreign).toEqual(['@noble/ciphers', '@noble/hashes', 'isomorphic.js', 'lib0', 'y-protocols', 'yjs'])
    const copies = Object.keys(RULES).filter((folder) => existsSync(join(projectRoot, folder, 'node_modules/yjs')))
    expect(copies).toEqual([])
  })
})

describe('what is depended on (attack F4)', () => {
  it('is named by its exact version wherever it is ours to choose', () => {
    const loose = Object.keys(RULES).flatMap((folder) =>
      Object.entries(readManifest(join(projectRoot, folder)).dependencies ?? {})
        .filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))
        .map(([name, version]) => `${folder}: ${name} ${version}`),
    )
    expect(loose).toEqual([])
  })

  it('is in the lock file, each package with its hash', () => {
    const lock = JSON.parse(readFileSync(join(projectRoot, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { link?: boolean; integrity?: string }>
    }
    const installed = Object.entries(lock.packages).filter(([path, { link }]) => /node_modules\//.test(path) && !link)
    expect(installed.length).toBeGreaterThan(100)
    expect(installed.filter(([, { integrity }]) => !integrity?.startsWith('sha512-')).map(([path]) => path)).toEqual([])
  })
})

describe('AES in JavaScript, whose tables a cache gives away (attack A10)', () => {
  const isNobleAes = (module: string) => packageOf(module) === '@noble/ciphers'
  const all = productionFiles.filter((file) => /^(packages|server)\//.test(file))

  it('no file that Node loads of any package or server reaches it', () => {
    const entries = all.filter((file) => !/\/engine\/|\/testing\.ts$/.test(file))
    const { files, foreign } = reachableFrom(entries, 'node')
    expect(files).toContain('packages/envelope/src/engine/node.ts')
    expect([...foreign].filter(([module]) => isNobleAes(module))).toEqual([])
  })

  it('one file imports it, and one engine for browsers uses that file: to seal', () => {
    const importers = (isWanted: (module: string) => boolean) => all.filter((file) => modulesOf(file).some(isWanted))
    expect(importers(isNobleAes)).toEqual(['packages/envelope/src/engine/noble.ts'])
    const users = importers((module) => module.endsWith('/noble.ts')).filter((file) => !file.endsWith('/testing.ts'))
    expect(users).toEqual(['packages/envelope/src/engine/browser.ts'])
    const browser = readFileSync(join(projectRoot, users[0] ?? ''), 'utf8')
    expect(browser).toContain("import { nobleSealingKey } from './noble.ts'")
  })
})

describe('names and sizes', () => {
  const everyFile = [...productionFiles, ...filesBelow('test').filter(isSource)]

  it('no file is called utils, helpers, manager, service or common', () => {
    const vague = /(^|[/.-])(utils?|helpers?|managers?|services?|common|misc)([/.-]|$)/
    expect(everyFile.filter((file) => vague.test(file))).toEqual([])
  })

  it('files are in kebab-case', () => {
    expect(everyFile.filter((file) => !/^[a-z0-9./-]+$/.test(file))).toEqual([])
  })

  it('an index.ts only re-exports', () => {
    const indexes = productionFiles.filter((file) => file.endsWith('/index.ts'))
    const withLogic = indexes.filter((file) => {
      const rest = readFileSync(join(projectRoot, file), 'utf8')
        .replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
        .replace(/export\s+(type\s+)?(\*(\s+as\s+\w+)?|\{[^}]*\})\s+from\s+'[^']+'/g, '')
      return rest.trim() !== ''
    })
    expect(withLogic).toEqual([])
  })
})

describe('the reader of imports', () => {
  it('sees every way to name a module, and no comment', () => {
    const text = [
      "import a from 'a'",
      "import type { B } from '@s/b/deep'",
      "import {\n  c,\n} from './c.ts'",
      "import 'd'",
      "export * from 'e'",
      "const f = await import('f')",
      "const g = require('g')",
      "// import h from 'h'",
      " * import i from 'i'",
    ].join('\n')
    expect(importedModules(text)).toEqual(['a', '@s/b/deep', './c.ts', 'd', 'e', 'f', 'g'])
    expect(packageOf('@s/b/deep')).toBe('@s/b')
    expect(packageOf('a/deep')).toBe('a')
    expect(packageOf('node:fs')).toBe('node:fs')
  })
})
