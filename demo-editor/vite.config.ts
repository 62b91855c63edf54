import { readdirSync } from 'node:fs'
import { defineConfig } from 'vite'

const folder = import.meta.dirname
const editors = readdirSync(`${folder}/editors`, { withFileTypes: true }).filter((entry) => entry.isDirectory())

export default defineConfig({
  build: {
    outDir: 'dist/page',
    target: 'es2022',
    // The content security policy allows data: URLs for pictures only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: [
        `${folder}/index.html`,
        `${folder}/editors/index.html`,
        ...editors.map(({ name }) => `${folder}/editors/${name}/index.html`),
      ],
    },
    // TipTap and ProseMirror are most of it; a second chunk would only be a second request.
    chunkSizeWarningLimit: 4000,
  },
  // Two copies of Yjs on one page do not recognise each other's types.
  resolve: {
    dedupe: ['yjs'],
    // y-monaco 0.1 names a file where Monaco had it before 0.53.
    alias: { 'monaco-editor/esm/vs/editor/editor.api.js': 'monaco-editor/editor/editor.api.js' },
  },
})
