import { phrases } from './de-phrases.ts'
import { topicWords } from './de-topic.ts'
import type { TimeUnit, Words } from './en.ts'

export const de: Words = {
  ...topicWords,
  phrases,
  skipToContent: 'Zum Inhalt springen',
  navigation: 'Bereiche',
  close: 'Schließen',
  cancel: 'Abbrechen',
  loading: 'Wird geladen …',
  tryAgain: 'Noch einmal versuchen',
  undo: 'Rückgängig',
  copy: 'Kopieren',
  copyNamed: (what) => `${what} kopieren`,
  copied: 'Kopiert.',
  notCopied: 'Dieser Browser erlaubt hier kein Kopieren. Markieren Sie den Text und kopieren Sie ihn.',
  time: {
    now: 'jetzt',
    ago: (count, unit) => `vor ${counted(count, unit)}`,
    in: (count, unit) => `in ${counted(count, unit)}`,
  },
  states: { active: 'Aktiv', inactive: 'Inaktiv', deleted: 'Gelöscht' },
  failures: {
    unknown: (what) => `In dieser Seite ist etwas schiefgegangen: ${what}`,
    byCode: {
      unreachable: 'Der Server antwortet nicht.',
      unauthenticated: 'Sie sind nicht angemeldet.',
      forbidden: 'Das dürfen Sie nicht.',
      rate_limited: 'Zu viele Anfragen. Bitte einen Augenblick warten.',
      unavailable: 'Der Server erreicht seinen Speicher gerade nicht. Nichts wurde geändert.',
    },
  },
  connection: {
    lost: 'Der Server antwortet nicht. Was Sie schreiben, bleibt in diesem Browser erhalten; neuer Versuch läuft …',
  },
  signIn: {
    title: 'Anmelden',
    how: 'Führen Sie dies dort aus, wo der Server läuft, und öffnen Sie dann den Link in diesem Browser:',
    once: 'Der Link gilt einmal, zehn Minuten lang.',
    again: 'Ich habe mich angemeldet',
    issuer: 'Meldet Ihre Organisation Sie an?',
    withAccount: 'Mit dem eigenen Konto anmelden',
    ended:
      'Ihre Sitzung ist beendet. Alles Geschriebene ist noch da. Öffnen Sie in einem anderen Tab einen neuen Link:',
  },
  broken: {
    text: 'Dieser Teil der Seite ließ sich nicht laden. Vielleicht gibt es eine neuere Fassung. Was Sie geschrieben haben, ist noch da.',
    reload: 'Seite neu laden',
  },
  notFound: {
    title: 'Hier ist nichts',
    text: 'Die Adresse ist unvollständig, oder was hier war, wurde entfernt.',
    home: 'Alle Topics',
  },
  settings: {
    title: 'Einstellungen',
    signedInAs: 'Angemeldet als',
    theme: 'Farben',
    themes: { auto: 'Wie das System', light: 'Hell', dark: 'Dunkel' },
    language: 'Sprache',
    signOut: 'Abmelden',
  },
  keys: {
    title: 'Tastenkürzel',
    single: 'Kürzel aus einer einzelnen Taste benutzen',
    meanings: {
      help: 'Diese Liste zeigen',
      search: 'Topics suchen',
      create: 'Neues Topic',
      list: 'Durch die Liste gehen, ein Topic öffnen',
      save: 'Text speichern; er gilt sofort',
      find: 'Im Text suchen und ersetzen',
      complete: 'Variablen vorschlagen',
      undo: 'Im Text rückgängig machen',
      leave: 'Den Text verlassen und weitergehen',
      escape: 'Dialoge, Vorschläge und Suche schließen',
    },
  },
  topics: {
    title: 'Topics',
    search: 'Topics suchen',
    searchHint: 'Id, Name, Beschreibung …',
    type: 'Typ',
    category: 'Kategorie',
    state: 'Zustand',
    prompts: 'Prompts',
    allTypes: 'Alle Typen',
    allCategories: 'Alle Kategorien',
    states: { all: 'Alle Zustände', active: 'Aktiv', inactive: 'Inaktiv', deleted: 'Gelöscht' },
    inTexts: 'auch in Texten',
    group: 'Gruppen',
    groupings: { none: 'Ohne Gruppen', category: 'Nach Kategorie', prefix: 'Nach Id' },
    otherIds: 'Andere Ids',
    columns: { name: 'Name', updated: 'Geändert' },
    count: (shown, all, isComplete) =>
      `${shown === all ? all : `${shown} von ${all}`}${isComplete ? '' : '…'} ${all === 1 ? 'Topic' : 'Topics'}`,
    create: 'Neues Topic',
    none: 'Kein Topic passt.',
    clear: 'Alle Topics zeigen',
    noneYet:
      'Noch keine Topics. Ein Topic enthält die Prompts für eine Aufgabe und sagt, welche Werte sie brauchen.',
    noneDeleted: 'Kein Topic ist gelöscht. Gelöschte bleiben hier und können zurückgeholt werden.',
    revive: 'Zurückholen',
    revived: (name) => `„${name}“ ist wieder da.`,
    deleted: (name) => `„${name}“ ist gelöscht.`,
  },
  create: {
    title: 'Neues KPI-Topic',
    copyTitle: (name) => `Kopie von „${name}“`,
    copyName: (name) => `${name} (Kopie)`,
    name: 'Name',
    id: 'Id',
    idHint: 'Kleinbuchstaben, Ziffern und Unterstriche. Sie ändert sich nie.',
    free: 'Diese Id ist frei. Sie ändert sich nie.',
    idProblems: {
      invalid: 'Nur Kleinbuchstaben, Ziffern und Unterstriche, höchstens 64.',
      taken: 'Ein Topic hat diese Id schon.',
      deleted: 'Ein gelöschtes Topic hat diese Id. Holen Sie es aus der Liste der gelöschten zurück.',
    },
    description: 'Beschreibung',
    submit: 'Topic anlegen',
  },
  difference: 'Unterschied zeigen',
  revision: (revision) => `Revision ${revision}`,
  liveRevision: (revision) => `Gültig, Revision ${revision}`,
  apiKeys: {
    title: 'API-Schlüssel',
    hint: 'Programme holen Prompts mit einem Schlüssel in der Kopfzeile X-Api-Key. Geben Sie jedem seinen eigenen.',
    create: 'Neuer Schlüssel',
    submit: 'Schlüssel anlegen',
    name: 'Name',
    nameHint: 'Das Programm, das ihn benutzen wird: Buchstaben, Ziffern, Punkte, @, _ und -.',
    ttl: 'Läuft ab nach (optional)',
    ttlHint: 'Zum Beispiel 12h oder 90d. Leer: nie.',
    none: 'Noch keine Schlüssel. Ohne einen bekommt kein Programm einen Prompt.',
    once: 'Kopieren Sie den Schlüssel jetzt. Er wird nur dieses eine Mal gezeigt.',
    key: 'den Schlüssel',
    done: 'Fertig',
    created: 'angelegt',
    expires: 'läuft ab',
    isRevoked: 'Widerrufen',
    revoke: 'Widerrufen',
    revokeNamed: (name) => `${name} widerrufen`,
    reallyRevoke: 'Endgültig widerrufen',
    revokeWarning:
      'Programme, die diesen Schlüssel benutzen, werden sofort abgewiesen. Er kommt nicht zurück.',
    revoked: (name) => `„${name}“ ist widerrufen.`,
  },
}

/** One and several, as they follow `vor` and `in`. */
const UNITS: Record<TimeUnit, readonly [string, string]> = {
  minute: ['Minute', 'Minuten'],
  hour: ['Stunde', 'Stunden'],
  day: ['Tag', 'Tagen'],
  month: ['Monat', 'Monaten'],
  year: ['Jahr', 'Jahren'],
}

function counted(count: number, unit: TimeUnit): string {
  return `${count} ${UNITS[unit][count === 1 ? 0 : 1]}`
}
