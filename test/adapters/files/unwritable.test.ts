import { chmod, chown, readFile, rename, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { tempFolder } from '../../helpers/folders.ts'
import { copyPackage } from '../../helpers/package-copy.ts'
import { folderWith } from '../../helpers/source-folder.ts'
import { topicContent } from '../../helpers/topics.ts'

const NOBODY = 65534
const LINKED = 'prompts/t/user.md'

// Root may write everywhere, so the program runs as a user who may not.
test.skipIf(process.getuid?.() !== 0)(
  'an edit is refused if its file is where the program may not write, and all else can be edited',
  async () => {
    const [folder, elsewhere, installed] = await Promise.all([
      folderWith(topicContent('t', { user: 'old', system: 'old' })),
      tempFolder(),
      copyPackage(),
    ])
    await rename(join(folder, LINKED), join(elsewhere, 'user.md'))
    await symlink(join(elsewhere, 'user.md'), join(folder, LINKED))
    for (const path of ['', 'topics', 'prompts', 'prompts/t']) await chown(join(folder, path), NOBODY, NOBODY)
    await chmod(elsewhere, 0o755)
    const run = (...words: string[]) => installed.run(words, { PROMPTS_DATA_DIR: folder }, NOBODY)
    const refused = (path: string) =>
      `Conflict: The file ${path} cannot be replaced: it is, or a link leads, where this program may not write.\n`

    const edited = await run('prompts', 'update', 't', 'user', '--content', 'new')
    expect(edited).toEqual({ code: 5, stdout: '', stderr: refused(LINKED) })
    expect((await run('prompts', 'update', 't', 'system', '--content', 'new')).code).toBe(0)
    expect(await readFile(join(folder, 'prompts/t/system.md'), 'utf8')).toBe('new')

    // The folder itself, as a mount that may only be read.
    await chown(join(folder, 'prompts'), 0, 0)
    const first = ['--topic-id', 'u', '--topic-name', 'U', '--topic-type', 'kpi_system', '--category', 'kpi']
    const created = await run('topics', 'create', ...first, '--prompts', '{"user":"x"}')
    expect(created).toEqual({ code: 5, stdout: '', stderr: refused('prompts/u/user.md') })
  },
)
