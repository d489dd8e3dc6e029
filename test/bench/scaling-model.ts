/** What was measured on this machine. */
export interface Measured {
  /** CPU seconds of a request of the mixed load. */
  cpuSeconds: number
  /** Bytes that a request adds to the audit log. */
  logBytes: number
  /** MB of a server with no topics, and bytes that each topic adds. */
  baseMb: number
  bytesPerTopic: number
  /** Seconds of a start without topics, and for each topic. */
  startSeconds: number
  secondsPerTopic: number
}

/** List prices of us-east-1 in USD, and where they were read. */
const PRICES = {
  /** Fargate, Linux on x86; read by others from AWS's price data on 2026-09-23, like that of the logs. */
  vcpuHour: 0.04048,
  gbHour: 0.004445,
  /** DynamoDB, on-demand tables, a million of each; the prices of docs/aws.md. */
  readUnits: 0.125,
  writeUnits: 0.625,
  /** CloudWatch Logs, a GB taken in. */
  logGb: 0.5,
}

/** How it is run. */
const ASSUMED = {
  /** Share of a processor that is used, at most: what is left carries bursts and a lost instance. */
  utilisation: 0.6,
  /** Instances that there are in any case. */
  leastInstances: 2,
  /** Callers, of each of which every instance tells a limit at most once a second. */
  callers: 20,
  /** Of a topic's record, and what a read unit holds. */
  recordKb: 2,
  readUnitKb: 4,
  /** Looks at the feed a second (half of PROMPTS_FRESHNESS_MS), seconds between two scans (PROMPTS_RECONCILE_MS). */
  feedReads: 2,
  scanSeconds: 60,
}

const HOURS = 730
const MONTH_SECONDS = HOURS * 3_600

export interface Plan {
  rate: number
  topics: number
  instances: number
  /** Of each instance, which has one processor. */
  gb: number
  startSeconds: number
  /** Milliseconds in the server. */
  p50: number
  p99: number
  /** Units a second. */
  feed: number
  scans: number
  writes: number
  /** USD a month. */
  compute: number
  dynamodb: number
  logs: number
}

/** What a rate of requests and a number of topics need, with the catalogue in memory. */
export function plan(rate: number, topics: number, measured: Measured): Plan {
  const { utilisation, leastInstances, callers, recordKb, readUnitKb, feedReads, scanSeconds } = ASSUMED
  const busy = rate * measured.cpuSeconds
  const instances = Math.max(leastInstances, Math.ceil(busy / utilisation))
  const mb = measured.baseMb + (topics * measured.bytesPerTopic) / 1024 ** 2
  // A quarter more for what a garbage collector needs; whole GB, as they are sold.
  const gb = Math.max(2, Math.ceil((mb * 1.25) / 1024))
  // One queue before each instance, M/M/1: times are distributed exponentially, with this mean.
  const meanMs = (measured.cpuSeconds * 1_000) / (1 - busy / instances)
  const feed = instances * feedReads
  const scans = (instances * topics * recordKb) / readUnitKb / scanSeconds
  const writes = Math.min(rate, instances * callers)
  const { vcpuHour, gbHour, readUnits, writeUnits, logGb } = PRICES
  return {
    rate,
    topics,
    instances,
    gb,
    startSeconds: measured.startSeconds + topics * measured.secondsPerTopic,
    p50: meanMs * Math.log(2),
    p99: meanMs * Math.log(100),
    feed,
    scans,
    writes,
    compute: instances * (vcpuHour + gb * gbHour) * HOURS,
    dynamodb: (((feed + scans) * readUnits + writes * writeUnits) * MONTH_SECONDS) / 1e6,
    logs: ((rate * measured.logBytes * MONTH_SECONDS) / 1024 ** 3) * logGb,
  }
}

/** How many topics one instance can have before the scans cost more than its processor. */
export function topicsWhereScansCostAsMuch(): number {
  const { recordKb, readUnitKb, scanSeconds } = ASSUMED
  const scansOfMonth = MONTH_SECONDS / scanSeconds
  const ofTopic = ((recordKb / readUnitKb) * scansOfMonth * PRICES.readUnits) / 1e6
  return (PRICES.vcpuHour * HOURS) / ofTopic
}
