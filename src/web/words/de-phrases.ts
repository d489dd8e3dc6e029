/**
 * What the server says to users, by its English sentences; `$` stands for what varies, `$1`, `$2`, … for the same in
 * German. What ends without a period is a part of a sentence. Of several that fit, the first counts; what is not here is
 * shown in English.
 */
export const phrases: Record<string, string> = {
  // Texts
  'The tag is never closed; write \\{{ for literal braces.':
    'Der Platzhalter wird nie geschlossen; für geschweifte Klammern selbst schreiben Sie \\{{.',
  'Partials are not supported; write \\{{ for literal braces.':
    'Teilvorlagen gibt es nicht; für geschweifte Klammern selbst schreiben Sie \\{{.',
  'Delimiter changes are not supported; write \\{{ for literal braces.':
    'Andere Begrenzer gibt es nicht; für geschweifte Klammern selbst schreiben Sie \\{{.',
  'The tag is empty.': 'Der Platzhalter ist leer.',
  '"$" is not declared.': '„$1“ ist nicht deklariert.',
  '"$" is not a name.': '„$1“ ist kein Name.',
  '{{.}} means the value of a section; it stands outside every section.':
    '{{.}} bedeutet den Wert eines Abschnitts; hier steht es außerhalb.',
  'Section "$" is closed but was never opened.': 'Abschnitt „$1“ wird geschlossen, ohne geöffnet zu sein.',
  'Section "$" is still open.': 'Abschnitt „$1“ ist noch offen.',
  'Section "$" is never closed.': 'Abschnitt „$1“ wird nie geschlossen.',
  'Sections nest deeper than $ levels.': 'Abschnitte sind tiefer als $1 Ebenen verschachtelt.',
  'holds a NUL character.': 'enthält ein NUL-Zeichen.',
  'holds half a character.': 'enthält ein halbes Zeichen.',
  'holds a control character.': 'enthält ein Steuerzeichen.',
  'The rendered prompt is larger than 1 MiB.': 'Der ausgefüllte Prompt ist größer als 1 MiB.',
  'The prompt takes too many steps to render.': 'Das Ausfüllen des Prompts braucht zu viele Schritte.',
  // Values and parameters
  'is required and missing.': 'fehlt und ist Pflicht.',
  'is missing; expected $.': 'fehlt; erwartet wird $1.',
  'expected $, got $.': 'erwartet wird $1, nicht $2.',
  'expected $.': 'erwartet wird $1.',
  'nests deeper than $ levels.': 'ist tiefer als $1 Ebenen verschachtelt.',
  'is too large to be exact as a number; send it as a string.':
    'ist als Zahl zu groß, um genau zu sein; schreiben Sie es als Text.',
  'is too small to be stored.': 'ist zu klein, um gespeichert zu werden.',
  'has an empty name.': 'hat einen leeren Namen.',
  'is not a parameter of this topic.': 'ist kein Parameter dieses Topics.',
  'is a reserved name.': 'ist ein vergebener Name.',
  'has no place in an analysis.': 'gehört nicht in eine Analyse.',
  'is larger than $ bytes.': 'ist größer als $1 Bytes.',
  '"$" is declared twice.': '„$1“ ist zweimal deklariert.',
  '"$" applies to $ parameters only.': '„$1“ gilt nur für Parameter vom Typ $2.',
  'min is greater than max.': 'das Mindeste ist mehr als das Höchste.',
  'is not a $.': 'ist kein Wert vom Typ $1.',
  // What is expected
  '$ that matches $': '$1 nach dem Muster $2',
  '$, $ to $ characters': '$1, $2 bis $3 Zeichen',
  '$, $ to $ items': '$1, $2 bis $3 Einträge',
  '$, $ to $': '$1, $2 bis $3',
  '$, at least $': '$1, mindestens $2',
  '$, at most $': '$1, höchstens $2',
  'at least $': 'mindestens $1',
  'at most $': 'höchstens $1',
  '$ characters': '$1 Zeichen',
  '$ character': '$1 Zeichen',
  '$ items': '$1 Einträge',
  '$ item': '$1 Eintrag',
  'one of $': 'eines von $1',
  'a time like 30m, 12h or 90d': 'eine Dauer wie 30m, 12h oder 90d',
  '1–64 letters, digits, dots, @, _ or -': '1–64 Buchstaben, Ziffern, Punkte, @, _ oder -',
  'a string': 'string',
  'a number': 'number',
  'a boolean': 'boolean',
  'an array': 'array',
  'an object': 'object',
  // What stands in the way of a change
  'There is a topic "$" already.': 'Es gibt schon ein Topic „$1“.',
  'The id "$" belongs to a deleted topic; $.':
    'Die Id „$1“ hat ein gelöschtes Topic; stellen Sie es wieder her.',
  'Topic "$" has a prompt "$" already.': 'Topic „$1“ hat schon einen Prompt „$2“.',
  'Topic "$" is deleted; $.': 'Topic „$1“ ist gelöscht; stellen Sie es erst wieder her.',
  'The prompt is deleted.': 'Der Prompt ist gelöscht.',
  'Topic "$" is at revision $ since $ by $.': 'Topic „$1“ hat inzwischen Revision $2, von $4.',
  'Topic "$" is invalid and must be fixed first: $.':
    'Topic „$1“ ist beschädigt und muss erst repariert werden: $2.',
  'Topic "$" nests deeper than $ levels.': 'Topic „$1“ ist tiefer als $2 Ebenen verschachtelt.',
  'Topic "$" is larger than 256 KiB.': 'Topic „$1“ ist größer als 256 KiB.',
  '$ is larger than $ bytes.': '$1 ist größer als $2 Bytes.',
  'Topics of this type are seeded or imported; $.':
    'Topics dieses Typs werden hier nicht angelegt, sondern importiert.',
  'There is no topic "$".': 'Es gibt kein Topic „$1“.',
  'There is no prompt "$" of topic "$".': 'Topic „$2“ hat keinen Prompt „$1“.',
  'No usable key has the id or name "$".': 'Es gibt keinen gültigen Schlüssel „$1“.',
  // Models
  'No language model is set up.': 'Es ist kein Sprachmodell eingerichtet (PROMPTS_LLM).',
  'Topic "$" names no model.': 'Topic „$1“ nennt kein Modell.',
  'The model gave no answer within $ seconds.': 'Das Modell hat binnen $1 Sekunden nicht geantwortet.',
  'The model gave an empty answer.': 'Das Modell hat leer geantwortet.',
  'The model cannot be reached.': 'Das Modell ist nicht zu erreichen.',
  'The model refuses access.': 'Das Modell verweigert den Zugang.',
  'The model reached its limit of tokens before its answer was whole.':
    'Dem Modell sind die Tokens ausgegangen, bevor die Antwort fertig war.',
  "The model's answer is not valid, and its repair is not either: $.":
    'Die Antwort des Modells ist ungültig, auch nach einem zweiten Versuch: $1.',
}
