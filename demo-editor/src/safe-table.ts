import { Extension, type Extensions } from '@tiptap/core'
import { Table, TableCell, TableHeader, TableRow } from '@tiptap/extension-table'
import type { Attrs, NodeType } from '@tiptap/pm/model'

/** A member may write any number into a cell's spans, and a table of a billion columns would freeze whoever draws it. */
const SINGLE = { colspan: 1, rowspan: 1, colwidth: null }

/** Of NodeType, and not in its published type: through it goes every node, however it is made. */
interface Computing {
  computeAttrs(attributes: Attrs | null): Attrs
}

const cellAttributes = () => ({
  colspan: { default: 1, rendered: false, parseHTML: () => 1 },
  rowspan: { default: 1, rendered: false, parseHTML: () => 1 },
  colwidth: { default: null, rendered: false, parseHTML: () => null },
})

/** Every cell is one cell, whatever the document says of it: said where ProseMirror computes a node's attributes, before anything draws. */
const SingleCells = Extension.create({
  name: 'singleCells',
  onBeforeCreate() {
    for (const name of ['tableCell', 'tableHeader']) {
      const type = this.editor.schema.nodes[name]
      if (type === undefined) continue
      const computing = type as NodeType & Computing
      const compute = computing.computeAttrs.bind(type)
      computing.computeAttrs = (attributes) => ({ ...compute(attributes), ...SINGLE })
    }
  },
})

/** Tables without widths and styles: a strict content security policy allows no style attributes. */
export function safeTable(): Extensions {
  return [
    Table.configure({ resizable: false }).extend({
      renderHTML: () => ['table', ['tbody', 0]],
      addNodeView: () => null,
    }),
    TableRow,
    TableCell.extend({ addAttributes: cellAttributes }),
    TableHeader.extend({ addAttributes: cellAttributes }),
    SingleCells,
  ]
}
