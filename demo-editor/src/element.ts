/** An element that index.html promises, of the type that the caller expects. */
export function element<T extends HTMLElement>(id: string, type: new () => T): T {
  const found = document.getElementById(id)
  if (!(found instanceof type)) throw new Error(`index.html has no ${type.name} #${id}`)
  return found
}

/** A new element with classes and children; text goes in as text. */
export function create<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag)
  made.className = className
  made.append(...children)
  return made
}

const SVG = 'http://www.w3.org/2000/svg'

/** A picture from the icon sheet in index.html. */
export function icon(name: string): SVGElement {
  const picture = document.createElementNS(SVG, 'svg')
  picture.setAttribute('class', 'icon')
  picture.setAttribute('aria-hidden', 'true')
  const use = document.createElementNS(SVG, 'use')
  use.setAttribute('href', `#icon-${name}`)
  picture.append(use)
  return picture
}
