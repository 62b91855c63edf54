/** A start tag. Text cannot look like one: there `<` is written `&lt;`. */
const START_TAG = /<[a-z][^<>]*>/gi
const STYLE_OR_HANDLER = /\s(?:style|on[a-z]+)\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+)/gi

/**
 * Drops inline styles and event handlers before the browser parses what is pasted. They could do nothing here (the schema knows
 * none, the content security policy forbids them), but the browser would report each as an attack.
 */
export function withoutInlineCode(html: string): string {
  return html.replace(START_TAG, (tag) => tag.replace(STYLE_OR_HANDLER, ''))
}
