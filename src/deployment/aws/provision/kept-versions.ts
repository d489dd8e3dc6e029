/** The lifecycle rule of the bucket: how long earlier versions of texts are kept, and uploads that never ended. */
export const RULE_ID = 'purposepath-prompts-earlier-versions'
export const KEPT_DAYS = 365
export const UPLOAD_DAYS = 7
