import { cpuPerRequest, print, ratio, type Shots } from './figures.ts'
import { keyHeader, type Shot, tokenHeader } from './load.ts'
import { batchShot, ERAS, mcpShot, type Target } from './mcp-shots.ts'
import { benchScript, type Product, type Starter } from './processes.ts'

/** Topics that are asked for, each in turn: no answer is in a cache because it was the last one. */
const ASKED = 990
/** Clients at the same time. */
const LOAD = { connections: 32, requests: ASKED, rounds: 10 }
const GREETING = { arguments: { user_name: 'Ada' } }

/** What requests of MCP over HTTP cost, against the SDK's own server and a server without any protocol. */
export async function printMcp({ start, startProduct }: Starter): Promise<void> {
  const raw = await start('raw', [benchScript('raw-http')])
  const bare = await start('bare', [benchScript('bare-http')])
  const bareTools = await start('bare tools', [benchScript('bare-tools')])
  const few = await startProduct(10)
  const many = await startProduct(1_000)
  const most = await startProduct(10_000)

  for (const era of ERAS) {
    const prompt = (target: Target, name: string) =>
      mcpShot(era, target, 'prompts/get', { name, ...GREETING }, 'Hello Ada')
    const tool = (target: Target, topic_id: string) => {
      const params = { name: 'get_prompts', arguments: { topic_id } }
      return mcpShot(era, target, 'tools/call', params, 'Hello {{user_name}}')
    }
    const list = (target: Target) => mcpShot(era, target, 'tools/list', {}, 'restore_prompt')

    print(`MCP over HTTP, revision ${era}`)
    const [floor, sdk, ten, thousand, tenThousand] = await cpuPerRequest(
      [
        [[raw, prompt(raw, 'topic_0')]],
        [[bare, prompt(bare, 'topic_0')]],
        ...[few, many, most].map((product, index) => inTurn(product, index === 0 ? 10 : ASKED, prompt)),
      ],
      LOAD,
    )
    print(`  prompts/get, bare SDK ÷ raw node:http          ${ratio(sdk, floor)}`)
    print(
      `  prompts/get ÷ bare SDK with 4 prompts          ${ratio(thousand, sdk)}   (must ≤ 0.35, aim 0.25)`,
    )
    print(`  prompts/get ÷ raw node:http                    ${ratio(thousand, floor)}   (must ≤ 3, aim 2)`)
    print(
      `  prompts/get, 10,000 topics ÷ 10                ${ratio(tenThousand, ten)}   (must ≤ 1.15, aim 1.05)`,
    )
    const [sdkCall, call] = await cpuPerRequest(
      [[[bare, tool(bare, 'topic_0')]], inTurn(many, ASKED, tool)],
      LOAD,
    )
    print(`  tools/call get_prompts ÷ bare SDK with 1 tool  ${ratio(call, sdkCall)}   (must ≤ 0.4, aim 0.25)`)
    const [sdkList, listed] = await cpuPerRequest(
      [
        [[bareTools, list(bareTools)]],
        [[many.subject, list({ url: many.subject.url, credential: tokenHeader(many.token) })]],
      ],
      { ...LOAD, requests: 200 },
    )
    print(
      `  tools/list ÷ bare SDK with the same tools      ${ratio(listed, sdkList)}   (must ≤ 0.3, aim 0.1)`,
    )
  }

  const batch = (target: Target, name: string) =>
    batchShot(target, 'prompts/get', { name, ...GREETING }, 'Hello Ada')
  const [sdkAlone, sdkInProduct] = await cpuPerRequest(
    [[[bare, batch(bare, 'topic_0')]], inTurn(many, ASKED, batch)],
    LOAD,
  )
  print(`the product's way through the SDK ÷ bare SDK     ${ratio(sdkInProduct, sdkAlone)}`)
  print(
    `memory with 10,000 topics of 2 KB after the load  ${most.subject.residentMb().toFixed(0)} MB   (must < 250, aim 150)`,
  )
}

function targetOf({ subject, key }: Product): Target {
  return { url: subject.url, credential: keyHeader(key) }
}

/** A request for each of `count` topics. */
function inTurn(product: Product, count: number, shotOf: (target: Target, topic: string) => Shot): Shots {
  const target = targetOf(product)
  return [[product.subject, Array.from({ length: count }, (_, index) => shotOf(target, `topic_${index}`))]]
}
