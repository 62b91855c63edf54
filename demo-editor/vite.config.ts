import { defineConfig } from 'vite'

export default defineConfig({
  build: {
    outDir: 'dist/page',
    target: 'es2022',
    // The content security policy allows data: URLs for pictures only.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // TipTap and ProseMirror are most of it; a second chunk would only be a second request.
    chunkSizeWarningLimit: 1500,
  },
  // Two copies of Yjs on one page do not recognise each other's types.
  resolve: { dedupe: ['yjs'] },
})
