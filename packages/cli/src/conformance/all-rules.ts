import type { Rule } from './rule.ts'
import { ACCESS } from './rules/access.ts'
import { ANSWERS } from './rules/answers.ts'
import { CLIENT } from './rules/client.ts'
import { HINTS } from './rules/hints.ts'
import { LASTING } from './rules/lasting.ts'
import { REQUESTS } from './rules/requests.ts'
import { ROTATION } from './rules/rotation.ts'
import { SECRECY } from './rules/secrecy.ts'
import { TOGETHER } from './rules/together.ts'
import { UNICODE_RULES } from './rules/unicode.ts'
import { WEB } from './rules/web.ts'

/** In the order they are looked at: what explains other failures comes first, the log last. */
export const ALL_RULES: readonly Rule[] = [
  ...WEB,
  ...ANSWERS,
  ...HINTS,
  ...LASTING,
  ...TOGETHER,
  ...UNICODE_RULES,
  ...REQUESTS,
  ...ACCESS,
  ...ROTATION,
  ...CLIENT,
  ...SECRECY,
]
