import { createStore } from './store.ts'

/** A word on what has just happened, with a way to take it back where there is one. */
export interface Toast {
  id: number
  text: string
  tone: 'done' | 'failed'
  action?: { label: string; run(): void }
}

export const toasts = createStore<readonly Toast[]>([])
let lastId = 0

export function showToast(toast: Omit<Toast, 'id'>): void {
  lastId++
  // Older ones make room: nobody reads four at once.
  toasts.set([...toasts.get().slice(-2), { ...toast, id: lastId }])
}

export function dropToast(id: number): void {
  toasts.set(toasts.get().filter((toast) => toast.id !== id))
}
