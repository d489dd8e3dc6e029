/** How much the topics are used, as far as this process has answered. Other instances know of their own calls only. */
export interface TopicUsage {
  /** @example const { calls, last } = usage.of('goals') */
  of(topic_id: string): TopicUse
}

/** Calls that were given texts of a topic, or an answer of a model made with them. Administrators' views are not use. */
interface TopicUse {
  /** In this hour and the 23 hours before it, or since {@link since}. */
  calls: number
  /** The last of all calls; `(user)` stands for every caller of that role. */
  last?: { at: Date; caller: string }
  /** When this process began to count. */
  since: Date
}
