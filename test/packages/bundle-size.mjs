// @ts-check
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { projectRoot } from '../bin/project.mjs'

/** What an app imports, by how the page names it. */
export const IMPORTS = {
  '`{ SealedProvider, keyEndpoint }` from `y-sealed`': "export { SealedProvider, keyEndpoint } from 'y-sealed'",
  'all of `y-sealed/compat`': "export * from 'y-sealed/compat'",
  'the first with `{ sealedIndexedDB }` from `y-sealed/indexeddb`':
    "export { SealedProvider, keyEndpoint } from 'y-sealed'; export { sealedIndexedDB } from 'y-sealed/indexeddb'",
  'all of `y-sealed/observe`': "export * from 'y-sealed/observe'",
  'all of `y-sealed/react`': "export * from 'y-sealed/react'",
  '`{ generateKey, shareLink }` from `y-sealed`': "export { generateKey, shareLink } from 'y-sealed'",
  '`{ WebsocketProvider }` from `y-websocket`, for comparison': "export { WebsocketProvider } from 'y-websocket'",
}

// A page that edits together has these, whatever its provider.
const IN_EVERY_APP = ['yjs', 'lib0', 'lib0/*', 'y-protocols/*', 'react']

/**
 * What an import adds to a page that has Yjs already: minified, and that compressed as servers send it.
 * @param {string} code
 * @returns {Promise<{ minifiedBytes: number, gzipBytes: number }>}
 */
export async function addedBytes(code) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: `${projectRoot}/test` },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    external: IN_EVERY_APP,
    write: false,
  })
  const bundle = outputFiles[0]?.contents ?? new Uint8Array()
  return { minifiedBytes: bundle.byteLength, gzipBytes: gzipSync(bundle, { level: 9 }).byteLength }
}

/** The table of docs/bundle-size.md, measured now; a kB is 1,000 bytes. */
export async function sizeTable() {
  const rows = []
  for (const [title, code] of Object.entries(IMPORTS)) {
    const { minifiedBytes, gzipBytes } = await addedBytes(code)
    rows.push(`| ${title} | ${inKilobytes(minifiedBytes)} | ${inKilobytes(gzipBytes)} |`)
  }
  return ['| import | minified, kB | gzip, kB |', '|---|---|---|', ...rows].join('\n')
}

const inKilobytes = (/** @type {number} */ bytes) => (bytes / 1000).toFixed(1)
