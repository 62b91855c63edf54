import { filesBelow } from '../boundaries/workspaces.ts'

/** All Markdown that we wrote, as paths from the project root; what docs/api has is made from the sources. */
export const markdownPages = ['README.md', 'SECURITY.md', 'CHANGELOG.md', 'THIRD-PARTY.md'].concat(
  ['docs', 'packages', 'server', 'demo-editor', 'test']
    .flatMap(filesBelow)
    .filter((file) => file.endsWith('.md') && !file.startsWith('docs/api/')),
)
