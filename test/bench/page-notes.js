// Runs in a page, before anything else: it notes how the page feels.

/** `firstRowAt`: when the first topic was there; all in milliseconds, that one since the navigation. */
let notes = { firstRowAt: undefined, frames: [] }

new MutationObserver((_, observer) => {
  if (!document.querySelector('[role=row] a')) return
  notes.firstRowAt = performance.now()
  observer.disconnect()
  // biome-ignore lint/suspicious/noConsole: the bench waits for it.
  console.debug('first row')
}).observe(document, { childList: true, subtree: true })

let last = performance.now()
function noteFrame(now) {
  notes.frames.push(now - last)
  last = now
  requestAnimationFrame(noteFrame)
}
requestAnimationFrame(noteFrame)

function takeNotes() {
  const taken = notes
  notes = { ...taken, frames: [] }
  return taken
}
globalThis.takeNotes = takeNotes
