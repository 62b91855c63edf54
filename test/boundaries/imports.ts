// The word before a string decides whether the string names a module.
const NAMED_MODULE = /\b(?:from|import|require|import\.meta\.resolve)\s*(?:\(\s*)?(['"])([^'"\n]+)\1/g

// Only whole comment lines are left out: anything cleverer could be talked into leaving out code.
const COMMENT_LINE = /^\s*(?:\/\/|\/?\*).*$/gm

/**
 * Every module that a TypeScript or JavaScript text names: static imports and exports (of types too), imports for their side
 * effects, dynamic imports, `require` and `import.meta.resolve`.
 */
export function importedModules(text: string): string[] {
  const code = text.replace(COMMENT_LINE, '')
  return [...code.matchAll(NAMED_MODULE)].flatMap((match) => match[2] ?? [])
}

/** `@scope/name/deep/path` → `@scope/name`; `node:fs`, `#engine` and relative paths stay as they are. */
export function packageOf(module: string): string {
  if (/^[.#]/.test(module) || module.includes(':')) return module
  return module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/')
}
