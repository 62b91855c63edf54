export type { Capability, DialectName } from './conformance/dialect.ts'
export { type ConformanceReport, type RuleResult, runConformance } from './conformance/run-conformance.ts'
export type { Headers, HintKind, Target, Users } from './conformance/target.ts'
