import { Dialog } from '../ui/dialog.tsx'
import { useStore } from '../ui/store.ts'
import { hasSingleKeys, IS_MAC } from '../ui/use-keys.ts'
import { useWords } from '../words/words.ts'
import css from './keys-help.module.css'

const MOD = IS_MAC ? '⌘' : 'Ctrl'
const KEYS = [
  [['?'], 'help'],
  [['/'], 'search'],
  [['n'], 'create'],
  [['↑', '↓', 'Enter'], 'list'],
  [[MOD, 'S'], 'save'],
  [[MOD, 'F'], 'find'],
  [[MOD, 'Space'], 'complete'],
  [[MOD, 'Z'], 'undo'],
  [['Tab'], 'leave'],
  [['Esc'], 'escape'],
] as const

export function KeysHelp({ onClose }: { onClose(): void }) {
  const words = useWords()
  const isOn = useStore(hasSingleKeys)
  return (
    <Dialog title={words.keys.title} onClose={onClose}>
      <dl className={css.list}>
        {KEYS.flatMap(([keys, meaning]) => [
          <dt key={meaning}>
            {keys.map((key) => (
              <kbd key={key}>{key}</kbd>
            ))}
          </dt>,
          <dd key={`${meaning}-text`}>{words.keys.meanings[meaning]}</dd>,
        ])}
      </dl>
      <label className={css.switch}>
        <input type="checkbox" checked={isOn} onChange={() => hasSingleKeys.set(!isOn)} />
        {words.keys.single}
      </label>
    </Dialog>
  )
}
