// Rules for the page's JavaScript. Nothing is imported: eslint is installed elsewhere.

const BROWSER = [
  "AbortController", "Blob", "Event", "File", "FileReader", "FormData", "Intl", "MediaRecorder", "TextDecoderStream", "TextEncoder",
  "URL", "clearInterval", "clearTimeout", "document", "fetch", "history", "localStorage", "location", "navigator", "performance",
  "sessionStorage", "setInterval", "setTimeout", "window",
];
const TESTS = ["AbortController", "File", "ReadableStream", "TextEncoder", "URL", "fetch", "process", "Buffer"];
const RULES = [
  "array-callback-return", "constructor-super", "eqeqeq", "for-direction", "getter-return", "no-async-promise-executor",
  "no-class-assign", "no-cond-assign", "no-const-assign", "no-constant-binary-expression", "no-constructor-return",
  "no-control-regex", "no-debugger", "no-dupe-args", "no-dupe-class-members", "no-dupe-else-if", "no-dupe-keys",
  "no-duplicate-case", "no-duplicate-imports", "no-empty", "no-empty-pattern", "no-eval", "no-ex-assign",
  "no-fallthrough", "no-func-assign", "no-implied-eval", "no-import-assign", "no-invalid-regexp", "no-loss-of-precision",
  "no-new-func", "no-script-url", "no-self-assign", "no-self-compare", "no-shadow",
  "no-this-before-super", "no-undef", "no-unmodified-loop-condition", "no-unneeded-ternary", "no-unreachable",
  "no-unsafe-finally", "no-unsafe-negation", "no-unsafe-optional-chaining", "no-unused-expressions",
  "no-unused-private-class-members", "no-useless-assignment", "no-useless-backreference",
  "no-useless-escape", "no-useless-rename", "no-var", "object-shorthand", "prefer-const", "prefer-template",
  "use-isnan", "valid-typeof",
];

const rules = Object.fromEntries(RULES.map((rule) => [rule, "error"]));
rules["no-unused-vars"] = ["error", { ignoreRestSiblings: true, varsIgnorePattern: "^_$" }];
const globals = (names) => Object.fromEntries(names.map((name) => [name, "readonly"]));

export default [
  { linterOptions: { reportUnusedDisableDirectives: "error" }, rules },
  { files: ["hailuo/page/js/*.js"], languageOptions: { globals: globals(BROWSER) } },
  { files: ["tests/page/js/*.js"], languageOptions: { globals: { ...globals(TESTS), document: "readonly", globalThis: "readonly" } } },
];
