// More parts than a cluster has machines help nobody, and each is some ten tables and indexes for the planner to know.
export const MAX_PARTITIONS = 1_024
