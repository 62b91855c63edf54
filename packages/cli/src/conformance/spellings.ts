/** How a key may stand in a text that is read as latin1: itself, escaped as JSON, in base64, base64url and hex. */
export function spellingsOf(key: string): string[] {
  const bytes = Buffer.from(key, 'utf8')
  // Less the last group: padding and what follows the key in a longer base64 change it.
  const whole = bytes.subarray(0, bytes.length - (bytes.length % 3))
  const escaped = key.replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return [
    bytes.toString('latin1'),
    escaped,
    bytes.toString('hex'),
    ...(whole.length > 0 ? [whole.toString('base64'), whole.toString('base64url')] : []),
  ]
}
