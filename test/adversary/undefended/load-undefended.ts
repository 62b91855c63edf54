import { isAbsolute, relative, sep } from 'node:path'
import type { Plugin } from 'vite'
import { type Edit, switchedOff } from './switch-off.ts'

/** Loads the product with these edits, and fails where one of them has nothing to edit. */
export function loadUndefended(root: string, edits: readonly Edit[]): Plugin {
  return {
    name: 'y-sealed-undefended',
    enforce: 'pre',
    transform(source, id) {
      const path = id.replace(/\?.*$/, '')
      const file = isAbsolute(path) ? relative(root, path).split(sep).join('/') : path
      const own = edits.filter((edit) => edit.file === file)
      if (own.length === 0) return undefined
      return { code: own.reduce(switchedOff, source), map: null }
    },
  }
}
