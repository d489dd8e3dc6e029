// What AWS Lambda starts: a Web Function's entry point takes no arguments, and the program wants its command.
process.argv = [process.argv[0], 'purposepath-prompts', 'serve']
await import('../dist/main.js')
